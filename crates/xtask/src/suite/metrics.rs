//! What Prometheus's own checker says about `/metrics`: nothing. Asked while the site has something to count.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Tally;
use crate::client::{Ask, Client};
use crate::site::Start;
use crate::{Checkout, tools, traveller};

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let promtool = tools::promtool(checkout)?;
    let scratch = checkout.scratch("metrics")?;
    let site = Start::new(&checkout.binary(), &scratch.join("data")).up()?;
    let internal = Client::new(&site.internal()?);
    let (plain, open) = super::runtime()?.block_on(async {
        let client = site.client();
        let times = traveller::open_times(&client, "02108", 1).await?;
        traveller::booked(&client, &times).await?;
        client.ask(&Ask::get("/api/v1/nothing"), 404).await?;
        let plain = internal.ask(&Ask::get("/metrics"), 200).await?;
        let wanted = Ask::get("/metrics").header("accept", "application/openmetrics-text; version=1.0.0");
        anyhow::Ok((plain, internal.ask(&wanted, 200).await?))
    })?;
    let kind = |answer: &crate::client::Answer| answer.header("content-type").unwrap_or_default().to_owned();
    ensure!(
        kind(&plain).starts_with("text/plain; version=0.0.4"),
        "the Prometheus text is served as {}",
        kind(&plain)
    );
    ensure!(
        kind(&open).starts_with("application/openmetrics-text"),
        "OpenMetrics is served as {}",
        kind(&open)
    );
    ensure!(
        open.text().trim_end().ends_with("# EOF"),
        "OpenMetrics does not end with its end mark"
    );
    let text = plain.text();
    ensure!(
        text.contains("evenkeel_http_requests_total"),
        "nothing of ours is counted:\n{text}"
    );
    let lint = ask_promtool(&promtool, &text)?;
    ensure!(lint.is_empty(), "promtool has something to say:\n{lint}");
    let documented = std::fs::read_to_string(checkout.root.join("docs/metrics.md")).context("docs/metrics.md")?;
    for name in text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
    {
        ensure!(
            documented.contains(name),
            "`{name}` is scraped and not in docs/metrics.md"
        );
    }
    let planted = ask_promtool(&promtool, "# TYPE planted counter\nplanted 1\n")?;
    ensure!(
        !planted.is_empty(),
        "promtool has nothing to say about a counter without `_total`: it looks at nothing"
    );
    site.stop()?;
    Ok(Tally::passed(5))
}

/// What `promtool check metrics` says; empty when it has nothing to say.
fn ask_promtool(promtool: &std::path::Path, text: &str) -> Result<String> {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting promtool")?;
    child
        .stdin
        .take()
        .context("stdin is piped")?
        .write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() && said.trim().is_empty() {
        Ok(String::new())
    } else {
        Ok(format!("{said}\n({})", output.status))
    }
}
