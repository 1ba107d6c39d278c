//! What a jurisdiction says of itself, against what the pages can do.

use scheduling::rules::Rules;
use server::resident::jurisdiction::languages_without_words;

#[test]
fn the_demonstration_lists_languages_that_there_are_words_for() {
    let document = include_str!("../../../../../demo/jurisdiction.json");
    let rules = Rules::from_documents([("jurisdiction", "demo", document)]).expect("the demonstration's document");
    let listed = &rules.jurisdiction().languages;
    assert_eq!(languages_without_words(listed), [""; 0]);
    let listed = ["en", "en-US", "EN", "ase", "es-MX", "e", ""].map(str::to_owned);
    assert_eq!(languages_without_words(&listed), ["ase", "es-MX", "e", ""]);
}
