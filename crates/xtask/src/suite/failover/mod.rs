//! PostgreSQL of three nodes under Patroni, hurt while people book: the primary's processes killed, its machine paused,
//! its wire cut, its role handed over. Each time nothing acknowledged is lost, nothing happens twice, finding never
//! stops, whoever books is told plainly that it is paused, and the same server process goes on by itself within
//! seconds; in one case after somebody has said who shall follow. Some of the drills run on every change; all of them,
//! several times, in the soak.

mod drills;
mod gap;
mod replica;
mod stage;
mod watch;

use anyhow::{Result, ensure};

use super::Tally;
use crate::Checkout;
use crate::patroni::Cluster;
use drills::{Drill, GATE, LATER};
use gap::{Spread, seconds};
use stage::Stage;

/// How often each drill is repeated in the soak.
const REPEATED: usize = 2;

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let stage = Stage::set(checkout, "failover", Cluster::start(checkout)?)?;
    let (tally, _) = play(stage, GATE.iter().collect(), 1)?;
    Ok(tally)
}

/// Every drill, each several times, with the wires that some of them cut; and a table of how long writes were away.
pub fn lasting(checkout: &Checkout) -> Result<(Tally, String)> {
    let stage = Stage::set(checkout, "failover-soak", Cluster::start_apart(checkout)?)?;
    play(stage, GATE.iter().chain(LATER).collect(), REPEATED)
}

fn play(mut stage: Stage, drills: Vec<&Drill>, times: usize) -> Result<(Tally, String)> {
    let mut tally = Tally::default();
    let mut rows = vec![
        "| drill | n | writes away: min / median / max | at most | said so after the blow, at most | in doubt |"
            .to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for drill in drills {
        let mut seen = Vec::new();
        for _ in 0..times {
            match stage.play(drill) {
                Ok(one) => {
                    println!("  {:<38} {one}", drill.name);
                    seen.push(one);
                    tally.passed += 1;
                }
                Err(error) => {
                    println!("FAILED {}: {error:#}", drill.name);
                    tally.failed += 1;
                }
            }
        }
        let gaps = Spread::of(seen.iter().map(|one| one.away));
        let said = seen.iter().filter_map(|one| one.said_within).max();
        rows.push(format!(
            "| {} | {} of {times} | {} | {} | {} | {} |",
            drill.says,
            seen.len(),
            gaps.map_or_else(|| "–".to_owned(), |gaps| gaps.to_string()),
            seconds(drill.within),
            said.map_or_else(|| "no need".to_owned(), seconds),
            seen.iter().map(|one| one.in_doubt).sum::<usize>(),
        ));
    }
    let judged = stage.end()?;
    tally.passed += judged.passed;
    let said = rows.join("\n") + &format!("\n\n{}\n", judged.said);
    println!("{said}");
    ensure!(tally.passed > 0, "nothing was tried");
    Ok((tally, said))
}
