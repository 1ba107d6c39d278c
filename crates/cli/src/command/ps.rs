//! `evenkeel ps`: what runs, and where it answers.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use supervisor::instance::holder;
use supervisor::processes::Processes;

use super::Data;
use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  evenkeel ps                       a table for people
  evenkeel ps --json | jq .public   for programs: the same object as DATA/run/processes.json";

/// Show what runs, and where it answers
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Ps {
    #[command(flatten)]
    at: Data,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Ps {
    /// Looks and prints; that nothing runs is an answer, not a failure.
    pub fn run(self) -> anyhow::Result<Exit> {
        let data = self.at.data;
        let Some(holder) = holder(&data)? else {
            if self.json {
                println!("{}", serde_json::json!({"event": "stopped", "data": data}));
            } else {
                println!("Nothing runs on {}. Start it with `evenkeel up`.", data.display());
            }
            return Ok(Exit::Done);
        };
        // A file of an earlier supervisor, that was killed, says nothing about this one.
        let current = Processes::load(&data)?.filter(|processes| processes.pids.supervisor == holder.pid);
        match current {
            Some(processes) if self.json => println!("{}", processes.line()),
            Some(processes) => println!("{}\nSince {}", table(&processes), holder.since),
            None if self.json => println!("{}", serde_json::json!({"event": "starting", "data": data})),
            None => println!("Starting (process {}, since {}).", holder.pid, holder.since),
        }
        Ok(Exit::Done)
    }
}

fn table(processes: &Processes) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_header(["PROCESS", "ID", "ANSWERS AT", "INTERNAL"]);
    table.add_row(["up", &processes.pids.supervisor.to_string(), "", ""]);
    for (n, pid) in processes.pids.server.iter().enumerate() {
        let internal = processes.internal.server.get(n).map_or("", String::as_str);
        table.add_row(["server", &pid.to_string(), &processes.public, internal]);
    }
    if processes.pids.server.is_empty() {
        table.add_row(["server", "–", "not now: it is being started again", ""]);
    }
    table
}
