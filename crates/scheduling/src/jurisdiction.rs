//! What concerns a jurisdiction: the health department whose cell this is.

pub mod audit;

use base::time::Zone;
use serde::Deserialize;

/// A jurisdiction, as its document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Jurisdiction {
    /// As residents know it.
    pub name: String,
    /// Where its clinics are when they do not say otherwise.
    pub zone: Zone,
    /// Whom to call who cannot use the pages.
    pub phone: Option<String>,
    /// Language tags, the first is the default.
    pub languages: Vec<String>,
    /// Set for a demonstration: everything shown is marked as not a place to go.
    pub demonstration: Option<Demonstration>,
    /// Which authority's rules are followed, by series; `*` for all others.
    pub authorities: std::collections::BTreeMap<String, String>,
}

/// What makes a jurisdiction a demonstration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demonstration {
    /// What is made up is made from this number.
    pub seed: u64,
    /// The year its clinics were true.
    pub clinics_as_of: String,
}

impl Default for Jurisdiction {
    fn default() -> Self {
        Self {
            name: "Vaccine appointments".to_owned(),
            zone: Zone::named("America/New_York").unwrap_or_else(Zone::utc),
            phone: None,
            languages: vec!["en".to_owned()],
            demonstration: None,
            authorities: std::collections::BTreeMap::new(),
        }
    }
}
