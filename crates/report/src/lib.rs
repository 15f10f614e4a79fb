//! What a sweep found: as data, for programs and for people.
//!
//! ```text
//!                         ┌ to_json, result   report.json, the function's result
//! judgements + actions    │ events            EventBridge
//!          │              │ metrics           CloudWatch, in the embedded metric format
//!   changes│since the ──► ├ log_lines         one structured line a finding
//!          │report before │ html              report.html, for a browser and a printer
//!        Report ──────────┴ mail              the SNS digest
//! ```
//!
//! A [`Report`] is the whole of it; everything else is a way of writing it down. Nothing here reads a
//! clock or does an effect.
//!
//! Two rules hold for every way of writing. What could not be read is said, and nothing is concluded from
//! it: a finding is gone only when its rule was decided, a 0 is a metric only when it was counted. And what
//! others have written — names, tags, messages of AWS — cannot do harm where it is shown: it is escaped,
//! shortened, and its control characters are made visible.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod changes;
mod data;
mod events;
mod html;
mod json;
mod log;
mod mail;
mod metrics;
mod text;
mod wording;

pub use changes::changes;
pub use data::*;
pub use events::{FINDING_EVENT, ReportEvent, SWEEP_EVENT, events};
pub use html::html;
pub use json::{RESULT_LIMIT, ReadError, from_json, result, to_json};
pub use log::{Level, LogLine, Status, log_lines};
pub use mail::{Mail, mail};
pub use metrics::{NAMESPACE, metrics};
