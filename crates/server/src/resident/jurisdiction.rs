//! Whose pages these are, as the rules in force say it.

use axum::Json;
use axum::extract::State;
use html::layout::{Jurisdiction, NEUTRAL_SEAL};
use serde_json::{Value, json};

use super::page;
use crate::app::App;

/// The jurisdiction in force.
pub fn of(app: &App) -> Jurisdiction {
    let rules = app.engine().rules();
    let jurisdiction = rules.jurisdiction();
    Jurisdiction {
        name: jurisdiction.name.clone(),
        seal_svg: NEUTRAL_SEAL.to_owned(),
        phone: jurisdiction.phone.clone(),
        demo_as_of: jurisdiction
            .demonstration
            .as_ref()
            .map(|demonstration| demonstration.clinics_as_of.clone()),
    }
}

/// Languages that a jurisdiction lists and that there are no words for. Not refused: they may be words that only the next
/// release has, and pages in another language are better than none.
pub fn languages_without_words(listed: &[String]) -> Vec<&str> {
    listed
        .iter()
        .map(String::as_str)
        .filter(|tag| !page::speaks(tag))
        .collect()
}

/// `GET /jurisdiction.json`: what a gateway keeps of it, to put it on its page when no server answers.
pub async fn see(State(app): State<App>) -> Json<Value> {
    let Jurisdiction {
        name,
        phone,
        demo_as_of,
        ..
    } = of(&app);
    Json(json!({ "name": name, "phone": phone, "demo_as_of": demo_as_of }))
}
