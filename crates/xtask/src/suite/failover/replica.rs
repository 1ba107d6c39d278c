//! A second server finds from the standbys: what it shows follows the primary within a second, tells its age, and never
//! goes back behind what it has booked itself; while the standbys stand still the primary is asked instead.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rehearsal::client::{Ask, Client};
use rehearsal::{look, request};
use serde_json::Value;

use super::stage::Stage;
use crate::patroni::NODES;
use crate::port;
use crate::site::{Site, Start};
use crate::suite::fault_words::age_s;
use crate::traveller::{Time, fresh_key};

/// Staleness that is promised.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(1);
/// Until the primary is asked instead: the setting's two seconds, and a look.
const TURNS_WITHIN: Duration = Duration::from_secs(3);
/// Until the replica is found to do again, or for the first time.
const SERVES_WITHIN: Duration = Duration::from_secs(10);
/// How old what is shown may be said to be: the setting's two seconds, and what rounding adds.
const OLDEST_S: i64 = 3;
/// How much later a standby shows what it has, in the end: some looks of the change feed.
const LAG: Duration = Duration::from_millis(300);
/// What is looked for on the primary, so many times.
const TURNS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// See the head of this file.
pub fn finds(stage: &mut Stage) -> Result<()> {
    let server = start(stage)?;
    let tried = stage.runtime.block_on(tried(stage, &server));
    still(stage, false)?;
    ensure!(server.site.stop()?.success(), "the second server did not stop cleanly");
    tried
}

struct Server {
    site: Site,
    client: Client,
    internal: Client,
}

fn start(stage: &Stage) -> Result<Server> {
    let port = port::free()?;
    let urls = ["EVENKEEL_DATABASE", "EVENKEEL_READ_REPLICA"].map(|name| format!("{name}={}", stage.cluster.url()));
    let site = Start::new(&stage.binary, &stage.scratch.join("data"))
        .server(port)
        .arg("--name")
        .arg("finds")
        .under(&["/usr/bin/env", &urls[0], &urls[1]])
        .up()?;
    let internal = site.ready["internal"]
        .as_str()
        .context("it names no internal listener")?;
    Ok(Server {
        client: Client::new(&format!("http://127.0.0.1:{port}")),
        internal: Client::new(internal),
        site,
    })
}

async fn tried(stage: &Stage, server: &Server) -> Result<()> {
    let (first, time) = (stage.site.client(), &stage.spare);
    server.serves(true).await?;
    let (free, _) = shown(&server.client, time).await?;
    let mut holds = vec![hold(&first, time).await?];
    server.until_shown(time, free - 1, FOLLOWS_WITHIN).await?;

    still(stage, true)?;
    holds.push(hold(&server.client, time).await?);
    let until = Instant::now() + TURNS_WITHIN;
    while Instant::now() < until {
        let (now, age) = shown(&server.client, time).await?;
        ensure!(
            now == free - 2,
            "{now} of {free} places are shown as free, one that was just held among them"
        );
        ensure!(age <= OLDEST_S, "what is shown is {age} s old");
    }
    server.serves(false).await?;
    // Again and again: the primary is asked all the time now.
    for _ in 0..TURNS {
        let held = hold(&first, time).await?;
        server.until_shown(time, free - 3, FOLLOWS_WITHIN).await?;
        first.send(&request::give_back(&held)).await?;
        server.until_shown(time, free - 2, FOLLOWS_WITHIN).await?;
    }

    // From now on a little behind for good: the way back must not need a standby that has seen what the primary just showed.
    standbys(stage)?.try_for_each(|node| stage.cluster.lag(node, LAG))?;
    still(stage, false)?;
    server.serves(true).await?;
    standbys(stage)?.try_for_each(|node| stage.cluster.lag(node, Duration::ZERO))?;
    for hold in &holds {
        first.send(&request::give_back(hold)).await?;
    }
    server.until_shown(time, free, FOLLOWS_WITHIN).await
}

fn standbys(stage: &Stage) -> Result<impl Iterator<Item = usize>> {
    let primary = stage.cluster.primary().context("there is no primary")?;
    Ok((0..NODES).filter(move |node| *node != primary))
}

/// Lets the standbys show nothing of what they are sent, or again.
fn still(stage: &Stage, still: bool) -> Result<()> {
    standbys(stage)?
        .into_iter()
        .try_for_each(|node| stage.cluster.show_nothing_new(node, still))
}

async fn hold(client: &Client, time: &Time) -> Result<Value> {
    let answer = client.send(&request::hold(&time.slot, &fresh_key("replica"))).await?;
    ensure!(answer.status == 201, "holding: {}: {}", answer.status, answer.text());
    Ok(answer.json())
}

/// How many places a site shows as free there, and how old that is, in seconds.
async fn shown(client: &Client, time: &Time) -> Result<(u64, i64)> {
    let answer = client.send(&Ask::get(look::times_of(&time.clinic))).await?;
    ensure!(answer.status == 200, "finding: {}: {}", answer.status, answer.text());
    let said = answer.json();
    let slots = said["slots"].as_array().context("a list of slots")?;
    let slot = slots.iter().find(|slot| slot["id"] == *time.slot).context("the slot")?;
    let free = slot["free"].as_u64().context("a number of free places")?;
    Ok((free, age_s(said["as_of"].as_str().unwrap_or_default())?))
}

impl Server {
    async fn until_shown(&self, time: &Time, free: u64, within: Duration) -> Result<()> {
        let began = Instant::now();
        loop {
            let (now, _) = shown(&self.client, time).await?;
            if now == free {
                return Ok(());
            }
            ensure!(
                began.elapsed() < within,
                "{now} places are shown as free after {within:?}, {free} are"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until what is shown comes from the replica, or does not.
    async fn serves(&self, wanted: bool) -> Result<()> {
        let began = Instant::now();
        let (good, bad) = if wanted {
            ("current", "behind")
        } else {
            ("behind", "current")
        };
        loop {
            let before = (self.looks(good).await?, self.looks(bad).await?);
            tokio::time::sleep(FOLLOWS_WITHIN / 2).await;
            let after = (self.looks(good).await?, self.looks(bad).await?);
            if after.0 > before.0 && after.1 == before.1 {
                return Ok(());
            }
            ensure!(
                began.elapsed() < SERVES_WITHIN,
                "the replica is not {good} after {SERVES_WITHIN:?}"
            );
        }
    }

    async fn looks(&self, kind: &str) -> Result<u64> {
        let said = self.internal.send(&Ask::get("/metrics")).await?.text();
        let name = format!("evenkeel_replica_looks_{kind}_total ");
        let line = said.lines().find_map(|line| line.strip_prefix(&name));
        Ok(line.with_context(|| format!("no {name}"))?.trim().parse()?)
    }
}
