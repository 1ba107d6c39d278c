//! One supervisor per data folder, and what a killed one left behind.

use std::process::{Command, Stdio};
use std::time::Duration;

use base::time::Timestamp;
use runtime::clock::Clock;
use supervisor::instance::{Holder, Instance, InstanceError, children, holder, wait_for_orphans};

use crate::folder::Folder;

#[tokio::test]
async fn a_second_one_is_refused_and_told_who_holds_it() {
    let folder = Folder::new();
    assert_eq!(holder(folder.path()).unwrap(), None);
    let clock = Clock::real();
    let first = Instance::take(folder.path(), &clock).await.unwrap();
    let who = holder(folder.path()).unwrap().unwrap();
    assert_eq!(who.pid, std::process::id());
    let Err(InstanceError::Held(Some(Holder { pid, since }))) = Instance::take(folder.path(), &clock).await else {
        panic!("a second one was let in");
    };
    assert_eq!((pid, since), (who.pid, who.since));
    assert!(clock.now().since(since) < Duration::from_mins(1));
    drop(first);
    assert_eq!(holder(folder.path()).unwrap(), None);
    Instance::take(folder.path(), &clock).await.unwrap();
}

#[test]
fn the_refusal_names_process_and_time() {
    let since = Timestamp::parse("2026-11-24T10:00:00Z").unwrap();
    let text = InstanceError::Held(Some(Holder { pid: 17, since })).to_string();
    assert_eq!(
        text,
        "already running on this data folder: process 17, since 2026-11-24T10:00:00Z"
    );
}

#[tokio::test]
async fn children_of_a_killed_supervisor_are_known_by_their_arguments_and_waited_for() {
    let (folder, other) = (Folder::new(), Folder::new());
    let script = folder.script("while read line; do :; done");
    let mut command = Command::new("/bin/sh");
    command
        .arg(&script)
        .arg("server")
        .arg("--data")
        .arg(folder.path())
        .arg("--supervised")
        .stdin(Stdio::piped());
    let mut orphan = command.spawn().unwrap();
    // Until the kernel has put the new program's arguments in place.
    while children(folder.path()).is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(children(folder.path()), [orphan.id()]);
    assert_eq!(children(other.path()), [0; 0]);
    let pipe = orphan.stdin.take();
    let waited = tokio::task::spawn_blocking(move || orphan.wait().unwrap());
    let clock = Clock::real();
    let gone = wait_for_orphans(folder.path(), &clock);
    let dies = async { drop(pipe) };
    let (count, ()) = tokio::join!(gone, dies);
    assert_eq!(count, 1);
    assert!(waited.await.unwrap().success());
}

#[tokio::test]
async fn an_orphan_that_does_not_stop_is_ended() {
    let folder = Folder::new();
    let script = folder.script("kill -STOP $$");
    let mut command = Command::new("/bin/sh");
    command
        .arg(&script)
        .arg("server")
        .arg("--data")
        .arg(folder.path())
        .arg("--supervised");
    let mut orphan = command.spawn().unwrap();
    while children(folder.path()).is_empty() {
        std::thread::yield_now();
    }
    let waited = tokio::task::spawn_blocking(move || orphan.wait().unwrap());
    assert_eq!(wait_for_orphans(folder.path(), &Clock::real()).await, 1);
    assert!(!waited.await.unwrap().success());
}
