//! A server that lives is left alone, however slow; one that is silent is given up.

use std::time::Duration;

use runtime::clock::Clock;
use supervisor::child::Said;
use supervisor::pulse::{GivenUp, Patience, Pulse};

use crate::door::Door;
use crate::folder::until;

/// Short, so that tests are; an answer still has so much time that a busy machine gives it.
const SHORT: Patience = Patience {
    start: Duration::from_secs(1),
    pause: Duration::from_millis(5),
    answer: Duration::from_secs(1),
    misses: 2,
};

fn ready(url: String) -> Said {
    Said::Ready { internal: url }
}

async fn lives(pulse: &mut Pulse<'_>, door: &Door, answers: usize) {
    let before = door.answered();
    tokio::select! {
        why = pulse.given_up() => panic!("{why}"),
        () = until("it was asked often enough", || door.answered() >= before + answers) => {}
    }
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let (clock, door) = (Clock::real(), Door::new());
    door.takes(Duration::from_millis(200));
    let mut pulse = Pulse::new(&clock, SHORT);
    pulse.said(&ready(door.url()));
    lives(&mut pulse, &door, 8).await;
}

#[tokio::test]
async fn misses_count_only_in_a_row() {
    let (clock, door) = (Clock::real(), Door::new());
    let mut pulse = Pulse::new(&clock, SHORT);
    pulse.said(&ready(door.url()));
    door.says(&[503, 200]);
    lives(&mut pulse, &door, 40).await;
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_up_and_its_last_sign_is_known() {
    let (clock, door) = (Clock::real(), Door::new());
    let mut pulse = Pulse::new(&clock, SHORT);
    pulse.said(&ready(door.url()));
    lives(&mut pulse, &door, 3).await;
    door.hangs(true);
    let why = pulse.given_up().await;
    let GivenUp::Silent(silence) = why else { panic!("{why}") };
    assert!(silence >= SHORT.answer * SHORT.misses, "{silence:?}");
    assert!(why.to_string().starts_with("it did not answer for "), "{why}");
    assert!(pulse.heard() + silence <= clock.monotonic());
}

#[tokio::test]
async fn one_that_refuses_or_asks_for_a_restart_is_given_up() {
    let (clock, door) = (Clock::real(), Door::new());
    let mut pulse = Pulse::new(&clock, SHORT);
    pulse.said(&ready("http://127.0.0.1:1".to_owned()));
    assert!(matches!(pulse.given_up().await, GivenUp::Silent(_)));

    door.says(&[503]);
    let mut pulse = Pulse::new(&clock, SHORT);
    pulse.said(&ready(door.url()));
    assert!(matches!(pulse.given_up().await, GivenUp::Unwell(_)));
}

#[tokio::test]
async fn a_start_may_be_long_as_long_as_something_is_heard_of_it() {
    let clock = Clock::real();
    let mut pulse = Pulse::new(&clock, SHORT);
    let progress = Said::Progress {
        what: "clinics".to_owned(),
        done: 1,
        total: 2,
    };
    while clock.monotonic() < SHORT.start * 2 {
        tokio::select! {
            why = pulse.given_up() => panic!("{why}"),
            () = clock.sleep(SHORT.start / 20) => pulse.said(&progress),
        }
    }
    assert!(matches!(pulse.given_up().await, GivenUp::Mute(silence) if silence >= SHORT.start));
}
