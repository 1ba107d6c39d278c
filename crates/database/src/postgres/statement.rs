//! Our SQL as PostgreSQL reads it: texts in, texts out.

use std::fmt::Write;

/// Rows that are read to be changed are locked, and keys are a list.
pub(crate) fn own_sql(sql: &str) -> String {
    sql.replace("/* for update */", "FOR UPDATE")
        .replace("IN ($keys)", "= ANY($1)")
}

/// Our schema: its own spelling, but for a mark that only speaks to other engines; and texts are in the order of their
/// bytes, as everywhere else. (An order of some language would be another on another machine, and change with its
/// system's libraries, under indexes that were made with the one before.)
pub(crate) fn own_schema(sql: &str) -> String {
    sql.replace("/* clustered */", "")
        .replace("/* concurrently */", "CONCURRENTLY")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}

/// The statement that adds so many rows, from the one that adds one.
pub(crate) fn several(sql: &str, rows: usize) -> String {
    let Some((before, after)) = sql.split_once("VALUES (") else {
        return sql.to_owned();
    };
    let (one, tail) = close(after);
    let columns = one.matches('$').count();
    let mut text = format!("{before}VALUES ({one})");
    for row in 1..rows {
        text.push_str(", (");
        shift(one, row * columns, &mut text);
        text.push(')');
    }
    text.push_str(tail);
    text
}

/// Up to the bracket that closes, and behind it.
fn close(text: &str) -> (&str, &str) {
    let mut depth = 1;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..]);
        }
    }
    (text, "")
}

/// Every `$n` becomes `$(n + by)`.
fn shift(text: &str, by: usize, into: &mut String) {
    let mut parts = text.split('$');
    into.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = part[..digits].parse().unwrap_or_default();
        let _ = write!(into, "${}{}", number + by, &part[digits..]); // writing to a text cannot fail
    }
}

#[cfg(test)]
mod tests {
    use super::{own_sql, several};

    #[test]
    fn one_row_becomes_several_with_numbers_of_their_own() {
        let one = "INSERT INTO t (a, b) VALUES ($1, coalesce($2, 0)) ON CONFLICT (a) DO NOTHING";
        let three = "INSERT INTO t (a, b) VALUES ($1, coalesce($2, 0)), ($3, coalesce($4, 0)), ($5, coalesce($6, 0)) \
                     ON CONFLICT (a) DO NOTHING";
        assert_eq!(several(one, 1), one);
        assert_eq!(several(one, 3), three);
    }

    #[test]
    fn rows_to_be_changed_are_locked_and_keys_are_a_list() {
        let ours = "SELECT a FROM t WHERE a IN ($keys) ORDER BY a /* for update */";
        assert_eq!(own_sql(ours), "SELECT a FROM t WHERE a = ANY($1) ORDER BY a FOR UPDATE");
    }
}
