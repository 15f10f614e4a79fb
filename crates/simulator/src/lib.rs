//! CloudFormation's engine in process, and everything that can go wrong, around the real functions.
//!
//! A seed draws a [`scenario::Scenario`]: a stack of several resources, what its updates change, how AWS behaves
//! where nobody knows, and what fails. [`run::run`] plays it against the provider as it ships, the rescue function
//! and the sweep, over `local-aws` in process, under a clock that does not wait. After every change and at the end
//! the [promises] are looked at. What breaks one is shrunk to what matters and told as a trace.
//!
//! ```text
//! seed -> scenario -> CloudFormation -> Lambda -> provider -> local-aws
//!                          ^               '--> rescue --'
//!                          '---- desk <----'
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod cloudformation;
pub mod declaration;
pub mod desk;
pub mod functions;
pub mod lambda;
pub mod log;
pub mod mutants;
pub mod promises;
pub mod run;
pub mod scenario;
pub mod seeds;
pub mod stats;
pub mod trace;
