//! What `up` says to a person while it starts and runs; on stderr and stdout, with a bar where somebody watches.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use runtime::secret::KeyRing;
use supervisor::installation::Event;
use supervisor::processes::Processes;

/// On stderr. It may be a file on a full disk, or a closed pipe: that is no reason to end.
pub fn aloud(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Tells a person, or prints the ready line for a program.
pub struct Say {
    json: bool,
    demo: bool,
    /// What a person should know once.
    warnings: Vec<String>,
    ready: bool,
    bar: Option<ProgressBar>,
}

impl Say {
    /// `json`: for a program. `demo`: demonstration data is served. `warnings`: what a person should know once.
    pub fn new(json: bool, demo: bool, warnings: Vec<String>) -> Self {
        let bar = (!json && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner().with_message("Starting");
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            json,
            demo,
            warnings,
            ready: false,
            bar,
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| aloud(text)),
            None => aloud(text),
        }
    }

    /// Tells an event.
    pub fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Seen(seen) if seen.is_warning() => self.note(&format!("Warning: {seen}.")),
            Event::Seen(seen) => self.note(&format!("Note: {seen}.")),
            Event::OrphansGone(count) => self.note(&format!("Waited for {count} process of a start that was killed.")),
            Event::Progress { what, done, total } => self.progress(what, *done, *total),
            Event::Ready(processes) => self.ready(processes),
            Event::Ended { who, how, wait } => {
                self.note(&format!(
                    "The {who} ended ({how}); starting it again in {} ms.",
                    wait.as_millis()
                ));
            }
        }
    }

    fn progress(&self, what: &str, done: u64, total: u64) {
        if let Some(bar) = self.bar.as_ref().filter(|_| total == 0) {
            // Nobody knows how long: only say what is being done.
            bar.set_message(what.to_owned());
        } else if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(what.to_owned());
        } else if done == 0 && !self.json {
            self.note(&format!("{what} …"));
        }
    }

    fn ready(&mut self, processes: &Processes) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.json && !self.ready {
            for warning in &self.warnings {
                self.note(&format!("Warning: {warning}"));
            }
        }
        match (self.json, std::mem::replace(&mut self.ready, true)) {
            (true, false) => self.print(&processes.line()),
            (false, false) => self.print(&self.welcome(processes)),
            (_, true) => self.note("The server answers again."),
        }
    }

    fn print(&self, text: &str) {
        if let Err(error) = writeln!(stdout(), "{text}") {
            self.note(&format!("Nobody could be told that we are ready: {error}."));
        }
    }

    fn welcome(&self, processes: &Processes) -> String {
        let data = processes.data.display();
        let what = if self.demo {
            "Demonstration data: Massachusetts, clinics as of 2021. Not a place to go for a vaccine."
        } else {
            "Without demonstration data: clinics come in with `evenkeel import`."
        };
        let warnings = self
            .warnings
            .iter()
            .fold(String::new(), |all, warning| all + warning + "\n");
        format!(
            "\nEvenkeel is running.\n\n  Pages  {}\n  Data   {data}\n  Keys   {data}/keys\n  Logs   {data}/log\n\n{what}\n\
             {}{warnings}Stop with Ctrl-C here, or anywhere with `evenkeel stop --data {data}`.",
            processes.public,
            copy_keys(&processes.data).unwrap_or_default(),
        )
    }
}

/// Where it is noted which key was spoken of last.
const TOLD: &str = "run/keys-told";

/// That the keys must be kept off the machine: said once, and once more for each new key.
fn copy_keys(data: &Path) -> Option<String> {
    let newest = KeyRing::open_existing(&data.join("keys")).ok()?.key_id().to_string();
    let told = data.join(TOLD);
    if std::fs::read_to_string(&told).is_ok_and(|said| said == newest) {
        return None;
    }
    // Said twice rather than never.
    let _ = std::fs::write(&told, newest);
    let keys = data.join("keys");
    Some(format!(
        "Copy {} off this machine: a backup without it cannot be read.\n",
        keys.display()
    ))
}
