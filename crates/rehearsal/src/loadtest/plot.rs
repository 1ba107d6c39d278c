//! Pure. Two curves over time, drawn with letters: how many were due, and how many were served.

use std::fmt::Write;

/// Columns: with the figures beside it a plot fits a terminal of 80.
const COLUMNS: usize = 64;
/// Rows.
const ROWS: usize = 10;
/// A cell filled by so many eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws a figure for each second; several seconds share a column where there are more than fit.
pub fn plot(due: &[u64], served: &[u64]) -> String {
    let seconds = due.len().max(served.len());
    if seconds == 0 {
        return String::new();
    }
    let each = seconds.div_ceil(COLUMNS);
    let (due, served) = (columns(due, seconds, each), columns(served, seconds, each));
    let top = due.iter().chain(&served).copied().fold(1.0, f64::max);
    let figures = |row: usize| match row {
        row if row == ROWS - 1 => format!("{top:.0}"),
        row if row == ROWS / 2 - 1 => format!("{:.0}", top / 2.0),
        _ => String::new(),
    };
    let mut drawn = String::from("A second: █ visits served, ─ visits due (▓ where more were served than were due)\n");
    for row in (0..ROWS).rev() {
        let cells = due
            .iter()
            .zip(&served)
            .map(|(due, served)| cell(row, *due, *served, top));
        let line: String = cells.collect();
        let _ = writeln!(drawn, "{:>8} │{}", figures(row), line.trim_end());
    }
    let _ = writeln!(drawn, "{:>8} └{}", 0, "─".repeat(due.len()));
    let end = format!("{seconds} s");
    let _ = writeln!(
        drawn,
        "{:>10}0{end:>width$}",
        "",
        width = due.len().saturating_sub(1).max(end.len() + 1)
    );
    drawn
}

/// The mean of each column's seconds.
fn columns(figures: &[u64], seconds: usize, each: usize) -> Vec<f64> {
    let of = |start: usize| {
        let end = (start + each).min(seconds);
        let sum: u64 = (start..end).filter_map(|second| figures.get(second)).sum();
        sum as f64 / (end - start) as f64
    };
    (0..seconds).step_by(each).map(of).collect()
}

/// What stands in a row of a column. A figure that just reaches a row's upper edge belongs to that row.
fn cell(row: usize, due: f64, served: f64, top: f64) -> char {
    let level = |figure: f64| figure / top * ROWS as f64 - row as f64;
    let (bar, mark) = (level(served), level(due));
    let marked = due > 0.0 && mark > 0.0 && mark <= 1.0;
    let filled = (bar.clamp(0.0, 1.0) * 8.0).round() as usize;
    match filled {
        8 if marked && bar > 1.0 => '▓',
        0 if marked => '─',
        filled => EIGHTHS[filled],
    }
}
