//! Pure. A cursor is where a list was cut: the sort key of the last entry given, with the list's name in front, as
//! base64url text that clients carry without reading it. It stays good when entries come and go.

use base::id::{ClinicId, SlotId};
use base::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What a bad cursor is told.
pub const EXPECTED: &str = "the `next` of an earlier answer to the same question";
/// Names of clinics are shorter than this by far.
const BYTES_MAX: usize = 512;

/// Where a list of slots was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AfterSlot {
    /// Start of the last slot given.
    pub starts_at: Timestamp,
    /// Its id.
    pub id: SlotId,
}

impl AfterSlot {
    const NAME: &'static [u8] = b"slot1";

    /// As text.
    pub fn seal(self) -> String {
        let mut bytes = Self::NAME.to_vec();
        bytes.extend_from_slice(&self.starts_at.micros().to_be_bytes());
        bytes.extend_from_slice(&self.id.to_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From text; `None` when it is no cursor of this list.
    pub fn open(text: &str) -> Option<Self> {
        let bytes = open(text, Self::NAME)?;
        let (starts_at, id) = bytes.split_at_checked(8)?;
        let starts_at = Timestamp::from_micros(i64::from_be_bytes(starts_at.try_into().ok()?));
        Some(Self {
            starts_at,
            id: SlotId::from_bytes(id)?,
        })
    }
}

/// Where a list of clinics was cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AfterClinic {
    /// Distance of the last clinic given in tenths of a kilometre; zero for lists that have no distance.
    pub tenths_km: u32,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: ClinicId,
}

impl AfterClinic {
    const NAME: &'static [u8] = b"clinic1";

    /// As text.
    pub fn seal(&self) -> String {
        let mut bytes = Self::NAME.to_vec();
        bytes.extend_from_slice(&self.tenths_km.to_be_bytes());
        bytes.extend_from_slice(&self.id.to_bytes());
        bytes.extend_from_slice(self.name.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From text; `None` when it is no cursor of this list.
    pub fn open(text: &str) -> Option<Self> {
        let bytes = open(text, Self::NAME)?;
        let (tenths_km, rest) = bytes.split_at_checked(4)?;
        let (id, name) = rest.split_at_checked(16)?;
        Some(Self {
            tenths_km: u32::from_be_bytes(tenths_km.try_into().ok()?),
            name: String::from_utf8(name.to_vec()).ok()?,
            id: ClinicId::from_bytes(id)?,
        })
    }
}

fn open(text: &str, name: &[u8]) -> Option<Vec<u8>> {
    if text.len() > BYTES_MAX * 4 / 3 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    bytes.strip_prefix(name).map(<[u8]>::to_vec)
}
