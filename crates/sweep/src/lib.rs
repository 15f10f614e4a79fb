//! The sweep: one scheduled function that lists every profile and says what is wrong with it.
//!
//! ```text
//! event -> settings -> inventory (one for each Region) -> judgement -> actions -> report -> deliveries
//! ```
//!
//! - [`settings`]: what the environment says, and what an invocation by hand overrides;
//! - [`gather`]: one inventory, each source once, in bulk and side by side;
//! - [`act`]: the planned actions, each looked at once more before it is done;
//! - [`evidence`]: the report, made of what was read, judged and done;
//! - [`deliver`]: the report to the bucket, the bus, the topic, the log and the metrics;
//! - [`run`]: a sweep from end to end.
//!
//! What is judged and planned is decided in [`rules`], what is written in [`mod@report`]: both are pure.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod act;
pub mod deliver;
pub mod evidence;
pub mod gather;
pub mod run;
pub mod settings;

use std::sync::Arc;

use ports::{
    Clock, CostAllocationTags, DailyUsage, EventBus, Models, Notices, ParameterIndex, Parameters, Profiles,
    Quotas, ReportStore, StackIndex, Stacks, TagIndex,
};

/// What the sweep reaches in one Region.
#[derive(Clone)]
pub struct RegionPorts {
    /// Application inference profiles.
    pub profiles: Arc<dyn Profiles>,
    /// Their tags, in bulk.
    pub tags: Arc<dyn TagIndex>,
    /// Models and system profiles.
    pub models: Arc<dyn Models>,
    /// Values of parameters.
    pub parameters: Arc<dyn Parameters>,
    /// Names of parameters.
    pub parameter_names: Arc<dyn ParameterIndex>,
    /// One stack.
    pub stacks: Arc<dyn Stacks>,
    /// All stacks, and what they hold.
    pub stack_index: Arc<dyn StackIndex>,
    /// CloudWatch's figures.
    pub usage: Arc<dyn DailyUsage>,
    /// Quotas.
    pub quotas: Arc<dyn Quotas>,
}

/// What the sweep reaches once for the account.
#[derive(Clone)]
pub struct AccountPorts {
    /// Billing.
    pub cost_tags: Arc<dyn CostAllocationTags>,
    /// Where reports are kept; `None`: nowhere.
    pub reports: Option<Arc<dyn ReportStore>>,
    /// Where findings are put; `None`: nowhere.
    pub events: Option<Arc<dyn EventBus>>,
    /// Who is told of changes; `None`: nobody.
    pub notices: Option<Arc<dyn Notices>>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}
