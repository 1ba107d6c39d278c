//! Which settings exist in this program, and which are in force on an installation.

use std::path::Path;

use base::limit::{Setting, Settings, TextSetting};
use booking::limit::DATABASE_URL;
use database::Database;
use runtime::config::setting::{self, ConfigError};

use crate::exit::Usage;

/// Every setting of every part.
pub fn register() -> Vec<&'static Setting> {
    [
        setting::REGISTER,
        booking::limit::ALL,
        messaging::limit::ALL,
        booking::limit::backup::ALL,
        server::limit::ALL,
    ]
    .concat()
}

/// Every text of every part.
pub fn texts() -> Vec<&'static TextSetting> {
    [
        booking::limit::TEXTS,
        messaging::limit::TEXTS,
        booking::limit::backup::TEXTS,
        server::limit::TEXTS,
    ]
    .concat()
}

/// What the environment says of the database; whoever starts a server hands it on by this, since arguments can be read
/// by everybody on the machine.
pub const DATABASE: &str = "EVENKEEL_DATABASE";

/// Where the rows of an installation are: what was given, else what the environment or the configuration says, else a
/// file in its folder.
pub fn database(data: &Path, given: Option<&str>) -> anyhow::Result<Database> {
    let settings = load(data)?;
    let said = given.map(str::to_owned).or_else(from_environment);
    let said = said.or_else(|| settings.given(&DATABASE_URL).map(str::to_owned));
    match said {
        Some(url) => Ok(Database::postgres(&url).map_err(|error| Usage(error.to_string()))?),
        None => Ok(Database::file(&data.join("evenkeel.sqlite"))),
    }
}

/// What the environment says, if anything.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub fn from_environment() -> Option<String> {
    std::env::var(DATABASE).ok().filter(|url| !url.is_empty())
}

/// The settings in force in this data folder.
pub fn load(data: &Path) -> Result<Settings, ConfigError> {
    setting::load(&data.join("evenkeel.toml"), &register(), &texts())
}
