//! SQL text lives under `*/records/` alone (and, for the drivers' own statements, in a few files of
//! `database`). It never asks the database for the time or for chance, and never cuts a list without ordering it. A
//! migration keeps nobody from a table that has rows.

use super::tokens::Token;
use super::{Findings, Tree};

/// Where drivers' own statements (PRAGMA, BEGIN, the table of migrations) live.
const DRIVERS_OWN: &[&str] = &[
    "crates/database/src/sqlite.rs",
    "crates/database/src/postgres.rs",
    "crates/database/src/postgres/session.rs",
    "crates/database/src/postgres/tables.rs",
    "crates/database/src/transaction.rs",
    "crates/database/src/migration.rs",
    "crates/database/src/settle.rs",
];

/// Statements: the first words, and a word that must follow somewhere (a sentence may well begin with "Select").
const STATEMENTS: &[(&str, &str)] = &[
    ("select ", ""),
    ("insert into ", ""),
    ("insert or ", " into "),
    ("update ", " set "),
    ("delete from ", ""),
    ("create table ", ""),
    ("create unique index ", ""),
    ("create index ", ""),
    ("create view ", ""),
    ("create trigger ", ""),
    ("drop table ", ""),
    ("drop index ", ""),
    ("alter table ", ""),
    ("pragma ", ""),
    ("begin immediate", ""),
    ("begin transaction", ""),
    ("savepoint ", ""),
    ("vacuum", ""),
    ("with ", " as ("),
];

/// The database's clock and its chance.
const CLOCK_AND_CHANCE: &[&str] = &[
    "current_timestamp",
    "current_date",
    "current_time",
    "now()",
    "'now'",
    "unixepoch(",
    "julianday(",
    "strftime(",
    "clock_timestamp(",
    "statement_timestamp(",
    "random()",
    "randomblob(",
    "gen_random_uuid(",
    "uuid_generate",
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    for file in tree.sources().filter(|file| file.krate != "xtask") {
        let records = file.path.contains("/records/");
        let own = DRIVERS_OWN.contains(&file.path.as_str());
        for (line, text) in file.tokens.iter().filter_map(literal) {
            let statement = is_statement(text);
            if statement || records {
                findings.look();
            }
            if statement && !records && !own {
                findings.add(
                    &file.path,
                    line,
                    format!("SQL text belongs under records: `{}`", short(text)),
                );
            }
            if statement || records {
                content(&file.path, line, text, &mut findings);
            }
        }
    }
    for (path, text) in tree.texts_ending("sql").filter(|(path, _)| path.starts_with("crates/")) {
        findings.look();
        if !path.contains("/records/") && !path.contains("/tests/") {
            findings.add(path, 0, "SQL text belongs under records");
        }
        content(path, 0, &without_comments(text), &mut findings);
        if path.contains("/migrations/") && number(path).is_none_or(|number| number > BEFORE_POSTGRES) {
            migration(path, text, &mut findings);
        }
    }
    findings
}

/// Steps that no PostgreSQL has ever run on a table with rows.
const BEFORE_POSTGRES: u32 = 7;

fn number(path: &str) -> Option<u32> {
    let (_, name) = path.rsplit_once('/')?;
    name.split('-').next()?.parse().ok()
}

/// An index on a table that is there already is a step of its own, made concurrently; a column's type stays.
fn migration(path: &str, text: &str, findings: &mut Findings) {
    let lowered = without_comments(text).to_lowercase();
    let words = |statement: &str| statement.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let statements: Vec<Vec<String>> = lowered
        .split(';')
        .map(words)
        .filter(|words| !words.is_empty())
        .collect();
    let behind = |words: &[String], word: &str| {
        let at = words.iter().position(|one| one == word)?;
        words
            .get(at + 1)
            .map(|name| name.split('(').next().unwrap_or_default().to_owned())
    };
    let made: Vec<_> = statements
        .iter()
        .filter(|words| words.starts_with(&["create".to_owned(), "table".to_owned()]))
        .filter_map(|words| behind(words, "table"))
        .collect();
    for words in &statements {
        findings.look();
        let said = words.join(" ");
        let is_index = said.starts_with("create index") || said.starts_with("create unique index");
        let on_rows = is_index && behind(words, "on").is_some_and(|table| !made.contains(&table));
        if on_rows && (statements.len() > 1 || !said.contains("index /* concurrently */")) {
            findings.add(
                path,
                0,
                "an index on a table with rows is a step of its own, `CREATE INDEX /* concurrently */`",
            );
        }
        if said.starts_with("alter table") && said.contains(" alter column ") && said.contains(" type ") {
            findings.add(
                path,
                0,
                "another type writes the whole table anew: add a column instead",
            );
        }
    }
}

fn literal(token: &Token) -> Option<(usize, &str)> {
    token.text().map(|text| (token.line, text))
}

/// Whether a string is a SQL statement. Title Case begins a sentence for people; SQL is all upper or all lower case.
pub fn is_statement(text: &str) -> bool {
    let text = text.trim_start();
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.chars().any(char::is_uppercase) && first.chars().any(char::is_lowercase) {
        return false;
    }
    let upper = first.chars().any(char::is_uppercase);
    let lowered = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase() + " ";
    STATEMENTS.iter().any(|(begins, then)| {
        let sure = upper || !begins.starts_with("select") || lowered.contains(" from ");
        lowered.starts_with(begins) && lowered.contains(then) && sure
    })
}

fn content(path: &str, line: usize, sql: &str, findings: &mut Findings) {
    let lowered = sql.to_lowercase();
    if let Some(banned) = CLOCK_AND_CHANCE.iter().find(|banned| lowered.contains(**banned)) {
        findings.add(
            path,
            line,
            format!("`{banned}`: time and chance come from us, not from the database"),
        );
    }
    // Prose may well speak of a limit; SQL shouts it, or is a statement as a whole.
    if (sql.contains("LIMIT") || is_statement(sql)) && limit_without_order(&lowered) {
        findings.add(
            path,
            line,
            "LIMIT without ORDER BY: which rows would be the database's choice",
        );
    }
}

/// Whether some SELECT, at its own depth of brackets, says LIMIT without having said ORDER BY before.
pub fn limit_without_order(lowered: &str) -> bool {
    let mut ordered = vec![false];
    let mut before = "";
    let spaced = lowered.replace('(', " ( ").replace(')', " ) ").replace(';', " ; ");
    for word in spaced.split_whitespace() {
        match (before, word) {
            (_, "(") => ordered.push(false),
            (_, ")") if ordered.len() > 1 => {
                ordered.pop();
            }
            (_, ";") => ordered = vec![false],
            ("order", "by") => *ordered.last_mut().expect("the outermost depth is never popped") = true,
            (_, "limit") if !ordered.last().expect("the outermost depth is never popped") => return true,
            _ => {}
        }
        before = word;
    }
    false
}

fn without_comments(sql: &str) -> String {
    sql.lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 40 {
        line.chars().take(40).collect::<String>() + "…"
    } else {
        line
    }
}
