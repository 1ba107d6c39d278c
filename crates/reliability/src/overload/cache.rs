//! Which public answers may be given again, and for how long (RFC 9111, and RFC 5861 for stale ones). A server says so of
//! each answer, for us alone (`CDN-Cache-Control`, RFC 9213); what it says nothing of is asked for every time. Only what
//! many ask for at once is kept: one person sees what is so, a crowd sees what was so a second ago, and is told its age.

use std::time::Duration;

/// What a server lets us do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// So long it is as good as new.
    pub fresh: Duration,
    /// So long after that it will do while somebody asks for a newer one.
    pub while_revalidating: Duration,
    /// So long after that first span it is better than no answer.
    pub if_error: Duration,
}

/// Reads the field; none when the answer is not to be kept. What is not understood is not allowed.
pub fn terms(field: &str) -> Option<Terms> {
    let mut terms = Terms {
        fresh: Duration::ZERO,
        while_revalidating: Duration::ZERO,
        if_error: Duration::ZERO,
    };
    for part in field.split(',').map(str::trim) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let span = || value.parse().map(Duration::from_secs).ok();
        match name {
            "public" => {}
            "max-age" => terms.fresh = span()?,
            "stale-while-revalidate" => terms.while_revalidating = span()?,
            "stale-if-error" => terms.if_error = span()?,
            _ => return None,
        }
    }
    (!terms.fresh.is_zero()).then_some(terms)
}

/// What a kept answer is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// As good as new.
    Fresh,
    /// It will do while somebody asks for a newer one.
    WhileRevalidating,
    /// Better than no answer, and nothing else.
    IfError,
    /// Nothing.
    Nothing,
}

impl Terms {
    /// Of an answer of this age.
    pub fn worth(&self, age: Duration) -> Worth {
        match age.checked_sub(self.fresh) {
            None => Worth::Fresh,
            Some(stale) if stale < self.while_revalidating => Worth::WhileRevalidating,
            Some(stale) if stale < self.if_error => Worth::IfError,
            Some(_) => Worth::Nothing,
        }
    }
}

/// How often something is asked for: by the second, this one and the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heat {
    second: u64,
    now: u32,
    before: u32,
}

impl Heat {
    /// It is asked for at `now` of a monotone clock. Whether so many ask in a second, or did in the last one.
    pub fn asked(&mut self, now: Duration, hot: u32) -> bool {
        let second = now.as_secs();
        match second.saturating_sub(self.second) {
            0 => {}
            1 => (self.before, self.now) = (self.now, 0),
            _ => (self.before, self.now) = (0, 0),
        }
        self.second = second;
        self.now = self.now.saturating_add(1);
        self.now.max(self.before) >= hot
    }

    /// Whether nobody has asked for it lately.
    pub fn is_cold(&self, now: Duration) -> bool {
        now.as_secs().saturating_sub(self.second) > 1
    }
}
