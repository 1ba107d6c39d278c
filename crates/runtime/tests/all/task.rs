//! Owned tasks and threads end when they are asked to; one that does not is named.

use std::sync::mpsc;
use std::time::Duration;

use runtime::shutdown::Shutdown;
use runtime::task::{self, Owner};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn tasks_and_threads_stop_when_asked() {
    let owner = Owner::new(Shutdown::new());
    let wish = owner.shutdown().clone();
    owner.spawn("waiter", async move { wish.wait().await });
    let (send, receive) = mpsc::channel::<()>();
    owner
        .thread("worker", move || assert!(receive.recv().is_err()))
        .unwrap();
    assert_eq!(owner.count(), 2);
    drop(send);
    assert!(owner.stop_and_join(SOON).await.is_empty());
    assert_eq!(owner.count(), 0);
}

#[tokio::test]
async fn a_task_that_does_not_stop_is_named_and_aborted() {
    let owner = Owner::new(Shutdown::new());
    owner.spawn("stubborn", std::future::pending());
    assert_eq!(owner.stop_and_join(Duration::from_millis(10)).await, ["stubborn"]);
    assert!(owner.stop_and_join(SOON).await.is_empty());
}

#[tokio::test]
async fn a_panic_ends_its_task_alone_and_is_counted() {
    let owner = Owner::new(Shutdown::new());
    let before = task::panics();
    owner.spawn("broken", async { panic!("on purpose") });
    owner.thread("broken too", || panic!("on purpose")).unwrap();
    assert!(owner.stop_and_join(SOON).await.is_empty());
    assert!(task::panics() >= before + 2);
}

#[tokio::test]
async fn a_part_stops_with_the_whole_but_not_the_whole_with_it() {
    let whole = Shutdown::new();
    let (one, other) = (whole.part(), whole.part());
    one.request();
    assert!(one.requested() && !whole.requested() && !other.requested());
    whole.request();
    tokio::time::timeout(SOON, other.wait()).await.unwrap();
}
