//! When a clinic of a demonstration is open, made from the seed because its source does not say. Pure.

use super::chance::Chance;
use base::id::ClinicId;
use base::time::{Date, Time};

/// A week of opening hours: for each day, Monday first, from when to when (whole hours), or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours([Option<(i8, i8)>; 7]);

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Keeps this stream apart from others of the same clinic.
const STREAM: u64 = 1;

impl OpeningHours {
    /// The made hours of a clinic: weekdays with sometimes one closed, more seldom Saturdays, seldom Sundays.
    pub fn made(seed: u64, clinic: ClinicId) -> Self {
        let bits = clinic.bits();
        let mut chance = Chance::of(&[seed, (bits >> 64) as u64, bits as u64, STREAM]);
        let opens = chance.one(&[8, 8, 9, 9, 9, 10]).unwrap_or(9);
        let closes = chance.one(&[16, 17, 17, 18, 18, 19]).unwrap_or(17);
        let mut week = [Some((opens, closes)); 7];
        if chance.percent(25) {
            week[chance.below(5)] = None;
        }
        week[5] = chance.percent(60).then_some((9, 13));
        week[6] = chance.percent(20).then_some((10, 14));
        Self(week)
    }

    /// From when to when it is open on a local date; `None` when closed.
    pub fn on(&self, date: Date) -> Option<(Time, Time)> {
        let day = date.weekday().to_monday_zero_offset();
        let (opens, closes) = self.0[usize::from(day.unsigned_abs())]?;
        Some((Time::constant(opens, 0, 0, 0), Time::constant(closes, 0, 0, 0)))
    }

    /// In words: `Mon–Fri 9 am–5 pm, Sat 9 am–1 pm, closed Sun`.
    pub fn text(&self) -> String {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for day in 0..7 {
            match runs.last_mut() {
                Some((_, last)) if self.0[*last] == self.0[day] => *last = day,
                _ => runs.push((day, day)),
            }
        }
        let words = |(first, last): (usize, usize)| {
            let days = if first == last { DAYS[first].to_owned() } else { format!("{}–{}", DAYS[first], DAYS[last]) };
            match self.0[first] {
                Some((opens, closes)) => format!("{days} {}–{}", hour(opens), hour(closes)),
                None => format!("closed {days}"),
            }
        };
        runs.into_iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

fn hour(hour: i8) -> String {
    match hour {
        0 => "midnight".to_owned(),
        12 => "noon".to_owned(),
        1..12 => format!("{hour} am"),
        _ => format!("{} pm", hour - 12),
    }
}
