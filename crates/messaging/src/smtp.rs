//! Mail by SMTP (RFC 5321) over lettre's client. Every wait has an end. Keeps that the receipt is true: only what the
//! server refused, or what never had its last line sent, is called not delivered.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::limit::Settings;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::timeout;

use crate::email::{Built, domain_of};
use crate::limit::{COMMAND_TIME, CONNECT_TIME, CONNECTIONS, REUSE, SEND_TIME};
use crate::receipt::{Class, Reason, Receipt};
use crate::smtp_url::{Security, SmtpUrl};

/// The file with the password, in the folder of keys.
pub const PASSWORD_FILE: &str = "mail.password";
/// What is written at once of a message.
const PIECE: usize = 16 << 10;
/// What begins a certificate in a PEM file (RFC 7468 §5).
const PEM_MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// How long saying goodbye may take: nobody waits for the answer.
const GOODBYE: Duration = Duration::from_secs(1);

/// The server cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL.
    #[error("mail.smtp_url: {0}")]
    Url(String),
    /// A user without a password.
    #[error("mail.smtp_url names a user; write the password into {path} (one line, mode 0600): {source}", path = path.display())]
    Password {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// The certificate.
    #[error("mail.ca_file: {0}")]
    Certificate(String),
}

/// A mail server, with the connections that are open to it.
pub struct Smtp {
    url: SmtpUrl,
    hello: ClientId,
    credentials: Option<Credentials>,
    tls: Option<TlsParameters>,
    connect_time: Duration,
    command_time: Duration,
    send_time: Duration,
    reuse: u64,
    most_idle: usize,
    idle: Mutex<Vec<Open>>,
}

struct Open {
    connection: AsyncSmtpConnection,
    sent: u64,
}

/// How far a message has come; read when its time is over.
#[derive(Default)]
struct Progress(AtomicBool);

impl Progress {
    /// The end of the message may be on the line from here on.
    fn ending(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
    fn is_ending(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Why an attempt stopped.
enum Stop {
    /// The server said this, at that step.
    Said(Class, u16),
    /// The connection failed or was late.
    Broke,
}

impl Smtp {
    /// A server from its settings; nothing is connected yet. `keys` is the folder with the password.
    pub fn new(
        url: &str,
        from: &str,
        ca_file: Option<&Path>,
        keys: &Path,
        settings: &Settings,
    ) -> Result<Self, SmtpError> {
        let url = SmtpUrl::parse(url).map_err(SmtpError::Url)?;
        let credentials = match &url.user {
            None => None,
            Some(user) => {
                let path = keys.join(PASSWORD_FILE);
                let password = read_password(&path).map_err(|source| SmtpError::Password { path, source })?;
                Some(Credentials::new(user.clone(), password))
            }
        };
        let wrong = |what: String| SmtpError::Certificate(what);
        let tls = if url.security == Security::Plain {
            None
        } else {
            let mut builder = TlsParameters::builder(url.host.clone());
            if let Some(file) = ca_file {
                let pem = std::fs::read(file).map_err(|error| wrong(format!("{}: {error}", file.display())))?;
                if !pem.windows(PEM_MARK.len()).any(|found| found == PEM_MARK) {
                    return Err(wrong(format!("{}: no certificate is in it", file.display())));
                }
                let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
                builder = builder.add_root_certificate(certificate);
            }
            Some(builder.build_rustls().map_err(|error| wrong(error.to_string()))?)
        };
        Ok(Self {
            hello: ClientId::Domain(domain_of(from).unwrap_or_else(|| "localhost".to_owned())),
            url,
            credentials,
            tls,
            connect_time: settings.duration(&CONNECT_TIME),
            command_time: settings.duration(&COMMAND_TIME),
            send_time: settings.duration(&SEND_TIME),
            reuse: settings.get(&REUSE),
            most_idle: settings.get(&CONNECTIONS) as usize,
            idle: Mutex::default(),
        })
    }

    /// Sends one message.
    pub async fn send(&self, built: &Built) -> Receipt {
        let progress = Progress::default();
        let sent = timeout(self.send_time, self.deliver(built, &progress)).await;
        sent.unwrap_or_else(|_| {
            if progress.is_ending() {
                Receipt::Unknown
            } else {
                Receipt::again(Class::Connection, None)
            }
        })
    }

    async fn deliver(&self, built: &Built, progress: &Progress) -> Receipt {
        // An open connection may have been closed from the other side meanwhile. Before the end of a message nothing
        // has happened, so the same is said once more on a new one.
        if let Some(mut open) = self.take() {
            match self.converse(&mut open, built, progress).await {
                Err(Stop::Broke) if !progress.is_ending() => {}
                done => return self.receipt(done, open, progress).await,
            }
        }
        match self.connect().await {
            Ok(mut open) => {
                let done = self.converse(&mut open, built, progress).await;
                self.receipt(done, open, progress).await
            }
            Err(why) => Receipt::Rejected { permanent: false, why },
        }
    }

    fn take(&self) -> Option<Open> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// What an attempt means; the connection goes back, or ends.
    async fn receipt(&self, done: Result<(), Stop>, mut open: Open, progress: &Progress) -> Receipt {
        let receipt = match done {
            Ok(()) => Receipt::Delivered,
            Err(Stop::Said(class, code)) => {
                // About us, not about this message: it may be put right while the message waits.
                let ours = class == Class::Sender || matches!(code, 530 | 534 | 535 | 538);
                if code >= 500 && !ours {
                    Receipt::never(class, Some(code))
                } else {
                    Receipt::again(class, Some(code))
                }
            }
            Err(Stop::Broke) if progress.is_ending() => return Receipt::Unknown,
            Err(Stop::Broke) => return Receipt::again(Class::Connection, None),
        };
        open.sent += 1;
        let refused = !matches!(receipt, Receipt::Delivered);
        let clean = !refused
            || matches!(
                timeout(self.command_time, open.connection.command(Rset)).await,
                Ok(Ok(_))
            );
        if clean && open.sent < self.reuse {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < self.most_idle {
                idle.push(open);
                return receipt;
            }
        }
        goodbye(open).await;
        receipt
    }

    /// Ends the connections that are open.
    pub async fn close(&self) {
        while let Some(open) = self.take() {
            goodbye(open).await;
        }
    }

    /// A new connection, signed in. The error has the server's code where it gave one.
    async fn connect(&self) -> Result<Open, Reason> {
        let secures = AtomicBool::new(false);
        let connecting = async {
            let at_once = self.tls.clone().filter(|_| self.url.security == Security::Tls);
            let mut connection = AsyncSmtpConnection::connect_tokio1(
                (self.url.host.as_str(), self.url.port),
                Some(self.connect_time),
                &self.hello,
                at_once,
                None,
            )
            .await?;
            if let Some(tls) = self.tls.clone().filter(|_| self.url.security == Security::StartTls) {
                secures.store(true, Ordering::SeqCst);
                connection.starttls(tls, &self.hello).await?;
                secures.store(false, Ordering::SeqCst);
            }
            if let Some(credentials) = &self.credentials {
                connection
                    .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                    .await?;
            }
            Ok(connection)
        };
        match timeout(self.connect_time, connecting).await {
            Ok(Ok(connection)) => Ok(Open { connection, sent: 0 }),
            Ok(Err(error)) => {
                let error: lettre::transport::smtp::Error = error;
                let is_tls = secures.load(Ordering::SeqCst) || error.is_tls() || is_certificate(&error);
                let class = if is_tls { Class::Tls } else { Class::Connection };
                if is_tls {
                    // Of ourselves and the server's certificate: nothing that was to be sent.
                    tracing::warn!(cause = last_cause(&error), "no TLS with the mail server");
                }
                Err(Reason {
                    class,
                    code: error.status().map(u16::from),
                })
            }
            Err(_) => Err(Reason {
                class: Class::Connection,
                code: None,
            }),
        }
    }

    /// One message over an open connection, to the server's last word.
    async fn converse(&self, open: &mut Open, built: &Built, progress: &Progress) -> Result<(), Stop> {
        let connection = &mut open.connection;
        let Some(parameters) = parameters(connection, &built.envelope) else {
            // 553: "mailbox name not allowed", as a server without SMTPUTF8 would say itself.
            return Err(Stop::Said(Class::Recipient, 553));
        };
        let mail = Mail::new(built.envelope.from().cloned(), parameters);
        self.step(Class::Sender, connection.command(mail)).await?;
        for to in built.envelope.to() {
            self.step(Class::Recipient, connection.command(Rcpt::new(to.clone(), Vec::new())))
                .await?;
        }
        self.step(Class::Content, connection.command(Data)).await?;
        // Asked for its next piece only after the last one is written: when there is none, the line that ends the
        // message is next, and from then on only the server knows.
        let pieces = built.bytes.chunks(PIECE).chain(std::iter::once_with(|| {
            progress.ending();
            &[][..]
        }));
        self.step(Class::Content, connection.message_iter(pieces)).await
    }

    async fn step<T>(
        &self,
        class: Class,
        asked: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    ) -> Result<(), Stop> {
        match timeout(self.command_time, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error
                .status()
                .map_or(Stop::Broke, |code| Stop::Said(class, u16::from(code)))),
            Err(_) => Err(Stop::Broke),
        }
    }
}

/// Whether what came over the line was no TLS, or a certificate that is not trusted: the line itself was fine.
fn is_certificate(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData && io.get_ref().is_some()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause, in words.
fn last_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What MAIL asks for; `None` when the address needs what this server cannot.
fn parameters(connection: &AsyncSmtpConnection, envelope: &Envelope) -> Option<Vec<MailParameter>> {
    let mut parameters = Vec::new();
    let addresses = envelope.from().into_iter().chain(envelope.to());
    if !addresses.map(AsRef::<str>::as_ref).all(str::is_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return None;
        }
        parameters.push(MailParameter::SmtpUtfEight);
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Some(parameters)
}

async fn goodbye(mut open: Open) {
    let _ = timeout(GOODBYE, open.connection.quit()).await;
}

/// The first line of a file that only its owner can read.
fn read_password(path: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::PermissionsExt;
    if path.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(std::io::Error::other(format!(
            "it is open to others: run `chmod 600 {}`",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path)?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(std::io::Error::other("its first line is empty"));
    }
    Ok(line.to_owned())
}
