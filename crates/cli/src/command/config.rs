//! `evenkeel config`: every number that may be turned, with its reason and the value in force.

use base::limit::{Setting, Settings, TextSetting};
use clap::Args;
use runtime::config::setting::markdown;

use super::Data;
use crate::configuration;
use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  evenkeel config              what is in force here, and why
  evenkeel config --markdown   the whole register, as in docs/settings.md

Settings are changed in DATA/evenkeel.toml, such as:
  [booking.hold]
  lifetime = 900

  [mail]
  smtp_url = \"smtps://vax@mail.example.org\"";

/// Show every setting, its bounds, its reason and the value in force
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Config {
    #[command(flatten)]
    at: Data,
    /// Print the register as a Markdown table, without what is in force
    #[arg(long)]
    markdown: bool,
    /// Print one JSON object a line
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
}

impl Config {
    /// Reads what is in force and prints; a configuration that cannot be read is named.
    pub fn run(self) -> anyhow::Result<Exit> {
        let register = configuration::register();
        if self.markdown {
            print!("{}", markdown(&register, &configuration::texts()));
            return Ok(Exit::Done);
        }
        let settings = configuration::load(&self.at.data)?;
        for setting in register {
            if self.json {
                println!("{}", json(setting, &settings));
            } else {
                println!("{}", number(setting, &settings));
            }
        }
        for setting in configuration::texts() {
            if self.json {
                println!("{}", json_of_text(setting, &settings));
            } else {
                println!("{}", words(setting, &settings));
            }
        }
        Ok(Exit::Done)
    }
}

fn json(setting: &Setting, settings: &Settings) -> serde_json::Value {
    serde_json::json!({
        "key": setting.key, "value": settings.get(setting), "unit": setting.unit.text(), "default": setting.default,
        "min": setting.min, "max": setting.max, "reason": setting.reason, "below": setting.below, "above": setting.above,
    })
}

fn number(setting: &Setting, settings: &Settings) -> String {
    let (value, unit) = (settings.get(setting), setting.unit.text());
    let changed = if value == setting.default {
        String::new()
    } else {
        format!(" (default {})", setting.default)
    };
    format!(
        "{} = {value} {unit}{changed}\n    {} to {}. {}.\n    Below: {}. Above: {}.",
        setting.key, setting.min, setting.max, setting.reason, setting.below, setting.above
    )
}

/// That a secret is set may be known; what it is may not.
fn shown<'s>(setting: &TextSetting, settings: &'s Settings) -> Option<&'s str> {
    let value = settings.given(setting)?;
    Some(if setting.secret { "(not shown)" } else { value })
}

fn json_of_text(setting: &TextSetting, settings: &Settings) -> serde_json::Value {
    serde_json::json!({
        "key": setting.key, "value": shown(setting, settings), "expected": setting.expected, "absent": setting.absent,
        "characters": setting.characters_max, "reason": setting.reason,
    })
}

fn words(setting: &TextSetting, settings: &Settings) -> String {
    let value = shown(setting, settings).map_or_else(|| "(not set)".to_owned(), |value| format!("{value:?}"));
    format!(
        "{} = {value}\n    Expected: {}. {}.\n    Without it: {}.",
        setting.key, setting.expected, setting.reason, setting.absent
    )
}
