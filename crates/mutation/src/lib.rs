//! Wrong inputs for tests of parsers: what is right, spoilt.
//!
//! A parser that is fed with noise shows only its first line. So every input here begins as a right one: an
//! event of the project's `events/`, or a text of a dictionary that a test brings. Then some mutations are
//! made to it, each of them a slip that somebody or something could make. [`json`] knows the structure of a
//! document (a key left out, a value of another type, a list a thousand times as long); [`text`] knows none.
//!
//! Mutations are data, and a failing case is made small by leaving them out one by one.
//!
//! What a test then says of a parser's refusal is in [`refusal`], and what it says of time is in no clock: an
//! input whose work would grow out of bounds is given, and the test comes to its end or it does not.

// Tests are all that uses this crate.
#![allow(clippy::expect_used, clippy::panic)]

pub mod json;
pub mod refusal;
pub mod text;

use std::{env, fs, path::Path};

use proptest::test_runner::{Config, FileFailurePersistence};
use serde_json::Value;

/// A file of `events/`.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name, without the ending.
    pub name: String,
    /// What it holds.
    pub payload: Value,
}

/// Every event of `events/<folder>`, in the order of their names.
///
/// # Panics
///
/// When the folder cannot be read, holds no event, or holds what is not one.
pub fn events(folder: &str) -> Vec<Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(folder);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut events: Vec<Event> = files
        .map(|file| {
            let path = file.expect("a folder that was opened can be listed").path();
            let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let payload =
                serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
            Event { name: name.unwrap_or_default(), payload }
        })
        .collect();
    assert!(!events.is_empty(), "{} holds no event", folder.display());
    events.sort_by(|one, other| one.name.cmp(&other.name));
    events
}

/// So many cases, or as many as `PROPTEST_CASES` says. A failing one is written into a file beside the
/// test's own, with the ending `regressions`, and is tried first from then on.
pub fn cases(usually: u32) -> Config {
    let told = env::var_os("PROPTEST_CASES").is_some();
    let config = Config::default();
    Config {
        cases: if told { config.cases } else { usually },
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..config
    }
}
