//! One look at everything that a decision may rest on.
//!
//! Each source is asked once, in at most three rounds of calls side by side: what the request names and
//! the lists; then what those name; then, for a Delete, the use of what would go.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, stream};
use ports::{CallError, ErrorKind, Optional, Result};
use profile::{
    arn::{Arn, Location, ProfileArn},
    effect::Effect,
    observed::{Observed, ObservedParameter, ObservedProfile, Phase},
    parameter::ParameterName,
    record::{ParameterRecord, ProfileRecord, StackRecord, StackResourceRecord},
    tags::{self, Owner, Tags},
};
use tokio::time::Instant;

use crate::{
    Ports,
    patience::{SIDE_BY_SIDE, VISIBILITY, persist, poll},
};

/// How many names one call for parameters takes.
const CHUNK: usize = 10;

/// Where and for whom to look.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Who owns what is looked for.
    pub owner: Owner,
    /// The function's own place.
    pub location: Location,
    /// When no further effect is begun.
    pub until: Instant,
}

impl Scope {
    /// How long a read that may lag is waited for: not so long that nothing could come of it any more.
    pub fn window(&self) -> Duration {
        VISIBILITY.min(self.until.saturating_duration_since(Instant::now()) * 3 / 4)
    }

    /// The same for what may never be seen, and is gone on without: time must be left for that.
    pub fn short_window(&self) -> Duration {
        VISIBILITY.min(self.until.saturating_duration_since(Instant::now()) / 3)
    }
}

/// What a Create or an Update names.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The profile names of the declarations, old and new.
    pub names: BTreeSet<String>,
    /// The parameters of the declarations, old and new.
    pub parameters: BTreeSet<String>,
    /// The profile that the physical id names.
    pub current: Option<ProfileArn>,
    /// The profile to adopt.
    pub existing: Option<ProfileArn>,
    /// A parameter that is only read, besides: the tag policy.
    pub policy: Option<String>,
    /// Whether it is an Update. Only then the index of tags is asked: a Create's earlier attempts have its
    /// name.
    pub is_update: bool,
    /// Whether it comes so late that only the stack's word for the resource tells whether it is waited for. An
    /// Update always asks for that, and a Create besides when it finds profiles of its own.
    pub is_late: bool,
}

/// What a look gave: the state, and the value of [`Named::policy`].
pub struct Look {
    /// The state.
    pub observed: Observed,
    /// The tag policy's text, if its parameter exists.
    pub policy: Option<String>,
}

/// Looks at what a Create or an Update concerns.
pub async fn for_convergence(ports: &Ports, scope: &Scope, named: &Named) -> Result<Look> {
    let names: Vec<String> = named.parameters.iter().chain(&named.policy).cloned().collect();
    let existing = named.existing.iter().filter(|arn| named.current.as_ref() != Some(*arn)).cloned();
    let Owner { stack_id, logical_id } = &scope.owner;
    let resource = || async { persist(|| ports.stacks.resource(stack_id, logical_id)).await.optional() };
    let asks_at_once = named.is_update || named.is_late;
    let (stack, told, listed, index, mut values, current_tags, existing_tags) = tokio::try_join!(
        async { persist(|| ports.stacks.stack(stack_id)).await.optional() },
        async { Ok(if asks_at_once { Some(resource().await) } else { None }) },
        persist(|| ports.profiles.list()),
        async { if named.is_update { index(ports, scope).await } else { Ok(Index::default()) } },
        values(ports, &names),
        each(named.current.clone(), |arn| settled_tags(ports, scope, arn)),
        each(existing, |arn| tags_of(ports, arn)),
    )?;
    let policy = match &named.policy {
        Some(name) if !named.parameters.contains(name) => values.remove(name),
        Some(name) => values.get(name).cloned(),
        None => None,
    }
    .map(|record| record.value);

    let mut profiles: BTreeMap<ProfileArn, ObservedProfile> = BTreeMap::new();
    for (arn, tags) in current_tags.into_iter().chain(existing_tags) {
        profiles.entry(arn).or_default().tags = tags;
    }
    let mut to_read = candidates(&listed, &index, &named.names);
    let indexed: BTreeSet<ProfileArn> = index.profiles.iter().cloned().collect();
    let published: BTreeSet<ProfileArn> =
        values.values().filter_map(|record| ProfileArn::parse(&record.value)).collect();
    to_read.extend(published.iter().cloned());
    to_read.retain(|arn| !profiles.contains_key(arn) && arn.is_in(&scope.location));

    let recorded = recorded_parameters(&scope.owner, &profiles);
    let more = more_names(recorded.chain(index.parameters), &names);
    let (more_tags, more_values, value_tags) = tokio::try_join!(
        each(to_read, |arn| {
            // What is published, or what the index names, is somebody's: it is not taken for nobody's.
            let is_known = published.contains(&arn) || indexed.contains(&arn);
            async move { if is_known { settled_tags(ports, scope, arn).await } else { tags_of(ports, arn).await } }
        }),
        more_parameters(ports, more),
        parameter_tags(ports, values),
    )?;
    for (arn, tags) in more_tags {
        profiles.entry(arn).or_default().tags = tags;
    }
    let mut parameters = value_tags;
    parameters.extend(more_values);
    // What an earlier declaration left behind may be published elsewhere.
    let asked: Vec<String> = names.iter().chain(parameters.keys()).cloned().collect();
    let left = more_names(recorded_parameters(&scope.owner, &profiles), &asked);
    if !left.is_empty() {
        parameters.extend(more_parameters(ports, left).await?);
    }

    let listed: BTreeMap<&ProfileArn, &ProfileRecord> =
        listed.iter().map(|record| (&record.arn, record)).collect();
    // The list may still show what was just deleted: another profile of this owner's than the current one is
    // looked at itself before anything rests on it.
    let is_doubtful = |arn: &ProfileArn, profile: &ObservedProfile| {
        let is_claimed = profile.tags.as_ref().is_some_and(|held| scope.owner.owns(held));
        !listed.contains_key(arn) || is_claimed && named.current.as_ref() != Some(arn)
    };
    let doubtful: Vec<ProfileArn> = profiles
        .iter()
        .filter(|(arn, profile)| is_doubtful(arn, profile))
        .map(|(arn, _)| arn.clone())
        .collect();
    let read =
        each(doubtful, |arn| async move { persist(|| ports.profiles.get(arn.as_str())).await.optional() })
            .await?;
    let mut read: BTreeMap<ProfileArn, Option<ProfileRecord>> = read.into_iter().collect();
    for (arn, profile) in &mut profiles {
        profile.record = match read.remove(arn) {
            Some(record) => record,
            None => listed.get(arn).map(|record| (*record).clone()),
        };
    }
    let owned =
        profiles.values().any(|profile| profile.tags.as_ref().is_some_and(|held| scope.owner.owns(held)));
    let resource = match told {
        Some(Ok(resource)) => resource,
        // A Create that finds profiles of its own may be stale, and only the resource can tell.
        Some(Err(error)) if owned && !named.is_update => return Err(error),
        None if owned => resource().await?,
        Some(Err(error)) => {
            tracing::warn!(%error, "what the stack says about the resource is not known");
            None
        }
        None => None,
    };
    let observed = Observed { profiles, parameters, stack, resource, ..Observed::default() };
    Ok(Look { observed, policy })
}

/// What a Delete names.
#[derive(Debug, Clone, Default)]
pub struct Doomed {
    /// The profile that the physical id names.
    pub target: Option<ProfileArn>,
    /// The declared profile name, if it can be told.
    pub name: Option<String>,
    /// The declared parameter, if it can be told.
    pub parameter: Option<ParameterName>,
}

/// The stack, and what it says about the resource.
pub async fn stack(
    ports: &Ports,
    scope: &Scope,
) -> Result<(Option<StackRecord>, Option<StackResourceRecord>)> {
    let Owner { stack_id, logical_id } = &scope.owner;
    tokio::try_join!(async { persist(|| ports.stacks.stack(stack_id)).await.optional() }, async {
        persist(|| ports.stacks.resource(stack_id, logical_id)).await.optional()
    },)
}

/// Looks at what a Delete concerns.
pub async fn for_removal(ports: &Ports, scope: &Scope, doomed: &Doomed) -> Result<Observed> {
    let names: Vec<String> = doomed.parameter.iter().map(|name| name.as_str().to_owned()).collect();
    let ((stack, resource), owned, values) = tokio::try_join!(
        stack(ports, scope),
        owned_profiles(ports, scope, doomed.name.as_deref(), doomed.target.as_ref()),
        values(ports, &names),
    )?;
    let (mut profiles, indexed_parameters) = owned;
    // A successor that neither index nor list shows yet is named by the parameter or by the stack.
    let named = values.values().map(|record| record.value.as_str());
    let described = resource.as_ref().and_then(|resource| resource.physical_id.as_deref());
    let unseen: BTreeSet<ProfileArn> = named
        .chain(described)
        .filter_map(ProfileArn::parse)
        .filter(|arn| !profiles.contains_key(arn) && arn.is_in(&scope.location))
        .collect();
    let recorded = recorded_parameters(&scope.owner, &profiles);
    let more = more_names(recorded.chain(indexed_parameters), &names);
    // Its declaration governs how long what it replaces lives on.
    let is_needed = stack.as_ref().is_some_and(|stack| Phase::of(&stack.status) != Phase::Ending);
    let (unseen_tags, more_values, mut parameters) = tokio::try_join!(
        each(unseen, |arn| async move {
            if is_needed { settled_tags(ports, scope, arn).await } else { tags_of(ports, arn).await }
        }),
        more_parameters(ports, more),
        parameter_tags(ports, values),
    )?;
    for (arn, tags) in unseen_tags {
        profiles.entry(arn).or_default().tags = tags;
    }
    parameters.extend(more_values);
    Ok(Observed { profiles, parameters, stack, resource, ..Observed::default() })
}

/// Reads the tags of the owner's profiles again; of others it was not looked at whether their tags may be believed.
/// What does not show the owner any more stays as it was, and so does a mark that a later read may not show.
pub async fn refresh_tags(ports: &Ports, owner: &Owner, observed: &mut Observed) -> Result<()> {
    let ours: Vec<ProfileArn> = observed.owned(owner).map(|(arn, _)| arn.clone()).collect();
    for (arn, now) in each(ours, |arn| tags_of(ports, arn)).await? {
        let Some(mut now) = now.filter(|now| owner.owns(now)) else { continue };
        let before = observed.profiles.entry(arn).or_default().tags.get_or_insert_default();
        for mark in [tags::DRAIN_UNTIL, tags::ADOPTED] {
            if let Some(value) = before.get(mark) {
                now.entry(mark.to_owned()).or_insert_with(|| value.clone());
            }
        }
        *before = now;
    }
    Ok(())
}

/// The profiles of an owner, found by the index of tags and, because that lags, among those of the name
/// `name`; the profile `target` besides, whether it is there or not; and the names of indexed parameters.
pub async fn owned_profiles(
    ports: &Ports,
    scope: &Scope,
    name: Option<&str>,
    target: Option<&ProfileArn>,
) -> Result<(BTreeMap<ProfileArn, ObservedProfile>, Vec<String>)> {
    let (index, named) = tokio::try_join!(index(ports, scope), async {
        if name.is_some() { persist(|| ports.profiles.list()).await } else { Ok(Vec::new()) }
    })?;
    let listed = match name {
        None if index.refused => persist(|| ports.profiles.list()).await?,
        _ => named,
    };
    let names = name.map(str::to_owned).into_iter().collect();
    let mut to_read = candidates(&listed, &index, &names);
    to_read.retain(|arn| arn.is_in(&scope.location));
    to_read.extend(target.cloned());
    let known: BTreeSet<&ProfileArn> = index.profiles.iter().chain(target).collect();
    let read = each(to_read, |arn| {
        let is_known = known.contains(&arn);
        async move { if is_known { settled_tags(ports, scope, arn).await } else { tags_of(ports, arn).await } }
    })
    .await?;
    let found = read.into_iter().filter(|(arn, tags)| tags.is_some() || Some(arn) == target);
    let profiles = each(found, |(arn, tags)| {
        let shown = listed.iter().find(|record| record.arn == arn).cloned();
        async move {
            // Whose tags say that it is the owner's is looked at itself: they may have been put on by hand.
            let is_claimed = tags.as_ref().is_some_and(|held| scope.owner.owns(held));
            match shown {
                None if is_claimed => persist(|| ports.profiles.get(arn.as_str())).await.optional(),
                shown => Ok(shown),
            }
        }
    })
    .await?;
    let profiles = profiles.into_iter().map(|((arn, tags), record)| (arn, ObservedProfile { record, tags }));
    Ok((profiles.collect(), index.parameters))
}

/// A parameter as it is, with its tags; `None` when it is gone.
pub async fn parameter(ports: &Ports, name: &str) -> Result<Option<ObservedParameter>> {
    Ok(values_and_tags(ports, vec![name.to_owned()]).await?.remove(name))
}

/// Looks at what became of effects that may have happened, so that an undo knows of them.
pub async fn settle_doubts(ports: &Ports, scope: &Scope, observed: &mut Observed) -> Result<()> {
    let owner = &scope.owner;
    for effect in std::mem::take(&mut observed.journal.doubtful) {
        match effect {
            Effect::CreateParameter(name, arn, _) => {
                let found = parameter(ports, &name).await?;
                let made = |found: &ObservedParameter| owner.owns(&found.tags) && found.value == arn.as_str();
                if let Some(found) = found.filter(made) {
                    observed.journal.made_parameters.push(name.clone());
                    observed.parameters.insert(name, found);
                }
            }
            Effect::DeleteParameter(_) => observed.journal.drops_names = true,
            // Overwriting once more with what was there does no harm.
            Effect::OverwriteParameter(name, value) => {
                if let Some(parameter) = observed.parameters.get_mut(&name) {
                    let before = std::mem::replace(&mut parameter.value, value);
                    observed.journal.overwritten_parameters.push((name, before));
                }
            }
            Effect::TagProfile(arn, tags) if owner.owns(&tags) => {
                let before = observed.tags(&arn).cloned().unwrap_or_default();
                if owner.owns(&before) {
                    // It may have been released a moment ago, and be ours again now.
                    observed.journal.tagged.push(arn);
                    continue;
                }
                let now = tags_with(ports, scope, &arn, &owner.tags()).await?.unwrap_or_default();
                if owner.owns(&now) {
                    let overwritten = before.into_iter().filter(|(key, _)| tags.contains_key(key)).collect();
                    observed.journal.adopted_profile = Some((arn.clone(), overwritten));
                    observed.learn_tags(&arn, &tags);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Of the parameters that this run made or overwrote, keeps those in the journal that still are as it left them:
/// another request, or another stack, may have taken the name since.
pub async fn keep_what_stands(ports: &Ports, owner: &Owner, observed: &mut Observed) -> Result<()> {
    let journal = &observed.journal;
    let overwritten = journal.overwritten_parameters.iter().map(|(name, _)| name);
    let names: BTreeSet<String> = journal.made_parameters.iter().chain(overwritten).cloned().collect();
    if names.is_empty() {
        return Ok(());
    }
    let now = values_and_tags(ports, names.into_iter().collect()).await?;
    let left = &observed.parameters;
    let stands = |name: &String| {
        let left = left.get(name).map(|parameter| &parameter.value);
        now.get(name).is_some_and(|now| owner.owns(&now.tags) && Some(&now.value) == left)
    };
    observed.journal.made_parameters.retain(|name| stands(name));
    observed.journal.overwritten_parameters.retain(|(name, _)| stands(name));
    Ok(())
}

/// Whether the declared parameter publishes the profile that this run made, and it was not this run that had it do so:
/// another delivery of the request made the same profile, and has gone further.
pub async fn is_published_by_another(
    ports: &Ports,
    declared: Option<&ParameterName>,
    observed: &Observed,
) -> Result<bool> {
    let journal = &observed.journal;
    let (Some(made), Some(name)) = (&journal.made_profile, declared.map(ParameterName::as_str)) else {
        return Ok(false);
    };
    let is_ours = journal.made_parameters.iter().any(|made| made == name)
        || journal.overwritten_parameters.iter().any(|(overwritten, _)| overwritten == name);
    Ok(!is_ours && parameter(ports, name).await?.is_some_and(|now| now.value == made.as_str()))
}

/// Whether a profile that this run believes it made drains: then it was given in place of a new one, and has been
/// promised to stay until it goes.
pub async fn drains(ports: &Ports, made: &ProfileArn) -> Result<bool> {
    let held = tags_of(ports, made.clone()).await?;
    Ok(held.is_some_and(|held| held.contains_key(tags::DRAIN_UNTIL)))
}

/// The tags of a profile that is to be this resource's. Reads lag: one that can be read but whose tags do
/// not show who owns it is given the time to show them.
async fn settled_tags(ports: &Ports, scope: &Scope, arn: ProfileArn) -> Result<Option<Tags>> {
    let first = tags_of(ports, arn.clone()).await?;
    if first.as_ref().is_some_and(shows_owner) {
        return Ok(first);
    }
    if persist(|| ports.profiles.get(arn.as_str())).await.optional()?.is_none() {
        return Ok(None);
    }
    shown_tags(ports, scope, &arn).await
}

/// The tags of a profile that is known to be there, as soon as they show who owns it; what they are in the end,
/// if they do not.
async fn shown_tags(ports: &Ports, scope: &Scope, arn: &ProfileArn) -> Result<Option<Tags>> {
    let shown = poll(scope.window(), || async {
        Ok::<_, CallError>(tags_of(ports, arn.clone()).await?.filter(shows_owner))
    });
    match shown.await? {
        Some(shown) => Ok(Some(shown)),
        None => tags_of(ports, arn.clone()).await,
    }
}

/// The tags of a profile as soon as they show all of `expected`, or what they are when the time for that is up.
pub async fn tags_with(
    ports: &Ports,
    scope: &Scope,
    arn: &ProfileArn,
    expected: &Tags,
) -> Result<Option<Tags>> {
    // They may never have been put on.
    let window = scope.short_window();
    let shows = |held: &Tags| expected.iter().all(|(key, value)| held.get(key) == Some(value));
    let shown =
        poll(window, || async { Ok::<_, CallError>(tags_of(ports, arn.clone()).await?.filter(shows)) });
    match shown.await? {
        Some(shown) => Ok(Some(shown)),
        None => tags_of(ports, arn.clone()).await,
    }
}

fn shows_owner(tags: &Tags) -> bool {
    Owner::of(tags).is_some()
}

/// Asks for each item side by side, a bounded number at a time.
async fn each<I, T, F>(items: impl IntoIterator<Item = I>, ask: impl Fn(I) -> F) -> Result<Vec<(I, T)>>
where
    I: Clone,
    F: Future<Output = Result<T>>,
{
    let asked: Vec<_> = items
        .into_iter()
        .map(|item| {
            let answer = ask(item.clone());
            async move { Ok((item, answer.await?)) }
        })
        .collect();
    stream::iter(asked).buffer_unordered(SIDE_BY_SIDE).try_collect().await
}

/// A profile's tags; `None` when it is not there.
async fn tags_of(ports: &Ports, arn: ProfileArn) -> Result<Option<Tags>> {
    persist(|| ports.profiles.tags(&arn)).await.optional()
}

async fn values(ports: &Ports, names: &[String]) -> Result<BTreeMap<String, ParameterRecord>> {
    let calls = names.chunks(CHUNK).map(<[String]>::to_vec);
    let values = each(calls, |names| async move { persist(|| ports.parameters.get(&names)).await }).await?;
    Ok(values.into_iter().flat_map(|(_, values)| values).collect())
}

async fn parameter_tags(
    ports: &Ports,
    values: BTreeMap<String, ParameterRecord>,
) -> Result<BTreeMap<String, ObservedParameter>> {
    let tags =
        each(values, |(name, _)| async move { persist(|| ports.parameters.tags(&name)).await.optional() })
            .await?;
    let known = tags
        .into_iter()
        .filter_map(|((name, record), tags)| Some((name, ObservedParameter::new(record, tags?))));
    Ok(known.collect())
}

async fn values_and_tags(ports: &Ports, names: Vec<String>) -> Result<BTreeMap<String, ObservedParameter>> {
    let values = values(ports, &names).await?;
    parameter_tags(ports, values).await
}

/// Parameters that only tags speak of. A deployment with another prefix may have made them; then the role
/// does not reach them, and they must not stand in the way of the rest.
async fn more_parameters(ports: &Ports, names: Vec<String>) -> Result<BTreeMap<String, ObservedParameter>> {
    let chunks = names.chunks(CHUNK).map(<[String]>::to_vec);
    let read = each(chunks, |chunk| async move {
        match readable(ports, chunk.clone()).await? {
            Some(read) => Ok(read),
            // Parameter Store denies a call for all its names when the role does not reach one of them.
            None if chunk.len() > 1 => {
                let alone = each(chunk, |name| readable(ports, vec![name])).await?;
                Ok(alone.into_iter().filter_map(|(_, read)| read).flatten().collect())
            }
            None => Ok(BTreeMap::new()),
        }
    })
    .await?;
    Ok(read.into_iter().flat_map(|(_, read)| read).collect())
}

/// The parameters of these names that exist; `None` when they may not be read.
async fn readable(ports: &Ports, names: Vec<String>) -> Result<Option<BTreeMap<String, ObservedParameter>>> {
    match values_and_tags(ports, names.clone()).await {
        Err(error) if error.kind == ErrorKind::Denied => {
            tracing::warn!(%error, ?names, "not all of these parameters can be read; such ones stay as they are");
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// What the index of tags gave for an owner.
#[derive(Default)]
struct Index {
    profiles: Vec<ProfileArn>,
    parameters: Vec<String>,
    /// The index may not be asked, or is not there: every profile's tags are read instead.
    refused: bool,
}

async fn index(ports: &Ports, scope: &Scope) -> Result<Index> {
    let found = match persist(|| ports.ownership.owned_by(&scope.owner)).await {
        Ok(found) => found,
        Err(error) if error.is_transient() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "the index of tags cannot be asked; every profile's tags are read instead");
            return Ok(Index { refused: true, ..Index::default() });
        }
    };
    let parameter = |text: &String| {
        let arn = Arn::parse(text).filter(|arn| arn.service == "ssm")?;
        arn.resource.strip_prefix("parameter").map(str::to_owned)
    };
    Ok(Index {
        profiles: found.iter().filter_map(|text| ProfileArn::parse(text)).collect(),
        parameters: found.iter().filter_map(parameter).collect(),
        refused: false,
    })
}

/// The profiles whose tags are to be read: the indexed ones and, because the index lags, those of the
/// names. All of them when there is no index.
fn candidates(listed: &[ProfileRecord], index: &Index, names: &BTreeSet<String>) -> BTreeSet<ProfileArn> {
    let asked = |record: &&ProfileRecord| index.refused || names.contains(&record.name);
    let named = listed.iter().filter(asked).map(|record| record.arn.clone());
    named.chain(index.profiles.iter().cloned()).collect()
}

/// The parameters that the owner's profiles say they are published in.
fn recorded_parameters<'a>(
    owner: &'a Owner,
    profiles: &'a BTreeMap<ProfileArn, ObservedProfile>,
) -> impl Iterator<Item = String> + 'a {
    let held = profiles.values().filter_map(|profile| profile.tags.as_ref());
    held.filter(|held| owner.owns(held)).filter_map(|held| held.get(tags::PARAMETER).cloned())
}

/// Of the names found in tags, those that were not asked for yet.
fn more_names(found: impl Iterator<Item = String>, asked: &[String]) -> Vec<String> {
    let names: BTreeSet<String> =
        found.filter(|name| name.starts_with('/') && !asked.contains(name)).collect();
    names.into_iter().collect()
}
