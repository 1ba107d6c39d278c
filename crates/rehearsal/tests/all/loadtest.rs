//! What a load test rests on: when visitors come, when a run is void, and what is kept of their waits.

use std::time::Duration;

use expect_test::{Expect, expect};
use rehearsal::loadtest::arrival::{Arrival, Piece, Profile};
use rehearsal::loadtest::outcome::Class;
use rehearsal::loadtest::plot::plot;
use rehearsal::loadtest::report::{Report, Tried};
use rehearsal::loadtest::tally::{LATE, Second, Starts, Tally, Waits};
use rehearsal::loadtest::target::{NoTarget, Parts};
use rehearsal::loadtest::visitor::{Journey, Mix};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn moments(profile: &Profile, seed: u64) -> Vec<f64> {
    profile.arrivals(seed).map(|arrival| arrival.at.as_secs_f64()).collect()
}

/// How many of these lie in each of so many seconds.
fn counts(moments: &[f64], seconds: usize) -> Vec<f64> {
    let mut counts = vec![0.0; seconds];
    for moment in moments {
        counts[*moment as usize] += 1.0;
    }
    counts
}

fn mean(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len() as f64
}

fn variance(of: &[f64]) -> f64 {
    let mean = mean(of);
    of.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (of.len() - 1) as f64
}

#[test]
fn steady_arrivals_are_those_of_a_poisson_process() {
    let (rate, seconds) = (200.0, 500);
    let moments = moments(&Profile::steady(rate, secs(seconds as u64)), 7);
    assert!(moments.windows(2).all(|pair| pair[0] <= pair[1]), "in order");
    let counts = counts(&moments, seconds);
    // 100,000 are expected; three standard deviations are 950. The variance of counts equals their mean (index of
    // dispersion 1, with a standard deviation of √(2/499) = 0.063 for so many seconds).
    assert!(
        (moments.len() as f64 - rate * seconds as f64).abs() < 950.0,
        "{}",
        moments.len()
    );
    let dispersion = variance(&counts) / mean(&counts);
    assert!((dispersion - 1.0).abs() < 0.19, "{dispersion}");
    // Gaps are exponential: standard deviation as large as the mean, and e⁻¹ of them longer than it.
    let gaps: Vec<f64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let spread = variance(&gaps).sqrt() * rate;
    assert!((spread - 1.0).abs() < 0.015, "{spread}");
    let long = gaps.iter().filter(|gap| **gap > 1.0 / rate).count() as f64 / gaps.len() as f64;
    assert!((long - (-1.0_f64).exp()).abs() < 0.006, "{long}");
    // No gap knows of the one before.
    let (one, other) = (&gaps[..gaps.len() - 1], &gaps[1..]);
    let (m, v) = (mean(&gaps), variance(&gaps));
    let products: Vec<f64> = one.iter().zip(other).map(|(a, b)| (a - m) * (b - m)).collect();
    assert!((mean(&products) / v).abs() < 0.01);
}

#[test]
fn the_same_seed_has_the_same_visitors_and_another_has_others() {
    let profile = Profile::steady(50.0, secs(10));
    let of = |seed| profile.arrivals(seed).collect::<Vec<Arrival>>();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn massachusetts_rises_seventyfold_within_a_minute() {
    let profile = Profile::named("massachusetts-2021", 1.0).unwrap();
    assert_eq!(profile.lasts(), secs(135));
    let counts = counts(&moments(&profile, 3), 135);
    let (quiet, height) = (mean(&counts[..15]), mean(&counts[75..]));
    // 1,000 and 70,000 a minute.
    assert!((quiet - 16.67).abs() < 3.2, "{quiet}");
    assert!((height - 1166.7).abs() < 13.3, "{height}");
    // Half way up at half of the minute: 592 a second; five seconds of it within three standard deviations.
    let half = mean(&counts[43..48]);
    assert!((half - 602.0).abs() < 33.0, "{half}");
    // 250 before, 35,500 on the way up, 70,000 at the height.
    assert!((profile.expected() - 105_750.0).abs() < 1.0, "{}", profile.expected());

    let tenth = Profile::named("massachusetts-2021", 0.1).unwrap();
    assert!((tenth.expected() - 10_575.0).abs() < 1.0 && (tenth.highest() - 116.67).abs() < 0.01);
    assert!(Profile::named("atlantis", 1.0).is_none());
}

#[test]
fn a_profile_ends_earlier_or_goes_on_at_its_last_rate() {
    let piece = |lasts, from, to| Piece { lasts, from, to };
    let profile = Profile::of("hill", vec![piece(secs(10), 0.0, 100.0), piece(secs(10), 100.0, 50.0)]);
    assert_eq!(
        profile.clone().lasting(secs(5)),
        Profile::of("hill", vec![piece(secs(5), 0.0, 50.0)])
    );
    assert_eq!(profile.clone().lasting(secs(20)), profile);
    let longer = profile.lasting(secs(30));
    assert_eq!(longer.lasts(), secs(30));
    assert!((longer.expected() - 1750.0).abs() < 1e-6, "{}", longer.expected());
    // Nobody comes at a rate of nothing, and the time passes all the same.
    let pause = Profile::of("pause", vec![piece(secs(5), 0.0, 0.0), piece(secs(5), 100.0, 100.0)]);
    assert!(moments(&pause, 1).iter().all(|moment| *moment >= 5.0));
    assert!(moments(&Profile::steady(0.0, secs(5)), 1).is_empty());
}

#[track_caller]
fn void(starts: &Starts, expected: &Expect) {
    expected.assert_eq(&starts.void().unwrap_or_else(|| "-".to_owned()));
}

#[test]
fn a_run_is_void_beyond_one_late_start_of_a_hundred() {
    let starts = |late| Starts {
        due: 1000,
        begun: 1000,
        late,
        ..Starts::default()
    };
    void(&starts(0), &expect!["-"]);
    void(&starts(10), &expect!["-"]);
    void(
        &starts(11),
        &expect![
            "1.1 % of the visits began more than 10 ms late (allowed: 1 %): this machine is too busy to send them"
        ],
    );
    void(&Starts::default(), &expect!["nobody came"]);
    // A cap that was reached tells of a slow site; sockets that ran out only tell of this machine.
    let dropped = |at_cap, without_socket| Starts {
        due: 1000,
        begun: 1000 - at_cap,
        dropped_at_cap: at_cap,
        dropped_without_socket: without_socket,
        ..Starts::default()
    };
    void(&dropped(500, 0), &expect!["-"]);
    void(&dropped(0, 10), &expect!["-"]);
    void(
        &dropped(0, 11),
        &expect!["11 visits found no socket on this machine: raise its file limit, or its range of ports"],
    );
}

#[test]
fn a_start_is_late_beyond_ten_milliseconds_and_not_at_them() {
    let mut tally = Tally::new(secs(10));
    for late_by in [Duration::ZERO, LATE, LATE + Duration::from_micros(1), ms(80)] {
        tally.due(Duration::ZERO);
        tally.begun(late_by);
    }
    assert_eq!((tally.starts.late, tally.starts.begun), (2, 4));
    assert!((tally.starts.latest_ms - 80.0).abs() < 1e-9);
}

#[test]
fn a_histogram_keeps_every_wait_to_the_thousandth() {
    let mut waits = Waits::default();
    for wait in 1..=10_000 {
        waits.add(Duration::from_micros(wait * 100)); // 0.1 ms … 1 s, evenly
    }
    for (share, exact) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (0.999, 999.0)] {
        let told = waits.quantile_ms(share);
        assert!((told / exact - 1.0).abs() < 0.001, "{share}: {told} for {exact}");
    }
    assert!((waits.max_ms() / 1000.0 - 1.0).abs() < 0.001);
    assert_eq!(waits.steps().iter().map(|(_, count)| count).sum::<u64>(), 10_000);
    // Longer than anybody waits is kept as the longest, not lost.
    waits.add(secs(100_000));
    assert_eq!(waits.count(), 10_001);
    assert!((waits.max_ms() / 600_000.0 - 1.0).abs() < 0.001, "{}", waits.max_ms());
}

#[test]
fn histograms_are_merged_whole() {
    let (mut fast, mut slow) = (Waits::default(), Waits::default());
    for _ in 0..990 {
        fast.add(ms(1));
    }
    for _ in 0..10 {
        slow.add(ms(1000));
    }
    let mean_of_p99s = f64::midpoint(fast.quantile_ms(0.995), slow.quantile_ms(0.995));
    fast.merge(&slow);
    assert!((fast.quantile_ms(0.99) - 1.0).abs() < 0.01);
    assert!((fast.quantile_ms(0.995) - 1000.0).abs() < 1.0 && mean_of_p99s < 501.0);
}

#[test]
fn who_could_not_begin_waited_until_they_gave_up() {
    let mut tally = Tally::new(secs(10));
    for second in 0..90 {
        tally.due(secs(second));
        tally.begun(Duration::ZERO);
        tally.visit(secs(second), Class::Ok, ms(5));
    }
    for second in 0..10 {
        tally.due(secs(second));
        tally.dropped_at_cap(secs(second));
    }
    assert_eq!(
        (tally.starts.due, tally.starts.dropped(), tally.served()),
        (100, 10, 90)
    );
    assert!((tally.whole.quantile_ms(0.99) / 10_000.0 - 1.0).abs() < 0.001);
    let first = Second {
        due: 2,
        dropped: 1,
        ok: 1,
        ..Second::default()
    };
    assert_eq!((tally.seconds[0], tally.seconds.len()), (first, 90));
}

#[test]
fn a_refusal_is_served_and_a_fault_is_not() {
    let problem = |code: &str| format!(r#"{{"code":"{code}","status":1}}"#).into_bytes();
    let check = |status, body: &[u8], expected: &str, served| {
        let class = Class::of(status, body);
        let said = format!("{} {}", class.name(), class.code().unwrap_or("-"));
        assert_eq!((said.as_str(), class.is_served()), (expected, served));
    };
    check(200, b"anything", "ok -", true);
    check(303, b"", "ok -", true);
    check(409, &problem("slot-full"), "refused slot-full", true);
    check(404, b"<html>", "refused 404", true);
    check(429, &problem("waiting-room"), "sent-away waiting-room", false);
    check(503, &problem("busy"), "fault busy", false);
    check(503, b"<html>We are down", "fault 503", false);
    check(503, &problem("Ada Okafor"), "fault 503", false); // no code: it could be anything
    check(500, &problem("bug"), "error status-500", false);
    check(502, b"Bad Gateway", "error status-502", false);
}

#[test]
fn a_site_that_invents_codes_does_not_fill_the_memory() {
    let mut tally = Tally::new(secs(10));
    for number in 0..1000 {
        tally.request("page", Class::Fault(format!("code-{number}")), ms(1));
    }
    let others = &tally.requests[&("page", Class::Fault("others".to_owned()))];
    assert!(
        tally.requests.len() <= 65 && others.count() >= 900,
        "{}",
        tally.requests.len()
    );
}

#[test]
fn a_mix_is_weights_of_journeys() {
    let mix = Mix::parse("page=3, refresh=0,book=1").unwrap();
    let books = (0..4000).filter(|luck| mix.journey(*luck) == Journey::Book).count();
    let pages = (0..4000).filter(|luck| mix.journey(*luck) == Journey::Page).count();
    assert_eq!((books, pages), (1000, 3000));
    assert_eq!(mix.to_string(), "page=3,refresh=0,book=1");
    assert_eq!(Mix::parse(&Mix::scarce().to_string()), Ok(Mix::scarce()));
    assert!(mix.needs_clinics() && !Mix::parse("page=1,book=0").unwrap().needs_clinics());
    for wrong in ["", "page", "page=-1", "page=0", "pages=1", "page=1,"] {
        let said = Mix::parse(wrong).unwrap_err();
        assert!(said.contains("page, refresh, book"), "{wrong}: {said}");
    }
}

#[track_caller]
fn aimed(url: &str, address: &str, owned: Option<&str>, expected: &str) {
    let allowed = Parts::of(url).and_then(|parts| {
        parts.allowed(&[address.parse().expect("an address")], owned)?;
        Ok(format!(
            "{} {} {} {}",
            parts.host, parts.port, parts.authority, parts.path
        ))
    });
    assert_eq!(allowed.unwrap_or_else(|error: NoTarget| error.to_string()), expected);
}

#[test]
fn it_aims_at_this_machine_alone_unless_the_site_is_named_as_ones_own() {
    let here = |url, address, expected| aimed(url, address, None, expected);
    here(
        "http://127.0.0.1:8080",
        "127.0.0.1:8080",
        "127.0.0.1 8080 127.0.0.1:8080 /",
    );
    here(
        "http://localhost/a?b=1",
        "127.0.0.1:80",
        "localhost 80 localhost /a?b=1",
    );
    here("http://[::1]:81/", "[::1]:81", "::1 81 [::1]:81 /");
    here("http://mapped", "[::ffff:127.0.0.1]:80", "mapped 80 mapped /");
    let not_ours = "vax.example.org is 192.0.2.7:80, not this machine: a load test takes a site down for everybody. \
                    If it is yours, and whoever looks after it knows, say --i-own-this-site vax.example.org";
    let elsewhere = |owned, expected| aimed("http://vax.example.org", "192.0.2.7:80", owned, expected);
    elsewhere(None, not_ours);
    elsewhere(Some("example.org"), not_ours);
    elsewhere(Some("vax.example.org"), "vax.example.org 80 vax.example.org /");
    let not_plain = "https://localhost: only http; aim at the listener behind TLS, whose cost is not ours to measure";
    here("https://localhost", "127.0.0.1:443", not_plain);
    let no_url = "127.0.0.1:8080: expected a URL such as http://127.0.0.1:8080";
    here("127.0.0.1:8080", "127.0.0.1:8080", no_url);
    assert!(Parts::of("http://ada:secret@localhost").is_err());
}

#[test]
fn the_plot_shows_what_was_due_and_what_was_served() {
    let due = [10, 10, 10, 10, 10, 10, 10, 10];
    let served = [10, 10, 0, 0, 30, 10, 5, 0];
    expect![[r"
        A second: █ visits served, ─ visits due (▓ where more were served than were due)
              30 │    █
                 │    █
                 │    █
                 │    █
                 │    █
              15 │    █
                 │▃▃──▓▃──
                 │██  ██
                 │██  ██▅
                 │██  ███
               0 └────────
                  0    8 s
    "]]
    .assert_eq(&plot(&due, &served));
    assert_eq!(plot(&[], &[]), "");
    let long = plot(&[100; 1000], &[50; 1000]);
    assert!(long.lines().all(|line| line.chars().count() <= 80), "{long}");
}

#[test]
fn a_report_is_a_table_for_people_and_one_object_for_programs() {
    let mut tally = Tally::new(secs(10));
    for number in 0..100 {
        let at = ms(number * 20);
        tally.due(at);
        tally.begun(ms(u64::from(number >= 98) * 50));
        let class = if number < 90 {
            Class::Ok
        } else {
            Class::Refused("slot-full".to_owned())
        };
        tally.request("find", Class::Ok, ms(2));
        tally.request("hold", class.clone(), ms(4));
        tally.visit(at, class, ms(6));
    }
    let tried = Tried {
        url: "http://127.0.0.1:8080".to_owned(),
        profile: "steady".to_owned(),
        highest_rate: 50.0,
        for_s: 2.0,
        mix: "book=1".to_owned(),
        seed: 1,
        patience_s: 10.0,
        at_once: 100,
    };
    let report = Report::of(tried, &tally, secs(2));
    assert_eq!((report.served, report.unfinished), (100, 0));
    let table: Vec<String> = report
        .to_string()
        .lines()
        .skip(2)
        .take(8)
        .map(ToOwned::to_owned)
        .collect();
    expect![[r"
        WHAT     ENDED                           COUNT    p50 ms       p90       p99     p99.9       max
        visit    all                               100      6.00      6.00      6.00      6.00      6.00
        visit    ok                                 90      6.00      6.00      6.00      6.00      6.00
        visit    refused slot-full                  10      6.00      6.00      6.00      6.00      6.00
        find     all                               100      2.00      2.00      2.00      2.00      2.00
        find     ok                                100      2.00      2.00      2.00      2.00      2.00
        hold     all                               100      4.00      4.00      4.00      4.00      4.00
        hold     ok                                 90      4.00      4.00      4.00      4.00      4.00"]]
    .assert_eq(&table.join("\n"));
    assert!(
        report
            .to_string()
            .contains("\nVOID: 2.0 % of the visits began more than 10 ms late")
    );

    let object: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(object["event"], "loadtest");
    assert!(object["void"].is_string() && object["seed"] == 1 && object["starts"]["due"] == 100);
    assert_eq!(object["rows"][2]["code"], "slot-full");
    assert_eq!(object["rows"][0]["waits_us"][0][1], 100, "{}", object["rows"][0]);
    let refused: u64 = object["seconds"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|second| second["refused"].as_u64())
        .sum();
    assert_eq!(refused, 10);
    let short: serde_json::Value = serde_json::from_str(&report.short().json()).unwrap();
    assert!(short["rows"][0].get("waits_us").is_none());
}
