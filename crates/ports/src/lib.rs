//! The narrow traits through which the functions observe and change AWS.
//!
//! Each is named after what the domain needs, not after an SDK's operations, and speaks in the types
//! of [`profile`]. There is one adapter of each for AWS (crate `aws`) and one for tests and simulation
//! (crate `local-aws`). Every method is one call of AWS, except where it says that it pages.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use profile::{
    arn::ProfileArn,
    record::{
        FoundationModel, ParameterRecord, ProfileRecord, StackRecord, StackResourceRecord, SystemProfile,
    },
    tags::{Owner, Tags},
};
use time::{Date, OffsetDateTime};

mod error;

pub use error::{CallError, ErrorKind, Optional};

/// What a call comes to.
pub type Result<T> = std::result::Result<T, CallError>;

/// A profile to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProfile {
    /// `inferenceProfileName`.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// `modelSource.copyFrom`: the ARN of a foundation model or system profile.
    pub copy_from: String,
    /// `clientRequestToken`: `[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?`.
    pub token: String,
    /// All tags, reserved ones included.
    pub tags: Tags,
}

/// Application inference profiles.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Makes one. Is never repeated by the adapter when the outcome is not known
    /// ([`ErrorKind::Unknown`]): a second profile could be the result.
    async fn create(&self, profile: &NewProfile) -> Result<ProfileArn>;
    /// Reads one by ARN or id; [`ErrorKind::NotFound`] also for a system profile.
    async fn get(&self, arn_or_id: &str) -> Result<ProfileRecord>;
    /// Reads all of the account and Region; pages, 1,000 at a time.
    async fn list(&self) -> Result<Vec<ProfileRecord>>;
    /// Deletes one.
    async fn delete(&self, arn: &ProfileArn) -> Result<()>;
    /// Reads one's tags.
    async fn tags(&self, arn: &ProfileArn) -> Result<Tags>;
    /// Adds or overwrites tags.
    async fn tag(&self, arn: &ProfileArn, tags: &Tags) -> Result<()>;
    /// Removes tags; keys that are not there do no harm.
    async fn untag(&self, arn: &ProfileArn, keys: &[String]) -> Result<()>;
}

/// What profiles are copied from.
#[async_trait]
pub trait Models: Send + Sync {
    /// A foundation model of the Region, by id.
    async fn foundation_model(&self, id: &str) -> Result<FoundationModel>;
    /// A system profile of the Region, by id; [`ErrorKind::NotFound`] also for an application profile.
    async fn system_profile(&self, id: &str) -> Result<SystemProfile>;
    /// All foundation models of the Region.
    async fn foundation_models(&self) -> Result<Vec<FoundationModel>>;
    /// All system profiles of the Region; pages.
    async fn system_profiles(&self) -> Result<Vec<SystemProfile>>;
}

/// What a stack's logical id owns, found by tags and not by name. The index behind it lags.
#[async_trait]
pub trait Ownership: Send + Sync {
    /// The ARNs of everything (profiles and parameters) that carries `owner`'s tags; pages.
    async fn owned_by(&self, owner: &Owner) -> Result<Vec<String>>;
}

/// A parameter to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewParameter {
    /// The full name, with its leading `/`.
    pub name: String,
    /// The value.
    pub value: String,
    /// What a person sees in the console.
    pub description: String,
    /// All tags, reserved ones included: made with the parameter, in the same call.
    pub tags: Tags,
}

/// Parameters of SSM Parameter Store.
#[async_trait]
pub trait Parameters: Send + Sync {
    /// Reads up to ten by name; those that do not exist are absent from the result.
    async fn get(&self, names: &[String]) -> Result<BTreeMap<String, ParameterRecord>>;
    /// Makes one; [`ErrorKind::Conflict`] when the name is taken.
    async fn create(&self, parameter: &NewParameter) -> Result<()>;
    /// Replaces the value of one that exists; its tags stay.
    async fn overwrite(&self, name: &str, value: &str) -> Result<()>;
    /// Deletes one.
    async fn delete(&self, name: &str) -> Result<()>;
    /// Reads one's tags.
    async fn tags(&self, name: &str) -> Result<Tags>;
    /// Adds or overwrites tags.
    async fn tag(&self, name: &str, tags: &Tags) -> Result<()>;
    /// Removes tags.
    async fn untag(&self, name: &str, keys: &[String]) -> Result<()>;
}

/// Stacks, by their whole id, so that a deleted one is still found.
#[async_trait]
pub trait Stacks: Send + Sync {
    /// A stack's status and tags; [`ErrorKind::NotFound`] when there is none of that id.
    async fn stack(&self, stack_id: &str) -> Result<StackRecord>;
    /// What a stack says about a logical id; [`ErrorKind::NotFound`] when it does not know it.
    async fn resource(&self, stack_id: &str, logical_id: &str) -> Result<StackResourceRecord>;
}

/// Use of profiles.
#[async_trait]
pub trait Usage: Send + Sync {
    /// How many invocations each of `profile_ids` had from `since` to `until`. Figures arrive some
    /// minutes late.
    async fn invocations(
        &self,
        profile_ids: &[String],
        since: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<BTreeMap<String, u64>>;
}

/// The wall clock.
pub trait Clock: Send + Sync {
    /// The present instant, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The tags of many profiles at once. The index behind it lags, and leaves out profiles that never had a
/// tag.
#[async_trait]
pub trait TagIndex: Send + Sync {
    /// The tags of each of `profiles` that the index knows; asks for a hundred in a call, side by side. One
    /// that was deleted a while ago may still be among them.
    async fn tags_of(&self, profiles: &[ProfileArn]) -> Result<BTreeMap<ProfileArn, Tags>>;
}

/// The names of parameters.
#[async_trait]
pub trait ParameterIndex: Send + Sync {
    /// The names of all parameters under `path`, at any depth; pages, 50 at a time. `path` has no slash at
    /// its end.
    async fn under(&self, path: &str) -> Result<Vec<String>>;
}

/// All stacks of the account and Region.
#[async_trait]
pub trait StackIndex: Send + Sync {
    /// Every stack that is not deleted, by its id; pages.
    async fn stacks(&self) -> Result<BTreeMap<String, StackRecord>>;
    /// What a stack says of all its logical ids; [`ErrorKind::NotFound`] when there is no stack of that
    /// id; pages.
    async fn resources(&self, stack_id: &str) -> Result<BTreeMap<String, StackResourceRecord>>;
}

/// Use of profiles and of models, day by day.
#[async_trait]
pub trait DailyUsage: Send + Sync {
    /// Every `ModelId` (a profile's id, a model's, a system profile's) with invocations in the last two
    /// weeks; pages, 500 at a time. A new one takes up to 15 minutes to appear.
    async fn active(&self) -> Result<BTreeSet<String>>;
    /// Invocations of each of `model_ids` on each day (UTC) from `since` to `until`, both included, in
    /// that order; asks for 500 in a call, side by side. An id without any is absent.
    async fn daily(
        &self,
        model_ids: &[String],
        since: Date,
        until: Date,
    ) -> Result<BTreeMap<String, Vec<u64>>>;
}

/// Quotas of the account and Region.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// How many inference profiles there may be (L-40EC9882); [`ErrorKind::NotFound`] when the account
    /// has no quota of its own, and the default is in force.
    async fn inference_profiles(&self) -> Result<u64>;
}

/// Cost allocation tags of the payer account.
#[async_trait]
pub trait CostAllocationTags: Send + Sync {
    /// Which of the user-defined tag keys that billing knows are active; pages. [`ErrorKind::NotFound`]
    /// in an account that has none of its own, because another one pays for it.
    async fn active(&self) -> Result<BTreeMap<String, bool>>;
}

/// Where reports are kept.
#[async_trait]
pub trait ReportStore: Send + Sync {
    /// Reads one; [`ErrorKind::NotFound`] when there is none, but [`ErrorKind::Denied`] when the caller may
    /// not list the bucket either.
    async fn read(&self, key: &str) -> Result<Vec<u8>>;
    /// Writes one, over what was there.
    async fn write(&self, key: &str, content_type: &'static str, body: Vec<u8>) -> Result<()>;
}

/// One event of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened, for rules to match.
    pub detail_type: &'static str,
    /// A JSON object.
    pub detail: String,
    /// The ARNs that it is about.
    pub resources: Vec<String>,
}

/// An event bus.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Puts `events`, ten in a call; those that the bus refused for a passing reason are put again. Gives
    /// how many were refused in the end, those too large for a call among them. After an error some may
    /// have been put, and one may arrive twice.
    async fn put(&self, events: &[Event]) -> Result<usize>;
}

/// Where people are told.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Sends a mail to whoever subscribed. `subject` is one line of less than 100 ASCII characters.
    async fn send(&self, subject: &str, text: &str) -> Result<()>;
}
