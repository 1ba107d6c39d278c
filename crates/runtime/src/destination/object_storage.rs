//! Object storage that speaks S3: a bucket here or at any provider. Blocks; for an owned thread or a command line. An
//! object is there whole or not at all: the storage shows it when its last part has come.

use std::fmt;
use std::fs::OpenOptions;
use std::future::Future;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;
use tokio_util::io::StreamReader;
use zeroize::Zeroizing;

use super::{DestinationError, Kept};

/// Sent at once; a longer object goes in parts of this size (S3 asks for at least 5 MiB, and takes 10,000 parts).
const PART_BYTES: usize = 16 * 1024 * 1024;
/// Until a connection stands.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// For one request: a part at 100 kB/s.
const REQUEST_TIME: Duration = Duration::from_mins(3);
/// Tries of one request after the first, and how long they may take together.
const RETRIES: usize = 3;
const RETRY_TIME: Duration = Duration::from_mins(3);
/// What a region is called where nobody asks.
const REGION: &str = "us-east-1";

/// Who we are for the storage, and where it is.
#[derive(Clone, Default)]
pub struct Access {
    /// Such as `https://s3.example.org`; without one, Amazon's own.
    pub endpoint: Option<String>,
    /// Such as `eu-central-1`.
    pub region: Option<String>,
    /// The key's name.
    pub access_key: Option<String>,
    /// The key.
    pub secret_key: Option<Zeroizing<String>>,
    /// Goes with a key that lasts a while only.
    pub session_token: Option<Zeroizing<String>>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({:?}, ..)", self.endpoint)
    }
}

/// A bucket, and what the names of our objects in it begin with.
pub struct ObjectStorage {
    store: Arc<AmazonS3>,
    prefix: Key,
    shown: String,
    runtime: Runtime,
}

impl ObjectStorage {
    /// `bucket` or `bucket/prefix`.
    pub fn open(place: &str, access: &Access) -> Result<Self, DestinationError> {
        let shown = format!("s3://{}", place.trim_end_matches('/'));
        let wrong = |cause: String| DestinationError {
            place: shown.clone(),
            cause,
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(wrong("expected s3://BUCKET/PREFIX".to_owned()));
        }
        let (Some(key), Some(secret)) = (&access.access_key, &access.secret_key) else {
            return Err(wrong(
                "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or backup.s3.access_key and \
                 backup.s3.secret_key in evenkeel.toml"
                    .to_owned(),
            ));
        };
        // One provider for the whole process; somebody may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = access.endpoint.as_ref().is_some_and(|at| at.starts_with("http://"));
        let client = ClientOptions::new()
            .with_allow_http(plain)
            .with_connect_timeout(CONNECT_TIME)
            .with_timeout(REQUEST_TIME);
        let mut builder = AmazonS3Builder::new()
            .with_client_options(client)
            .with_retry(RetryConfig {
                max_retries: RETRIES,
                retry_timeout: RETRY_TIME,
                ..RetryConfig::default()
            })
            .with_bucket_name(bucket)
            .with_region(access.region.as_deref().unwrap_or(REGION))
            .with_access_key_id(key)
            .with_secret_access_key(secret.as_str());
        if let Some(token) = &access.session_token {
            builder = builder.with_token(token.as_str());
        }
        if let Some(endpoint) = &access.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(|error| wrong(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            store: Arc::new(store),
            prefix: Key::from(prefix),
            runtime: runtime.map_err(|error| wrong(error.to_string()))?,
            shown,
        })
    }

    fn key(&self, name: &str) -> Key {
        self.prefix.clone().join(name)
    }

    fn run<T>(&self, name: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, DestinationError> {
        self.runtime.block_on(work).map_err(|error| {
            let place = format!("{}/{name}", self.shown);
            let cause = match &error {
                Error::NotFound { .. } => "it is not there".to_owned(),
                Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                    "the storage does not let these credentials do that".to_owned()
                }
                other => other.to_string(),
            };
            DestinationError { place, cause }
        })
    }

    pub(super) fn list(&self) -> Result<Vec<Kept>, DestinationError> {
        let listed = self.run("", self.store.list_with_delimiter(Some(&self.prefix)))?;
        let kept = listed.objects.into_iter().filter_map(|object| {
            Some(Kept {
                name: object.location.filename()?.to_owned(),
                bytes: object.size,
            })
        });
        Ok(kept.collect())
    }

    pub(super) fn put(&self, file: &Path, name: &str) -> Result<(), DestinationError> {
        let key = self.key(name);
        let sent = self.run(name, async {
            let io = |source| Error::Generic {
                store: "a local file",
                source: Box::new(source),
            };
            let mut file = tokio::fs::File::open(file).await.map_err(io)?;
            let mut writer =
                BufWriter::with_capacity(Arc::clone(&self.store) as Arc<dyn ObjectStore>, key.clone(), PART_BYTES);
            match tokio::io::copy(&mut file, &mut writer).await {
                Ok(bytes) => writer.shutdown().await.map(|()| bytes),
                Err(error) => {
                    // Parts that nobody finishes are not shown, but paid for.
                    let _ = writer.abort().await;
                    Err(error)
                }
            }
            .map_err(io)
        })?;
        let there = self.run(name, self.store.head(&key))?.size;
        if there == sent {
            return Ok(());
        }
        Err(DestinationError {
            place: format!("{}/{name}", self.shown),
            cause: format!("{sent} bytes were sent, {there} are there"),
        })
    }

    pub(super) fn fetch(&self, name: &str, to: &Path) -> Result<(), DestinationError> {
        self.run(name, async {
            let io = |source| Error::Generic {
                store: "a local file",
                source: Box::new(source),
            };
            let found = self.store.get(&self.key(name)).await?;
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(0o600).open(to);
            let mut file = tokio::fs::File::from_std(file.map_err(io)?);
            let mut reader = StreamReader::new(found.into_stream());
            tokio::io::copy(&mut reader, &mut file).await.map_err(io)?;
            file.sync_all().await.map_err(io)
        })
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), DestinationError> {
        let key = self.key(name);
        self.run(name, async {
            match self.store.delete(&key).await {
                Err(Error::NotFound { .. }) => Ok(()),
                done => done,
            }
        })
    }
}

impl fmt::Debug for ObjectStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectStorage({})", self.shown)
    }
}

impl fmt::Display for ObjectStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
