//! The exit codes of the public contract, and which error means which.

use booking::engine::StartError;
use booking::exchange::backup::BackupError;
use booking::exchange::backup::artefact::Unusable;
use booking::exchange::copy::CopyFailed;
use booking::exchange::demo::DemoError;
use booking::exchange::drill::DrillError;
use booking::exchange::relocation::RelocationError;
use booking::exchange::restore::RestoreError;
use booking::sealing::WrongKeys;
use database::OpenError;
use runtime::config::setting::ConfigError;
use runtime::secret::KeyError;
use server::process::ServerError;
use server::public_url::PublicUrlError;
use supervisor::installation::UpError;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It could not.
    Failed = 1,
    /// What was asked, or the configuration, makes no sense.
    Usage = 2,
    /// It looked, and found something wrong.
    FoundWrong = 3,
    /// It could not look.
    CouldNotLook = 4,
    /// The data was written by a newer version.
    NewerSchema = 5,
}

/// What was asked makes no sense; the text says why.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// What should be checked cannot be looked at; the text says why.
#[derive(Debug)]
pub struct CouldNotLook(pub String);

impl std::fmt::Display for CouldNotLook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CouldNotLook {}

impl Exit {
    /// The code of an error.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<CouldNotLook>() || error.is::<DrillError>() {
            return Self::CouldNotLook;
        }
        if let Some(error) = error.downcast_ref() {
            return Self::of_restore(error);
        }
        if let Some(error) = error.downcast_ref() {
            return Self::of_relocation(error);
        }
        if matches!(error.downcast_ref(), Some(OpenError::NewerSchema { .. })) {
            return Self::NewerSchema;
        }
        let usage = error.is::<Usage>() || error.is::<ConfigError>() || error.is::<PublicUrlError>();
        let unusable = matches!(
            error.downcast_ref(),
            Some(
                ServerError::PublicUrlMissing { .. }
                    | ServerError::Engine(StartError::Mail(_) | StartError::WrongKeys(_) | StartError::NotServed(_))
            )
        );
        // Nothing that a second start would mend: the key file is part of the configuration.
        let keys = error.is::<WrongKeys>()
            || matches!(error.downcast_ref(), Some(key) if !matches!(key, KeyError::Io { .. } | KeyError::Taken(_)));
        if usage || keys || unusable {
            return Self::Usage;
        }
        if let Some(UpError::Final { code }) = error.downcast_ref() {
            return if *code == Self::NewerSchema as i32 {
                Self::NewerSchema
            } else {
                Self::Usage
            };
        }
        let newer = |open: &OpenError| matches!(open, OpenError::NewerSchema { .. });
        if matches!(error.downcast_ref(), Some(DemoError::Open(open)) if newer(open)) {
            return Self::NewerSchema;
        }
        if matches!(error.downcast_ref(), Some(BackupError::Open(open)) if newer(open)) {
            return Self::NewerSchema;
        }
        match error.downcast_ref() {
            Some(ServerError::Engine(StartError::Open(open))) if newer(open) => Self::NewerSchema,
            _ => Self::Failed,
        }
    }

    fn of_relocation(error: &RelocationError) -> Self {
        match error {
            RelocationError::Refused(_) | RelocationError::WrongKeys(_) => Self::Usage,
            RelocationError::Open(OpenError::NewerSchema { .. }) => Self::NewerSchema,
            RelocationError::Open(_) => Self::CouldNotLook,
            RelocationError::FoundWrong(_) | RelocationError::Copy(CopyFailed::Differs(_)) => Self::FoundWrong,
            RelocationError::Copy(_) | RelocationError::Broken(_) | RelocationError::StillPaused { .. } => Self::Failed,
        }
    }

    fn of_restore(error: &RestoreError) -> Self {
        match error {
            RestoreError::Occupied(_) => Self::Usage,
            RestoreError::NotAsSaid(_) => Self::FoundWrong,
            RestoreError::Work(_) => Self::Failed,
            RestoreError::Unusable(unusable) => match unusable {
                Unusable::NewerFormat { .. } | Unusable::NewerSchema { .. } => Self::NewerSchema,
                Unusable::NotABackup(_) | Unusable::Cut { .. } | Unusable::Damaged { .. } => Self::FoundWrong,
                Unusable::Keys { .. } | Unusable::Io { .. } => Self::CouldNotLook,
                Unusable::Stopped => Self::Failed,
            },
        }
    }
}
