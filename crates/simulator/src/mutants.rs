//! The provider with a bug in it, to see that the simulation sees.
//!
//! Each mutant is the provider as it ships with one thing bent: what it is told by AWS, what it does to AWS, or
//! what it makes of a request. They are the mistakes that custom resources are known for, one by one.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use custom_resource::{
    Answer, AnswerSink, Deadline, PhysicalId, PutError, Request, RequestKind, Resource, ResponseUrl, serve,
};
use local_aws::in_process::InProcess;
use ports::{ErrorKind, NewParameter, NewProfile, Result};
use profile::{
    arn::ProfileArn,
    record::{ParameterRecord, ProfileRecord, StackRecord, StackResourceRecord},
    spec,
    tags::{self, Owner, Tags},
};
use provider::{Ports, resource::InferenceProfile};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    account::{ACCOUNT, REGION},
    functions::{Make, PROVIDER_TIMEOUT, Provider, invocation, ports, rescue, settings, trust},
    promises::Promise,
};

/// A deliberate bug.
pub struct Mutant {
    /// What it does wrong.
    pub name: &'static str,
    /// The promise that it breaks.
    pub breaks: Promise,
    /// Within how many seeds, from 0 on, the simulation notices.
    pub seeds: u64,
    /// What makes the provider.
    pub make: Make,
}

macro_rules! mutants {
    ($($name:literal, $breaks:ident, $seeds:literal, $bug:ident;)*) => {
        /// All of them.
        pub const MUTANTS: &[Mutant] = &[
            $(Mutant { name: $name, breaks: Promise::$breaks, seeds: $seeds, make: |aws| Bent::provider(aws, Bug::$bug) },)*
        ];
    };
}

mutants! {
    "deletes the replaced profile inside the Update", DeletesRight, 100, DeletesInUpdate;
    "takes every parameter for its own", NothingForeign, 100, OwnsEveryParameter;
    "deletes without comparing whose a profile is", NothingForeign, 100, OwnsEveryProfile;
    "trusts the owner's tags on any profile", NothingForeign, 300, TrustsTags;
    "makes the physical id of the request id", Fulfilled, 100, IdOfRequest;
    "makes the physical id of the logical id", Fulfilled, 100, IdOfLogicalId;
    "errs after the answer", RepeatsHarmless, 100, ErrsAfterAnswer;
    "does not answer a failure", OneAnswer, 100, SilentFailure;
    "hangs in a Delete", OneAnswer, 100, HangsInDelete;
    "answers a Delete with another id", AnswersFit, 100, OtherIdOnDelete;
    "fails a Delete of what was never made", DeletesRight, 100, FailsDeleteOfNothing;
    "lets an answer grow too long", AnswersFit, 100, LongAnswer;
    "forgets an attribute on Update", Fulfilled, 300, ForgetsAttribute;
    "never takes a tag off", Fulfilled, 300, KeepsTags;
    "never writes a changed tag", Fulfilled, 300, WritesNoTags;
    "leaves the parameter at the old profile", ReaderNeverStranded, 300, LeavesParameterBehind;
    "moves a parameter by deleting and making it", ReaderNeverStranded, 300, MovesByDeleting;
    "leaves the parameter when the stack goes", NothingLeaks, 100, LeavesParameter;
    "leaves the profile when the stack goes", NothingLeaks, 100, LeavesProfile;
    "deletes what it adopted", NothingForeign, 600, DeletesAdopted;
    "ignores DrainPeriod", DeletesRight, 600, IgnoresDrain;
    "makes a profile again when an answer is lost", NothingLeaks, 1_000, MakesAgain;
    "does not ask the stack whether it still waits", NothingLeaks, 1_000, DoesNotAskStack;
    "does not look for what a cancelled Create made", NothingLeaks, 1_000, DoesNotSeek;
    "takes \"false\" for true", NothingLeaks, 300, FalseIsTrue;
    "drops the description", Fulfilled, 100, DropsDescription;
    "logs the response URL", SecretsStayIn, 100, LogsUrl;
    "logs what is declared", SecretsStayIn, 300, LogsProperties;
    "asks without end", CallsBounded, 100, AsksWithoutEnd;
    "rescue does not answer", OneAnswer, 300, MuteRescue;
    "rescue answers SUCCESS", Fulfilled, 600, RescueSucceeds;
    "takes nothing for used that is protected", DeletesRight, 1_000, SeesNoUse;
    "lets everything drain", DeletesRight, 100, DrainsEverything;
    "lets a profile drain for too long", DeletesRight, 600, DrainsTooLong;
    "fails an Update with another id", AnswersFit, 100, OtherIdOnFailedUpdate;
    "answers a repeated request with another id", RepeatsHarmless, 3_000, OtherIdOnRepeat;
    "answers a Delete that was denied with SUCCESS", DeletesRight, 3_000, DeniesNothing;
    "does not take back what a failed request made", NothingLeaks, 1_000, DoesNotUndo;
    "replaces a profile whose tags change", PhysicalId, 300, ReplacesForTags;
    "leaves the tags of an update that is rolled back", RollbackRestores, 300, RollsNoTagsBack;
    "takes more time than ServiceTimeout leaves", OneAnswer, 100, IgnoresServiceTimeout;
    "rescue answers what was answered", OneAnswer, 3_000, RescueDoesNotLook;
    "carries out a stale Delete", DeletesRight, 3_000, DeletesStale;
    "does not know since when a profile is there", NothingLeaks, 6_000, KnowsNoAge;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    DeletesInUpdate,
    OwnsEveryParameter,
    OwnsEveryProfile,
    TrustsTags,
    IdOfRequest,
    IdOfLogicalId,
    ErrsAfterAnswer,
    SilentFailure,
    HangsInDelete,
    OtherIdOnDelete,
    FailsDeleteOfNothing,
    LongAnswer,
    ForgetsAttribute,
    KeepsTags,
    WritesNoTags,
    LeavesParameterBehind,
    MovesByDeleting,
    LeavesParameter,
    LeavesProfile,
    DeletesAdopted,
    IgnoresDrain,
    MakesAgain,
    DoesNotAskStack,
    DoesNotSeek,
    FalseIsTrue,
    DropsDescription,
    LogsUrl,
    LogsProperties,
    AsksWithoutEnd,
    MuteRescue,
    RescueSucceeds,
    SeesNoUse,
    DrainsEverything,
    DrainsTooLong,
    OtherIdOnFailedUpdate,
    OtherIdOnRepeat,
    DeniesNothing,
    DoesNotUndo,
    ReplacesForTags,
    RollsNoTagsBack,
    IgnoresServiceTimeout,
    RescueDoesNotLook,
    DeletesStale,
    KnowsNoAge,
}

/// The provider, bent, and the AWS that it sees.
#[derive(Clone)]
struct Bent {
    aws: InProcess,
    bug: Bug,
    /// Who asks at the moment.
    owner: Arc<Mutex<Option<Owner>>>,
    /// Whether a Delete is carried out at the moment.
    deleting: Arc<Mutex<bool>>,
    /// What was asked before.
    requests: Arc<Mutex<BTreeSet<String>>>,
}

impl Bent {
    fn provider(aws: &InProcess, bug: Bug) -> Arc<dyn Provider> {
        Arc::new(Self {
            aws: aws.clone(),
            bug,
            owner: Arc::default(),
            deleting: Arc::default(),
            requests: Arc::default(),
        })
    }

    fn is(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    fn ports(&self) -> Ports {
        let bent = Arc::new(self.clone());
        Ports {
            profiles: bent.clone(),
            ownership: bent.clone(),
            parameters: bent.clone(),
            usage: bent.clone(),
            stacks: bent,
            ..ports(&self.aws)
        }
    }

    fn rolls_back(&self) -> bool {
        let account = self.aws.account();
        account.stacks.values().any(|stack| stack.status == "UPDATE_ROLLBACK_IN_PROGRESS")
    }

    fn is_deleting(&self) -> bool {
        *self.deleting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owner(&self) -> Option<Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tags as if they were the owner's who asks.
    fn claimed(&self, mut held: Tags) -> Tags {
        held.extend(self.owner().map(|owner| owner.tags()).unwrap_or_default());
        held
    }
}

#[async_trait]
impl Provider for Bent {
    async fn invoke(&self, mut payload: Value, sink: &dyn AnswerSink) -> std::result::Result<(), String> {
        let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
        let owner = Owner { stack_id: text("StackId"), logical_id: text("LogicalResourceId") };
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(owner);
        *self.deleting.lock().unwrap_or_else(PoisonError::into_inner) = text("RequestType") == "Delete";
        let is_new = self.requests.lock().unwrap_or_else(PoisonError::into_inner).insert(text("RequestId"));
        match self.bug {
            Bug::LogsUrl => tracing::info!(url = text("ResponseURL"), "request received"),
            Bug::LogsProperties => {
                tracing::info!(properties = %payload["ResourceProperties"], "request received")
            }
            Bug::FalseIsTrue => payload["ResourceProperties"]["PublishParameter"] = json!("true"),
            Bug::DropsDescription => {
                if let Some(properties) = payload["ResourceProperties"].as_object_mut() {
                    properties.remove("Description");
                }
            }
            Bug::ReplacesForTags
                if payload["RequestType"] == "Update"
                    && payload["ResourceProperties"]["Tags"] != payload["OldResourceProperties"]["Tags"] =>
            {
                payload["ResourceProperties"]["Description"] = json!(text("RequestId"));
            }
            Bug::IgnoresServiceTimeout => {
                if let Some(properties) = payload["ResourceProperties"].as_object_mut() {
                    properties.remove("ServiceTimeout");
                }
                // As one does that gives everything the same time to become visible.
                tokio::time::sleep(Duration::from_secs(100)).await;
            }
            Bug::HangsInDelete if payload["RequestType"] == "Delete" => pending().await,
            _ => {}
        }
        let resource =
            BentResource { inner: InferenceProfile::new(self.ports(), settings()), bent: self.clone() };
        let is_update = payload["RequestType"] == "Update";
        let sink = BentSink { inner: sink, bug: self.bug, is_update, is_repeat: !is_new };
        let served =
            serve(payload, &invocation(&self.aws, PROVIDER_TIMEOUT), &trust("provider"), &resource, &sink)
                .await;
        if self.is(Bug::ErrsAfterAnswer) {
            return Err("after the answer".to_owned());
        }
        served.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn rescue(
        &self,
        aws: &InProcess,
        mut record: Value,
        sink: &dyn AnswerSink,
    ) -> std::result::Result<(), String> {
        let blind = InProcess::new(ACCOUNT, REGION, ports::Clock::now(aws));
        let aws = match self.bug {
            Bug::MuteRescue => return Ok(()),
            Bug::RescueDoesNotLook => {
                record["requestContext"]["approximateInvokeCount"] = json!(0);
                &blind
            }
            _ => aws,
        };
        let sink = BentSink { inner: sink, bug: self.bug, is_update: false, is_repeat: false };
        rescue(aws, record, &sink).await
    }
}

struct BentResource {
    inner: InferenceProfile,
    bent: Bent,
}

#[async_trait]
impl Resource for BentResource {
    async fn handle(&self, request: &Request, deadline: Deadline) -> Answer {
        let bent = &self.bent;
        let mut answer = self.inner.handle(request, deadline).await;
        let given = request.kind.physical_id().cloned();
        let is_delete = matches!(request.kind, RequestKind::Delete { .. });
        if bent.is(Bug::FailsDeleteOfNothing)
            && given.as_ref().is_some_and(|id| id.as_str().starts_with("not-created:"))
        {
            return Answer::failed(PhysicalId::unknown(&request.logical_id), "there is nothing".to_owned());
        }
        let Answer::Success { physical_id, .. } = &mut answer else { return answer };
        match bent.bug {
            Bug::DeletesInUpdate if !is_delete => {
                if let Some(old) = given.filter(|old| old != physical_id)
                    && let Some(arn) = ProfileArn::parse(old.as_str())
                {
                    let _ = ports::Profiles::delete(&bent.aws, &arn).await;
                }
            }
            Bug::IdOfRequest if !is_delete => {
                let id = format!("profile-{}", request.request_id.as_str());
                *physical_id = PhysicalId::parse(id).unwrap_or_else(|_| physical_id.clone());
            }
            Bug::IdOfLogicalId if !is_delete => *physical_id = PhysicalId::unknown(&request.logical_id),
            _ => {}
        }
        answer
    }

    fn fallback_physical_id(&self, request: &Request) -> PhysicalId {
        self.inner.fallback_physical_id(request)
    }
}

struct BentSink<'a> {
    inner: &'a dyn AnswerSink,
    bug: Bug,
    is_update: bool,
    is_repeat: bool,
}

#[async_trait]
impl AnswerSink for BentSink<'_> {
    async fn put(&self, url: &ResponseUrl, body: Vec<u8>) -> std::result::Result<(), PutError> {
        let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        match self.bug {
            Bug::RescueSucceeds if answer["Reason"].as_str().is_some_and(|text| text.contains("tries")) => {
                answer["Status"] = json!("SUCCESS");
            }
            Bug::OtherIdOnFailedUpdate if self.is_update && answer["Status"] == "FAILED" => {
                answer["PhysicalResourceId"] = json!("not-updated");
            }
            Bug::OtherIdOnRepeat if self.is_repeat && !answer["Data"].is_null() => {
                answer["PhysicalResourceId"] = json!("again");
            }
            Bug::SilentFailure if answer["Status"] == "FAILED" => return Ok(()),
            Bug::LongAnswer => answer["Data"]["Padding"] = json!("x".repeat(4_000)),
            Bug::ForgetsAttribute if self.is_update => {
                if let Some(data) = answer["Data"].as_object_mut() {
                    data.remove("ModelSourceArn");
                }
            }
            Bug::OtherIdOnDelete if answer["Data"].is_null() => {
                answer["PhysicalResourceId"] = json!("deleted")
            }
            _ => return self.inner.put(url, body).await,
        }
        self.inner.put(url, answer.to_string().into_bytes()).await
    }
}

#[async_trait]
impl ports::Profiles for Bent {
    async fn create(&self, profile: &NewProfile) -> Result<ProfileArn> {
        let made = ports::Profiles::create(&self.aws, profile).await;
        match made {
            Err(error) if self.is(Bug::MakesAgain) && error.kind == ErrorKind::Unknown => {
                let again = NewProfile { token: format!("{}-again", profile.token), ..profile.clone() };
                ports::Profiles::create(&self.aws, &again).await
            }
            made => made,
        }
    }

    async fn get(&self, arn_or_id: &str) -> Result<ProfileRecord> {
        if self.is(Bug::AsksWithoutEnd) {
            for _ in 0..2_000 {
                let _ = ports::Profiles::get(&self.aws, arn_or_id).await;
            }
        }
        let record = ports::Profiles::get(&self.aws, arn_or_id).await?;
        Ok(if self.is(Bug::KnowsNoAge) { ProfileRecord { created_at: None, ..record } } else { record })
    }

    async fn list(&self) -> Result<Vec<ProfileRecord>> {
        if self.is(Bug::DoesNotSeek) {
            return Ok(Vec::new());
        }
        let mut records = ports::Profiles::list(&self.aws).await?;
        if self.is(Bug::KnowsNoAge) {
            records.iter_mut().for_each(|record| record.created_at = None);
        }
        Ok(records)
    }

    async fn delete(&self, arn: &ProfileArn) -> Result<()> {
        match self.bug {
            Bug::LeavesProfile => Ok(()),
            Bug::DrainsEverything => {
                let until = ports::Clock::now(&self.aws) + time::Duration::hours(1);
                let until = until.replace_nanosecond(0).ok().and_then(|until| until.format(&Rfc3339).ok());
                let mark = Tags::from([(tags::DRAIN_UNTIL.to_owned(), until.unwrap_or_default())]);
                ports::Profiles::tag(&self.aws, arn, &mark).await
            }
            Bug::DoesNotUndo if !self.is_deleting() => Ok(()),
            Bug::DeniesNothing => match ports::Profiles::delete(&self.aws, arn).await {
                Err(error) if error.kind == ErrorKind::Denied => Ok(()),
                result => result,
            },
            _ => ports::Profiles::delete(&self.aws, arn).await,
        }
    }

    async fn tags(&self, arn: &ProfileArn) -> Result<Tags> {
        let held = ports::Profiles::tags(&self.aws, arn).await?;
        let claims = match self.bug {
            Bug::OwnsEveryProfile => true,
            Bug::TrustsTags => self.owner().is_some_and(|owner| owner.owns(&held)),
            _ => false,
        };
        if !claims {
            return Ok(held);
        }
        // As if nothing were compared: the tags are those that the profile itself would have.
        let mut claimed = self.claimed(held);
        if let Ok(record) = ports::Profiles::get(&self.aws, arn.as_str()).await {
            let source = claimed.get(tags::MODEL_SOURCE).cloned().unwrap_or_default();
            let digest = spec::digest(&record.name, record.description.as_deref(), &source);
            claimed.insert(tags::MODEL_SOURCE.to_owned(), source);
            claimed.insert(tags::SPEC.to_owned(), digest);
        }
        Ok(claimed)
    }

    async fn tag(&self, arn: &ProfileArn, put: &Tags) -> Result<()> {
        match self.bug {
            Bug::WritesNoTags => Ok(()),
            Bug::RollsNoTagsBack if self.rolls_back() => Ok(()),
            Bug::DrainsTooLong if put.contains_key(tags::DRAIN_UNTIL) => {
                let mut put = put.clone();
                put.insert(tags::DRAIN_UNTIL.to_owned(), "2030-01-01T00:00:00Z".to_owned());
                ports::Profiles::tag(&self.aws, arn, &put).await
            }
            Bug::IgnoresDrain if put.contains_key(tags::DRAIN_UNTIL) => {
                ports::Profiles::delete(&self.aws, arn).await
            }
            _ => ports::Profiles::tag(&self.aws, arn, put).await,
        }
    }

    async fn untag(&self, arn: &ProfileArn, keys: &[String]) -> Result<()> {
        let releases = keys.iter().any(|key| key == tags::STACK_ID);
        match self.bug {
            Bug::KeepsTags if !releases => Ok(()),
            Bug::RollsNoTagsBack if self.rolls_back() => Ok(()),
            Bug::DeletesAdopted if releases => ports::Profiles::delete(&self.aws, arn).await,
            _ => ports::Profiles::untag(&self.aws, arn, keys).await,
        }
    }
}

#[async_trait]
impl ports::Ownership for Bent {
    async fn owned_by(&self, owner: &Owner) -> Result<Vec<String>> {
        if self.is(Bug::DoesNotSeek) {
            return Ok(Vec::new());
        }
        ports::Ownership::owned_by(&self.aws, owner).await
    }
}

#[async_trait]
impl ports::Parameters for Bent {
    async fn get(&self, names: &[String]) -> Result<BTreeMap<String, ParameterRecord>> {
        ports::Parameters::get(&self.aws, names).await
    }

    async fn create(&self, parameter: &NewParameter) -> Result<()> {
        ports::Parameters::create(&self.aws, parameter).await
    }

    async fn overwrite(&self, name: &str, value: &str) -> Result<()> {
        match self.bug {
            Bug::LeavesParameterBehind => Ok(()),
            Bug::MovesByDeleting => {
                let held = ports::Parameters::tags(&self.aws, name).await?;
                ports::Parameters::delete(&self.aws, name).await?;
                let new = NewParameter {
                    name: name.to_owned(),
                    value: value.to_owned(),
                    description: String::new(),
                    tags: held,
                };
                ports::Parameters::create(&self.aws, &new).await
            }
            _ => ports::Parameters::overwrite(&self.aws, name, value).await,
        }
    }

    async fn delete(&self, name: &str) -> Result<()> {
        if self.is(Bug::LeavesParameter) {
            return Ok(());
        }
        ports::Parameters::delete(&self.aws, name).await
    }

    async fn tags(&self, name: &str) -> Result<Tags> {
        let held = ports::Parameters::tags(&self.aws, name).await?;
        Ok(if self.is(Bug::OwnsEveryParameter) { self.claimed(held) } else { held })
    }

    async fn tag(&self, name: &str, put: &Tags) -> Result<()> {
        if self.is(Bug::WritesNoTags) {
            return Ok(());
        }
        ports::Parameters::tag(&self.aws, name, put).await
    }

    async fn untag(&self, name: &str, keys: &[String]) -> Result<()> {
        if self.is(Bug::KeepsTags) {
            return Ok(());
        }
        ports::Parameters::untag(&self.aws, name, keys).await
    }
}

#[async_trait]
impl ports::Stacks for Bent {
    async fn stack(&self, stack_id: &str) -> Result<StackRecord> {
        let told = ports::Stacks::stack(&self.aws, stack_id).await?;
        if self.is(Bug::DoesNotAskStack) || self.is(Bug::DeletesStale) && self.is_deleting() {
            return Ok(StackRecord { status: "UPDATE_IN_PROGRESS".to_owned(), began: None, ..told });
        }
        Ok(told)
    }

    async fn resource(&self, stack_id: &str, logical_id: &str) -> Result<StackResourceRecord> {
        let told = ports::Stacks::resource(&self.aws, stack_id, logical_id).await?;
        if self.is(Bug::DeletesStale) && self.is_deleting() {
            return Ok(StackResourceRecord { since: None, ..told });
        }
        Ok(told)
    }
}

#[async_trait]
impl ports::Usage for Bent {
    async fn invocations(
        &self,
        profile_ids: &[String],
        since: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<BTreeMap<String, u64>> {
        if self.is(Bug::SeesNoUse) {
            return Ok(BTreeMap::new());
        }
        ports::Usage::invocations(&self.aws, profile_ids, since, until).await
    }
}
