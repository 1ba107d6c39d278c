//! A child is heard, stops with its pipe, and is ended when it does not.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::clock::Clock;
use supervisor::child::{Child, DRAIN_TIME, News, Program, Said};
use supervisor::handover::bind;

use crate::folder::Folder;

fn start(folder: &Folder, body: &str) -> Child {
    let program = Program {
        environment: Vec::new(),
        path: folder.script(body),
        args: vec!["server".into()],
    };
    Child::start(&program, Some(&bind("127.0.0.1:0".parse().unwrap()).unwrap())).unwrap()
}

#[tokio::test]
async fn what_it_says_is_heard_and_the_rest_is_let_pass() {
    let folder = Folder::new();
    let mut child = start(
        &folder,
        r#"echo hello; echo '{"event":"progress","what":"clinics","done":1,"total":2}'
           echo '{"event":"ready","internal":"http://127.0.0.1:1"}'; exit 3"#,
    );
    let progress = Said::Progress {
        what: "clinics".to_owned(),
        done: 1,
        total: 2,
    };
    assert!(matches!(child.next().await.unwrap(), News::Said(said) if said == progress));
    let ready = Said::Ready {
        internal: "http://127.0.0.1:1".to_owned(),
    };
    assert!(matches!(child.next().await.unwrap(), News::Said(said) if said == ready));
    assert!(matches!(child.next().await.unwrap(), News::Ended(status) if status.code() == Some(3)));
}

#[tokio::test]
async fn it_drains_when_its_pipe_ends() {
    let folder = Folder::new();
    let mut child = start(
        &folder,
        &format!(
            r#"echo '{{"event":"ready","internal":"x"}}'; cat; echo drained > {}/done"#,
            folder.path().display()
        ),
    );
    child.next().await.unwrap();
    assert!(child.stop().await.unwrap());
    assert_eq!(folder.read("done").unwrap(), "drained\n");
}

#[tokio::test]
async fn one_that_does_not_stop_is_ended() {
    let folder = Folder::new();
    let mut child = start(
        &folder,
        r#"trap '' TERM INT; echo '{"event":"ready","internal":"x"}'; while :; do sleep 1; done"#,
    );
    child.next().await.unwrap();
    let (clock, pid) = (Clock::real(), child.pid());
    assert!(!child.stop().await.unwrap());
    assert!(clock.monotonic() < DRAIN_TIME + Duration::from_secs(3));
    assert!(kill(Pid::from_raw(pid as i32), None).is_err());
}

#[tokio::test]
async fn it_stays_in_our_session_but_ctrl_c_does_not_reach_it() {
    let folder = Folder::new();
    let mut child = start(&folder, r#"echo '{"event":"ready","internal":"x"}'; cat"#);
    child.next().await.unwrap();
    // proc(5): after the command's name in brackets come state, parent, process group, session.
    let ids = |pid: u32| -> Vec<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ")
            .unwrap()
            .1
            .split(' ')
            .skip(1)
            .take(3)
            .map(|id| id.parse().unwrap())
            .collect()
    };
    let (ours, its) = (ids(std::process::id()), ids(child.pid()));
    assert_eq!(its, [std::process::id() as i32, child.pid() as i32, ours[2]]);
    kill(Pid::from_raw(child.pid() as i32), Signal::SIGKILL).unwrap();
    assert!(matches!(child.next().await.unwrap(), News::Ended(status) if !status.success()));
}
