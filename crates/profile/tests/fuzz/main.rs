//! Whatever a template, a deployment or AWS's own ids hold: it is right, or it is refused with a clear fault.
//!
//! - [`texts`]: names, ARNs, periods, parameter names, each against a second statement of its rules
//!   ([`oracle`]): what is accepted satisfies it, and what satisfies it is accepted.
//! - [`properties`]: whole declarations, spoilt from the events of `events/provider`.
//! - [`policies`]: tag policies in both their forms, and what they say of tags.
//! - [`bounds`]: what is very large or very deep costs work and text in proportion to its size, or less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod oracle;
mod policies;
mod properties;
mod texts;

use mutation::refusal::{LONGEST_FAULT, assert_clear, assert_visible};
use profile::{
    arn::Location,
    fault::{Fault, Faults},
    parameter::ParameterPrefix,
};

/// Where the stack of the events lies.
fn here() -> Location {
    Location { partition: "aws".into(), region: "us-east-1".into(), account: "000000000000".into() }
}

fn prefix() -> ParameterPrefix {
    ParameterPrefix::parse("/inference-profiles").unwrap()
}

/// Asserts that a fault of the property or setting `path` is a clear one.
fn assert_clear_at(path: &str, fault: &Fault) {
    assert_eq!(fault.path, path, "{fault}");
    assert_clear(&fault.path, &fault.problem, &fault.remedy);
}

/// Asserts that each of them is clear, and that their text is not long.
fn assert_all_clear(faults: &Faults) {
    for fault in faults.iter() {
        assert!(!fault.path.is_empty(), "{fault}");
        assert_clear(&fault.path, &fault.problem, &fault.remedy);
    }
    let text = faults.to_string();
    let longest = if faults.count() > 1 { Faults::LONGEST_TEXT } else { LONGEST_FAULT };
    assert!(text.len() <= longest, "{} bytes", text.len());
    assert_visible(&text);
    assert!(faults.count() <= Faults::KEPT || text.ends_with(" more."), "the others are not counted");
}
