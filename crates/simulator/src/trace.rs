//! What happened, in lines that a person can read.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// A log of one run; it keeps nothing unless it is asked to.
pub struct Trace {
    began: Instant,
    lines: Option<Mutex<Vec<String>>>,
}

impl Trace {
    /// A trace that keeps its lines, or one that does not.
    pub fn new(keeps: bool) -> Self {
        Self { began: Instant::now(), lines: keeps.then(Mutex::default) }
    }

    /// Adds a line, with the time since the beginning.
    pub fn line(&self, line: impl FnOnce() -> String) {
        let Some(lines) = &self.lines else { return };
        let at = self.began.elapsed();
        let line = format!("{:>7}.{:03} s  {}", at.as_secs(), at.subsec_millis(), line());
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.lines.as_ref().map(|lines| lines.lock().unwrap_or_else(PoisonError::into_inner));
        lines.map(|lines| lines.clone()).unwrap_or_default()
    }
}
