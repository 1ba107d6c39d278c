//! Mails of the real binary. Past a server that is slow, refuses, dies and says nothing, and past a `kill -9` in the middle
//! of sending, each message arrives at least once, and twice only where nobody could know. Their calendar entries are read
//! by two readers that know nothing of each other. Without a mail server a demonstration shows what would have gone out,
//! and no other installation promises anything.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Tally;
use crate::client::{Ask, Client};
use crate::sink::{Arrived, Behaviour, Greeting, Sink};
use crate::site::{Site, Start};
use crate::traveller::{self, Time, fresh_key};
use crate::{Checkout, tools};

/// Longest wait for mail: the claim of a killed server's message lasts 17 s, and a laden machine gets twice that.
const WITHIN: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(50);

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let python = tools::calendar_readers(checkout)?;
    let scratch = checkout.scratch("messages")?;
    let runtime = super::runtime()?;
    let sink = Sink::start()?;
    let data = scratch.join("data");
    configure(&data, &sink)?;
    let site = Start::new(&checkout.binary(), &data).up()?;
    let client = site.client();
    let times = runtime.block_on(traveller::open_times(&client, "02108", 4))?;
    runtime.block_on(misbehaving(&site, &sink, &times))?;
    runtime.block_on(away(&site, &sink, &times))?;
    runtime.block_on(killed(&site, &sink, &times))?;
    let mails = runtime.block_on(one_appointment(&site, &sink, &times))?;
    read_calendars(&python, checkout, &mails)?;
    operator(checkout, &site, &sink, &data, &runtime, &times)?;
    site.stop()?;
    runtime.block_on(shown(checkout, &scratch))?;
    runtime.block_on(promised_nowhere(checkout, &scratch))?;
    Ok(Tally::passed(7))
}

fn configure(data: &Path, sink: &Sink) -> Result<()> {
    std::fs::create_dir_all(data)?;
    let text = format!(
        "[mail]\nsmtp_url = \"{}\"\nfrom = \"no-reply@vax.example.org\"\nconnect_time = 1\ncommand_time = 1\nsend_time = 2\n\
         [messages]\nper_address = 3\naway_pause = 200\nretry.first = 200\nretry.most = 1000\n",
        sink.url()
    );
    Ok(std::fs::write(data.join("evenkeel.toml"), text)?)
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + WITHIN;
    while !holds() {
        if Instant::now() > end {
            bail!("not within {WITHIN:?}: {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Copies of each message so far, by Message-ID.
fn copies(arrived: &[Arrived]) -> BTreeMap<String, usize> {
    let mut copies = BTreeMap::new();
    for mail in arrived {
        *copies.entry(mail.header("message-id")).or_default() += 1;
    }
    copies
}

/// Books so many, each meeting the next of these behaviours.
async fn misbehaving(site: &Site, sink: &Sink, times: &[Time]) -> Result<()> {
    let behaviours = [
        Behaviour::Accept,
        Behaviour::Slow(Duration::from_millis(300)),
        Behaviour::NotYet,
        Behaviour::NotNow,
        Behaviour::DieInData,
        Behaviour::DropBeforeReply,
        Behaviour::HangBeforeReply,
        Behaviour::Accept,
    ];
    sink.script(&behaviours);
    for _ in behaviours {
        traveller::booked(&site.client(), times).await?;
    }
    let acknowledged = || sink.arrived().iter().filter(|mail| mail.acknowledged).count();
    until("every message was taken", || acknowledged() == behaviours.len()).await?;
    let copies = copies(&sink.arrived());
    let twice = copies.values().filter(|count| **count == 2).count();
    ensure!(
        copies.len() == behaviours.len() && twice == 2 && copies.values().all(|count| *count <= 2),
        "each message once, the two without a reply twice: {copies:?}"
    );
    println!("  {} messages, {twice} of them twice", copies.len());
    Ok(())
}

/// Nobody answers, then somebody too busy, then all is well.
async fn away(site: &Site, sink: &Sink, times: &[Time]) -> Result<()> {
    let before = copies(&sink.arrived()).len();
    sink.open(false);
    for _ in 0..3 {
        traveller::booked(&site.client(), times).await?;
    }
    let internal = Client::new(&site.internal()?);
    let asked = Ask::get("/metrics");
    let end = Instant::now() + WITHIN;
    loop {
        let text = internal.ask(&asked, 200).await?.text();
        if text.contains("evenkeel_messages{state=\"waiting\"} 3") {
            break;
        }
        let said = || {
            text.lines()
                .filter(|line| line.contains("message"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        ensure!(
            Instant::now() < end,
            "the metrics never say that three wait:\n{}",
            said()
        );
        tokio::time::sleep(LOOK).await;
    }
    sink.greet(Greeting::Busy);
    sink.open(true);
    let connections = sink.connections();
    until("it was tried while too busy", || sink.connections() > connections).await?;
    sink.greet(Greeting::Fine);
    until("all arrived", || copies(&sink.arrived()).len() == before + 3).await
}

/// The server is killed while the mail server has the message and has not said so.
async fn killed(site: &Site, sink: &Sink, times: &[Time]) -> Result<()> {
    let before = copies(&sink.arrived());
    sink.script(&[Behaviour::HangBeforeReply]);
    let booked = traveller::booked(&site.client(), times).await?;
    until("it is on its way", || copies(&sink.arrived()).len() > before.len()).await?;
    site.signal_server(Signal::SIGKILL)?;
    site.until_ready(WITHIN).await?;
    let total = |arrived: &[Arrived]| copies(arrived).values().sum::<usize>();
    let first = total(&sink.arrived());
    until("it was sent again", || total(&sink.arrived()) > first).await?;
    let arrived = sink.arrived();
    let again = arrived.last().context("a mail")?;
    ensure!(
        copies(&arrived)[&again.header("message-id")] == 2,
        "another message came twice"
    );
    ensure!(
        !booked["code"].as_str().unwrap_or_default().is_empty(),
        "the booking is whole"
    );
    Ok(())
}

/// Books, moves and cancels one appointment; its mails, in order. The entry from the page is the same as the mailed one.
async fn one_appointment(site: &Site, sink: &Sink, times: &[Time]) -> Result<Vec<Arrived>> {
    let client = site.client();
    let before = sink.arrived().len();
    let booked = traveller::booked(&client, times).await?;
    until("the confirmation arrived", || sink.arrived().len() == before + 1).await?;
    let mail = &sink.arrived()[before];
    let (subject, to) = (mail.header("subject"), mail.header("to"));
    ensure!(subject == "Your appointment is booked", "the subject is {subject:?}");
    ensure!(mail.header("auto-submitted") == "auto-generated", "no Auto-Submitted");
    let (id, token) = (text(&booked, "id")?, text(&booked, "manage_token")?);
    let page = client
        .ask(&Ask::get(format!("/appointment/{id}/{token}/calendar.ics")), 200)
        .await?;
    for line in [format!("UID:{id}@127.0.0.1"), "SEQUENCE:0".to_owned()] {
        ensure!(page.text().contains(&format!("{line}\r\n")), "{line}: {}", page.text());
    }
    let mut moved = None;
    for time in times {
        let held = client.send(&traveller::hold(&time.slot, &fresh_key("hold"))).await?;
        if held.status != 201 || time.slot == text(&booked["slot"], "id")? {
            continue;
        }
        let held = held.json();
        let body = json!({ "hold": held["id"], "token": held["token"] });
        let path = format!("/api/v1/appointments/{id}/reschedule");
        let answer = client
            .send(&Ask::post(path, &fresh_key("move"), &body).bearer(&token))
            .await?;
        if answer.status == 200 {
            moved = Some(answer.json());
            break;
        }
    }
    let moved = moved.context("no time to move to")?;
    client
        .ask(&traveller::cancel(&booked, &fresh_key("cancel")), 200)
        .await?;
    until("change and cancellation arrived", || sink.arrived().len() == before + 3).await?;
    let mails = sink.arrived().split_off(before);
    ensure!(
        mails.iter().all(|mail| mail.header("to") == to),
        "a mail went to somebody else"
    );
    ensure!(moved["slot"]["id"] != booked["slot"]["id"], "it did not move");
    Ok(mails)
}

fn text(value: &Value, name: &str) -> Result<String> {
    Ok(value[name]
        .as_str()
        .with_context(|| format!("no `{name}` in {value}"))?
        .to_owned())
}

/// Both readers add, replace, remove; without the cancellation the moved entry is left.
fn read_calendars(python: &Path, checkout: &Checkout, mails: &[Arrived]) -> Result<()> {
    let whole = ask_readers(python, checkout, mails)?;
    for reader in ["icalendar", "libical"] {
        ensure!(
            whole[reader]["steps"] == json!(["added", "replaced", "removed"]) && whole[reader]["left"] == json!([]),
            "{reader} saw {}",
            whole[reader]
        );
    }
    let standing = ask_readers(python, checkout, &mails[..2])?;
    let left = &standing["icalendar"]["left"];
    ensure!(
        left.as_array().is_some_and(|left| left.len() == 1),
        "one entry is left: {left}"
    );
    ensure!(left[0][2] == "Appointment", "the entry is neutral: {left}");
    // One that comes late changes nothing.
    let late = ask_readers(python, checkout, &[mails[1].clone(), mails[0].clone()])?;
    ensure!(
        late["icalendar"]["steps"] == json!(["added", "older"]),
        "a late confirmation: {late}"
    );
    println!("  icalendar and libical: added, replaced, removed");
    Ok(())
}

fn ask_readers(python: &Path, checkout: &Checkout, mails: &[Arrived]) -> Result<Value> {
    let list: Vec<Value> = mails
        .iter()
        .map(|mail| json!({ "to": mail.to, "data": mail.data }))
        .collect();
    let mut child = Command::new(python)
        .arg(checkout.root.join("crates/xtask/calendar/read.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting the calendar readers")?;
    let mut input = child.stdin.take().context("stdin is piped")?;
    input.write_all(serde_json::to_string(&list)?.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "the calendar readers: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// An address that does not exist is given up, listed, and sent again when asked.
fn operator(
    checkout: &Checkout,
    site: &Site,
    sink: &Sink,
    data: &Path,
    runtime: &tokio::runtime::Runtime,
    times: &[Time],
) -> Result<()> {
    let evenkeel = |words: &[&str]| -> Result<String> {
        let mut command = Command::new(checkout.binary());
        command.arg("messages").args(words).arg("--data").arg(data);
        crate::program::output(&mut command)
    };
    sink.script(&[Behaviour::NoSuchAddress]);
    runtime.block_on(traveller::booked(&site.client(), times))?;
    let mut listed = String::new();
    runtime.block_on(until("it is given up", || {
        listed = evenkeel(&["list", "--json"]).unwrap_or_default();
        listed.contains("recipient-550")
    }))?;
    let seen: Value = serde_json::from_str(listed.lines().next().context("one line")?)?;
    ensure!(
        seen["to"].as_str().is_some_and(|to| to.contains("•••@example.org")),
        "the address is not masked: {seen}"
    );
    let before = sink.arrived().len();
    let said = evenkeel(&["retry", &text(&seen, "id")?])?;
    ensure!(said.contains("waits again"), "{said}");
    runtime.block_on(until("it arrived", || sink.arrived().len() > before))?;
    let log = std::fs::read_to_string(data.join("log/server-a.log"))?;
    let mail = sink.arrived().pop().context("a mail")?;
    ensure!(!log.contains(&mail.to), "an address stands in the log");
    Ok(())
}

/// A demonstration without a mail server shows its mail to whoever sits at the machine, and to nobody else.
async fn shown(checkout: &Checkout, scratch: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let data = scratch.join("demo");
    let site = Start::new(&checkout.binary(), &data).up()?;
    let client = site.client();
    let times = traveller::open_times(&client, "02108", 2).await?;
    let booked = traveller::booked(&client, &times).await?;
    let link = format!(
        "/appointment/{}/{}",
        text(&booked, "id")?,
        text(&booked, "manage_token")?
    );
    let page = client.ask(&Ask::get(format!("{link}?new=1")), 200).await?.text();
    ensure!(
        page.contains("/demo/mail") && page.contains("also goes to"),
        "the way to the mail is missing:\n{page}"
    );
    let end = Instant::now() + WITHIN;
    let page = loop {
        let page = client.ask(&Ask::get("/demo/mail"), 200).await?.text();
        if page.contains("Your appointment is booked") {
            break page;
        }
        ensure!(Instant::now() < end, "the mail is not shown:\n{page}");
        tokio::time::sleep(LOOK).await;
    };
    ensure!(page.contains(&link), "the personal link is missing:\n{page}");
    let name = page
        .split("href=\"/demo/mail/")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let name = name.context("no link to the mail itself")?;
    let look = client.ask(&Ask::get(format!("/demo/mail/{name}")), 200).await?;
    ensure!(look.text().contains("<h1"), "no HTML");
    let file = client.ask(&Ask::get(format!("/demo/mail/{name}.eml")), 200).await?;
    ensure!(file.text().contains("Content-Type: multipart/mixed"), "no file");
    let elsewhere = Ask::get("/demo/mail").header("x-forwarded-for", "192.0.2.7");
    client.ask(&elsewhere, 404).await?;
    let mode = std::fs::metadata(data.join("demo-mail"))?.permissions().mode() & 0o777;
    ensure!(mode == 0o700, "DATA/demo-mail has mode {mode:o}");
    site.stop()?;
    Ok(())
}

/// An installation that is no demonstration and has no mail server promises nothing, shows nothing, and says so once.
async fn promised_nowhere(checkout: &Checkout, scratch: &Path) -> Result<()> {
    let data = scratch.join("empty");
    let site = Start::new(&checkout.binary(), &data).arg("--empty").up()?;
    site.client().ask(&Ask::get("/demo/mail"), 404).await?;
    site.stop()?;
    let said = std::fs::read_to_string(data.with_extension("stderr"))?;
    ensure!(said.matches("No mail goes out").count() == 1, "`up` says: {said}");
    ensure!(!data.join("demo-mail").exists(), "a folder for mail was made");
    Ok(())
}
