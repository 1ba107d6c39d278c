//! The signature over a release's checksums: ed25519 (RFC 8032), keys as OpenSSL writes and reads them (PKCS#8 and
//! SubjectPublicKeyInfo in PEM, RFC 8410).

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// What stands before the 32 bytes of a private key (RFC 8410 §7: version 0, the algorithm, an octet string in another).
const PRIVATE_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// What stands before the 32 bytes of a public key (RFC 8410 §4).
const PUBLIC_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// Signs.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads a private key: `openssl genpkey -algorithm ed25519` makes one.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let der = from_pem(&text, PRIVATE).with_context(|| file.display().to_string())?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        Ok(Self(
            key.map_err(|why| anyhow!("{}: no ed25519 key: {why}", file.display()))?,
        ))
    }

    /// Reads a private key, or makes one there that only its owner may read.
    pub fn read_or_make(file: &Path) -> Result<Self> {
        std::fs::create_dir_all(file.parent().unwrap_or(file))?;
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        match new {
            Ok(mut new) => {
                let mut seed = [0; 32];
                SystemRandom::new().fill(&mut seed).map_err(|_| anyhow!("no entropy"))?;
                new.write_all(to_pem(&[&PRIVATE_HEAD[..], &seed].concat(), PRIVATE).as_bytes())?;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        }
        Self::read(file)
    }

    /// The public half, as OpenSSL reads it.
    pub fn public_pem(&self) -> String {
        to_pem(&[&PUBLIC_HEAD[..], self.0.public_key().as_ref()].concat(), PUBLIC)
    }

    /// The signature, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// Whether the holder of the key signed this message.
pub fn verify(public_pem: &str, message: &[u8], signature: &[u8]) -> Result<()> {
    let der = from_pem(public_pem, PUBLIC)?;
    let key = der.strip_prefix(&PUBLIC_HEAD).context("no public ed25519 key")?;
    UnparsedPublicKey::new(&ED25519, key)
        .verify(message, signature)
        .map_err(|_| anyhow!("the signature is not of this key over these checksums"))
}

fn to_pem(der: &[u8], kind: &str) -> String {
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        STANDARD.encode(der)
    )
}

fn from_pem(text: &str, kind: &str) -> Result<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let body = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
    let (body, _) = body.with_context(|| format!("expected {begin}"))?;
    let packed: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD
        .decode(packed)
        .with_context(|| format!("what stands after {begin} cannot be read"))
}
