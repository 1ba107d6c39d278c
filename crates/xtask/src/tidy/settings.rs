//! Every `Setting` and `TextSetting` stands in docs/settings.md by its key, and every key there is a `Setting`: a number that somebody
//! may turn is no secret.

use std::collections::BTreeMap;

use syn::visit::Visit;

use super::{Findings, Tree};

/// Where settings are documented: the first cell of a table's row is the key.
const DOCUMENT: &str = "docs/settings.md";

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let mut keys = BTreeMap::new();
    for file in tree.sources() {
        let mut seen = Keys::default();
        if let Some(syntax) = &file.syntax {
            seen.visit_file(syntax);
        }
        for (key, line) in seen.0 {
            findings.look();
            if let Some((other, _)) = keys.insert(key.clone(), (file.path.clone(), line)) {
                findings.add(&file.path, line, format!("the key `{key}` is taken by {other}"));
            }
        }
    }
    let document = tree.texts.get(DOCUMENT).map(String::as_str).unwrap_or_default();
    let rows: BTreeMap<&str, usize> = document
        .lines()
        .enumerate()
        .filter_map(|(n, line)| Some((row_key(line)?, n + 1)))
        .collect();
    for (key, (path, line)) in &keys {
        if !rows.contains_key(key.as_str()) {
            findings.add(path, *line, format!("the setting `{key}` has no row in {DOCUMENT}"));
        }
    }
    for (key, line) in rows.iter().filter(|(key, _)| key.contains('.')) {
        if !keys.contains_key(*key) {
            findings.add(DOCUMENT, *line, format!("`{key}` is no setting"));
        }
    }
    findings
}

/// The key of a table's row, ``| `booking.hold.lifetime` | …``.
fn row_key(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split('`').next()
}

#[derive(Default)]
struct Keys(Vec<(String, usize)>);

impl<'ast> Visit<'ast> for Keys {
    fn visit_expr_struct(&mut self, value: &'ast syn::ExprStruct) {
        if value
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "Setting" || segment.ident == "TextSetting")
        {
            for field in &value.fields {
                let syn::Member::Named(name) = &field.member else {
                    continue;
                };
                if let syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(key),
                    ..
                }) = &field.expr
                    && name == "key"
                {
                    self.0.push((key.value(), key.span().start().line));
                }
            }
        }
        syn::visit::visit_expr_struct(self, value);
    }
}
