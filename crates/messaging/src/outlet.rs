//! Where mail goes out: a mail server, or in a demonstration a folder. Opened from the settings; the error names the one
//! that is wrong.

use std::path::{Path, PathBuf};

use base::limit::Settings;

use crate::email::{Email, Unbuildable};
use crate::folder::Folder;
use crate::limit::{CA_FILE, FROM, SMTP_URL};
use crate::receipt::Receipt;
use crate::smtp::{Smtp, SmtpError};

/// The settings do not make an outlet.
#[derive(Debug, thiserror::Error)]
pub enum OutletError {
    /// There is a server but nobody it is from.
    #[error(
        "mail.smtp_url is set and mail.from is not: say whom mail is from, such as `from = \"Vaccine appointments <no-reply@vax.example.org>\"` under [mail]"
    )]
    NoSender,
    /// The server cannot be used as configured.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// The folder cannot be made.
    #[error("{path}: {source}", path = path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
}

/// A way out.
pub enum Outlet {
    /// A mail server.
    Smtp(Box<Smtp>),
    /// Files that a person can look at.
    Folder(Folder),
}

impl Outlet {
    /// The mail server that the settings name, if they name one. `keys` is the folder with its password.
    pub fn smtp(settings: &Settings, keys: &Path) -> Result<Option<Self>, OutletError> {
        let url = settings.text(&SMTP_URL);
        if url.is_empty() {
            return Ok(None);
        }
        if settings.text(&FROM).is_empty() {
            return Err(OutletError::NoSender);
        }
        let ca_file = Some(settings.text(&CA_FILE)).filter(|file| !file.is_empty());
        let smtp = Smtp::new(url, settings.text(&FROM), ca_file.map(Path::new), keys, settings)?;
        Ok(Some(Self::Smtp(Box::new(smtp))))
    }

    /// A folder.
    pub fn folder(path: &Path) -> Result<Self, OutletError> {
        Folder::open(path)
            .map(Self::Folder)
            .map_err(|source| OutletError::Folder {
                path: path.to_owned(),
                source,
            })
    }

    /// Sends one e-mail and says what became of it. Always ends, by the deadline at the latest.
    pub async fn send(&self, email: &Email) -> Receipt {
        let built = match email.build() {
            Ok(built) => built,
            Err(Unbuildable(class)) => return Receipt::never(class, None),
        };
        match self {
            Self::Smtp(smtp) => smtp.send(&built).await,
            Self::Folder(folder) => folder.write(email, &built.bytes),
        }
    }

    /// Closes what is open, politely and soon.
    pub async fn close(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}
