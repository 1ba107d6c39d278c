//! A jurisdiction moves while people book, without leaving: from a file to PostgreSQL, and from there into another file;
//! a third move is undone. Real processes, one address. Every appointment that was acknowledged is in the new database, a
//! keyed request that was answered before is answered the same after, a link from before opens, and the history of all
//! requests holds. In between, a backup of PostgreSQL comes back into either engine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rehearsal::crowd::Crowd;
use rehearsal::ledger::Ledger;
use runtime::entropy::Entropy;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Tally;
use super::crash::verify;
use crate::client::{Ask, Client};
use crate::postgres::Postgres;
use crate::site::{Site, Start};
use crate::traveller::{self, Time, fresh_key, fresh_resident};
use crate::{Checkout, history};

/// The clients are sent home when all is done; this is the longest that may take.
const LASTS: Duration = Duration::from_mins(2);
/// Clients at once.
const CLIENTS: usize = 16;
/// New appointments that must be acknowledged before a move, and after it, for the test to mean something.
const BETWEEN_MIN: usize = 20;
/// How long that may take.
const BETWEEN_WITHIN: Duration = Duration::from_secs(15);
/// How long the clients may take to learn every outcome.
const RESOLVED_WITHIN: Duration = Duration::from_secs(20);

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("migrate")?;
    let postgres = Postgres::start(&std::env::temp_dir(), &[])?;
    let urls = ["one", "two", "three"].map(|name| postgres.database(name));
    let [one, two, three] = urls;
    let port = crate::port::free()?;
    let tried = Tried {
        binary: checkout.binary(),
        ledger: history::ledger(&scratch)?,
        listen: format!("127.0.0.1:{port}"),
        runtime: super::runtime()?,
        scratch,
    };
    tried.all(&one?, &two?, &three?)
}

struct Tried {
    binary: PathBuf,
    scratch: PathBuf,
    listen: String,
    ledger: Arc<Ledger>,
    runtime: Runtime,
}

/// What somebody did and was told before the first move.
struct Told {
    ask: Ask,
    answer: Value,
}

impl Tried {
    fn all(&self, one: &str, two: &str, three: &str) -> Result<Tally> {
        let (first, second) = (self.scratch.join("first"), self.scratch.join("second"));
        let site = self.up(&first, None)?;
        let crowd = self.crowd(&site)?;
        let told = self.told(&site, &crowd.1)?;
        let clients = self.runtime.spawn(crowd.0.clone().visit(CLIENTS, LASTS));
        self.booked_on()?;

        let place = first.display().to_string();
        let site = self.moves(&place, one, site, || self.up(&first, Some(one)))?;
        self.look(&site, &told)?;
        self.acknowledged_is_there(&first, one)?;
        self.booked_on()?;
        self.backups(&first, one, three)?;

        copy_keys(&first, &second)?;
        let place = second.display().to_string();
        let site = self.moves(one, &place, site, || self.up(&second, None))?;
        self.look(&site, &told)?;
        self.booked_on()?;

        self.undoes(&place, two)?;
        self.booked_on()?;

        crowd.0.send_home();
        self.runtime
            .block_on(async { tokio::time::timeout(RESOLVED_WITHIN, clients).await })
            .context("clients still wait")??;
        let judged = self.runtime.block_on(history::conclude(&crowd.0, &self.ledger))?;
        verify(&self.binary, &second, &self.scratch, &self.ledger)?;
        ensure!(site.stop()?.success(), "the site did not stop cleanly");
        Ok(Tally::passed(12 + judged))
    }

    fn up(&self, data: &Path, database: Option<&str>) -> Result<Site> {
        let start = Start::new(&self.binary, data).listen(&self.listen);
        match database {
            Some(url) => start.arg("--database").arg(url).up(),
            None => start.up(),
        }
    }

    /// The clients, and times elsewhere that are nobody's but ours.
    fn crowd(&self, site: &Site) -> Result<(Crowd, Vec<Time>)> {
        let client = site.client();
        let times = self.runtime.block_on(traveller::open_times(&client, "02108", 30))?;
        let theirs: BTreeSet<String> = times.iter().map(|time| time.clinic.clone()).collect();
        let mut others = self.runtime.block_on(traveller::open_times(&client, "01201", 3))?;
        others.retain(|time| !theirs.contains(&time.clinic));
        let url = format!("http://{}", self.listen);
        let crowd = Crowd::new(&url, times, Arc::clone(&self.ledger), Entropy::real());
        self.runtime.block_on(crowd.look_at_times());
        Ok((crowd, others))
    }

    /// Books one of these times by a request that can be sent again.
    fn told(&self, site: &Site, times: &[Time]) -> Result<Told> {
        let client = site.client();
        for time in times {
            let hold = self.send(&client, &traveller::hold(&time.slot, &fresh_key("hold")))?;
            if hold.0 != 201 {
                continue;
            }
            let ask = traveller::book(&hold.1, &fresh_resident(), &fresh_key("book"));
            let (status, answer) = self.send(&client, &ask)?;
            if status == 201 {
                return Ok(Told { ask, answer });
            }
        }
        anyhow::bail!("none of {} times could be booked", times.len())
    }

    fn send(&self, client: &Client, ask: &Ask) -> Result<(u16, Value)> {
        let answer = self.runtime.block_on(client.send(ask))?;
        Ok((answer.status, answer.json()))
    }

    /// Waits until people have booked some more.
    fn booked_on(&self) -> Result<()> {
        let (before, until) = (self.ledger.acknowledged().len(), Instant::now() + BETWEEN_WITHIN);
        while self.ledger.acknowledged().len() < before + BETWEEN_MIN {
            ensure!(
                Instant::now() < until,
                "fewer than {BETWEEN_MIN} appointments in {BETWEEN_WITHIN:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Moves under load; the servers change between the pause and its end.
    fn moves(&self, from: &str, to: &str, old: Site, start: impl FnOnce() -> Result<Site>) -> Result<Site> {
        let paused = Instant::now();
        let done = self.ends(&["migrate", "--json", "--from", from, "--to", to], 0)?;
        ensure!(done["event"] == "ready" && done["chains"].as_i64() > Some(1), "{done}");
        self.is_paused(&old)?;
        self.ends(&["migrate", "--from", from, "--to", to], 2)?;
        ensure!(old.stop()?.success(), "the old server did not stop cleanly");
        let new = start()?;
        self.is_paused(&new)?;
        let confirmed = self.ends(&["migrate", "--confirm", "--json", "--from", from, "--to", to], 0)?;
        ensure!(confirmed["event"] == "confirmed", "{confirmed}");
        println!(
            "  {} rows moved: {:.1} s while booking went on; booking paused for {:.1} s until the rest ({} rows) was compared and \
             verified; whole move {:.1} s",
            done["rows"],
            done["bulk_s"].as_f64().unwrap_or_default(),
            done["rest_s"].as_f64().unwrap_or_default(),
            done["changed"],
            paused.elapsed().as_secs_f64(),
        );
        self.ends(&["migrate", "--undo", "--from", from, "--to", to], 2)?;
        Ok(new)
    }

    /// Nothing can be booked, and everything can be found.
    fn is_paused(&self, site: &Site) -> Result<()> {
        let client = site.client();
        let times = self.runtime.block_on(traveller::open_times(&client, "01201", 3))?;
        let slot = &times.last().context("there is a time")?.slot;
        let (status, problem) = self.send(&client, &traveller::hold(slot, &fresh_key("hold")))?;
        ensure!(status == 503 && problem["code"] == "read-only", "{status} {problem}");
        Ok(())
    }

    /// A keyed request is answered as before, and the link from before opens.
    fn look(&self, site: &Site, told: &Told) -> Result<()> {
        let client = site.client();
        let (status, again) = self.send(&client, &told.ask)?;
        ensure!((status, &again) == (201, &told.answer), "{status} {again}");
        let one = told.answer["appointments"].get(0).unwrap_or(&told.answer);
        let (id, token) = (one["id"].as_str(), one["manage_token"].as_str());
        let (id, token) = (id.context("an appointment has an id")?, token.context("and a link")?);
        let (status, seen) = self.send(&client, &rehearsal::request::appointment(id, token))?;
        ensure!(status == 200 && seen["code"] == one["code"], "{status} {seen}");
        Ok(())
    }

    /// Everything that was acknowledged until now is in that database. (What it is now may have changed since.)
    fn acknowledged_is_there(&self, data: &Path, url: &str) -> Result<()> {
        let told = self.ledger.acknowledged();
        let line = |id: &String| json!({"appointment": id}).to_string() + "\n";
        let lines: String = told.iter().map(|one| line(&one.appointment)).collect();
        let file = self.scratch.join("until-now.ndjson");
        std::fs::write(&file, lines)?;
        let (data, file) = (data.display().to_string(), file.display().to_string());
        let arguments = [
            "verify",
            "--json",
            "--data",
            &data,
            "--database",
            url,
            "--acknowledged",
            &file,
        ];
        let said = self.ends(&arguments, 0)?;
        ensure!(said["acknowledged"] == told.len(), "{said}");
        Ok(())
    }

    /// A backup of PostgreSQL, made under load, comes back into a file and into another PostgreSQL; so does a drill.
    fn backups(&self, data: &Path, url: &str, empty: &str) -> Result<()> {
        let keys = data.join("keys/master.key").display().to_string();
        let data = data.display().to_string();
        let made = self.ends(&["backup", "--json", "--data", &data, "--database", url], 0)?;
        let drill = self.ends(&["backup", "drill", "--json", "--data", &data, "--database", url], 0)?;
        ensure!(drill["passed"] == true, "{drill}");
        let from = format!("{data}/backups");
        for (place, database) in [("restored-file", None), ("restored-server", Some(empty))] {
            let place = self.scratch.join(place).display().to_string();
            let mut at = vec!["--data", &place];
            at.extend(database.iter().flat_map(|url| ["--database", url]));
            let arguments = ["restore", &from, "--json", "--keys", &keys];
            let restored = self.ends(&[&arguments[..], &at].concat(), 0)?;
            ensure!(
                restored["sha256"] == made["sha256"] && restored["findings"] == json!([]),
                "{restored}"
            );
            self.ends(&[&["verify", "--json"][..], &at].concat(), 0)?;
            let again = [&["restore", &from, "--json"][..], &at].concat();
            self.ends(&again, 2)?;
        }
        println!(
            "  a backup of PostgreSQL under load, {} ms, is back in either engine; drill: RTO {:.1} s",
            made["took_ms"],
            drill["rto_s"].as_f64().unwrap_or_default()
        );
        Ok(())
    }

    /// A move that is undone: the same servers go on.
    fn undoes(&self, from: &str, to: &str) -> Result<()> {
        self.ends(&["migrate", "--json", "--from", from, "--to", to], 0)?;
        let undone = self.ends(&["migrate", "--undo", "--json", "--from", from, "--to", to], 0)?;
        ensure!(
            undone["event"] == "undone" && undone["paused_s"].as_f64() > Some(0.0),
            "{undone}"
        );
        Ok(())
    }

    /// Runs a command of ours to its end; it must end so. Its last line as JSON, when it is.
    fn ends(&self, arguments: &[&str], code: i32) -> Result<Value> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .stdin(Stdio::null())
            .output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        ensure!(
            output.status.code() == Some(code),
            "{arguments:?} ended with {}, not {code}:\n{said}{complained}",
            output.status
        );
        Ok(serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_default())
    }
}

fn copy_keys(from: &Path, to: &Path) -> Result<()> {
    let keys = to.join("keys");
    std::fs::create_dir_all(&keys)?;
    for entry in std::fs::read_dir(from.join("keys"))? {
        let path = entry?.path();
        std::fs::copy(&path, keys.join(path.file_name().context("a file has a name")?))?;
    }
    Ok(())
}
