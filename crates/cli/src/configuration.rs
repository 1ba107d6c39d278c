//! Which settings exist in this program, and which are in force on an installation.

use std::path::Path;

use base::limit::{Setting, Settings, TextSetting};
use runtime::config::setting::{self, ConfigError};

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
        messaging::limit::TEXTS,
        booking::limit::backup::TEXTS,
        server::limit::TEXTS,
    ]
    .concat()
}

/// The settings in force in this data folder.
pub fn load(data: &Path) -> Result<Settings, ConfigError> {
    setting::load(&data.join("evenkeel.toml"), &register(), &texts())
}
