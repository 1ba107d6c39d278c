//! Whose pages these are, as the rules in force say it.

use html::layout::Jurisdiction;

use super::page;
use crate::app::App;

/// A neutral seal, for a jurisdiction that has given none: a star over water.
const SEAL: &str = r#"<svg viewBox="0 0 48 48" fill="none" stroke="currentColor"><circle cx="24" cy="24" r="21.5" stroke-width="1.5"/><circle cx="24" cy="24" r="18" stroke-width="1.5"/><path d="m24 11 2.4 5.1 5.6.7-4.1 3.9 1 5.5-4.9-2.7-4.9 2.7 1-5.5-4.1-3.9 5.6-.7z" fill="currentColor" stroke="none"/><path d="M7 28h34M9.5 32.500c2.4-1.8 4.8-1.8 7.3 0s4.8 1.8 7.2 0 4.9-1.8 7.3 0 4.8 1.8 7.2 0M14.5 37c2.1-1.6 4.3-1.6 6.4 0s4.2 1.6 6.3 0 4.2-1.6 6.3 0" stroke-width="1.6" stroke-linecap="round"/></svg>"#;

/// The jurisdiction in force.
pub fn of(app: &App) -> Jurisdiction {
    let rules = app.engine().rules();
    let jurisdiction = rules.jurisdiction();
    Jurisdiction {
        name: jurisdiction.name.clone(),
        seal_svg: SEAL.to_owned(),
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
