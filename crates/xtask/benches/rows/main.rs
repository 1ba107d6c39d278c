//! The bench program: release build, ours and the anchor in turn, five rounds each. `cargo xtask bench` builds and runs
//! it; the tables and what voids a run live in `xtask::bench`.

#![allow(
    clippy::disallowed_methods,
    reason = "a developer's tool reads the clock, the environment, and waits"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to a terminal"
)]

mod commits;
mod dataset;
mod engine;
mod http;
mod load;
mod postgres;
mod server;
mod spent;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use xtask::bench::Row;

use engine::Part;

/// The product's own, so that the anchor is not slow for want of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures.
#[derive(Parser)]
struct Arguments {
    /// Rows to measure; all when none is named.
    names: Vec<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// The product's binary.
    #[arg(long, default_value = "target/release/evenkeel")]
    evenkeel: PathBuf,
    /// Where prepared data is kept from run to run.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    anchor: Option<Anchor>,
}

#[derive(Subcommand)]
enum Anchor {
    /// The bare axum server that ours is measured against.
    Hello {
        /// Size of its answer's body.
        body_bytes: usize,
    },
}

/// Where things are.
pub struct Bench {
    evenkeel: PathBuf,
    folder: PathBuf,
    /// PostgreSQL servers, started when they are first needed: one alone, one with a standby.
    beds: [OnceCell<postgres::Bed>; 2],
}

impl Bench {
    /// The server for rows on PostgreSQL.
    pub fn bed(&self, with_standby: bool) -> Result<&postgres::Bed> {
        let cell = &self.beds[usize::from(with_standby)];
        if cell.get().is_none() {
            let bed = postgres::Bed::start(self, with_standby)?;
            let _ = cell.set(bed);
        }
        cell.get().context("the server was just started")
    }
}

type Measure = fn(&Bench) -> Result<Row>;

const ROWS: &[(&str, Measure)] = &[
    ("commits_sqlite_10k_hot", |bench| {
        commits::row(bench, "commits_sqlite_10k_hot", 10_000, commits::Where::Hot)
    }),
    ("commits_sqlite_10k_spread", |bench| {
        commits::row(bench, "commits_sqlite_10k_spread", 10_000, commits::Where::Spread)
    }),
    ("finding", http::finding),
    ("finding_304", http::finding_304),
    ("booking_http_hot", |bench| {
        http::booking(bench, "booking_http_hot", commits::Where::Hot)
    }),
    ("booking_http_spread", |bench| {
        http::booking(bench, "booking_http_spread", commits::Where::Spread)
    }),
    ("commits_sqlite_1m_hot", |bench| {
        commits::row(bench, "commits_sqlite_1m_hot", 1_000_000, commits::Where::Hot)
    }),
    ("commits_sqlite_1m_spread", |bench| {
        commits::row(bench, "commits_sqlite_1m_spread", 1_000_000, commits::Where::Spread)
    }),
    ("rate_1m_vs_10k", commits::rate),
    ("cost_sealing", |bench| {
        commits::cost_of(bench, "cost_sealing", &[Part::Sealing])
    }),
    ("cost_outbox", |bench| {
        commits::cost_of(bench, "cost_outbox", &[Part::Outbox])
    }),
    ("cost_audit", |bench| {
        commits::cost_of(bench, "cost_audit", &[Part::Audit])
    }),
    ("cost_heads", |bench| {
        commits::cost_of(bench, "cost_heads", &[Part::Heads])
    }),
    ("cost_all", |bench| commits::cost_of(bench, "cost_all", Part::ALL)),
    ("cost_mail_http", |bench| http::cost_of_mail(bench, "cost_mail_http")),
    ("commits_postgres_hot", postgres::hot),
    ("commits_postgres_hot_8", postgres::hot_pool_8),
    ("commits_postgres_hot_512", postgres::hot_512),
    ("commits_postgres_spread", postgres::spread),
    ("commits_postgres_sync", postgres::hot_synchronous),
    ("postgres_two_servers", postgres::two_servers),
    ("postgres_1m_vs_10k", postgres::rate),
    ("big_server_ready", server::ready),
    ("big_server_memory", server::memory),
];

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<bool> {
    if let Some(Anchor::Hello { body_bytes }) = arguments.anchor {
        return http::hello(body_bytes).map(|()| true);
    }
    for name in &arguments.names {
        if !ROWS.iter().any(|(row, _)| row.starts_with(name.as_str())) {
            let known: Vec<&str> = ROWS.iter().map(|(row, _)| *row).collect();
            bail!("no row is called `{name}`; there are: {}", known.join(", "));
        }
    }
    xtask::group::end_with_us()?;
    let bench = Bench {
        evenkeel: arguments.evenkeel,
        folder: arguments.folder,
        beds: [OnceCell::new(), OnceCell::new()],
    };
    std::fs::create_dir_all(&bench.folder)?;
    if !arguments.json {
        println!(
            "{} cores, {} rounds\n{}",
            std::thread::available_parallelism()?,
            xtask::bench::ROUNDS,
            Row::head()
        );
    }
    let mut all = true;
    let wanted =
        |row: &str| arguments.names.is_empty() || arguments.names.iter().any(|name| row.starts_with(name.as_str()));
    for (_, measure) in ROWS.iter().filter(|(name, _)| wanted(name)) {
        let row = measure(&bench)?;
        all &= row.met;
        if arguments.json {
            println!("{}", serde_json::to_string(&row)?);
        } else {
            println!("{}", row.line());
        }
    }
    Ok(all)
}
