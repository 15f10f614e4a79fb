//! The functions' log, as far as it must not hold secrets.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{cloudformation::SIGNATURE, declaration::NO_ECHO, trace::Trace};

thread_local! {
    static LEAKS: Cell<Option<String>> = const { Cell::new(None) };
}

/// Reads every log line as it is written, and keeps the last that holds a secret.
pub struct Reader {
    spans: AtomicU64,
    trace: Arc<Trace>,
}

impl Reader {
    /// A reader for this thread's log, which goes into the trace besides.
    pub fn new(trace: Arc<Trace>) -> Self {
        Self { spans: AtomicU64::new(0), trace }
    }

    /// The last line on this thread that held a secret.
    pub fn take_leak() -> Option<String> {
        LEAKS.take()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        use fmt::Write;
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Reader {
    /// A log may be set to tell everything, so that is read, too.
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.trace.line(|| format!("      {}", line.0));
        if line.0.contains(SIGNATURE) || line.0.contains(NO_ECHO) {
            LEAKS.set(Some(line.0));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
