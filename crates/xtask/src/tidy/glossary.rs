//! Words that the glossary bans: drawers for anything (`utils`, `helpers`, `Manager`) in names of files and types, other
//! words for our nouns, and in what the public reads the words that only we understand.

use syn::visit::Visit;

use super::{Findings, Tree};

/// Never a word of a file's or folder's name.
const FILE_WORDS: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "handler", "handlers", "service", "misc", "stuff",
];
/// Never a word of a type's name: drawers, and second names for what has one.
const TYPE_WORDS: &[(&str, &str)] = &[
    ("Manager", "say what it does"),
    ("Helper", "say what it does"),
    ("Helpers", "say what it does"),
    ("Util", "say what it does"),
    ("Utils", "say what it does"),
    ("Handler", "say what it does"),
    ("Service", "say what it does"),
    ("Common", "say what it is"),
    ("Tenant", "a Jurisdiction"),
    ("Provider", "a Clinic"),
    ("User", "a Resident, or the person's role"),
    ("Customer", "a Resident"),
    ("Patient", "a Resident"),
    ("Seat", "a place"),
    ("Stock", "Supply"),
    ("Tier", "a phase"),
    ("Captcha", "a challenge"),
    ("Backend", "an upstream"),
];
/// Never in a text that the public reads.
const PUBLIC_WORDS: &[&str] = &[
    "slot",
    "slots",
    "place",
    "places",
    "inventory",
    "retry",
    "session",
    "sessions",
    "queue ticket",
];
/// Where such a word has its everyday meaning.
const EVERYDAY: &[&str] = &["not a place to go"];
/// Texts for other people than the public.
const NOT_PUBLIC: &[&str] = &["ops.ftl", "clinic.ftl"];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for path in tree.paths.iter().filter(|path| path.starts_with("crates/")) {
        findings.look();
        let name = path.rsplit('/').next().unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        for word in stem.split(['_', '-']).filter(|word| FILE_WORDS.contains(word)) {
            findings.add(path, 0, format!("`{word}` names a drawer, not a thing"));
        }
    }
    for file in tree.sources() {
        let mut types = Types::default();
        if let Some(syntax) = &file.syntax {
            types.visit_file(syntax);
        }
        for (name, line) in types.0 {
            findings.look();
            for (word, instead) in TYPE_WORDS
                .iter()
                .filter(|(word, _)| words(&name).contains(&(*word).to_owned()))
            {
                findings.add(&file.path, line, format!("`{name}`: not `{word}`; {instead}"));
            }
        }
    }
    for (path, text) in tree.texts_ending("ftl") {
        if !NOT_PUBLIC.iter().any(|name| path.ends_with(name)) {
            public_text(path, text, &mut findings);
        }
    }
    findings
}

fn public_text(path: &str, text: &str, findings: &mut Findings) {
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        findings.look();
        let said = without_placeables(value(line)).to_lowercase();
        let spaced: String = said
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { ' ' })
            .collect();
        let mut padded = format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "));
        for phrase in EVERYDAY {
            padded = padded.replace(phrase, "");
        }
        for word in PUBLIC_WORDS.iter().filter(|word| padded.contains(&format!(" {word} "))) {
            findings.add(path, number + 1, format!("the public never reads `{word}`"));
        }
    }
}

/// What stands after `key =`, or the whole of a line that continues one.
fn value(line: &str) -> &str {
    match line.split_once('=') {
        Some((key, value)) if !line.starts_with([' ', '\t']) && !key.trim().contains(' ') => value,
        Some((key, value)) if key.trim().starts_with('.') => value,
        _ => line,
    }
}

fn without_placeables(text: &str) -> String {
    let mut depth = 0;
    let keep = |c: &char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(keep).collect()
}

/// `HoldStatus` is `Hold`, `Status`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_uppercase() => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    words
}

#[derive(Default)]
struct Types(Vec<(String, usize)>);

impl Types {
    fn note(&mut self, name: &syn::Ident) {
        self.0.push((name.to_string(), name.span().start().line));
    }
}

impl<'ast> Visit<'ast> for Types {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.note(&item.ident);
        syn::visit::visit_item_struct(self, item);
    }
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.note(&item.ident);
        syn::visit::visit_item_enum(self, item);
    }
    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.note(&item.ident);
        syn::visit::visit_item_trait(self, item);
    }
    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.note(&item.ident);
        syn::visit::visit_item_type(self, item);
    }
}
