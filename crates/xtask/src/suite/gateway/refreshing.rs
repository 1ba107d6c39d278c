//! A crowd loads the first page again and again: all are served, and the servers hardly notice. A crowd that opens one form
//! gets as many forms, each with a key of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Stage;
use super::visitor::Visit;
use crate::client::{Ask, Client};
use crate::site::Site;
use crate::suite::Tally;
use crate::traveller;

/// Visitors at once, and how long they come.
const VISITORS: usize = 16;
const LASTS: Duration = Duration::from_secs(3);
/// Requests of a second at most that reach the servers, once the page is hot; and before.
const A_SECOND_MAX: u64 = 5;
const UNTIL_HOT_MAX: u64 = 60;

/// Visitors who open the same form: far more than make a page hot.
const FORMS: usize = 200;

/// See the head of this file.
pub fn run(stage: &Stage, site: &Site) -> Result<Tally> {
    let before = asked(stage, site)?;
    let visit = Visit::get(&site.address(), "GET /");
    let until = Instant::now() + LASTS;
    let visitors: Vec<_> = (0..VISITORS)
        .map(|_| {
            let visit = visit.clone();
            stage.runtime.spawn(async move {
                let mut count = 0_u64;
                while Instant::now() < until {
                    let visited = visit.go().await;
                    ensure!(visited.status() == 200, "{visited:?}");
                    count += 1;
                }
                Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for visitor in visitors {
        count += stage.runtime.block_on(visitor)??;
    }
    let reached = asked(stage, site)?.saturating_sub(before);
    println!(
        "  {count} loads of the first page in {} s: {reached} reached the servers",
        LASTS.as_secs()
    );
    let most = UNTIL_HOT_MAX + A_SECOND_MAX * (LASTS.as_secs() + 1);
    ensure!(count > most * 5, "only {count} loads, which proves nothing");
    ensure!(
        reached <= most,
        "{reached} of {count} reached the servers, at most {most} should"
    );
    let keys = keys(stage, site)?;
    println!("  {FORMS} visitors open one time's form at once: {keys} different keys");
    ensure!(
        keys == FORMS,
        "two visitors have one key: the second would be told what the first one did"
    );
    Ok(Tally::passed(2))
}

/// How many different keys so many visitors find in the form before a time that they all want.
fn keys(stage: &Stage, site: &Site) -> Result<usize> {
    let times = stage
        .runtime
        .block_on(traveller::open_times(&site.client(), "02108", 1))?;
    let path = format!("/times/{}", times.first().context("an open time")?.slot);
    let visitors: Vec<_> = (0..FORMS)
        .map(|_| {
            let (client, path) = (site.client(), path.clone());
            stage
                .runtime
                .spawn(async move { client.ask(&Ask::get(path), 200).await })
        })
        .collect();
    let mut keys = BTreeSet::new();
    for visitor in visitors {
        let page = stage.runtime.block_on(visitor)??.text();
        let (_, after) = page.split_once("name=\"key\"").context("a form with a key")?;
        let value = after.split("value=\"").nth(1).and_then(|value| value.split('"').next());
        keys.insert(value.context("the key's value")?.to_owned());
    }
    Ok(keys.len())
}

/// How often the servers answered the first page.
fn asked(stage: &Stage, site: &Site) -> Result<u64> {
    let now = site.processes()?;
    let servers = now["internal"]["server"]
        .as_array()
        .context("processes.json names no servers")?;
    let mut sum = 0;
    for internal in servers.iter().filter_map(Value::as_str) {
        let metrics = stage
            .runtime
            .block_on(Client::new(internal).ask(&Ask::get("/metrics"), 200))?;
        let text = metrics.text();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("evenkeel_http_requests_total{") && line.contains("route=\"/\""));
        sum += lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<u64>();
    }
    Ok(sum)
}
