//! The function behind `Custom::InferenceProfile`.
//!
//! A request comes in through [`custom_resource`], which reads it, watches the time and delivers the
//! one answer. Between, this crate connects the pure centre ([`profile`]) with AWS ([`ports`]):
//!
//! - [`resolve`]: the model source, looked up and judged;
//! - [`observe`]: one look at everything a decision may rest on, the calls side by side;
//! - [`apply`]: the decided effects, carried out and recorded, until nothing is left to decide;
//! - [`resource`]: the request from end to end, and its answer.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod apply;
pub mod failure;
pub mod observe;
pub mod patience;
pub mod resolve;
pub mod resource;

use std::sync::Arc;

use ports::{Clock, Models, Ownership, Parameters, Profiles, Stacks, Usage};

/// Everything that the provider reaches outside of itself.
#[derive(Clone)]
pub struct Ports {
    /// Application inference profiles.
    pub profiles: Arc<dyn Profiles>,
    /// Models and system profiles.
    pub models: Arc<dyn Models>,
    /// The index of tags.
    pub ownership: Arc<dyn Ownership>,
    /// Parameter Store.
    pub parameters: Arc<dyn Parameters>,
    /// CloudFormation.
    pub stacks: Arc<dyn Stacks>,
    /// CloudWatch.
    pub usage: Arc<dyn Usage>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}
