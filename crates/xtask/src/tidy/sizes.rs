//! Short enough to hold in mind: a file has at most 500 lines of code (a test 800), a function at most 70. Blank lines
//! and comments are free.

use syn::spanned::Spanned;
use syn::visit::Visit;

use super::tokens::code_lines;
use super::tree::Room;
use super::{Findings, Tree};

/// Lines of code in a file that ships: the ninth decile of two well-kept public services is 385 and 419.
const FILE_LINES_MAX: usize = 500;
/// Lines of code in a test, which is read from top to bottom.
const TEST_LINES_MAX: usize = 800;
/// Lines of code between a function's braces: one screen.
const FUNCTION_LINES_MAX: usize = 70;

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in &tree.rust {
        findings.look();
        let lines: Vec<usize> = file
            .text
            .parse()
            .map(code_lines)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let most = if file.room == Room::Source {
            FILE_LINES_MAX
        } else {
            TEST_LINES_MAX
        };
        if lines.len() > most {
            findings.add(
                &file.path,
                0,
                format!("{} lines of code, at most {most}: cut it in two", lines.len()),
            );
        }
        if let Some(syntax) = &file.syntax {
            let mut functions = Functions {
                lines: &lines,
                found: Vec::new(),
            };
            functions.visit_file(syntax);
            for (line, what) in functions.found {
                findings.add(&file.path, line, what);
            }
        }
    }
    findings
}

struct Functions<'a> {
    lines: &'a [usize],
    found: Vec<(usize, String)>,
}

impl Functions<'_> {
    fn measure(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (first, last) = (block.span().start().line, block.span().end().line);
        let long = self.lines.iter().filter(|line| **line > first && **line < last).count();
        if long > FUNCTION_LINES_MAX {
            let what = format!("fn {name} has {long} lines of code, at most {FUNCTION_LINES_MAX}");
            self.found.push((name.span().start().line, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig.ident, &item.block);
        syn::visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig.ident, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig.ident, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}
