//! A file's tokens in a row. Paths are looked for here rather than in the parsed tree, because the arguments of macros
//! are only tokens; doc comments and what `#[cfg(test)]` guards are left out.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Word(String),
    /// The value of a string literal; other literals are [`Kind::Other`].
    Text(String),
    /// One punctuation character, or a bracket.
    Mark(char),
    /// A number, a byte string, a lifetime.
    Other,
}

/// One token and its line, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub line: usize,
    /// Where it ends; only a string over several lines ends on another line.
    pub last_line: usize,
}

impl Token {
    /// The word, if it is one.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
    /// The string, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }
    /// Whether it is this character.
    pub fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// The tokens of a file in order, without doc comments and without what `#[cfg(test)]` guards.
pub fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    pour(stream, true, &mut tokens);
    tokens
}

/// The lines that carry code: neither blank nor only comment. Counts everything, `#[cfg(test)]` too.
pub fn code_lines(stream: TokenStream) -> BTreeSet<usize> {
    let mut tokens = Vec::new();
    pour(stream, false, &mut tokens);
    tokens.iter().flat_map(|token| token.line..=token.last_line).collect()
}

fn pour(stream: TokenStream, skip_tests: bool, tokens: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if let Some((attribute, after)) = attribute(&trees, at) {
            if first_word(attribute) == "doc" && attribute.stream().to_string().contains('=') {
                at = after;
                continue;
            }
            if skip_tests && squeezed(attribute) == "cfg(test)" {
                at = end_of_item(&trees, after);
                continue;
            }
        }
        push(&trees[at], skip_tests, tokens);
        at += 1;
    }
}

/// `#[…]` or `#![…]` at this place: its group and the index after it.
fn attribute(trees: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    let mark = |index: usize, mark: char| matches!(trees.get(index), Some(TokenTree::Punct(p)) if p.as_char() == mark);
    if !mark(at, '#') {
        return None;
    }
    let at = if mark(at + 1, '!') { at + 2 } else { at + 1 };
    match trees.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => Some((group, at + 1)),
        _ => None,
    }
}

fn first_word(group: &Group) -> String {
    group
        .stream()
        .into_iter()
        .next()
        .map(|tree| tree.to_string())
        .unwrap_or_default()
}

fn squeezed(group: &Group) -> String {
    group.stream().to_string().replace(' ', "")
}

/// An item ends with its braces or its semicolon.
fn end_of_item(trees: &[TokenTree], mut at: usize) -> usize {
    while at < trees.len() {
        let ends = match &trees[at] {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        at += 1;
        if ends {
            break;
        }
    }
    at
}

fn push(tree: &TokenTree, skip_tests: bool, tokens: &mut Vec<Token>) {
    let (line, last_line) = (tree.span().start().line, tree.span().end().line);
    match tree {
        TokenTree::Group(group) => {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ('(', ')'),
                Delimiter::Brace => ('{', '}'),
                Delimiter::Bracket => ('[', ']'),
                Delimiter::None => (' ', ' '),
            };
            let (first, last) = (group.span_open().start().line, group.span_close().start().line);
            tokens.push(Token {
                kind: Kind::Mark(open),
                line: first,
                last_line: first,
            });
            pour(group.stream(), skip_tests, tokens);
            tokens.push(Token {
                kind: Kind::Mark(close),
                line: last,
                last_line: last,
            });
        }
        TokenTree::Ident(word) => tokens.push(Token {
            kind: Kind::Word(word.to_string()),
            line,
            last_line,
        }),
        TokenTree::Punct(punct) => tokens.push(Token {
            kind: Kind::Mark(punct.as_char()),
            line,
            last_line,
        }),
        TokenTree::Literal(literal) => {
            let kind = match syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                Ok(text) => Kind::Text(text.value()),
                Err(_) => Kind::Other,
            };
            tokens.push(Token { kind, line, last_line });
        }
    }
}

/// A path as written, `["std", "time", "Instant", "now"]`, with the line of its first word. `use` groups are written
/// out: `use std::{env, thread}` gives two paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// Its segments.
    pub segments: Vec<String>,
    /// Where it begins.
    pub line: usize,
}

impl NamedPath {
    /// Whether these segments stand in it one after another.
    pub fn contains(&self, wanted: &[&str]) -> bool {
        self.segments
            .windows(wanted.len())
            .any(|window| window.iter().eq(wanted.iter()))
    }
    /// Joined by `::`.
    pub fn joined(&self) -> String {
        self.segments.join("::")
    }
}

/// Every path of at least one segment, in expressions, types, macros and `use`.
pub fn paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].word().is_some() {
            at = read_path(tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn read_path(tokens: &[Token], start: usize, before: &[String], found: &mut Vec<NamedPath>) -> usize {
    let line = tokens[start].line;
    let mut segments = before.to_vec();
    let mut at = start;
    while let Some(word) = tokens.get(at).and_then(Token::word) {
        segments.push(word.to_owned());
        at += 1;
        if !(tokens.get(at).is_some_and(|t| t.is(':')) && tokens.get(at + 1).is_some_and(|t| t.is(':'))) {
            break;
        }
        at += 2;
        if tokens.get(at).is_some_and(|t| t.is('{')) {
            return read_group(tokens, at + 1, &segments, found);
        }
    }
    found.push(NamedPath { segments, line });
    at.max(start + 1)
}

fn read_group(tokens: &[Token], mut at: usize, before: &[String], found: &mut Vec<NamedPath>) -> usize {
    while at < tokens.len() && !tokens[at].is('}') {
        if tokens[at].word().is_some() {
            at = read_path(tokens, at, before, found);
        } else {
            at += 1;
        }
    }
    at + 1
}
