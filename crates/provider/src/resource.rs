//! A request from end to end.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use custom_resource::{Answer, Data, Deadline, PhysicalId, Request, RequestKind, Resource};
use function::settings::Settings;
use profile::{
    arn::{Arn, Location, ProfileArn},
    attributes::{Attribute, attributes, compact_attributes},
    converge,
    effect::Effect,
    fault::{Fault, Faults},
    model_source::Source,
    observed::{Issued, Kind, Observed, Phase, SAME_INSTANT},
    period::Period,
    properties::{Draft, Immutable, Remainder},
    record::ProfileRecord,
    removal,
    specification::{Specification, inherit},
    tags::{self, Owner, Tags},
};
use tokio::time::Instant;

use crate::{
    Ports,
    apply::{self, Context, FRESH},
    failure::Failure,
    observe::{self, Doomed, Named, Scope},
    patience::{VISIBILITY, pause, persist},
    resolve,
};

/// What a physical id begins with when a Create failed and took back what it had made. Its Delete still
/// looks for what an earlier delivery of the same Create may have made before it was killed.
const NOT_CREATED: &str = "not-created:";

/// How much of the time for a request is kept for taking back what it made, should the rest run out.
const UNDO_MARGIN: Duration = Duration::from_secs(20);

/// From when on a request counts as late. One that is waited for comes within seconds; Lambda delivers again
/// after a minute.
const LATE: Duration = Duration::from_secs(10);

/// `Custom::InferenceProfile`.
pub struct InferenceProfile {
    ports: Ports,
    settings: Result<Settings, Fault>,
}

impl InferenceProfile {
    /// The resource over `ports`. Settings that are wrong fail every Create and Update, with their fault
    /// as the reason.
    pub fn new(ports: Ports, settings: Result<Settings, Fault>) -> Self {
        Self { ports, settings }
    }
}

#[async_trait]
impl Resource for InferenceProfile {
    async fn handle(&self, request: &Request, deadline: Deadline) -> Answer {
        let settings = match (&self.settings, &request.kind) {
            (Ok(settings), _) => settings,
            // What failed to be created for this very reason must be deletable.
            (Err(_), RequestKind::Delete { .. }) => &Settings::default(),
            (Err(fault), _) => {
                return Answer::failed(unmade(request), of_the_deployment(fault).to_string());
            }
        };
        let stack = &request.stack_id;
        let scope = Scope {
            owner: Owner {
                stack_id: stack.as_str().to_owned(),
                logical_id: request.logical_id.as_str().to_owned(),
            },
            location: Location {
                partition: stack.partition().to_owned(),
                region: stack.region().to_owned(),
                account: stack.account().to_owned(),
            },
            until: soft_end(request, deadline),
        };
        let began = Instant::now();
        let run = Run { ports: &self.ports, settings, scope, request, began };
        match &request.kind {
            RequestKind::Create => run.converge(None, None).await,
            RequestKind::Update { physical_id, old_properties } => {
                let old = Remainder::read(old_properties, &run.scope.location, &settings.prefix);
                run.converge(Some(physical_id), Some(old)).await
            }
            RequestKind::Delete { physical_id } => run.remove(physical_id).await,
        }
    }

    fn fallback_physical_id(&self, request: &Request) -> PhysicalId {
        PhysicalId::unknown(&request.logical_id)
    }
}

/// The id of a request that failed before it made anything.
fn unmade(request: &Request) -> PhysicalId {
    match &request.kind {
        RequestKind::Create => {
            let logical_id = &request.logical_id;
            PhysicalId::parse(format!("{NOT_CREATED}{logical_id}"))
                .unwrap_or_else(|_| PhysicalId::unknown(logical_id))
        }
        RequestKind::Update { physical_id, .. } | RequestKind::Delete { physical_id } => physical_id.clone(),
    }
}

/// A fault of a setting, told to whoever reads those of a template.
fn of_the_deployment(fault: &Fault) -> Fault {
    Fault { path: format!("the deployment's {}", fault.path), ..fault.clone() }
}

/// A profile's ARN as the physical id. It is far shorter than the longest id; should AWS ever make it
/// longer, a Delete still finds the profile by its tags.
fn id_of(arn: &ProfileArn, request: &Request) -> PhysicalId {
    PhysicalId::parse(arn.as_str()).unwrap_or_else(|_| PhysicalId::unknown(&request.logical_id))
}

/// When no further effect is begun. A Delete takes nothing back.
fn soft_end(request: &Request, deadline: Deadline) -> Instant {
    let left = deadline.remaining();
    let margin = match request.kind {
        RequestKind::Delete { .. } => Duration::ZERO,
        RequestKind::Create | RequestKind::Update { .. } => UNDO_MARGIN.min(left / 3),
    };
    Instant::now() + left.saturating_sub(margin)
}

struct Run<'a> {
    ports: &'a Ports,
    settings: &'a Settings,
    scope: Scope,
    request: &'a Request,
    /// When its look at everything began.
    began: Instant,
}

impl Run<'_> {
    /// Create and Update.
    async fn converge(&self, physical_id: Option<&PhysicalId>, old: Option<Remainder>) -> Answer {
        let (goal, mut observed) = match self.prepare(physical_id, old).await {
            Ok(prepared) => prepared,
            Err(failure) => return Answer::failed(unmade(self.request), failure.to_string()),
        };
        let context = self.context(Some(&goal.specification), goal.current(), Some(&goal.specification.name));
        let settled = apply::run(&context, &mut observed, |observed| converge::next(&goal, observed)).await;
        let failure = match settled {
            Ok(arn) => match record(&observed, &arn) {
                Some(record) => return success(self.request, &goal.specification, record),
                None => Failure::Unsettled,
            },
            Err(failure) => failure,
        };
        let trouble = self.undo(context, goal.began, &mut observed).await;
        // One that seemed to be ours before, and is not the current one, may have been released a moment ago.
        let existing = goal.specification.existing.as_ref().filter(|arn| goal.current() != Some(*arn));
        let is_tagged = existing.is_some_and(|existing| {
            observed.journal.tagged.contains(existing) && observed.journal.adopted_profile.is_none()
        });
        let is_unsure = !trouble.is_empty() || is_tagged || matches!(failure, Failure::Doubtful { .. });
        if is_unsure {
            // What is left behind is to be seen by the request that follows this answer.
            let left = self.scope.until.saturating_duration_since(Instant::now());
            tokio::time::sleep(VISIBILITY.min(left)).await;
        }
        let physical_id = match &self.request.kind {
            RequestKind::Create if is_unsure => PhysicalId::unknown(&self.request.logical_id),
            _ => unmade(self.request),
        };
        Answer::failed(physical_id, format!("{failure}{trouble}"))
    }

    /// Looks at everything, and completes the specification or reports every fault of the request.
    async fn prepare(
        &self,
        physical_id: Option<&PhysicalId>,
        old: Option<Remainder>,
    ) -> Result<(converge::Goal, Observed), Failure> {
        let Scope { owner, location, .. } = &self.scope;
        let prefix = &self.settings.prefix;
        let (draft, mut faults) = Draft::read(&self.request.properties, location, prefix);
        let current =
            physical_id.and_then(|id| ProfileArn::parse(id.as_str())).filter(|arn| arn.is_in(location));
        let old = old.unwrap_or_default();
        // What lies outside the prefix cannot be read either.
        let reachable = draft.parameter.iter().filter(|_| draft.outside_prefix.is_none());
        let parameters: BTreeSet<String> =
            reachable.clone().chain(&old.parameter).map(|name| name.as_str().to_owned()).collect();
        let (now, issued_at) = (self.ports.clock.now(), self.request.issued_at());
        let named = Named {
            names: draft.name.iter().chain(&old.name).cloned().collect(),
            parameters,
            current: current.clone(),
            existing: draft.existing.clone(),
            policy: self.settings.policy_parameter().map(str::to_owned),
            is_update: physical_id.is_some(),
            is_late: issued_at.is_some_and(|issued_at| now - issued_at > LATE),
        };
        let (look, source) =
            futures::join!(observe::for_convergence(self.ports, &self.scope, &named), async {
                match &draft.copy_from {
                    Some(copy_from) => resolve::source(&*self.ports.models, copy_from, now).await.map(Some),
                    None => Ok(None),
                }
            });
        let look = look?;
        let mut observed = look.observed;
        let drops = old.tags.keys().any(|key| !draft.tags.contains_key(key));
        if let Some(arn) = &current
            && (drops || observed.phase() == Phase::UpdateRollback)
            && observed.tags(arn).is_some_and(|held| held.contains_key(tags::ADOPTED))
        {
            // Which of the tags of the declaration before are to go.
            self.see_tags(&mut observed, arn, &old).await?;
        }

        let stack_tags = observed.stack.as_ref().map(|stack| stack.tags.clone()).unwrap_or_default();
        let (all_tags, mut offences) = inherit(&draft.tags, &stack_tags);
        let policy = self.settings.tag_policy(look.policy.as_deref());
        let wrong = |faults: Faults| faults.iter().map(of_the_deployment).collect();
        offences.append(policy.map_or_else(wrong, |policy| policy.judge(&all_tags)));
        offences.append(draft.outside_prefix.iter().cloned().collect());
        if observed.phase() == Phase::UpdateRollback {
            // What was allowed when it was declared must not stand in the way of a rollback.
            offences.iter().for_each(|fault| tracing::warn!(%fault, "not held while a stack rolls back"));
        } else {
            faults.append(offences);
        }
        let reachable = draft.parameter.as_ref().filter(|_| draft.outside_prefix.is_none());
        faults.append(converge::foreign_parameter(owner, reachable, &observed));
        faults.append(converge::unavailable(owner, draft.existing.as_ref(), &observed));

        let source = match (source?, &draft.copy_from) {
            (Some(Ok(source)), _) => Some(source),
            (Some(Err(rejected)), Some(copy_from)) => {
                let kept = kept_source(owner, copy_from.id(), &draft, &observed);
                if kept.is_none() {
                    faults.append(rejected);
                }
                kept
            }
            _ => None,
        };
        let specification = match (draft.finish(), source) {
            (Some(declaration), Some(source)) => Specification::new(
                declaration,
                owner.clone(),
                location.clone(),
                prefix.clone(),
                source,
                all_tags,
            )
            .map_err(|wrong| faults.append(wrong))
            .ok(),
            _ => None,
        };
        let Some(specification) = specification.filter(|_| faults.is_empty()) else {
            return Err(faults.into());
        };
        for warning in &specification.source.warnings {
            tracing::warn!(source = specification.source.arn, "{warning}");
        }
        let request = match physical_id {
            None => converge::Request::Create,
            Some(_) => converge::Request::Update {
                current,
                previous_tags: previous_tags(&old),
                previous_existing: old.existing,
                previous_immutable: old.immutable,
            },
        };
        let began = observed.phase();
        Ok((converge::Goal { specification, request, began, issued_at }, observed))
    }

    /// Waits for an adopted profile's tags to be seen as `declared` put them: of such a one only a read tells which of
    /// a user's tags are ours.
    async fn see_tags(
        &self,
        observed: &mut Observed,
        arn: &ProfileArn,
        declared: &Remainder,
    ) -> Result<(), Failure> {
        let shown = observe::tags_with(self.ports, &self.scope, arn, &possible_tags(declared)).await?;
        observed.profiles.entry(arn.clone()).or_default().tags = shown;
        Ok(())
    }

    /// A Delete that fails in a clean-up is not asked for again, and what it was to remove leaks. So what may
    /// pass is waited for as long as there is time.
    async fn remove(&self, physical_id: &PhysicalId) -> Answer {
        let mut attempt = 0;
        loop {
            let failure = match self.try_remove(physical_id).await {
                Ok(()) => return Answer::success(physical_id.clone()),
                Err(failure) => failure,
            };
            let pause = pause(attempt);
            if !failure.may_pass() || Instant::now() + pause >= self.scope.until {
                return Answer::failed(physical_id.clone(), failure.to_string());
            }
            tracing::warn!(%failure, attempt, "the removal begins again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn try_remove(&self, physical_id: &PhysicalId) -> Result<(), Failure> {
        let target = match ProfileArn::parse(physical_id.as_str()) {
            // A profile elsewhere is nothing that this function could have made.
            Some(arn) if !arn.is_in(&self.scope.location) => return Ok(()),
            Some(arn) => removal::Target::Profile(arn),
            None if physical_id.as_str().starts_with(NOT_CREATED) => removal::Target::Nothing,
            None => removal::Target::Unknown,
        };
        let remainder =
            Remainder::read(&self.request.properties, &self.scope.location, &self.settings.prefix);
        let doomed = Doomed {
            target: match &target {
                removal::Target::Profile(arn) => Some(arn.clone()),
                _ => None,
            },
            name: remainder.name.clone(),
            parameter: remainder.parameter.clone(),
        };
        let mut observed = self.look_at_removal(&doomed).await?;
        if let Some(arn) = &doomed.target
            && observed.tags(arn).is_some_and(|held| held.contains_key(tags::ADOPTED))
        {
            self.see_tags(&mut observed, arn, &remainder).await?;
        }
        let now = self.ports.clock.now();
        let goal = removal::Goal {
            owner: self.scope.owner.clone(),
            target,
            drain: remainder.drain,
            protect: remainder.protect,
            existing: remainder.existing.clone(),
            parameter: remainder.parameter.as_ref().map(|name| name.as_str().to_owned()),
            now,
            issued_at: self.request.issued_at(),
        };
        let extent = goal.extent(&observed);
        if extent == removal::Extent::Stale {
            let (stack, resource) = (observed.stack.as_ref(), observed.resource.as_ref());
            tracing::warn!(
                issued_at = ?goal.issued_at,
                stack_began = ?stack.and_then(|stack| stack.began),
                stack_status = stack.map(|stack| &*stack.status),
                resource_since = ?resource.and_then(|resource| resource.since),
                resource_status = resource.map(|resource| &*resource.status),
                "a stale Delete: nothing is touched"
            );
        }
        let to_know = removal::use_to_know(&goal, extent, &observed);
        let ids: Vec<String> = to_know.profiles.iter().map(|arn| arn.id().to_owned()).collect();
        if !ids.is_empty() {
            let since = now - goal.protect.as_duration();
            observed.invocations = match persist(|| self.ports.usage.invocations(&ids, since, now)).await {
                Ok(invocations) => invocations,
                Err(error) if to_know.required => return Err(error.into()),
                // CloudFormation gives up a clean-up that fails; what may be in use drains.
                Err(error) => {
                    tracing::warn!(%error, "whether the profile is in use is not known; it drains");
                    ids.into_iter().map(|id| (id, 1)).collect()
                }
            };
        }
        let context = self.context(None, None, remainder.name.as_deref());
        apply::run(&context, &mut observed, |observed| removal::next(&goal, extent, observed)).await
    }

    /// Looks at what a Delete concerns, until the stack is as it was when the look began: one that waits for reads that
    /// lag may take so long that another operation has changed what was seen. What was read first then is read again:
    /// its latest tags may be seen by now.
    async fn look_at_removal(&self, doomed: &Doomed) -> Result<Observed, Failure> {
        loop {
            let began = Instant::now();
            let mut observed = observe::for_removal(self.ports, &self.scope, doomed).await?;
            if began.elapsed() <= FRESH || Instant::now() >= self.scope.until {
                return Ok(observed);
            }
            observe::refresh_tags(self.ports, &self.scope.owner, &mut observed).await?;
            if observe::stack(self.ports, &self.scope).await?
                == (observed.stack.clone(), observed.resource.clone())
            {
                return Ok(observed);
            }
        }
    }

    /// Takes back what this run made. Gives what to add to the reason: nothing, if all of it is gone.
    async fn undo(&self, context: Context<'_>, began: Phase, observed: &mut Observed) -> String {
        let context = Context { undoing: true, ..context };
        let trouble = |error: String| format!(" Besides, taking back what had been made failed: {error}");
        if let Err(error) = observe::settle_doubts(self.ports, &self.scope, observed).await {
            return trouble(error.to_string());
        }
        if let Err(error) = observe::keep_what_stands(self.ports, &self.scope.owner, observed).await {
            return trouble(error.to_string());
        }
        let declared = context.specification.and_then(Specification::reachable_parameter);
        match observe::is_published_by_another(self.ports, declared, observed).await {
            Ok(false) => {}
            // Its readers must not be stranded; the request's own clean-up or Delete takes it.
            Ok(true) => {
                return " Besides, what had been made is left as it is, because another delivery of this request \
                        has published it."
                    .to_owned();
            }
            Err(error) => return trouble(error.to_string()),
        }
        // Last of all, because another delivery may be answered meanwhile with what this one made.
        apply::look_again(&context, observed).await;
        let issued = Issued { kind: Kind::Create, at: self.request.issued_at() };
        if observed.phase() == Phase::Forward && observed.has_gone_on_since(&issued) {
            // The next operation may have taken up what was made, and settles it.
            return String::new();
        }
        let was_answered = self.was_answered(observed);
        if was_answered && observed.may_roll_back() {
            // It goes back to that, and to its parameter.
            return String::new();
        }
        if observed.journal.unsure && observed.journal.made_anything() {
            return " Besides, what had been made is left as it is, because what the stack says about the resource \
                    could not be read."
                .to_owned();
        }
        // A clean-up deletes it, or lets it drain.
        let mut stays = was_answered && matches!(observed.phase(), Phase::Cleanup | Phase::RollbackCleanup);
        if let Some(made) = &observed.journal.made_profile
            && !stays
        {
            stays = match observe::drains(self.ports, made).await {
                Ok(drains) => drains,
                Err(error) => return trouble(error.to_string()),
            };
        }
        for mut step in converge::undo(&self.scope.owner, began, observed) {
            if stays {
                // Its name was given up with it, or leads to its successor.
                step.retain(|effect| match effect {
                    Effect::DeleteParameter(name) => {
                        let led_to = observed.parameters.get(name).map(|parameter| parameter.value.as_str());
                        led_to != observed.described()
                    }
                    Effect::OverwriteParameter(_, value) => Some(value.as_str()) == observed.described(),
                    _ => false,
                });
            }
            if let Err(failure) = apply::carry_out(&context, observed, step).await {
                return trouble(failure.to_string());
            }
        }
        String::new()
    }

    /// Whether another delivery of this request may have been answered with what this one made, or with its twin, and
    /// the stack has replaced that since.
    fn was_answered(&self, observed: &Observed) -> bool {
        match &self.request.kind {
            RequestKind::Create => observed.is_updated(),
            // It may as well have failed, and been rolled back.
            RequestKind::Update { physical_id, .. } => {
                let Some(made) = &observed.journal.made_profile else { return false };
                let named = observed.described().filter(|named| *named != physical_id.as_str());
                let began = observed.stack.as_ref().and_then(|stack| stack.began);
                let is_later = began
                    .zip(self.request.issued_at())
                    .is_some_and(|(began, issued)| began - issued > SAME_INSTANT);
                let made_at = record(observed, made).and_then(|record| record.created_at);
                let this_began = self.ports.clock.now() - self.began.elapsed();
                let was_there = made_at.is_some_and(|made_at| made_at < this_began);
                named.is_some_and(|named| named != made.as_str()) && is_later && was_there
            }
            RequestKind::Delete { .. } => false,
        }
    }

    fn context<'c>(
        &'c self,
        specification: Option<&'c Specification>,
        current: Option<&'c ProfileArn>,
        name: Option<&'c str>,
    ) -> Context<'c> {
        Context {
            ports: self.ports,
            scope: &self.scope,
            specification,
            current,
            name,
            request_id: self.request.request_id.as_str(),
            undoing: false,
            until: self.scope.until,
            stack_read: self.began,
            issued_at: self.request.issued_at(),
        }
    }
}

/// The tags that a declaration put on a profile. What no tag can be was never put on: what declared it failed.
fn possible_tags(declared: &Remainder) -> Tags {
    let mut tags = declared.tags.clone();
    tags.retain(|key, value| tags::check("", key, value).is_empty());
    tags
}

/// The tags that a declaration put on a profile, as far as an update may change them. A rollback must not ask AWS to
/// take off what was never put on.
fn previous_tags(old: &Remainder) -> Tags {
    let mut tags = possible_tags(old);
    if let Some(parameter) = &old.parameter {
        tags.insert(tags::PARAMETER.to_owned(), parameter.as_str().to_owned());
    }
    if old.drain != Period::ZERO {
        tags.insert(tags::DRAIN_PERIOD.to_owned(), old.drain.to_string());
    }
    tags
}

fn record<'a>(observed: &'a Observed, arn: &ProfileArn) -> Option<&'a ProfileRecord> {
    observed.profiles.get(arn)?.record.as_ref()
}

/// The source of a profile that this resource has already, when AWS would not copy from it any more: a
/// model at its end of life must not stand in the way of a change of tags, or of a rollback.
fn kept_source(owner: &Owner, source_id: &str, draft: &Draft, observed: &Observed) -> Option<Source> {
    let wanted = Immutable {
        name: draft.name.clone()?,
        description: draft.description.clone(),
        source_id: source_id.to_owned(),
    };
    observed.owned(owner).find_map(|(arn, held)| {
        let record = record(observed, arn).filter(|record| wanted.fits(Some(record), held))?;
        let source = held.get(tags::MODEL_SOURCE)?;
        let (kind, id) = Arn::parse(source)?.resource.split_once('/')?;
        Some(Source {
            arn: source.clone(),
            id: id.to_owned(),
            models: record.models.clone(),
            system_profile: kind == "inference-profile",
            warnings: vec![format!(
                "{id} can no longer be copied from; the profile that was copied from it is kept"
            )],
        })
    })
}

fn success(request: &Request, specification: &Specification, record: &ProfileRecord) -> Answer {
    Answer::Success {
        physical_id: id_of(&record.arn, request),
        data: data(attributes(specification, record)),
        compact: Some(data(compact_attributes(specification, record))),
        no_echo: false,
    }
}

fn data(attributes: Vec<(&'static str, Attribute)>) -> Data {
    let mut data = Data::new();
    for (key, value) in attributes {
        match value {
            Attribute::Text(text) => data.insert(key, text),
            Attribute::List(list) => data.insert(key, list),
        }
    }
    data
}
