//! Which settings exist in this program, and which are in force on an installation.

use std::path::Path;

use base::limit::{Setting, Settings, TextSetting};
use booking::limit::{DATABASE_URL, READ_REPLICA};
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
        gateway::limit::ALL,
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
        gateway::limit::TEXTS,
    ]
    .concat()
}

/// What the environment says of the database; whoever starts a server hands it on by this, since arguments can be read
/// by everybody on the machine.
pub const DATABASE: &str = "EVENKEEL_DATABASE";

/// The same of the servers from which is read what is free.
pub const REPLICA: &str = "EVENKEEL_READ_REPLICA";

/// Where the rows of an installation are: what was given, else what the environment or the configuration says, else a
/// file in its folder.
pub fn database(data: &Path, given: Option<&str>) -> anyhow::Result<Database> {
    let settings = load(data)?;
    let said = given.map(str::to_owned).or_else(|| from_environment(DATABASE));
    let said = said.or_else(|| settings.given(&DATABASE_URL).map(str::to_owned));
    match said {
        Some(url) => {
            let database = Database::postgres(&url).map_err(|error| Usage(error.to_string()))?;
            Ok(database.with_folder(data))
        }
        None => Ok(Database::file(&data.join("evenkeel.sqlite"))),
    }
}

/// The same with its read replica, if one is given, or the environment or the configuration names one.
pub fn with_replica(database: Database, data: &Path, given: Option<&str>) -> anyhow::Result<Database> {
    let settings = load(data)?;
    let said = given.map(|url| ("--read-replica", url.to_owned()));
    let said = said.or_else(|| Some((REPLICA, from_environment(REPLICA)?)));
    let said = said.or_else(|| Some((READ_REPLICA.key, settings.given(&READ_REPLICA)?.to_owned())));
    let Some((by, url)) = said else {
        return Ok(database);
    };
    if database.cluster().is_none() {
        return Err(Usage(format!(
            "{by}: a database in a file has no replica; name the primary with --database"
        ))
        .into());
    }
    let with = database.with_replica(&url);
    Ok(with.map_err(|error| Usage(format!("{by}: {error}")))?)
}

/// What the environment says, if anything.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
pub fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|url| !url.is_empty())
}

/// The settings in force in this data folder.
pub fn load(data: &Path) -> Result<Settings, ConfigError> {
    setting::load(&data.join("evenkeel.toml"), &register(), &texts())
}
