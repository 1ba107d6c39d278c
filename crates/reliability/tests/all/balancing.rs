//! Who gets a request: tables of who is drawn from and of ejection, and properties that must hold for any set of servers.

use std::time::Duration;

use proptest::prelude::*;
use reliability::overload::balancing::{Candidate, Ejection, EjectionRule, Health, choose, cost, share};

const WELL: Candidate = Candidate {
    health: Health::Ready,
    ejected: false,
    is_near: true,
    pending: 0,
    cost_us: 1000,
    share: 1000,
};

#[test]
fn of_two_the_one_with_less_to_do() {
    let busy = Candidate { pending: 9, ..WELL };
    let slow = Candidate {
        cost_us: 10_000,
        ..WELL
    };
    let cold = Candidate { share: 100, ..WELL };
    for worse in [busy, slow, cold] {
        for draw in 0..4 {
            assert_eq!(choose(&[worse, WELL], &[], (draw, 0)), Some(1), "{worse:?}");
        }
    }
}

#[test]
fn who_is_drawn_from() {
    let of = |health, ejected, is_near| Candidate {
        health,
        ejected,
        is_near,
        ..WELL
    };
    let table = [
        // A refused one is not asked while another is ready.
        (vec![of(Health::Refused, false, true), WELL], vec![], Some(1)),
        // Ejected, but the last: it is used.
        (
            vec![of(Health::Refused, false, true), of(Health::Ready, true, true)],
            vec![],
            Some(1),
        ),
        // Nobody ready: one that says what fails is better than one that is silent.
        (
            vec![of(Health::Silent, false, true), of(Health::Unready, false, true)],
            vec![],
            Some(1),
        ),
        // Panic: nobody answers, so everybody is tried.
        (vec![of(Health::Silent, false, true)], vec![], Some(0)),
        // The near zone first, the far one when the near is gone.
        (vec![WELL, of(Health::Ready, false, false)], vec![], Some(0)),
        (
            vec![of(Health::Refused, false, true), of(Health::Ready, false, false)],
            vec![],
            Some(1),
        ),
        // Never twice.
        (vec![WELL, of(Health::Refused, false, true)], vec![0], Some(1)),
        (vec![WELL], vec![0], None),
        (vec![], vec![], None),
    ];
    for (all, tried, wanted) in table {
        for draw in [(0, 0), (1, 1), (7, 3)] {
            assert_eq!(choose(&all, &tried, draw), wanted, "{all:?} {tried:?}");
        }
    }
}

#[test]
fn ejected_after_five_longer_each_time_and_back() {
    let rule = EjectionRule {
        failures: 5,
        span: Duration::from_secs(5),
        longest: Duration::from_secs(12),
    };
    let (mut one, s) = (Ejection::default(), Duration::from_secs);
    for _ in 0..4 {
        assert!(!one.failed(s(0), &rule));
    }
    one.succeeded(s(0));
    for at in 0..5 {
        assert_eq!(one.failed(s(1), &rule), at == 4);
    }
    assert!(one.is_out(s(5)) && !one.is_out(s(6)));
    for at in 0..5 {
        assert_eq!(one.failed(s(6), &rule), at == 4);
    }
    assert!(one.is_out(s(15)) && !one.is_out(s(16)));
    one.succeeded(s(16));
    assert_eq!(one, Ejection::default());
}

proptest! {
    #[test]
    fn somebody_untried_is_always_found(
        healths in prop::collection::vec((0..4u8, any::<bool>(), any::<bool>(), 0..50u64), 1..6),
        tried in prop::collection::vec(0..6usize, 0..6),
        draw in any::<(u64, u64)>(),
    ) {
        let all: Vec<Candidate> = healths.iter().map(|(health, ejected, is_near, pending)| Candidate {
            health: [Health::Ready, Health::Unready, Health::Silent, Health::Refused][usize::from(*health)],
            ejected: *ejected, is_near: *is_near, pending: *pending, ..WELL
        }).collect();
        let chosen = choose(&all, &tried, draw);
        let left = (0..all.len()).filter(|at| !tried.contains(at)).count();
        prop_assert_eq!(chosen.is_some(), left > 0);
        prop_assert!(chosen.is_none_or(|at| !tried.contains(&at)));
        // One that answers is preferred to one that does not.
        let answers = |at: &usize| all[*at].health.answers();
        if (0..all.len()).filter(|at| !tried.contains(at)).any(|at| answers(&at)) {
            prop_assert!(chosen.is_some_and(|at| answers(&at)));
        }
    }

    #[test]
    fn a_cost_jumps_up_and_comes_down(before in 1..1_000_000u64, took in 1..1_000_000u64) {
        let now = cost(before, took);
        prop_assert!(now >= took && now <= before.max(took));
        prop_assert!(took >= before || now < before);
    }

    #[test]
    fn a_share_grows(ms in 0..60_000u64) {
        let window = Duration::from_secs(10);
        let now = share(Duration::from_millis(ms), window);
        prop_assert!((100..=1000).contains(&now));
        prop_assert!(now <= share(Duration::from_millis(ms + 1), window));
    }
}
