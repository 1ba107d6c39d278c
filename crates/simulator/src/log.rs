//! The log of a run: one line a command, and lines that begin with `#` for everything else. The same seed, the same log.

/// Lines, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Log(Vec<String>);

impl Log {
    /// Adds a line about a command.
    pub fn command(&mut self, line: String) {
        self.0.push(line);
    }
    /// Adds a line about anything else.
    pub fn note(&mut self, text: &str) {
        self.0.push(format!("# {text}"));
    }
    /// Every line.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
    /// How many commands it tells of.
    pub fn commands(&self) -> usize {
        self.0.iter().filter(|line| !line.starts_with('#')).count()
    }
}
