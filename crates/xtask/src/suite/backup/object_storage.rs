//! Backups in a bucket: a small S3 server from PyPI on loopback keeps one that is sent in parts, shows it, gives it back,
//! and is rehearsed with; one that is gone is named.

use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Tried, ends, newest, until};
use crate::client::{Ask, Client};
use crate::group::Group;
use crate::site::Start;
use crate::{Checkout, program, tools};

/// It is Python, and loads much.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Longer than a part, so that a backup is sent in several.
const BALLAST_MIB: usize = 20;
const BUCKET: &str = "evenkeel-test";

/// A running S3 server.
pub(super) struct Storage {
    child: Child,
    group: Option<Group>,
    url: String,
    python: PathBuf,
}

impl Storage {
    /// Starts it with an empty bucket.
    pub(super) fn start(checkout: &Checkout, scratch: &Path) -> Result<Self> {
        let server = tools::moto(checkout)?;
        let port = crate::port::free()?;
        let said = File::create(scratch.join("moto.out"))?;
        let child = Command::new(&server)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", server.display()))?;
        let group = Some(Group::of(&child));
        let storage = Self {
            child,
            group,
            url: format!("http://127.0.0.1:{port}"),
            python: server.with_file_name("python3"),
        };
        until(READY_WITHIN, "the S3 server answers", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        let client = Client::new(&storage.url);
        let make = Ask::get(format!("/{BUCKET}")).method(hyper::Method::PUT);
        super::super::runtime()?.block_on(client.ask(&make, 200))?;
        Ok(storage)
    }

    fn known_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        drop(self.group.take()); // SIGKILL
        let _ = self.child.wait();
    }
}

/// See the head of this file. How many promises were looked at.
pub(super) fn run(tried: &Tried, storage: &Storage) -> Result<usize> {
    let data = tried.scratch.join("s3-data");
    Start::new(&tried.binary, &data).arg("--empty").up()?.stop()?;
    let fill = format!(
        "import os, sqlite3; c = sqlite3.connect('{}/evenkeel.sqlite'); c.execute('create table ballast (b blob)'); \
         c.executemany('insert into ballast values (?)', ((os.urandom(1 << 20),) for _ in range({BALLAST_MIB}))); c.commit()",
        data.display()
    );
    program::output(Command::new(&storage.python).args(["-c", &fill]))?;
    let (place, bucket) = (data.display().to_string(), format!("s3://{BUCKET}/a/county"));
    let ask = |arguments: &[&str], code: i32| {
        let mut command = tried.command(arguments);
        ends(storage.known_to(&mut command), code)
    };

    let (made, _) = ask(&["backup", &bucket, "--json", "--data", &place], 0)?;
    let bytes = made["bytes"].as_u64().unwrap_or_default();
    ensure!(
        bytes > (BALLAST_MIB as u64) << 20,
        "only {bytes} bytes: not sent in parts"
    );
    let (listed, _) = ask(&["backup", "list", &bucket, "--json", "--data", &place], 0)?;
    ensure!(listed["bytes"] == bytes, "listed as {listed}");
    let elsewhere = tried.scratch.join("s3-restored").display().to_string();
    let keys = data.join("keys/master.key").display().to_string();
    let (restored, _) = ask(
        &["restore", &bucket, "--data", &elsewhere, "--keys", &keys, "--json"],
        0,
    )?;
    ensure!(
        restored["sha256"] == made["sha256"] && restored["rows"]["ballast"] == BALLAST_MIB,
        "restored is {restored}"
    );

    // As configured, with credentials in the file: kept, rehearsed, and old ones let go.
    let configuration = format!(
        "[backup]\ndestination = \"{bucket}\"\n[backup.s3]\nendpoint = \"{}\"\naccess_key = \"a\"\nsecret_key = \"b\"\n",
        storage.url
    );
    let file = data.join("evenkeel.toml");
    std::fs::write(&file, configuration)?;
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    ends(&mut tried.command(&["backup", "--json", "--data", &place]), 0)?;
    let (drill, _) = ends(&mut tried.command(&["backup", "drill", "--json", "--data", &place]), 0)?;
    ensure!(drill["passed"] == true && drill["destination"] == bucket, "{drill}");
    println!(
        "  object storage: {:.0} MB in parts, restored; drill: fetch {:.1} s, RTO {:.1} s",
        bytes as f64 / 1e6,
        drill["fetch_s"].as_f64().unwrap_or_default(),
        drill["rto_s"].as_f64().unwrap_or_default()
    );
    let nowhere = format!("s3://{BUCKET}-of-nobody/a");
    let (_, said) = ask(&["backup", &nowhere, "--data", &place], 1)?;
    ensure!(said.contains(&nowhere), "{said}");
    let (_, said) = ask(
        &[
            "restore",
            &nowhere,
            "--data",
            &elsewhere.replace("restored", "no"),
            "--keys",
            &keys,
        ],
        4,
    )?;
    ensure!(said.contains(&nowhere), "{said}");
    ensure!(newest(&data.join("backups")).is_err(), "a copy was left on the machine");
    Ok(6)
}
