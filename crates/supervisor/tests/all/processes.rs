//! The ready line has every key of the contract, and the file never holds a sign-in link.

use std::path::PathBuf;

use expect_test::expect;
use supervisor::processes::{ByRole, Pids, Processes, SignIn, arguments};

use crate::folder::Folder;

fn some() -> Processes {
    Processes {
        event: "ready".to_owned(),
        public: "http://127.0.0.1:8080".to_owned(),
        watch: None,
        status: None,
        internal: ByRole {
            server: vec!["http://127.0.0.1:40000".to_owned()],
            ..ByRole::default()
        },
        servers: vec!["http://127.0.0.1:8080".to_owned()],
        pids: Pids {
            supervisor: 1,
            gateway: vec![],
            server: vec![2],
            watch: vec![],
        },
        sign_in: Some(SignIn {
            admin: "http://127.0.0.1:8080/sign-in/x".to_owned(),
        }),
        data: PathBuf::from("/data"),
    }
}

#[test]
fn the_ready_line_has_all_keys() {
    let without = Processes {
        sign_in: None,
        ..some()
    };
    expect![[r#"{"event":"ready","public":"http://127.0.0.1:8080","watch":null,"status":null,"internal":{"server":["http://127.0.0.1:40000"],"gateway":[],"watch":[]},"servers":["http://127.0.0.1:8080"],"pids":{"supervisor":1,"gateway":[],"server":[2],"watch":[]},"sign_in":null,"data":"/data"}"#]].assert_eq(&without.line());
}

#[test]
fn the_file_is_replaced_whole_and_without_the_link() {
    let folder = Folder::new();
    assert_eq!(Processes::load(folder.path()).unwrap(), None);
    for _ in 0..2 {
        some().save(folder.path()).unwrap();
        assert_eq!(
            Processes::load(folder.path()).unwrap(),
            Some(Processes {
                sign_in: None,
                ..some()
            })
        );
    }
    Processes::remove(folder.path()).unwrap();
    Processes::remove(folder.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("run")).unwrap().count(), 0);
}

#[test]
fn arguments_of_this_process_and_of_none() {
    assert!(!arguments(std::process::id()).is_empty());
    assert!(arguments(u32::MAX).is_empty());
}
