//! Where finished files are kept: a folder, or object storage that speaks S3. Keeps that a file is there whole under its
//! name, or not at all. Doesn't know what is in the files, nor which of them may go.

pub mod folder;
pub mod object_storage;

use std::path::{Path, PathBuf};

use folder::Folder;
use object_storage::{Access, ObjectStorage};

/// A place that keeps files by name.
#[derive(Debug)]
pub enum Destination {
    /// A folder, perhaps on another machine's disk.
    Folder(Folder),
    /// A bucket, and what names in it begin with.
    Objects(ObjectStorage),
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
}

/// Something kept could not be reached, or a file could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct DestinationError {
    /// Where: a path or URL, never a credential.
    pub place: String,
    /// What went wrong, for a person.
    pub cause: String,
}

/// What somebody named: a destination, or one file in it.
#[derive(Debug)]
pub struct Place {
    /// Where.
    pub destination: Destination,
    /// Which file, when one was named.
    pub name: Option<String>,
}

impl Place {
    /// Reads `FILE`, `DIR` or `s3://bucket/prefix`. What exists as a folder, or ends in `/`, is a folder; an object's
    /// name is one that ends in `ending`.
    pub fn named(text: &str, ending: &str, access: &Access) -> Result<Self, DestinationError> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (folder, name) = match rest.rsplit_once('/') {
                Some((folder, name)) if name.ends_with(ending) => (folder, Some(name.to_owned())),
                _ => (rest, None),
            };
            let destination = Destination::Objects(ObjectStorage::open(folder, access)?);
            return Ok(Self { destination, name });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(DestinationError {
                place: text.to_owned(),
                cause: format!("{scheme}:// is not known here; expected a path or s3://BUCKET/PREFIX"),
            });
        }
        let path = Path::new(text);
        if text.ends_with('/') || path.is_dir() {
            return Ok(Self::folder(path));
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let within = parent.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        Ok(Self {
            destination: Destination::Folder(Folder::at(&within)),
            name,
        })
    }

    /// A folder.
    pub fn folder(path: &Path) -> Self {
        Self {
            destination: Destination::Folder(Folder::at(path)),
            name: None,
        }
    }
}

impl Destination {
    /// Everything kept there, by name.
    pub fn list(&self) -> Result<Vec<Kept>, DestinationError> {
        let mut kept = match self {
            Self::Folder(folder) => folder.list(),
            Self::Objects(objects) => objects.list(),
        }?;
        kept.sort_unstable();
        Ok(kept)
    }

    /// Keeps a file under this name; one of the same name gives way. The file itself may be gone afterwards.
    pub fn put(&self, file: &Path, name: &str) -> Result<(), DestinationError> {
        match self {
            Self::Folder(folder) => folder.put(file, name),
            Self::Objects(objects) => objects.put(file, name),
        }
    }

    /// Brings a kept file to a new file at `to`, readable by its owner only.
    pub fn fetch(&self, name: &str, to: &Path) -> Result<(), DestinationError> {
        match self {
            Self::Folder(folder) => folder.fetch(name, to),
            Self::Objects(objects) => objects.fetch(name, to),
        }
    }

    /// Lets go of a kept file; one that is gone already is no error.
    pub fn remove(&self, name: &str) -> Result<(), DestinationError> {
        match self {
            Self::Folder(folder) => folder.remove(name),
            Self::Objects(objects) => objects.remove(name),
        }
    }

    /// The path of a kept file, where it can be read as it lies.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.path().join(name)),
            Self::Objects(_) => None,
        }
    }

    /// Whether it is on the same disk as this path, as far as can be told: then it is lost with that disk.
    pub fn is_on_disk_of(&self, path: &Path) -> bool {
        match self {
            Self::Folder(folder) => folder.is_on_disk_of(path),
            Self::Objects(_) => false,
        }
    }
}

/// The path or URL, for a person.
impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.path().display()),
            Self::Objects(objects) => write!(f, "{objects}"),
        }
    }
}
