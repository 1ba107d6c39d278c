//! The faulty file layer under the database: compiled here, told here what fails, and asked what would be left if the
//! machine lost its power.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Of a page, as the layer counts.
const PAGE: usize = 4096;
/// Pages of the log that it remembers.
const PAGES: u64 = 1 << 18;

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    /// Nothing.
    Nothing = 0,
    /// Syncs of the log, with EIO.
    Syncs = b'f' as isize,
    /// Writes to the log, with EIO.
    Writes = b'w' as isize,
    /// Every write to the data folder, with EROFS: what the system does to open files when a disk turned read-only.
    ReadOnly = b'r' as isize,
}

/// The layer of one installation.
pub struct Layer {
    library: PathBuf,
    folder: PathBuf,
    data: PathBuf,
}

/// Compiles the layer.
pub fn compile(source: &Path, library: &Path) -> Result<()> {
    let compiled = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .args([library, source])
        .args(["-ldl", "-lpthread"])
        .output()
        .context("a C compiler is needed: cc")?;
    ensure!(
        compiled.status.success(),
        "cc: {}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    Ok(())
}

impl Layer {
    /// A layer that does nothing yet, with its files in `folder`.
    pub fn new(library: &Path, folder: &Path, data: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("control"), [0])?;
        File::create(folder.join("states"))?.set_len(PAGES)?;
        File::create(folder.join("platter"))?;
        Ok(Self {
            library: library.to_owned(),
            folder: folder.to_owned(),
            data: data.to_owned(),
        })
    }

    /// The words that run a program on this layer.
    pub fn words(&self) -> Vec<String> {
        vec![
            "env".to_owned(),
            format!("LD_PRELOAD={}", self.library.display()),
            format!("FAULTY_FOLDER={}", self.folder.display()),
            format!("FAULTY_DATA={}", self.data.display()),
        ]
    }

    /// From now on this fails.
    pub fn fail(&self, what: Fails) -> Result<()> {
        let control = OpenOptions::new().write(true).open(self.folder.join("control"))?;
        Ok(control.write_all_at(&[what as u8], 0)?)
    }

    /// The machine loses its power: every page of the log that is not on the platter has its old bytes again. How many
    /// those were. Nothing may run.
    pub fn cut_power(&self) -> Result<usize> {
        let path = self.folder.join("states");
        let states = fs::read(&path)?;
        let log = match OpenOptions::new()
            .write(true)
            .open(self.data.join("evenkeel.sqlite-wal"))
        {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let (platter, length) = (File::open(self.folder.join("platter"))?, log.metadata()?.len());
        let mut lost = 0;
        for (page, _) in states.iter().enumerate().filter(|(_, state)| **state != 0) {
            let at = (page * PAGE) as u64;
            let whole = PAGE.min(length.saturating_sub(at) as usize);
            let mut old = [0; PAGE];
            platter.read_exact_at(&mut old, at)?;
            log.write_all_at(&old[..whole], at)?;
            lost += 1;
        }
        log.sync_all()?;
        OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all_at(&vec![0; PAGES as usize], 0)?;
        Ok(lost)
    }
}
