//! Chromium's driver as a child of ours, and windows of the size of a phone.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::{Client as Browser, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::group::Group;

/// A phone that many people have, in CSS pixels.
const WIDTH: u32 = 390;
const HEIGHT: u32 = 844;

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// They may.
    On,
    /// They may not.
    Off,
}

/// A running driver; with it ends every browser that it started.
pub struct Driver {
    child: Child,
    group: Option<Group>,
    url: String,
    chromium: PathBuf,
    scratch: PathBuf,
}

impl Driver {
    /// Starts it and waits until it listens.
    pub async fn start(chromedriver: &Path, chromium: &Path, scratch: &Path) -> Result<Self> {
        let port = crate::port::free()?;
        let log = std::fs::File::create(scratch.join("chromedriver.log"))?;
        let child = Command::new(chromedriver)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .context("starting chromedriver")?;
        let driver = Self {
            group: Some(Group::of(&child)),
            child,
            url: format!("http://127.0.0.1:{port}"),
            chromium: chromium.to_owned(),
            scratch: scratch.to_owned(),
        };
        let until = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until {
                bail!("chromedriver does not listen");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(driver)
    }

    /// Opens a browser.
    pub async fn open(&self, scripts: Scripts) -> Result<Browser> {
        let (profile, javascript) = match scripts {
            Scripts::On => ("profile-on", 1),
            Scripts::Off => ("profile-off", 2), // Chromium's own number for "blocked"
        };
        let options = json!({
            "binary": self.chromium,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US",
                format!("--user-data-dir={}", self.scratch.join(profile).display()),
            ],
            "mobileEmulation": { "deviceMetrics": { "width": WIDTH, "height": HEIGHT, "pixelRatio": 2.0, "touch": true } },
            "prefs": { "profile.managed_default_content_settings.javascript": javascript },
        });
        let mut wanted = serde_json::Map::new();
        wanted.insert("browserName".to_owned(), json!("chrome"));
        wanted.insert("goog:chromeOptions".to_owned(), options);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder
            .capabilities(wanted)
            .connect(&self.url)
            .await
            .context("opening a browser")
    }

    /// Ends it.
    pub fn stop(mut self) -> Result<()> {
        drop(self.group.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.group.take());
        let _ = self.child.wait();
    }
}
