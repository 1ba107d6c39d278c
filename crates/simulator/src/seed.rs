//! One seed, run so that a panic is a finding like any other and a planted bug, where one is chosen, works in this
//! thread alone.

use crate::checker::Found;
use crate::checker::sometimes::Sometimes;
use crate::log::Log;
use crate::simulation::{self, Run};
use scheduling::planted;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// What a thread says when it panics.
enum Panics {
    /// To the terminal, as everywhere.
    Aloud,
    /// Into the log of the run: the last one, if there was any.
    Quietly(Option<String>),
}

thread_local! {
    static PANICS: RefCell<Panics> = const { RefCell::new(Panics::Aloud) };
}
static QUIET: Once = Once::new();

/// Runs a seed, with a planted bug or none. `Err` when the bug is not compiled in.
pub fn run(seed: u64, commands: u64, bug: Option<&'static str>) -> Result<Run, String> {
    if !planted::choose(bug) {
        return Err("no bugs are planted in this build: build it with `--features planted`".to_owned());
    }
    be_quiet();
    PANICS.set(Panics::Quietly(None));
    let run = catch_unwind(AssertUnwindSafe(|| simulation::run(seed, commands)));
    let said = match PANICS.replace(Panics::Aloud) {
        Panics::Quietly(said) => said,
        Panics::Aloud => None,
    };
    planted::choose(None);
    if let Ok(mut run) = run {
        if let Some(said) = said.filter(|_| run.found.is_some()) {
            run.log.note(&format!("the last panic said: {said}"));
        }
        return Ok(run);
    }
    let found = Found::new("simulation", format!("panicked: {}", said.unwrap_or_default()));
    let mut log = Log::default();
    log.note(&format!("seed {seed}, {commands} commands"));
    log.note(&format!("FAILED {found}"));
    Ok(Run {
        log,
        found: Some(found),
        sometimes: Sometimes::default(),
        commands: 0,
    })
}

/// The engine catches panics while deciding; what they say goes into the log of the run instead of the terminal.
fn be_quiet() {
    QUIET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_aloud = PANICS.with_borrow_mut(|panics| match panics {
                Panics::Aloud => true,
                Panics::Quietly(said) => {
                    *said = Some(panic.to_string().replace('\n', " "));
                    false
                }
            });
            if is_aloud {
                before(panic);
            }
        }));
    });
}
