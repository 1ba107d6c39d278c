//! Points at which a rehearsal kills the process, to show that nothing acknowledged is lost. Costs one relaxed load
//! where nothing is armed, which is always but in a crash test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The points that exist, in the order in which a request passes them.
pub const POINTS: [&str; 5] = ["receive", "decide", "before-commit", "after-commit", "answer"];

static ARMED: AtomicBool = AtomicBool::new(false);
static PLAN: OnceLock<Vec<Point>> = OnceLock::new();

struct Point {
    name: &'static str,
    /// At which passage, from 1.
    at: u64,
    passed: AtomicU64,
}

/// Arms crash points, once in a process: `decide:17,answer:40` kills it at the 17th passage of `decide` or the 40th
/// of `answer`, whichever comes first. The error says what was expected.
pub fn arm(spec: &str) -> Result<(), String> {
    let wrong = |part: &str| {
        format!(
            "{part:?}: expected POINT:COUNT, with POINT one of {}",
            POINTS.join(", ")
        )
    };
    let mut plan = Vec::new();
    for part in spec.split(',').filter(|part| !part.is_empty()) {
        let (name, at) = part.split_once(':').ok_or_else(|| wrong(part))?;
        let name = POINTS
            .into_iter()
            .find(|point| *point == name)
            .ok_or_else(|| wrong(part))?;
        let at = at.parse().ok().filter(|at| *at > 0).ok_or_else(|| wrong(part))?;
        plan.push(Point {
            name,
            at,
            passed: AtomicU64::new(0),
        });
    }
    let armed = !plan.is_empty();
    PLAN.set(plan)
        .map_err(|_| "crash points are armed already".to_owned())?;
    ARMED.store(armed, Ordering::Relaxed);
    Ok(())
}

/// Passes a point.
#[inline]
pub fn reach(name: &str) {
    if ARMED.load(Ordering::Relaxed) {
        pass(name);
    }
}

#[cold]
fn pass(name: &str) {
    for point in PLAN.get().into_iter().flatten().filter(|point| point.name == name) {
        if point.passed.fetch_add(1, Ordering::Relaxed) + 1 == point.at {
            // The kernel ends us on the way back from this call: no destructor runs, no buffer is flushed.
            kill(Pid::this(), Signal::SIGKILL).expect("a process may kill itself");
            loop {
                std::thread::park();
            }
        }
    }
}
