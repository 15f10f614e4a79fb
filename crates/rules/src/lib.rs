//! The pure judgement of an account's profiles.
//!
//! ```text
//! inventory -> judge -> findings -> plan -> actions
//! ```
//!
//! An [`inventory::Inventory`] is what was read of one account in one Region, with what could not be read
//! named in it. [`judge::judge`] holds it to the [`rule::Rule`]s and gives [`finding::Finding`]s; from what
//! could not be read nothing is concluded. [`plan::plan`] decides what may be done about them. This crate
//! knows no SDK, no clock and no environment: the sweep and the watch function gather and deliver.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod finding;
pub mod inventory;
pub mod judge;
pub mod owner;
pub mod plan;
pub mod rule;
pub mod thresholds;

mod words;

#[cfg(test)]
mod testing;
