//! Every server killed, then every server stopped (SIGSTOP): from that instant on each new visitor gets a whole page that
//! says so, or a problem, within the time that is promised; and when the servers are back so is the site.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::visitor::{Visit, Visited};
use super::{BACK_WITHIN, Stage, percentile, pids, signal, until_seen_ready, until_there};
use crate::site::Site;
use crate::suite::Tally;

/// How long visitors come, one after the other in this pause.
const COME_FOR: Duration = Duration::from_millis(2_500);
const PAUSE: Duration = Duration::from_millis(8);
/// What is promised is 10 ms and a second; a machine that runs tests is laden.
const REFUSED_WITHIN: Duration = Duration::from_millis(500);
const SILENT_WITHIN: Duration = Duration::from_millis(1_500);

/// What a hot page may be old when it is given again (its `max-age` and `stale-while-revalidate`), and a list for programs
/// (`stale-if-error`), each with a second for rounding.
const PAGE_KEPT_S: u64 = 3;
const LIST_KEPT_S: u64 = 62;

/// See the head of this file.
pub fn run(stage: &Stage, site: &Site) -> Result<Tally> {
    // What the gateway has looked up by now is shown; so is that it may have changed since.
    let known = stage.runtime.block_on(site.client().json("/api/v1/clinics?limit=1"))?;
    let known = known["clinics"][0]["name"].as_str().context("a clinic")?.to_owned();
    killed(stage, site, &known)?;
    silent(stage, site, &known)?;
    Ok(Tally::passed(4))
}

fn killed(stage: &Stage, site: &Site, known: &str) -> Result<()> {
    let (supervisor, gone) = (site.supervisor()?, pids(site, "server")?);
    // So that nobody starts them again while we look.
    signal(supervisor, Signal::SIGSTOP)?;
    for server in &gone {
        signal(*server, Signal::SIGKILL)?;
    }
    let visits = stage.runtime.block_on(visits(&site.address()));
    signal(supervisor, Signal::SIGCONT)?;
    judged("all servers killed", visits, known, REFUSED_WITHIN)?;
    until_there(site, "server", 2, &gone)?;
    back(stage, site)
}

fn silent(stage: &Stage, site: &Site, known: &str) -> Result<()> {
    let servers = pids(site, "server")?;
    for server in &servers {
        signal(*server, Signal::SIGSTOP)?;
    }
    let visits = stage.runtime.block_on(visits(&site.address()));
    for server in &servers {
        let _ = signal(*server, Signal::SIGCONT); // one that was given up meanwhile is gone
    }
    judged("all servers silent", visits, known, SILENT_WITHIN)?;
    back(stage, site)
}

fn back(stage: &Stage, site: &Site) -> Result<()> {
    until_seen_ready(stage, site, 2)?;
    stage.runtime.block_on(site.until_ready(BACK_WITHIN))?;
    let visit = stage.runtime.block_on(Visit::get(&site.address(), "GET /").go());
    ensure!(
        visit.status() == 200,
        "the servers are back, and a visitor sees {visit:?}"
    );
    Ok(())
}

/// People in two languages, a form without a key, and programs.
async fn visits(at: &str) -> Vec<(Visit, Visited)> {
    let of = |what, headers, body| Visit {
        headers,
        body,
        ..Visit::get(at, what)
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let keyed = "Content-Type: application/json\r\nIdempotency-Key: a-visitor-in-an-outage\r\n";
    let kinds = [
        of("GET /", "", ""),
        of("GET /clinics?near=02108", "Accept-Language: es-PR,es;q=0.9\r\n", ""),
        of("GET /api/v1/clinics", "Accept: application/json\r\n", ""),
        of("POST /code", form, "code=7KXM-2QRD-9J"),
        of(
            "POST /api/v1/holds",
            keyed,
            "{\"slot\":\"slt-00000000000000000000000000\"}",
        ),
    ];
    let (until, mut going) = (Instant::now() + COME_FOR, Vec::new());
    for kind in kinds.iter().cycle() {
        if Instant::now() > until {
            break;
        }
        let visit = kind.clone();
        going.push(tokio::spawn(async move {
            let visited = visit.go().await;
            (visit, visited)
        }));
        tokio::time::sleep(PAUSE).await;
    }
    let mut visits = Vec::new();
    for one in going {
        visits.extend(one.await);
    }
    visits
}

fn judged(what: &str, visits: Vec<(Visit, Visited)>, known: &str, within: Duration) -> Result<()> {
    let count = visits.len();
    ensure!(count > 50, "only {count} visitors came");
    let mut times = Vec::new();
    let mut sent_away = 0;
    for (visit, visited) in visits {
        sent_away += usize::from(visited.status() == 503);
        is_whole(&visit, &visited, known).with_context(|| format!("{what}: {}: {visited:?}", visit.what))?;
        times.push(visited.took);
    }
    ensure!(
        sent_away * 2 > count,
        "only {sent_away} of {count} visitors were told that nobody answers"
    );
    let (first, worst) = (times[0], times.iter().max().copied().unwrap_or_default());
    println!(
        "  {what}: {count} new visitors, all told: the first after {:.0} ms, half within {:.1} ms, all within {:.0} ms",
        first.as_secs_f64() * 1e3,
        percentile(&mut times, 50).as_secs_f64() * 1e3,
        worst.as_secs_f64() * 1e3
    );
    ensure!(
        worst <= within,
        "{what}: a visitor waited for {worst:?}, promised are {within:?}"
    );
    Ok(())
}

/// How old what was asked for is, where the gateway gave it again with its age.
fn kept_for(visit: &Visit, status: u16, head: &str) -> Option<u64> {
    let (_, after) = head
        .split_once("\r\nage: ")
        .filter(|_| status == 200 && visit.what.starts_with("GET"))?;
    after.split("\r\n").next()?.parse().ok()
}

/// Just what was asked for with its age, or 503, when to come again, and a whole page with what was known; for a program a whole problem.
fn is_whole(visit: &Visit, visited: &Visited, known: &str) -> Result<()> {
    let came = visited.came.as_ref().ok().context("no answer")?;
    if let Some(age) = kept_for(visit, came.status, &came.head) {
        let most = if visit.what.contains(" /api/") {
            LIST_KEPT_S
        } else {
            PAGE_KEPT_S
        };
        ensure!(age <= most, "what was asked for, as it was {age} s ago");
        return Ok(());
    }
    ensure!(
        came.status == 503 && came.head.contains("\r\nretry-after: "),
        "not a 503 with Retry-After"
    );
    if visit.what.contains(" /api/") {
        let problem: serde_json::Value = serde_json::from_str(&came.body).context("not a whole problem")?;
        // A keyed request that had reached a silent server may have been done.
        let code = problem["code"].as_str().unwrap_or_default();
        ensure!(
            code == "unreachable" || (visit.what.starts_with("POST") && code == "outcome-unknown"),
            "its code"
        );
        return Ok(());
    }
    ensure!(came.body.trim_end().ends_with("</html>"), "not a whole page");
    let language = if visit.headers.contains("es-PR") {
        "lang=\"es\""
    } else {
        "lang=\"en\""
    };
    ensure!(came.body.contains(language), "not in {language}");
    ensure!(
        came.body.contains(&known.replace('&', "&amp;").replace('\'', "&#39;")) || came.body.contains(known),
        "without {known}"
    );
    Ok(())
}
