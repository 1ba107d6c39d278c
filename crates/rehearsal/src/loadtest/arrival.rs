//! Pure. When visitors come: at random moments whose rate is told for every second, drawn from a seed. Keeps that nobody
//! waits for anybody: the moments are known before the first answer, so that a slow site cannot slow them down (an open
//! model). A site that is asked only as fast as it answers hides its own stalls; a real crowd does not.

use std::time::Duration;

use runtime::entropy::Entropy;

/// The steps of a draw: as many as a double tells apart in 0…1.
const FINE: u64 = 1 << 53;
/// Visits a minute on an ordinary day, and at the opening: Massachusetts, 2021-02-18, when a million people became
/// eligible at once (boston.com and boston25news.com, 2021-02-19). The site was down for over two hours.
const MASSACHUSETTS_QUIET: f64 = 1_000.0;
const MASSACHUSETTS_OPENING: f64 = 70_000.0;
/// Quiet before the opening, so that its figures stand beside the others in one run.
const MASSACHUSETTS_BEFORE: Duration = Duration::from_secs(15);
/// From quiet to the height of the opening.
const MASSACHUSETTS_RISE: Duration = Duration::from_mins(1);
/// The height, unless a run is told to be longer or shorter.
const MASSACHUSETTS_HEIGHT: Duration = Duration::from_mins(1);

/// A stretch of time in which the rate goes from one figure to another, evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// How long it is.
    pub lasts: Duration,
    /// Visits a second at its start.
    pub from: f64,
    /// Visits a second at its end.
    pub to: f64,
}

impl Piece {
    /// Visits that are expected until `after` its start.
    fn expected(&self, after: f64) -> f64 {
        self.from * after + self.slope() * after * after / 2.0
    }

    /// By how much the rate rises in a second.
    fn slope(&self) -> f64 {
        let lasts = self.lasts.as_secs_f64();
        if lasts > 0.0 {
            (self.to - self.from) / lasts
        } else {
            0.0
        }
    }

    /// When so many visits are expected: the other way round. Written so that a slope of nothing divides by no zero.
    fn when(&self, expected: f64) -> f64 {
        let root = (self.from * self.from + 2.0 * self.slope() * expected).max(0.0).sqrt();
        let sum = self.from + root;
        if sum > 0.0 { 2.0 * expected / sum } else { 0.0 }
    }
}

/// How many come when: pieces, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    name: String,
    pieces: Vec<Piece>,
}

/// The names that [`Profile::named`] knows.
pub const NAMES: &[&str] = &["massachusetts-2021"];

impl Profile {
    /// A profile of pieces.
    pub fn of(name: &str, pieces: Vec<Piece>) -> Self {
        Self {
            name: name.to_owned(),
            pieces,
        }
    }

    /// The same rate all the time.
    pub fn steady(rate: f64, lasts: Duration) -> Self {
        let piece = Piece {
            lasts,
            from: rate,
            to: rate,
        };
        Self::of("steady", vec![piece])
    }

    /// A crowd that was seen somewhere, times `scale`.
    pub fn named(name: &str, scale: f64) -> Option<Self> {
        let (quiet, opening) = match name {
            "massachusetts-2021" => (MASSACHUSETTS_QUIET / 60.0, MASSACHUSETTS_OPENING / 60.0),
            _ => return None,
        };
        let piece = |lasts, from: f64, to: f64| Piece {
            lasts,
            from: from * scale,
            to: to * scale,
        };
        let pieces = vec![
            piece(MASSACHUSETTS_BEFORE, quiet, quiet),
            piece(MASSACHUSETTS_RISE, quiet, opening),
            piece(MASSACHUSETTS_HEIGHT, opening, opening),
        ];
        Some(Self::of(name, pieces))
    }

    /// Ends after so long: earlier than it would, or its last rate goes on.
    #[must_use]
    pub fn lasting(mut self, whole: Duration) -> Self {
        let mut left = whole;
        let mut pieces = Vec::new();
        for piece in &self.pieces {
            let lasts = piece.lasts.min(left);
            let to = if lasts < piece.lasts {
                piece.from + piece.slope() * lasts.as_secs_f64()
            } else {
                piece.to
            };
            pieces.push(Piece { lasts, to, ..*piece });
            left -= lasts;
            if left.is_zero() {
                break;
            }
        }
        if let Some(last) = self.pieces.last().filter(|_| !left.is_zero()) {
            pieces.push(Piece {
                lasts: left,
                from: last.to,
                to: last.to,
            });
        }
        self.pieces = pieces;
        self
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long visitors come.
    pub fn lasts(&self) -> Duration {
        self.pieces.iter().map(|piece| piece.lasts).sum()
    }

    /// How many are expected in all.
    pub fn expected(&self) -> f64 {
        let of = |piece: &Piece| piece.expected(piece.lasts.as_secs_f64());
        self.pieces.iter().map(of).sum()
    }

    /// Visits a second at the busiest moment.
    pub fn highest(&self) -> f64 {
        let of = |piece: &Piece| piece.from.max(piece.to);
        self.pieces.iter().map(of).fold(0.0, f64::max)
    }

    /// The moments of a Poisson process with these rates; the same for the same seed.
    pub fn arrivals(&self, seed: u64) -> Arrivals {
        Arrivals {
            pieces: self.pieces.clone(),
            at: 0,
            began: Duration::ZERO,
            expected: 0.0,
            chance: Entropy::seeded(seed),
        }
    }
}

/// One visitor who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When, after the beginning.
    pub at: Duration,
    /// What this visitor's choices are drawn from, so that the same seed has the same visitors however fast the site is.
    pub luck: u64,
}

/// See [`Profile::arrivals`]. Time is stretched so that one visitor is expected in each unit of it; there the gaps are
/// exponential, whatever the rate does.
pub struct Arrivals {
    pieces: Vec<Piece>,
    /// The piece that the last arrival was in.
    at: usize,
    /// When that piece began.
    began: Duration,
    /// How many were expected within it until the last arrival.
    expected: f64,
    chance: Entropy,
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        // Of (0, 1]: the logarithm of nothing is no gap.
        let drawn = (self.chance.below(FINE) + 1) as f64 / FINE as f64;
        self.expected -= drawn.ln();
        loop {
            let piece = *self.pieces.get(self.at)?;
            let whole = piece.expected(piece.lasts.as_secs_f64());
            if self.expected < whole {
                let at = self.began + Duration::from_secs_f64(piece.when(self.expected));
                let luck = self.chance.below(u64::MAX);
                return Some(Arrival { at, luck });
            }
            self.expected -= whole;
            self.began += piece.lasts;
            self.at += 1;
        }
    }
}
