//! A PostgreSQL of one test's own, to be set wrong, killed and promoted: Debian's, in a folder that goes with it.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const BIN: &str = "/usr/lib/postgresql/15/bin";
const WITHIN: Duration = Duration::from_secs(30);

pub struct OwnServer {
    folder: PathBuf,
    process: Option<Child>,
    pub port: u16,
}

/// PostgreSQL refuses root.
fn program(name: &str) -> Command {
    let path = Path::new(BIN).join(name);
    // Who owns this process's own folder is whoever runs it.
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
        .arg(path);
    command
}

fn done(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

impl OwnServer {
    /// A primary; or one that follows nobody in particular, until it is promoted.
    pub fn start(follows: bool) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "evenkeel-own-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        let data = folder.join("data");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let mut init = program("initdb");
        init.arg("-D").arg(&data).args([
            "-U",
            "evenkeel",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        done(&init.current_dir(&folder).output().unwrap());
        if follows {
            std::fs::write(data.join("standby.signal"), "").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self {
            folder,
            process: None,
            port,
        };
        server.run();
        server
    }

    fn run(&mut self) {
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        let mut command = program("postgres");
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-p")
            .arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "shared_buffers=16MB",
        ] {
            command.arg("-c").arg(setting);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .current_dir(&self.folder);
        self.process = Some(command.process_group(0).spawn().unwrap());
        let began = Instant::now();
        let ready = || {
            let mut ask = Command::new(Path::new(BIN).join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .unwrap()
                .success()
        };
        while !ready() {
            let log = || std::fs::read_to_string(self.folder.join("log"));
            assert!(began.elapsed() < WITHIN, "not ready: {:?}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn url(&self) -> String {
        format!("postgres://evenkeel@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Runs SQL by another client.
    pub fn ask(&self, sql: &str) -> String {
        ask(&self.url(), sql)
    }

    /// Changes a setting of the whole server.
    pub fn set(&self, name: &str, value: &str) {
        self.ask(&format!("ALTER SYSTEM SET {name} = '{value}'"));
        self.ask("SELECT pg_reload_conf()");
        let began = Instant::now();
        while self.ask(&format!("SHOW {name}")) != value {
            assert!(began.elapsed() < WITHIN, "{name} is not {value}");
        }
    }

    pub fn promote(&self) {
        assert_eq!(self.ask("SELECT pg_promote(true, 30)"), "t");
    }

    /// Ends it at once.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let mut stop = program("pg_ctl");
            stop.arg("-D")
                .arg(self.folder.join("data"))
                .args(["-m", "immediate", "stop"]);
            let _ = stop.current_dir(&self.folder).output();
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs SQL by Debian's own client.
pub fn ask(url: &str, sql: &str) -> String {
    done(
        &Command::new("psql")
            .arg(url)
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .output()
            .unwrap(),
    )
}
