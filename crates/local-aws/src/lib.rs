//! A local stand-in for Amazon Bedrock's inference profiles: over HTTP and in process.
//!
//! The centre is one synchronous, deterministic state machine, [`World`]. It has no clock, no randomness
//! but its seed, and does no input or output: every operation takes the [`Caller`] and the present and
//! gives an [`Answer`]. Around it are two faces. In process, tests call it directly. Over HTTP,
//! [`http::Server`] speaks the wire formats of Bedrock, of the Resource Groups Tagging API and, for one
//! operation each, of Cost Explorer and Service Quotas, so that unmodified SDKs and the AWS CLI can talk to
//! it, and is a sink for CloudFormation responses.
//!
//! What is not certain about AWS is decided by [`Switches`]; what goes wrong, by [`Faults`]; what was
//! called is in the [`CallLog`].
//!
//! It reads ARNs, names and tags with code of its own, on purpose: it is there to find the faults of other
//! code, and would not find those that it shares.
//!
//! ```
//! use local_aws::{Caller, CreateInferenceProfile, World};
//! use time::OffsetDateTime;
//!
//! let mut world = World::default();
//! let caller = Caller::new("000000000000", "us-east-1");
//! let now = OffsetDateTime::UNIX_EPOCH;
//!
//! let source = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";
//! let request = CreateInferenceProfile::new("team-a-chat", source).tag("owner", "team-a");
//! let created = world.create_inference_profile(&caller, now, &request).result?;
//!
//! let profile = world.get_inference_profile(&caller, now, &created.inference_profile_arn).result?;
//! assert_eq!(profile.inference_profile_name, "team-a-chat");
//! # Ok::<(), local_aws::Failure>(())
//! ```

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")
)]

pub mod arns;
pub mod calls;
pub mod catalogue;
pub mod constraints;
pub mod cost_tags;
pub mod error;
pub mod faults;
pub mod http;
pub mod in_process;
pub mod models;
pub mod operation;
pub mod paging;
pub mod profiles;
pub mod quotas;
pub mod random;
pub mod responses;
pub mod state;
pub mod switches;
pub mod tagging_api;
pub mod tags;
pub mod timestamp;
pub mod world;

pub use calls::{Call, CallLog, Outcome};
pub use catalogue::{Catalogue, Destination, Lifecycle, Model, SystemProfile};
pub use cost_tags::{CostAllocationTag, CostAllocationTags, ListCostAllocationTags};
pub use error::{Answer, ApiError, Failure};
pub use faults::{Fault, FaultPlan, FaultRule, Faults};
pub use models::{FoundationModel, ListFoundationModels, ListedModels, ModelDetails};
pub use operation::{Operation, Service};
pub use profiles::{
    CreateInferenceProfile, CreatedProfile, ListInferenceProfiles, ListedProfiles, ModelSource, ProfileModel,
    ProfileSummary,
};
pub use quotas::{GetServiceQuota, Quota, ServiceQuota};
pub use responses::{Delivery, Received, ResponseSink};
pub use state::{Caller, ProfileRecord, State, Tags};
pub use switches::{DeletedToken, ListWithoutType, MismatchedToken, RepeatedToken, Switches, UnknownModel};
pub use tagging_api::{
    FailedResources, GetResources, GetTagKeys, GetTagValues, ResourceTag, ResourceTags, Resources, TagFilter,
    TagKeys, TagResources, TagValues, UntagResources,
};
pub use tags::{ListTagsForResource, ListedTags, Tag, TagResource, UntagResource};
pub use timestamp::Timestamp;
pub use world::World;
