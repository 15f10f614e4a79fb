//! The decided effects, carried out and recorded.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use ports::{CallError, ErrorKind, NewParameter, NewProfile, Optional};
use profile::{
    arn::ProfileArn,
    effect::{Effect, Step},
    observed::{Issued, Kind, Observed, ObservedParameter, ObservedProfile, Phase},
    parameter,
    record::{ProfileRecord, StackRecord, StackResourceRecord},
    specification::Specification,
    tags::{self, Owner, Tags},
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    Ports,
    failure::Failure,
    observe::{self, Scope},
    patience::{ACTIVATION, VISIBILITY, gone, pause, persist, poll},
};

/// How many rounds a plan may take. The longest real one (a replacement of an adopted profile with a
/// renamed parameter and changed tags) takes nine, and as many looks at the stack when AWS is slow.
const ROUNDS: usize = 32;

/// How often a creation is tried when nothing shows what became of it.
const CREATIONS: u32 = 3;

/// For how long a read of the stack holds. A request that was cancelled must not go on beside the rollback.
pub const FRESH: Duration = Duration::from_secs(1);

/// How long a conflict is given to pass.
const CONFLICT_PAUSE: Duration = Duration::from_secs(3);

/// What an effect needs besides itself.
pub struct Context<'a> {
    /// AWS.
    pub ports: &'a Ports,
    /// Where and for whom.
    pub scope: &'a Scope,
    /// What is to be; `None` for a Delete, which makes nothing.
    pub specification: Option<&'a Specification>,
    /// The profile that the request names, if it names one.
    pub current: Option<&'a ProfileArn>,
    /// The profile name to seek by, if it is known.
    pub name: Option<&'a str>,
    /// The request's id, which is the same for every delivery of it.
    pub request_id: &'a str,
    /// Whether this run takes back what it made: reads may not show that yet, and their silence proves
    /// nothing.
    pub undoing: bool,
    /// When no further effect is begun.
    pub until: Instant,
    /// When the stack was read that was observed.
    pub stack_read: Instant,
    /// When CloudFormation issued the request, where that is known.
    pub issued_at: Option<OffsetDateTime>,
}

impl Context<'_> {
    /// How long what was taken away is given to be seen gone. An undo has no use for that.
    fn patience(&self) -> Duration {
        if self.undoing { Duration::ZERO } else { self.at_most(VISIBILITY) }
    }

    /// `window`, as far as the time for effects lasts.
    fn at_most(&self, window: Duration) -> Duration {
        window.min(self.until.saturating_duration_since(Instant::now()))
    }
}

/// Carries out step after step until `next` has nothing left to do.
pub async fn run<T>(
    context: &Context<'_>,
    observed: &mut Observed,
    next: impl Fn(&Observed) -> Step<T>,
) -> Result<T, Failure> {
    let mut stack_read = context.stack_read;
    let mut is_confirmed = false;
    for _ in 0..ROUNDS {
        match next(observed) {
            Step::Settled(settled) => return Ok(settled),
            Step::Refused(faults) => return Err(faults.into()),
            Step::Effects(_) if Instant::now() >= context.until => return Err(Failure::OutOfTime),
            Step::Effects(effects) if !is_confirmed && is_old(context, stack_read, &effects) => {
                (stack_read, is_confirmed) = (Instant::now(), true);
                if let Outcome::Stack(stack, word) = one(context, Effect::ConfirmStack).await? {
                    note_stack(observed, stack, word);
                }
            }
            Step::Effects(effects) => {
                is_confirmed = false;
                carry_out(context, observed, effects).await?;
            }
        }
    }
    Err(Failure::Unsettled)
}

/// Whether the stack was read so long ago that it may have gone on since, and `effects` change what was there
/// before: nothing takes that back when the request turns out to be out of date. What is made is.
fn is_old(context: &Context<'_>, stack_read: Instant, effects: &[Effect]) -> bool {
    let changes = |effect: &Effect| match effect {
        Effect::CreateProfile
        | Effect::CreateParameter(..)
        | Effect::AwaitProfile(_)
        | Effect::ConfirmStack
        | Effect::SeekOwned { .. } => false,
        Effect::TagProfile(..)
        | Effect::UntagProfile(..)
        | Effect::DeleteProfile(_)
        | Effect::OverwriteParameter(..)
        | Effect::TagParameter(..)
        | Effect::UntagParameter(..)
        | Effect::DeleteParameter(_) => true,
    };
    context.specification.is_some() && stack_read.elapsed() > FRESH && effects.iter().any(changes)
}

/// Carries out `effects` side by side. All of them come to their end and are recorded, also when one
/// fails: what was made must be known.
pub async fn carry_out(
    context: &Context<'_>,
    observed: &mut Observed,
    effects: Vec<Effect>,
) -> Result<(), Failure> {
    tracing::info!(effects = ?effects, "next effects");
    let outcomes = join_all(effects.iter().map(|effect| one(context, effect.clone()))).await;
    let mut failed = None;
    for (effect, outcome) in effects.into_iter().zip(outcomes) {
        match outcome {
            Ok(outcome) => note(context, observed, outcome),
            // Its tags may still be seen after it was deleted: what this run did not make, and nobody can read,
            // is gone.
            Err(Failure::NotActive { profile, .. })
                if observed.journal.made_profile.as_ref() != Some(&profile)
                    && observed.profiles.get(&profile).is_some_and(|seen| seen.record.is_none()) =>
            {
                tracing::warn!(%profile, "the profile cannot be read, and counts as gone");
                note(context, observed, Outcome::ProfileGone(profile));
            }
            Err(Failure::Call { error }) if is_gone(context, observed, &effect, &error) => {
                let Effect::TagProfile(profile, _) = effect else { continue };
                tracing::warn!(%profile, %error, "the profile cannot be tagged, and counts as gone");
                note(context, observed, Outcome::ProfileGone(profile));
            }
            Err(failure) => {
                tracing::error!(%failure, "an effect failed");
                if failure.is_doubtful() {
                    observed.journal.doubtful.push(effect);
                }
                failed.get_or_insert(failure);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Whether `effect` failed because the profile is gone that it was to tag, though reads still showed it.
fn is_gone(context: &Context<'_>, observed: &Observed, effect: &Effect, error: &CallError) -> bool {
    let Effect::TagProfile(arn, _) = effect else { return false };
    takes_up(context, arn) && !observed.journal.tagged.contains(arn) && error.kind == ErrorKind::NotFound
}

/// Whether `arn` is nothing that the request names: tagging it is what proves that it is there.
fn takes_up(context: &Context<'_>, arn: &ProfileArn) -> bool {
    let names = |specification: &Specification| specification.existing.as_ref() == Some(arn);
    !context.undoing
        && context.current != Some(arn)
        && context.specification.is_some_and(|specification| !names(specification))
}

/// Reads the stack once more, and what it says about the resource; as it was, if that cannot be.
pub async fn look_again(context: &Context<'_>, observed: &mut Observed) {
    if let Ok(Outcome::Stack(stack, word)) = one(context, Effect::ConfirmStack).await {
        note_stack(observed, stack, word);
    }
}

/// What came of an effect.
enum Outcome {
    Made(ProfileArn),
    Conflict(Vec<(ProfileArn, ObservedProfile)>),
    Seen(ProfileRecord),
    Tagged(ProfileArn, Tags),
    Untagged(ProfileArn, Vec<String>),
    ProfileGone(ProfileArn),
    ParameterMade(String, ObservedParameter),
    ParameterFound(String, Option<ObservedParameter>),
    Overwritten(String, String),
    ParameterTagged(String, Tags),
    ParameterUntagged(String, Vec<String>),
    ParameterGone(String),
    /// The stack, and what it says about the resource.
    Stack(Option<StackRecord>, Word),
    Sought(Vec<(ProfileArn, ObservedProfile)>, BTreeMap<String, ObservedParameter>),
}

/// What a stack says about the resource.
enum Word {
    /// It goes on with the request, so it was not asked.
    NotAsked,
    /// `None`: it does not know the resource.
    Says(Option<StackResourceRecord>),
    /// It could not be read.
    Unknown,
}

async fn one(context: &Context<'_>, effect: Effect) -> Result<Outcome, Failure> {
    let ports = context.ports;
    Ok(match effect {
        Effect::CreateProfile => create(context).await?,
        Effect::AwaitProfile(arn) => {
            let window = context.at_most(ACTIVATION);
            let seen = poll(window, || async {
                let record = persist(|| ports.profiles.get(arn.as_str())).await.optional()?;
                Ok::<_, CallError>(record.filter(ProfileRecord::is_active))
            })
            .await?;
            match seen {
                Some(record) => Outcome::Seen(record),
                None => return Err(Failure::NotActive { profile: arn, seconds: window.as_secs() }),
            }
        }
        Effect::TagProfile(arn, tags) => {
            tag(context, &arn, &tags).await?;
            Outcome::Tagged(arn, tags)
        }
        Effect::UntagProfile(arn, keys) => {
            let done = persist(|| ports.profiles.untag(&arn, &keys)).await;
            gone(done, context.patience(), || owns_profile(context, &arn)).await?;
            Outcome::Untagged(arn, keys)
        }
        Effect::DeleteProfile(arn) => {
            let done = persist(|| ports.profiles.delete(&arn)).await;
            gone(done, context.patience(), || owns_profile(context, &arn)).await?;
            Outcome::ProfileGone(arn)
        }
        Effect::CreateParameter(name, arn, tags) => create_parameter(context, name, arn, tags).await?,
        Effect::OverwriteParameter(name, value) => {
            persist(|| ports.parameters.overwrite(&name, &value)).await?;
            Outcome::Overwritten(name, value)
        }
        Effect::TagParameter(name, tags) => {
            persist(|| ports.parameters.tag(&name, &tags)).await?;
            Outcome::ParameterTagged(name, tags)
        }
        Effect::UntagParameter(name, keys) => {
            persist(|| ports.parameters.untag(&name, &keys)).await?;
            Outcome::ParameterUntagged(name, keys)
        }
        Effect::DeleteParameter(name) => {
            let done = persist(|| ports.parameters.delete(&name)).await;
            gone(done, context.patience(), || owns_parameter(context, &name)).await?;
            Outcome::ParameterGone(name)
        }
        Effect::ConfirmStack => {
            let Owner { stack_id, logical_id } = &context.scope.owner;
            let stack = persist(|| ports.stacks.stack(stack_id)).await.optional()?;
            let seen = Observed { stack: stack.clone(), ..Observed::default() };
            let issued = Issued { kind: Kind::Create, at: context.issued_at };
            // What is taken back may be what another delivery was answered with.
            let goes_on_with_it = seen.phase() == Phase::Forward && !seen.has_gone_on_since(&issued);
            let word = if goes_on_with_it && !context.undoing {
                Word::NotAsked
            } else {
                match persist(|| ports.stacks.resource(stack_id, logical_id)).await.optional() {
                    Ok(resource) => Word::Says(resource),
                    Err(error) => {
                        tracing::warn!(%error, "what the stack says about the resource is not known");
                        Word::Unknown
                    }
                }
            };
            Outcome::Stack(stack, word)
        }
        Effect::SeekOwned { parameter, but } => {
            let digest = context.specification.map(Specification::digest);
            // What is to be restored leaves time for making it anew, should it never be found.
            let window = match digest {
                Some(_) => context.scope.short_window(),
                None => context.scope.window(),
            };
            let is_sought = |profile: &ObservedProfile| {
                digest.as_ref().is_none_or(|digest| {
                    let fits = |held: &Tags| fulfils(held, digest);
                    profile.tags.as_ref().is_some_and(fits)
                })
            };
            let found = poll(window, || async {
                let (profiles, _) = observe::owned_profiles(ports, context.scope, context.name, None).await?;
                let mut owned = owned_only(context, profiles);
                owned.retain(|(arn, _)| !but.contains(arn));
                Ok::<_, CallError>(owned.iter().any(|(_, profile)| is_sought(profile)).then_some(owned))
            })
            .await?;
            let declared = match &parameter {
                Some(name) => observe::parameter(ports, name).await?.map(|found| (name.clone(), found)),
                None => None,
            };
            Outcome::Sought(found.unwrap_or_default(), declared.into_iter().collect())
        }
    })
}

/// Tags a profile. One that is taken up may have been made so shortly before that AWS does not find it yet.
async fn tag(context: &Context<'_>, arn: &ProfileArn, tags: &Tags) -> Result<(), CallError> {
    let ports = context.ports;
    let first = persist(|| ports.profiles.tag(arn, tags)).await;
    let Err(error) = first else { return Ok(()) };
    if error.kind != ErrorKind::NotFound || !takes_up(context, arn) {
        return Err(error);
    }
    let tagged = poll(context.scope.short_window(), || async {
        persist(|| ports.profiles.tag(arn, tags)).await.optional()
    });
    tagged.await?.ok_or(error)
}

async fn owns_profile(context: &Context<'_>, arn: &ProfileArn) -> Result<bool, CallError> {
    if context.undoing {
        return Ok(true);
    }
    let held = persist(|| context.ports.profiles.tags(arn)).await.optional()?;
    Ok(held.is_some_and(|held| context.scope.owner.owns(&held)))
}

async fn owns_parameter(context: &Context<'_>, name: &str) -> Result<bool, CallError> {
    let found = observe::parameter(context.ports, name).await?;
    Ok(found.is_some_and(|found| context.scope.owner.owns(&found.tags)))
}

type Profiles = Vec<(ProfileArn, ObservedProfile)>;

fn owned_only(
    context: &Context<'_>,
    profiles: impl IntoIterator<Item = (ProfileArn, ObservedProfile)>,
) -> Profiles {
    let owner = &context.scope.owner;
    profiles.into_iter().filter(|(_, profile)| profile.is_owned_by(owner)).collect()
}

/// Makes the profile, once: when it is not known whether a call had its effect, it is looked for before
/// it is made again.
async fn create(context: &Context<'_>) -> Result<Outcome, Failure> {
    let Some(specification) = context.specification else { return Err(Failure::Unsettled) };
    let mut doubtful = false;
    make(context, specification, &mut doubtful).await.map_err(|failure| match failure {
        Failure::Call { error } if doubtful => Failure::Doubtful { error },
        failure => failure,
    })
}

/// `doubtful` says whether a call may have had its effect without anybody having seen it.
async fn make(
    context: &Context<'_>,
    specification: &Specification,
    doubtful: &mut bool,
) -> Result<Outcome, Failure> {
    let new = NewProfile {
        name: specification.name.clone(),
        description: specification.description.clone(),
        copy_from: specification.source.arn.clone(),
        token: token(context.request_id, specification),
        tags: specification.new_profile_tags(),
    };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match context.ports.profiles.create(&new).await {
            Ok(arn) => return Ok(Outcome::Made(arn)),
            Err(error) => error,
        };
        tracing::warn!(%error, attempt, "the profile was not made, or its making was not confirmed");
        match error.kind {
            ErrorKind::Throttled if attempt < CREATIONS * 2 => tokio::time::sleep(pause(attempt)).await,
            ErrorKind::Unknown | ErrorKind::Conflict => {
                *doubtful |= error.kind == ErrorKind::Unknown;
                match trace(context, specification, error.kind).await? {
                    Some(Trace::Made(arn)) => return Ok(Outcome::Made(arn)),
                    Some(Trace::Taken(namesakes)) => {
                        tokio::time::sleep(CONFLICT_PAUSE).await;
                        return Ok(Outcome::Conflict(namesakes));
                    }
                    None if error.kind == ErrorKind::Conflict => return Ok(Outcome::Conflict(Vec::new())),
                    None if attempt >= CREATIONS => return Err(error.into()),
                    None => {}
                }
            }
            _ => return Err(error.into()),
        }
    }
}

/// Whether a profile that carries `held` is what a declaration with this digest asks for. What drains was replaced, and
/// has been promised to go.
fn fulfils(held: &Tags, digest: &str) -> bool {
    held.get(tags::SPEC).is_some_and(|spec| spec == digest) && !held.contains_key(tags::DRAIN_UNTIL)
}

/// What stands behind a creation that was not confirmed.
enum Trace {
    /// The profile that this very request made.
    Made(ProfileArn),
    /// Other profiles of the name.
    Taken(Profiles),
}

/// Looks for a profile that this very request made without hearing of it. Behind a conflict, somebody
/// else's profile of the name ends the search at once.
async fn trace(
    context: &Context<'_>,
    specification: &Specification,
    kind: ErrorKind,
) -> Result<Option<Trace>, CallError> {
    let digest = specification.digest();
    poll(context.at_most(VISIBILITY), || async {
        let (profiles, _) =
            observe::owned_profiles(context.ports, context.scope, Some(&specification.name), None).await?;
        let is_made = |profile: &ObservedProfile| {
            let fits = |held: &Tags| fulfils(held, &digest);
            profile.is_owned_by(&context.scope.owner) && profile.tags.as_ref().is_some_and(fits)
        };
        let made = profiles.iter().find(|(_, profile)| is_made(profile));
        if let Some((arn, _)) = made {
            return Ok(Some(Trace::Made(arn.clone())));
        }
        let is_named = |profile: &ObservedProfile| {
            profile.record.as_ref().is_some_and(|record| record.name == specification.name)
        };
        let named: Profiles = profiles.into_iter().filter(|(_, profile)| is_named(profile)).collect();
        Ok((kind == ErrorKind::Conflict && !named.is_empty()).then_some(Trace::Taken(named)))
    })
    .await
}

/// `clientRequestToken`: the same for every delivery of a request, and another for another profile, or for another
/// resource. A request that somebody forged may have the id of another stack's.
fn token(request_id: &str, specification: &Specification) -> String {
    let Owner { stack_id, logical_id } = &specification.owner;
    let digest = Sha256::digest(format!("{stack_id}/{logical_id}/{request_id}/{}", specification.digest()));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

async fn create_parameter(
    context: &Context<'_>,
    name: String,
    arn: ProfileArn,
    tags: Tags,
) -> Result<Outcome, Failure> {
    let new = NewParameter {
        value: arn.as_str().to_owned(),
        description: parameter::description(context.specification.map(|wanted| wanted.name.as_str())),
        name,
        tags,
    };
    let made = ObservedParameter { value: new.value.clone(), tags: new.tags.clone() };
    match persist(|| context.ports.parameters.create(&new)).await {
        Ok(()) => Ok(Outcome::ParameterMade(new.name, made)),
        // Taken: by an earlier attempt of ours whose answer was lost, or by somebody else.
        Err(error) if error.kind == ErrorKind::Conflict => {
            let found = observe::parameter(context.ports, &new.name).await?;
            Ok(Outcome::ParameterFound(new.name, found))
        }
        Err(error) => Err(error.into()),
    }
}

fn note_stack(observed: &mut Observed, stack: Option<StackRecord>, word: Word) {
    observed.stack = stack;
    observed.journal.unsure = matches!(word, Word::Unknown);
    if let Word::Says(resource) = word {
        observed.resource = resource;
    }
}

fn note(context: &Context<'_>, observed: &mut Observed, outcome: Outcome) {
    let journal = &mut observed.journal;
    match outcome {
        Outcome::Made(arn) => {
            journal.made_profile = Some(arn.clone());
            journal.tagged.push(arn.clone());
            journal.untagged.push(arn.clone());
            let tags = context.specification.map(Specification::new_profile_tags);
            observed.profiles.insert(arn, ObservedProfile { record: None, tags });
        }
        Outcome::Conflict(namesakes) => {
            journal.conflicts += 1;
            observed.profiles.extend(namesakes);
        }
        Outcome::Seen(record) => {
            let arn = record.arn.clone();
            observed.profiles.entry(arn).or_default().record = Some(record);
        }
        Outcome::Tagged(arn, tags) => {
            let owner = &context.scope.owner;
            let before = observed.profiles.get(&arn).cloned().unwrap_or_default();
            if !before.is_owned_by(owner) && owner.owns(&tags) {
                let held = before.tags.unwrap_or_default();
                let overwritten = held.into_iter().filter(|(key, _)| tags.contains_key(key)).collect();
                observed.journal.adopted_profile = Some((arn.clone(), overwritten));
            }
            observed.journal.tagged.push(arn.clone());
            observed.learn_tags(&arn, &tags);
        }
        Outcome::Untagged(arn, keys) => {
            observed.forget_tags(&arn, &keys);
            if keys.iter().any(|key| key == tags::STACK_ID) {
                observed.journal.removed.push(arn.clone());
            }
            observed.journal.untagged.push(arn);
        }
        Outcome::ProfileGone(arn) => {
            journal.removed.push(arn.clone());
            observed.profiles.remove(&arn);
        }
        Outcome::ParameterMade(name, parameter) => {
            journal.made_parameters.push(name.clone());
            observed.parameters.insert(name, parameter);
        }
        Outcome::ParameterFound(name, Some(parameter)) => {
            // That of the profile which this run made can only be this run's.
            if journal.made_profile.as_ref().is_some_and(|made| made.as_str() == parameter.value) {
                journal.made_parameters.push(name.clone());
            }
            observed.parameters.insert(name, parameter);
        }
        Outcome::ParameterFound(name, None) => {
            observed.parameters.remove(&name);
        }
        Outcome::ParameterGone(name) => {
            journal.drops_names = true;
            observed.parameters.remove(&name);
        }
        Outcome::Overwritten(name, value) => {
            if let Some(parameter) = observed.parameters.get_mut(&name) {
                let before = std::mem::replace(&mut parameter.value, value);
                journal.overwritten_parameters.push((name, before));
            }
        }
        Outcome::ParameterTagged(name, tags) => {
            if let Some(parameter) = observed.parameters.get_mut(&name) {
                parameter.tags.extend(tags);
            }
        }
        Outcome::ParameterUntagged(name, keys) => {
            if let Some(parameter) = observed.parameters.get_mut(&name) {
                parameter.tags.retain(|key, _| !keys.contains(key));
            }
        }
        Outcome::Stack(stack, word) => {
            note_stack(observed, stack, word);
            observed.journal.confirmed = true;
        }
        Outcome::Sought(profiles, parameters) => {
            // Where something is to go, there may be more once that is gone.
            journal.sought = context.specification.is_some() || profiles.is_empty();
            observed.profiles.extend(profiles);
            observed.parameters.extend(parameters);
        }
    }
}
