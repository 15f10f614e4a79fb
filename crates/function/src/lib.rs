//! What every Lambda function of this project starts with: what Lambda tells it, how it writes its log,
//! and the settings of the deployment that they share.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod context;
pub mod log;
pub mod settings;
