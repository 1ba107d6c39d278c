//! The supervisor keeps a server running on the socket it holds.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use supervisor::installation::{Event, Installation, Kind, Plan, Role, UpError, prepare};
use supervisor::instance::{InstanceError, children};
use supervisor::processes::Processes;
use supervisor::pulse::Patience;

use crate::door::Door;
use crate::folder::{Folder, SOON, until};

/// Its internal listener is where its third argument, the test's, says.
const WELL: &str = r#"echo '{"event":"ready","internal":"'"${3##* }"'"}'; cat > /dev/null"#;

fn plan(folder: &Folder, body: &str, listen: &str) -> Plan {
    let program: PathBuf = folder.script(body);
    let arguments = Box::new(|start, url: &str| vec!["--start".into(), format!("{start} {url}").into()]);
    let listen: SocketAddr = listen.parse().unwrap();
    Plan {
        environment: Vec::new(),
        data: folder.path().to_owned(),
        listen,
        public_url: None,
        program,
        roles: vec![Role {
            kind: Kind::Server,
            arguments,
            own: None,
            waits: false,
        }],
        patience: Patience::default(),
    }
}

#[tokio::test]
async fn a_killed_server_is_started_again_on_the_same_socket_and_all_stops_when_asked() {
    let folder = Folder::new();
    let told = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| {
        if matches!(event, Event::Ready(_) | Event::Ended { .. }) {
            told.lock()
                .unwrap()
                .push(format!("{event:?}").split([' ', '(']).next().unwrap().to_owned());
        }
    };
    let up = Installation::start(plan(&folder, WELL, "127.0.0.1:0"), Clock::real(), tell)
        .await
        .unwrap();
    let address = up.socket().local_addr().unwrap();
    let _door = Door::on(up.socket().try_clone().unwrap());
    let stop = Shutdown::new();
    let story = async {
        let server = || {
            Processes::load(folder.path())
                .ok()
                .flatten()
                .map(|processes| processes.pids.server)
        };
        until("the first is ready", || server().is_some()).await;
        let first = server().unwrap()[0];
        kill(Pid::from_raw(first as i32), Signal::SIGKILL).unwrap();
        until("the second is ready", || {
            server().is_some_and(|pids| !pids.is_empty() && pids[0] != first)
        })
        .await;
        TcpStream::connect(address).expect("the socket was open all the time");
        let arguments = supervisor::processes::arguments(server().unwrap()[0]).join(" ");
        assert!(
            arguments.contains(&format!("server --start 1 http://{address} --data ")),
            "{arguments}"
        );
        stop.request();
    };
    let (ended, ()) = tokio::join!(up.run(&stop, tell), story);
    ended.unwrap();
    assert_eq!(*told.lock().unwrap(), ["Ready", "Ended", "Ready"]);
    assert_eq!(Processes::load(folder.path()).unwrap(), None);
    assert_eq!(children(folder.path()), [0; 0]);
}

/// Goes on until somebody stops it, says so, and waits for the end of its pipe: only then another one has the socket.
const RELIEVED: &str = r#"trap 'echo "{\"event\":\"draining\"}"; cat > /dev/null; exit 0' TERM
echo '{"event":"ready","internal":"'"${3##* }"'"}'
while sleep 0.02; do :; done"#;

#[tokio::test]
async fn a_gateway_that_somebody_stops_is_relieved_before_it_leaves_and_nothing_is_said_to_have_failed() {
    let folder = Folder::new();
    let told = Mutex::new(Vec::new());
    let tell = |event: Event<'_>| told.lock().unwrap().push(format!("{event:?}"));
    let mut plan = plan(&folder, RELIEVED, "127.0.0.1:0");
    plan.roles[0].kind = Kind::Gateway;
    let up = Installation::start(plan, Clock::real(), tell).await.unwrap();
    let _door = Door::on(up.socket().try_clone().unwrap());
    let stop = Shutdown::new();
    let story = async {
        let gateway = || {
            let processes = Processes::load(folder.path()).ok().flatten();
            processes.and_then(|processes| processes.pids.gateway.first().copied())
        };
        until("the first is ready", || gateway().is_some()).await;
        let first = gateway().unwrap();
        kill(Pid::from_raw(first as i32), Signal::SIGTERM).unwrap();
        until("the second is ready", || gateway().is_some_and(|pid| pid != first)).await;
        until("the first is gone", || !children(folder.path()).contains(&first)).await;
        stop.request();
    };
    let (ended, ()) = tokio::join!(up.run(&stop, tell), story);
    ended.unwrap();
    let told = told.lock().unwrap();
    assert!(!told.iter().any(|event| event.starts_with("Ended")), "{told:?}");
    assert_eq!(
        told.iter().filter(|event| event.starts_with("Ready")).count(),
        2,
        "{told:?}"
    );
    assert_eq!(children(folder.path()), [0; 0]);
}

#[tokio::test]
async fn a_second_up_refuses() {
    let folder = Folder::new();
    let _first = Installation::start(plan(&folder, WELL, "127.0.0.1:0"), Clock::real(), |_| {})
        .await
        .unwrap();
    let second = Installation::start(plan(&folder, WELL, "127.0.0.1:0"), Clock::real(), |_| {}).await;
    assert!(matches!(second, Err(UpError::Instance(InstanceError::Held(Some(_))))));
}

#[test]
fn a_message_with_its_causes_says_each_thing_once() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = prepare(&folder.path().join("file").join("data")).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(!error.to_string().contains(&cause), "{error}: {cause}");
}

#[tokio::test]
async fn a_taken_port_says_by_whom_and_which_is_free() {
    let folder = Folder::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = other.local_addr().unwrap();
    let taken = Installation::start(plan(&folder, WELL, &wanted.to_string()), Clock::real(), |_| {}).await;
    let Err(error @ UpError::PortTaken { .. }) = taken else {
        panic!("the port was had twice")
    };
    assert!(
        error.to_string().contains(&format!("(process {})", std::process::id())),
        "{error}"
    );
    let UpError::PortTaken { free: Some(free), .. } = error else {
        panic!("no port is free")
    };
    assert!(free.port() > wanted.port() && TcpListener::bind(free).is_ok());
}

#[tokio::test]
async fn a_server_that_can_never_start_ends_it_and_one_that_may_is_tried_again() {
    let folder = Folder::new();
    let up = Installation::start(plan(&folder, "exit 5", "127.0.0.1:0"), Clock::real(), |_| {})
        .await
        .unwrap();
    let ended = tokio::time::timeout(SOON, up.run(&Shutdown::new(), |_| {}))
        .await
        .unwrap();
    assert!(matches!(ended, Err(UpError::Final { code: 5 })));

    let up = Installation::start(plan(&folder, "exit 1", "127.0.0.1:0"), Clock::real(), |_| {})
        .await
        .unwrap();
    let (stop, ends) = (Shutdown::new(), Mutex::new(Vec::new()));
    let tell = |event: Event<'_>| {
        if let Event::Ended { wait, .. } = event {
            ends.lock().unwrap().push(wait.as_millis());
            if ends.lock().unwrap().len() == 3 {
                stop.request();
            }
        }
    };
    tokio::time::timeout(SOON, up.run(&stop, tell)).await.unwrap().unwrap();
    assert_eq!(*ends.lock().unwrap(), [0, 100, 200]);
}

#[tokio::test]
async fn a_server_that_hangs_is_replaced_and_meanwhile_none_is_named() {
    let folder = Folder::new();
    let internal = Door::new();
    let url = internal.url();
    let mut plan = plan(&folder, WELL, "127.0.0.1:0");
    plan.roles[0].arguments = Box::new(move |_, _| vec!["--start".into(), url.clone().into()]);
    plan.patience = Patience {
        pause: Duration::from_millis(5),
        answer: Duration::from_secs(1),
        misses: 2,
        ..Patience::default()
    };
    let up = Installation::start(plan, Clock::real(), |_| {}).await.unwrap();
    let _door = Door::on(up.socket().try_clone().unwrap());
    let (stop, pids, ends) = (Shutdown::new(), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let tell = |event: Event<'_>| match event {
        Event::Ready(processes) => pids.lock().unwrap().push(processes.pids.server[0]),
        Event::Ended { how, .. } => {
            let now = Processes::load(folder.path()).unwrap().unwrap();
            assert_eq!(
                (now.pids.server, now.internal.server, now.servers),
                (vec![], vec![], vec![])
            );
            assert_eq!(now.pids.supervisor, std::process::id());
            assert!(now.public.starts_with("http://127.0.0.1:"));
            let gone = pids.lock().unwrap()[0];
            assert!(kill(Pid::from_raw(gone as i32), None).is_err());
            ends.lock().unwrap().push(how.to_owned());
            internal.hangs(false);
        }
        _ => {}
    };
    let story = async {
        until("it is asked whether it lives", || internal.answered() > 3).await;
        assert_eq!(pids.lock().unwrap().len(), 1);
        internal.hangs(true);
        until("the second is ready", || pids.lock().unwrap().len() == 2).await;
        let asked = internal.answered();
        until("it, too, is asked", || internal.answered() > asked + 3).await;
        let named = Processes::load(folder.path()).unwrap().unwrap();
        assert_eq!(named.pids.server, pids.lock().unwrap()[1..]);
        stop.request();
    };
    let (ended, ()) = tokio::join!(up.run(&stop, tell), story);
    ended.unwrap();
    let ends = ends.into_inner().unwrap();
    assert!(
        ends.len() == 1 && ends[0].starts_with("it did not answer for "),
        "{ends:?}"
    );
}

#[tokio::test]
async fn a_start_of_which_nothing_is_heard_is_given_up_and_stop_is_heard_meanwhile() {
    let folder = Folder::new();
    let mut plan = plan(&folder, "cat > /dev/null", "127.0.0.1:0");
    plan.patience.start = Duration::from_millis(20);
    let up = Installation::start(plan, Clock::real(), |_| {}).await.unwrap();
    let (stop, ends) = (Shutdown::new(), Mutex::new(Vec::new()));
    let tell = |event: Event<'_>| {
        if let Event::Ended { how, .. } = event {
            ends.lock().unwrap().push(how.to_owned());
            if ends.lock().unwrap().len() == 2 {
                stop.request();
            }
        }
    };
    tokio::time::timeout(SOON, up.run(&stop, tell)).await.unwrap().unwrap();
    for how in &*ends.lock().unwrap() {
        assert!(how.starts_with("it said nothing for "), "{how}");
    }
    assert_eq!(Processes::load(folder.path()).unwrap(), None);
    assert_eq!(children(folder.path()), [0; 0]);
}

#[tokio::test]
async fn the_file_of_a_killed_supervisor_is_gone_before_anything_is_started() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("run/processes.json"), "{}").unwrap();
    let _up = Installation::start(plan(&folder, WELL, "127.0.0.1:0"), Clock::real(), |_| {})
        .await
        .unwrap();
    assert_eq!(Processes::load(folder.path()).unwrap(), None);
}
