//! Which settings exist in this program, and which are in force on an installation.

use std::path::Path;

use base::limit::{Setting, Settings};
use runtime::config::setting::{self, ConfigError};
use runtime::config::text::{TextSetting, Texts};

/// Every setting of every part.
pub fn register() -> Vec<&'static Setting> {
    [
        setting::REGISTER,
        booking::limit::ALL,
        booking::limit::backup::ALL,
        server::limit::ALL,
    ]
    .concat()
}

/// Every setting that is text.
pub fn texts() -> Vec<&'static TextSetting> {
    booking::limit::backup::TEXTS.to_vec()
}

/// The settings in force in this data folder.
pub fn load(data: &Path) -> Result<Settings, ConfigError> {
    load_all(data).map(|(settings, _)| settings)
}

/// The settings in force in this data folder, and the texts.
pub fn load_all(data: &Path) -> Result<(Settings, Texts), ConfigError> {
    setting::load_texts(&data.join("evenkeel.toml"), &register(), &texts())
}
