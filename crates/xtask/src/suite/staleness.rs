//! How soon what was booked at one server shows at the others, while people book: three servers on one PostgreSQL with a
//! synchronous standby, one of the others finding from the primary and one from the standby. For the soak.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rehearsal::client::{Ask, Client};
use rehearsal::crowd::Crowd;
use rehearsal::{look, request};
use runtime::entropy::Entropy;

use super::{Tally, runtime};
use crate::postgres::Postgres;
use crate::site::{Site, Start};
use crate::traveller::{self, Time, fresh_key};
use crate::{Checkout, history, port};

/// How long it is measured.
const LASTS: Duration = Duration::from_mins(1);
/// Clients at each of two servers.
const CLIENTS_EACH: usize = 16;
/// Between two looks for the same thing.
const LOOKS_EVERY: Duration = Duration::from_millis(4);
/// Promised of 99 in 100 (DESIGN §10).
const PROMISED: Duration = Duration::from_secs(1);
/// Longest that one may take at all.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(20);
/// Fewer say nothing.
const LEAST: usize = 200;

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<(Tally, String)> {
    let scratch = checkout.scratch("staleness")?;
    let mut postgres = Postgres::start(&std::env::temp_dir(), &[])?;
    let url = postgres.database("evenkeel")?;
    postgres.add_standby()?;
    let replica = postgres.standby_url("evenkeel").context("the standby")?;
    let (binary, data) = (checkout.binary(), scratch.join("data"));
    let ports = [port::free()?, port::free()?, port::free()?];
    let start = |name: &str, port: u16| {
        let start = Start::new(&binary, &data).server(port).arg("--name").arg(name);
        start.arg("--database").arg(&url)
    };
    let sites = [
        start("a", ports[0]).arg("--demo").up()?,
        start("b", ports[1]).up()?,
        start("c", ports[2]).arg("--read-replica").arg(&replica).up()?,
    ];
    let [a, b, c] = ports.map(|port| Client::new(&format!("http://127.0.0.1:{port}")));
    let runtime = runtime()?;
    let (times, own) = runtime.block_on(traveller::split_times(&a, 60))?;
    let ledger = history::ledger(&scratch)?;
    let crowds = [ports[0], ports[1]].map(|port| {
        let url = format!("http://127.0.0.1:{port}");
        Crowd::new(&url, times.clone(), Arc::clone(&ledger), Entropy::real())
    });
    runtime.block_on(crowds[0].look_at_times());
    let clients = crowds.map(|crowd| runtime.spawn(crowd.visit(CLIENTS_EACH, LASTS)));
    let until = Instant::now() + LASTS;
    // Each holds times that the other does not.
    let (of_b, of_c) = own.split_at(own.len() / 2);
    let (from_primary, from_standby) =
        runtime.block_on(async { tokio::join!(lags(&a, &b, of_b, until), lags(&a, &c, of_c, until)) });
    for clients in clients {
        runtime.block_on(clients)?;
    }
    let booked = ledger.acknowledged().len();
    sites.into_iter().try_for_each(ended)?;
    let rows = [("the primary", from_primary?), ("the standby", from_standby?)];
    let mut said = format!(
        "{booked} appointments by {} clients in {} s.\n\n| finds from | n | median | 99 % | longest |\n|---|---|---|---|---|\n",
        2 * CLIENTS_EACH,
        LASTS.as_secs()
    );
    for (from, lags) in &rows {
        let [median, most, longest] =
            [lags.len() / 2, lags.len() * 99 / 100, lags.len() - 1].map(|n| lags[n].as_millis());
        let _ = writeln!(
            said,
            "| {from} | {} | {median} ms | {most} ms | {longest} ms |",
            lags.len()
        ); // writing to a text cannot fail
        ensure!(lags.len() >= LEAST, "only {} were measured", lags.len());
        ensure!(lags[lags.len() * 99 / 100] < PROMISED, "{from}: {most} ms");
    }
    println!("{said}");
    Ok((Tally::passed(rows.len()), said))
}

fn ended(site: Site) -> Result<()> {
    ensure!(site.stop()?.success(), "a server did not stop cleanly");
    Ok(())
}

/// Holds times at one server and gives them back; how long each takes to show at the other, sorted.
async fn lags(here: &Client, there: &Client, times: &[Time], until: Instant) -> Result<Vec<Duration>> {
    let mut lags = Vec::new();
    for time in times.iter().cycle() {
        if Instant::now() > until {
            break;
        }
        let free = shown(there, time).await?;
        let held = here
            .ask(&request::hold(&time.slot, &fresh_key("lag")), 201)
            .await?
            .json();
        lags.push(until_shown(there, time, free - 1).await?);
        here.send(&request::give_back(&held)).await?;
        lags.push(until_shown(there, time, free).await?);
    }
    lags.sort_unstable();
    Ok(lags)
}

/// Since the answer was there.
async fn until_shown(client: &Client, time: &Time, free: u64) -> Result<Duration> {
    let began = Instant::now();
    while shown(client, time).await? != free {
        ensure!(began.elapsed() < GIVEN_UP_AFTER, "it never shows");
        tokio::time::sleep(LOOKS_EVERY).await;
    }
    Ok(began.elapsed())
}

async fn shown(client: &Client, time: &Time) -> Result<u64> {
    let said = client.ask(&Ask::get(look::times_of(&time.clinic)), 200).await?.json();
    let slots = said["slots"].as_array().context("a list of slots")?;
    let slot = slots.iter().find(|slot| slot["id"] == *time.slot).context("the slot")?;
    slot["free"].as_u64().context("a number of free places")
}
