//! The face in process: the ports of the functions over the same state machine, with Parameter Store,
//! CloudFormation's descriptions, CloudWatch's figures, a bucket, an event bus, a topic and a clock beside it.
//!
//! Nothing here waits for real: time is [`tokio::time`], so a test that pauses it sees minutes pass at
//! once. Faults of Bedrock's own are those of [`World`]; [`Fault`] adds what any call can suffer, in the
//! words of the ports.

mod conditions;
mod delivery;
mod faults;
mod inventory;
mod parameters;

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use ports::{CallError, ErrorKind, Event, NewParameter, NewProfile, Result};
use profile::{
    arn::ProfileArn,
    record::{
        FoundationModel, Lifecycle, ParameterRecord, ProfileRecord, StackRecord, StackResourceRecord,
        SystemProfile,
    },
    tags::{LOGICAL_ID, Owner, STACK_ID, Tags},
};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

pub use conditions::Conditions;
pub use delivery::{Mail, StoredReport};
pub use faults::{Fate, Fault, FaultPlan, Moment};
pub use parameters::{ParameterStore, StoredParameter};

use crate::{
    Answer, Caller, CreateInferenceProfile, Failure, GetResources, ListFoundationModels,
    ListInferenceProfiles, ListTagsForResource, ModelDetails, ProfileSummary, Tag, TagFilter, TagResource,
    UntagResource, World,
};

/// An account in a Region, in this process. Clones are the same account.
#[derive(Clone)]
pub struct InProcess {
    shared: Arc<Mutex<Account>>,
    caller: Caller,
    began: (OffsetDateTime, Instant),
}

/// What looks at the account after each change, and may change it as somebody else would.
pub type Watch = Box<dyn FnMut(&mut Account, &str) + Send>;

/// What the account holds.
pub struct Account {
    /// Bedrock and the tagging API.
    pub world: World,
    /// Parameter Store.
    pub parameters: ParameterStore,
    /// Stacks by id.
    pub stacks: BTreeMap<String, StackRecord>,
    /// What stacks say of their logical ids.
    pub resources: BTreeMap<(String, String), StackResourceRecord>,
    /// Invocations by the id of a profile or, past the profiles, of a model: when they happened.
    pub invocations: BTreeMap<String, Vec<OffsetDateTime>>,
    /// The objects of the bucket for reports, by key.
    pub reports: BTreeMap<String, StoredReport>,
    /// What the event bus took, in order.
    pub events: Vec<Event>,
    /// How many of the next events the bus refuses in the end.
    pub refused_events: usize,
    /// What was sent to people, in order.
    pub mails: Vec<Mail>,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// Which conditions the role of the functions sets.
    pub conditions: Conditions,
    /// How long each call takes.
    pub latency: Duration,
    /// Every call so far, as IAM names its action, in order.
    pub calls: Vec<&'static str>,
    /// What parameters there were, and from when on: the tagging API sees them late.
    parameters_since: Vec<(OffsetDateTime, ParameterStore)>,
    caller: Caller,
    watch: Option<Watch>,
}

impl Account {
    /// The application profiles as they truly are: their tags by ARN.
    pub fn profiles(&self) -> BTreeMap<String, Tags> {
        self.truth().into_iter().map(|(arn, profile)| (arn, profile.tags)).collect()
    }

    /// The application profiles as they truly are, by ARN.
    pub fn truth(&self) -> BTreeMap<String, crate::ProfileRecord> {
        self.world.profiles(&self.caller)
    }

    fn change_parameters<T>(
        &mut self,
        now: OffsetDateTime,
        work: impl FnOnce(&mut ParameterStore) -> Result<T>,
    ) -> Result<T> {
        let before = self.parameters.clone();
        let result = work(&mut self.parameters);
        if self.world.switches.lag_tagging_api_ms > 0 && before != self.parameters {
            if self.parameters_since.is_empty() {
                self.parameters_since.push((OffsetDateTime::UNIX_EPOCH, before));
            }
            self.parameters_since.push((now, self.parameters.clone()));
        }
        result
    }

    /// The parameters as the tagging API sees them.
    fn indexed_parameters(&self, now: OffsetDateTime) -> &ParameterStore {
        let lag = self.world.switches.lag_tagging_api_ms;
        if lag == 0 {
            return &self.parameters;
        }
        let seen = now - Duration::from_millis(lag);
        let shown = self.parameters_since.iter().rev().find(|(since, _)| *since <= seen);
        shown.map_or(&self.parameters, |(_, parameters)| parameters)
    }

    fn tags_of(&self, arn: &ProfileArn) -> Option<Tags> {
        self.truth().remove(arn.as_str()).map(|profile| profile.tags)
    }
}

impl InProcess {
    /// An empty account, whose clock shows `now`.
    pub fn new(account: &str, region: &str, now: OffsetDateTime) -> Self {
        let caller = Caller::new(account, region);
        let inner = Account {
            world: World::default(),
            parameters: ParameterStore::default(),
            stacks: BTreeMap::new(),
            resources: BTreeMap::new(),
            invocations: BTreeMap::new(),
            reports: BTreeMap::new(),
            events: Vec::new(),
            refused_events: 0,
            mails: Vec::new(),
            faults: FaultPlan::default(),
            conditions: Conditions::default(),
            latency: Duration::ZERO,
            calls: Vec::new(),
            parameters_since: Vec::new(),
            caller: caller.clone(),
            watch: None,
        };
        Self { shared: Arc::new(Mutex::new(inner)), caller, began: (now, Instant::now()) }
    }

    /// The account, for a look or a change behind everybody's back.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `watch` look at the account after each call that changed something; it is given the call.
    pub fn watch(&self, watch: impl FnMut(&mut Account, &str) + Send + 'static) {
        self.account().watch = Some(Box::new(watch));
    }

    /// Makes a profile as somebody else would; gives its ARN.
    pub fn make_profile(&self, request: &CreateInferenceProfile) -> std::result::Result<ProfileArn, Failure> {
        let now = self.time();
        let created = self.account().world.create_inference_profile(&self.caller, now, request).result?;
        ProfileArn::parse(&created.inference_profile_arn).ok_or(Failure::Lost)
    }

    fn time(&self) -> OffsetDateTime {
        let (began, instant) = self.began;
        began + instant.elapsed()
    }

    /// One call: it takes its time, may fail before or after its effect, and is counted.
    async fn call<T>(
        &self,
        operation: &'static str,
        changes: bool,
        work: impl FnOnce(&mut Account, &Caller, OffsetDateTime) -> (Result<T>, Duration),
    ) -> Result<T> {
        let latency = self.account().latency;
        sleep(latency).await;
        let struck = {
            let mut account = self.account();
            account.calls.push(operation);
            account.faults.strike(operation)
        };
        if let Some((Moment::Before, fate)) = struck {
            befall(operation, fate).await?;
        }
        let now = self.time();
        let (result, delay) = {
            let mut account = self.account();
            let done = work(&mut account, &self.caller, now);
            if changes && let Some(mut watch) = account.watch.take() {
                watch(&mut account, operation);
                account.watch = Some(watch);
            }
            done
        };
        if let Some((Moment::After, fate)) = struck {
            befall(operation, fate).await?;
        }
        sleep(delay).await;
        result
    }

    async fn bedrock<T>(
        &self,
        operation: &'static str,
        changes: bool,
        work: impl FnOnce(&mut World, &Caller, OffsetDateTime) -> Answer<T>,
    ) -> Result<T> {
        self.call(operation, changes, |account, caller, now| {
            let answer = work(&mut account.world, caller, now);
            (answer.result.map_err(|failure| told(operation, failure)), answer.delay)
        })
        .await
    }

    /// A call of Bedrock that changes something, if the role's conditions allow it.
    async fn guarded<T>(
        &self,
        operation: &'static str,
        allowed: impl FnOnce(&Account) -> bool,
        work: impl FnOnce(&mut World, &Caller, OffsetDateTime) -> Answer<T>,
    ) -> Result<T> {
        self.call(operation, true, |account, caller, now| {
            if !allowed(account) {
                return (Err(conditions::denied(operation)), Duration::ZERO);
            }
            let answer = work(&mut account.world, caller, now);
            (answer.result.map_err(|failure| told(operation, failure)), answer.delay)
        })
        .await
    }

    /// A call of Parameter Store that takes something away from a parameter, if the role's conditions allow it.
    async fn guarded_store<T>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl FnOnce(&mut ParameterStore) -> Result<T>,
    ) -> Result<T> {
        self.call(operation, true, |account, _, now| {
            let held = account.parameters.all().get(name).map(|parameter| &parameter.tags);
            if !account.conditions.may_take_away(held) {
                return (Err(conditions::denied(operation)), Duration::ZERO);
            }
            (account.change_parameters(now, work), Duration::ZERO)
        })
        .await
    }

    /// A listing in the order of its keys, `size` items a page: one call for each page. `list` gives the items
    /// that come after a key, no more of them than it is told.
    async fn pages<T>(
        &self,
        operation: &'static str,
        size: usize,
        list: impl Fn(&Account, OffsetDateTime, Bound<&str>, usize) -> Result<Vec<(String, T)>>,
    ) -> Result<BTreeMap<String, T>> {
        let mut all = BTreeMap::new();
        let mut last: Option<String> = None;
        loop {
            let after = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut page = self
                .call(operation, false, |account, _, now| {
                    (list(account, now, after, size + 1), Duration::ZERO)
                })
                .await?;
            let more = page.len() > size;
            page.truncate(size);
            last = page.last().map(|(key, _)| key.clone());
            all.extend(page);
            if !more {
                return Ok(all);
            }
        }
    }

    async fn store<T>(
        &self,
        operation: &'static str,
        changes: bool,
        work: impl FnOnce(&mut ParameterStore) -> Result<T>,
    ) -> Result<T> {
        self.call(operation, changes, |account, _, now| {
            let result =
                if changes { account.change_parameters(now, work) } else { work(&mut account.parameters) };
            (result, Duration::ZERO)
        })
        .await
    }
}

/// What `calls` come to, in their order, with at most `limit` of them under way, as the adapters for AWS do it.
async fn side_by_side<T>(
    limit: usize,
    calls: impl IntoIterator<Item = impl Future<Output = Result<T>>>,
) -> Result<Vec<T>> {
    stream::iter(calls).buffered(limit).try_collect().await
}

/// What a struck call suffers; it goes on when it was only slow.
async fn befall(operation: &'static str, fate: Fate) -> Result<()> {
    match fate {
        Fate::Fails(kind) => {
            Err(parameters::error(operation, kind, &format!("{kind:?}"), "an injected fault"))
        }
        Fate::Hangs => std::future::pending().await,
        Fate::Waits(by) => {
            sleep(by).await;
            Ok(())
        }
    }
}

/// Bedrock's failures in the words of the ports.
fn told(operation: &'static str, failure: Failure) -> CallError {
    let error = match failure {
        Failure::Lost => {
            return parameters::error(operation, ErrorKind::Unknown, "Lost", "the answer was lost");
        }
        Failure::Api(error) => error,
    };
    let kind = match (error.code.as_str(), error.status) {
        ("ThrottlingException" | "ThrottledException" | "TooManyRequestsException", _) => {
            ErrorKind::Throttled
        }
        ("PaginationTokenExpiredException", _) => ErrorKind::Unknown,
        ("NoSuchResourceException", _) => ErrorKind::NotFound,
        ("ConflictException", _) => ErrorKind::Conflict,
        ("ServiceQuotaExceededException" | "TooManyTagsException", _) => ErrorKind::LimitExceeded,
        (_, 403) => ErrorKind::Denied,
        (_, 404) => ErrorKind::NotFound,
        (_, 500..) => ErrorKind::Unknown,
        _ => ErrorKind::Invalid,
    };
    parameters::error(operation, kind, &error.code, &error.message)
}

fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::new(key, value)).collect()
}

fn profile_record(summary: ProfileSummary) -> Option<ProfileRecord> {
    Some(ProfileRecord {
        arn: ProfileArn::parse(&summary.inference_profile_arn)?,
        name: summary.inference_profile_name,
        description: summary.description,
        status: summary.status,
        models: summary.models.into_iter().map(|model| model.model_arn).collect(),
        created_at: Some(summary.created_at.get()),
        updated_at: Some(summary.updated_at.get()),
    })
}

fn system_record(summary: ProfileSummary) -> Option<SystemProfile> {
    (summary.kind == crate::profiles::SYSTEM_DEFINED).then(|| SystemProfile {
        id: summary.inference_profile_id,
        arn: summary.inference_profile_arn,
        models: summary.models.into_iter().map(|model| model.model_arn).collect(),
    })
}

fn model_record(details: ModelDetails) -> FoundationModel {
    FoundationModel {
        on_demand: details.inference_types_supported.iter().any(|kind| kind == "ON_DEMAND"),
        lifecycle: Lifecycle {
            legacy: details.model_lifecycle.status == "LEGACY",
            end_of_life: details.model_lifecycle.end_of_life_time.map(|at| at.get()),
        },
        id: details.model_id,
        arn: details.model_arn,
    }
}

fn not_found(operation: &'static str, what: &str) -> CallError {
    parameters::error(operation, ErrorKind::NotFound, "ResourceNotFoundException", what)
}

#[async_trait]
impl ports::Profiles for InProcess {
    async fn create(&self, profile: &NewProfile) -> Result<ProfileArn> {
        const OPERATION: &str = "bedrock:CreateInferenceProfile";
        let request = CreateInferenceProfile {
            description: profile.description.clone(),
            tags: Some(tag_list(&profile.tags)),
            ..CreateInferenceProfile::new(&profile.name, &profile.copy_from).token(&profile.token)
        };
        let born_with = &profile.tags;
        let made = self
            .guarded(
                OPERATION,
                |account| account.conditions.may_make(born_with),
                |world, caller, now| world.create_inference_profile(caller, now, &request),
            )
            .await?;
        let arn = made.inference_profile_arn;
        ProfileArn::parse(&arn).ok_or_else(|| not_found(OPERATION, &arn))
    }

    async fn get(&self, arn_or_id: &str) -> Result<ProfileRecord> {
        const OPERATION: &str = "bedrock:GetInferenceProfile";
        let summary = self
            .bedrock(OPERATION, false, |world, caller, now| {
                world.get_inference_profile(caller, now, arn_or_id)
            })
            .await?;
        profile_record(summary).ok_or_else(|| not_found(OPERATION, arn_or_id))
    }

    async fn list(&self) -> Result<Vec<ProfileRecord>> {
        let mut all = Vec::new();
        let mut request = ListInferenceProfiles::application();
        loop {
            let page = self
                .bedrock("bedrock:ListInferenceProfiles", false, |world, caller, now| {
                    world.list_inference_profiles(caller, now, &request)
                })
                .await?;
            all.extend(page.inference_profile_summaries.into_iter().filter_map(profile_record));
            match page.next_token {
                Some(token) => request.next_token = Some(token),
                None => return Ok(all),
            }
        }
    }

    async fn delete(&self, arn: &ProfileArn) -> Result<()> {
        self.guarded(
            "bedrock:DeleteInferenceProfile",
            |account| account.conditions.may_delete(account.tags_of(arn).as_ref()),
            |world, caller, now| world.delete_inference_profile(caller, now, arn.as_str()),
        )
        .await
    }

    async fn tags(&self, arn: &ProfileArn) -> Result<Tags> {
        let request = ListTagsForResource { resource_arn: Some(arn.to_string()) };
        let listed = self
            .bedrock("bedrock:ListTagsForResource", false, |world, caller, now| {
                world.list_tags_for_resource(caller, now, &request)
            })
            .await?;
        Ok(listed.tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect())
    }

    async fn tag(&self, arn: &ProfileArn, tags: &Tags) -> Result<()> {
        let request = TagResource { resource_arn: Some(arn.to_string()), tags: Some(tag_list(tags)) };
        self.guarded(
            "bedrock:TagResource",
            |account| account.conditions.may_tag(account.tags_of(arn).as_ref(), tags),
            |world, caller, now| world.tag_resource(caller, now, &request),
        )
        .await
    }

    async fn untag(&self, arn: &ProfileArn, keys: &[String]) -> Result<()> {
        let request = UntagResource { resource_arn: Some(arn.to_string()), tag_keys: Some(keys.to_vec()) };
        self.guarded(
            "bedrock:UntagResource",
            |account| account.conditions.may_take_away(account.tags_of(arn).as_ref()),
            |world, caller, now| world.untag_resource(caller, now, &request),
        )
        .await
    }
}

#[async_trait]
impl ports::Models for InProcess {
    async fn foundation_model(&self, id: &str) -> Result<FoundationModel> {
        let found = self
            .bedrock("bedrock:GetFoundationModel", false, |world, caller, now| {
                world.get_foundation_model(caller, now, id)
            })
            .await?;
        Ok(model_record(found.model_details))
    }

    async fn system_profile(&self, id: &str) -> Result<SystemProfile> {
        const OPERATION: &str = "bedrock:GetInferenceProfile";
        let summary = self
            .bedrock(OPERATION, false, |world, caller, now| world.get_inference_profile(caller, now, id))
            .await?;
        system_record(summary).ok_or_else(|| not_found(OPERATION, id))
    }

    async fn foundation_models(&self) -> Result<Vec<FoundationModel>> {
        let request = ListFoundationModels::default();
        let listed = self
            .bedrock("bedrock:ListFoundationModels", false, |world, caller, now| {
                world.list_foundation_models(caller, now, &request)
            })
            .await?;
        Ok(listed.model_summaries.into_iter().map(model_record).collect())
    }

    async fn system_profiles(&self) -> Result<Vec<SystemProfile>> {
        let mut all = Vec::new();
        let mut request = ListInferenceProfiles {
            type_equals: Some(crate::profiles::SYSTEM_DEFINED.to_owned()),
            ..ListInferenceProfiles::application()
        };
        loop {
            let page = self
                .bedrock("bedrock:ListInferenceProfiles", false, |world, caller, now| {
                    world.list_inference_profiles(caller, now, &request)
                })
                .await?;
            all.extend(page.inference_profile_summaries.into_iter().filter_map(system_record));
            match page.next_token {
                Some(token) => request.next_token = Some(token),
                None => return Ok(all),
            }
        }
    }
}

#[async_trait]
impl ports::Ownership for InProcess {
    async fn owned_by(&self, owner: &Owner) -> Result<Vec<String>> {
        let filter = |key: &str, value: &str| TagFilter {
            key: Some(key.to_owned()),
            values: Some(vec![value.to_owned()]),
        };
        let mut request = GetResources {
            tag_filters: Some(vec![filter(STACK_ID, &owner.stack_id), filter(LOGICAL_ID, &owner.logical_id)]),
            ..GetResources::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self
                .bedrock("tag:GetResources", false, |world, caller, now| {
                    world.get_resources(caller, now, &request)
                })
                .await?;
            all.extend(page.resource_tag_mapping_list.into_iter().map(|found| found.resource_arn));
            match page.pagination_token {
                token if token.is_empty() => break,
                token => request.pagination_token = Some(token),
            }
        }
        // The index knows parameters as well, in the same answers, and as late.
        let Caller { account, region, .. } = &self.caller;
        let of_owner = self.account().indexed_parameters(self.time()).owned_by(owner);
        all.extend(of_owner.iter().map(|name| format!("arn:aws:ssm:{region}:{account}:parameter{name}")));
        Ok(all)
    }
}

#[async_trait]
impl ports::Parameters for InProcess {
    async fn get(&self, names: &[String]) -> Result<BTreeMap<String, ParameterRecord>> {
        self.store("ssm:GetParameters", false, |store| store.get(names)).await
    }

    async fn create(&self, parameter: &NewParameter) -> Result<()> {
        self.store("ssm:PutParameter", true, |store| store.create(parameter)).await
    }

    async fn overwrite(&self, name: &str, value: &str) -> Result<()> {
        self.store("ssm:PutParameter", true, |store| store.overwrite(name, value)).await
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.guarded_store("ssm:DeleteParameter", name, |store| store.delete(name)).await
    }

    async fn tags(&self, name: &str) -> Result<Tags> {
        self.store("ssm:ListTagsForResource", false, |store| store.tags(name)).await
    }

    async fn tag(&self, name: &str, tags: &Tags) -> Result<()> {
        self.store("ssm:AddTagsToResource", true, |store| store.tag(name, tags)).await
    }

    async fn untag(&self, name: &str, keys: &[String]) -> Result<()> {
        self.guarded_store("ssm:RemoveTagsFromResource", name, |store| store.untag(name, keys)).await
    }
}

#[async_trait]
impl ports::Stacks for InProcess {
    async fn stack(&self, stack_id: &str) -> Result<StackRecord> {
        const OPERATION: &str = "cloudformation:DescribeStacks";
        self.call(OPERATION, false, |account, _, _| {
            let found = account.stacks.get(stack_id).cloned();
            (found.ok_or_else(|| not_found(OPERATION, stack_id)), Duration::ZERO)
        })
        .await
    }

    async fn resource(&self, stack_id: &str, logical_id: &str) -> Result<StackResourceRecord> {
        const OPERATION: &str = "cloudformation:DescribeStackResource";
        let key = (stack_id.to_owned(), logical_id.to_owned());
        self.call(OPERATION, false, |account, _, _| {
            let found = account.resources.get(&key).cloned();
            (found.ok_or_else(|| not_found(OPERATION, logical_id)), Duration::ZERO)
        })
        .await
    }
}

#[async_trait]
impl ports::Usage for InProcess {
    async fn invocations(
        &self,
        profile_ids: &[String],
        since: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<BTreeMap<String, u64>> {
        self.call("cloudwatch:GetMetricData", false, |account, _, _| {
            let count = |id: &String| {
                let times = account.invocations.get(id).map(Vec::as_slice).unwrap_or_default();
                times.iter().filter(|at| (since..=until).contains(*at)).count()
            };
            let figures =
                profile_ids.iter().map(|id| (id.clone(), u64::try_from(count(id)).unwrap_or(u64::MAX)));
            (Ok(figures.collect()), Duration::ZERO)
        })
        .await
    }
}

impl ports::Clock for InProcess {
    fn now(&self) -> OffsetDateTime {
        self.time()
    }
}
