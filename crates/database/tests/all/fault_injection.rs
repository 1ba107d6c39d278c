//! Injected faults strike where they say, look like the driver's, and leave the rows as a real one would.

use base::answer::Fault;
use database::fault_injection::{Fate, Faults, Step};
use database::{Broken, CommitFailed, Database};
use std::sync::{Arc, Mutex};

/// What is to strike next.
#[derive(Default)]
struct Next {
    step: Mutex<Option<Step>>,
    fate: Mutex<Option<Fate>>,
}

impl Faults for Next {
    fn before(&self, step: Step) -> Result<(), Broken> {
        let mut next = self.step.lock().unwrap();
        if *next != Some(step) {
            return Ok(());
        }
        *next = None;
        Err(Broken::Fault {
            fault: Fault::Unreachable,
            cause: "disk I/O error".to_owned(),
        })
    }
    fn at_commit(&self) -> Fate {
        self.fate.lock().unwrap().take().unwrap_or(Fate::Done)
    }
}

#[test]
fn each_step_can_fail_and_each_commit_can_end_otherwise() {
    let faults = Arc::new(Next::default());
    let database = Database::in_simulation("fault-injection", faults.clone());
    let mut beside = Database::memory("fault-injection").connect().unwrap();
    let mut tx = beside.begin().unwrap();
    tx.execute("CREATE TABLE t (n BIGINT)", &[]).unwrap();
    tx.commit().unwrap();
    let mut rows = || {
        let mut tx = beside.begin_read().unwrap();
        let count = tx.query_one("SELECT count(*) FROM t", &[], |row| row.integer(0));
        count.unwrap().unwrap()
    };
    let strike = |step| *faults.step.lock().unwrap() = Some(step);
    let end = |fate| *faults.fate.lock().unwrap() = Some(fate);

    strike(Step::Connect);
    assert!(database.connect().is_err());
    let mut connection = database.connect().unwrap();
    strike(Step::Begin);
    assert!(connection.begin().is_err());
    strike(Step::Execute);
    let mut tx = connection.begin().unwrap();
    assert!(tx.execute("INSERT INTO t VALUES (1)", &[]).is_err());
    drop(tx);
    assert_eq!(rows(), 0);

    let mut insert = |fate| {
        end(fate);
        let mut tx = connection.begin().unwrap();
        tx.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
        tx.commit()
    };
    let busy = Broken::Fault {
        fault: Fault::Busy,
        cause: "database is locked".to_owned(),
    };
    assert!(matches!(insert(Fate::NotDone(busy)), Err(CommitFailed::NotDone(_))));
    assert_eq!(rows(), 0);
    assert!(matches!(insert(Fate::LostBefore), Err(CommitFailed::InDoubt(_))));
    assert_eq!(rows(), 0);
    assert!(matches!(insert(Fate::LostAfter), Err(CommitFailed::InDoubt(_))));
    assert_eq!(rows(), 1);
    assert!(insert(Fate::Done).is_ok());
    assert_eq!(rows(), 2);
}
