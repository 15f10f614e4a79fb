//! The pure centre of the Inference Profile Manager.
//!
//! Data flows one way through every function of this project:
//!
//! ```text
//! event -> request -> specification -> observed state -> plan -> effects -> answer
//! ```
//!
//! This crate is the middle of that line. It knows no SDK, no clock, no environment and no
//! CloudFormation envelope: what a template declares becomes a [`specification::Specification`] or a
//! list of [`fault::Fault`]s, what AWS was seen to hold is an [`observed::Observed`], and from the two
//! [`converge`] and [`removal`] decide the next effects. Decisions are data; somebody else carries
//! them out, records what came of them, and asks again.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod arn;
pub mod attributes;
pub mod converge;
pub mod effect;
pub mod fault;
pub mod model_source;
pub mod observed;
pub mod parameter;
pub mod period;
pub mod properties;
pub mod record;
pub mod removal;
pub mod spec;
pub mod specification;
pub mod suggest;
pub mod tag_policy;
pub mod tags;
