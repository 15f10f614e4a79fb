//! The planned actions, each looked at once more before it is done.
//!
//! An inventory is some seconds old when its actions begin, and the lists behind it are older. So whatever
//! is deleted or written is read again by itself first; where it is not any more what the plan took it for,
//! the action is skipped, and the report says why.

use std::collections::BTreeMap;

use ports::{CallError, ErrorKind, NewParameter, Optional, Result};
use profile::{
    arn::ProfileArn,
    converge::release,
    effect::Effect,
    observed::{Observed, ObservedProfile},
    parameter,
    tags::{self, Owner, Tags},
};
use report::{ActionKind, ActionReport, Outcome};
use rules::{
    judge::{has_ended, is_at_rest},
    plan::Action,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::{Instant, timeout_at};

use crate::RegionPorts;

/// What actions need besides themselves.
pub struct Acting<'a> {
    /// AWS, in the Region of the actions.
    pub ports: &'a RegionPorts,
    /// That Region.
    pub region: &'a str,
    /// The names of profiles.
    pub names: &'a BTreeMap<ProfileArn, String>,
    /// The present instant.
    pub now: OffsetDateTime,
    /// Whether actions are only told.
    pub dry_run: bool,
    /// When no action is begun or waited for any more.
    pub until: Instant,
}

/// Whose a profile is by its stack's own word.
enum Standing {
    /// The stack's: its resource is this profile.
    Held,
    /// Nobody's: the stack is gone, or at rest with another profile or none.
    LeftBehind,
    /// The stack is at work, and may be about to take the profile up.
    AtWork,
}

/// What a second look found.
enum Look {
    /// It is still right.
    Right,
    /// It is not, for this reason.
    Wrong(String),
}

impl Acting<'_> {
    /// Does `actions`, one after the other: each is rare, and what one of them does another may rest on.
    pub async fn carry_out(&self, actions: Vec<Action>) -> Vec<ActionReport> {
        let mut reports = Vec::with_capacity(actions.len());
        for action in actions {
            let (kind, description) = described(&action);
            let profile = action.profile();
            let (outcome, reason) = if self.dry_run {
                (Outcome::WouldBeDone, None)
            } else {
                match timeout_at(self.until, self.one(&action)).await {
                    Ok(Ok(Look::Right)) => (Outcome::Done, None),
                    Ok(Ok(Look::Wrong(reason))) => (Outcome::Skipped, Some(reason)),
                    Ok(Err(error)) => (Outcome::Failed, Some(error.to_string())),
                    Err(_) => (Outcome::Failed, Some("the time that the function has was over".to_owned())),
                }
            };
            tracing::info!(action = ?kind, arn = %profile, ?outcome, reason, "action");
            reports.push(ActionReport {
                action: kind,
                region: self.region.to_owned(),
                arn: profile.to_string(),
                name: self.names.get(profile).cloned().unwrap_or_default(),
                description,
                outcome,
                reason,
            });
        }
        reports
    }

    async fn one(&self, action: &Action) -> Result<Look> {
        match action {
            Action::Retire { profile, owner } => self.retire(profile, owner).await,
            Action::Republish { profile, owner, parameter, tags, .. } => {
                self.republish(profile, owner, parameter, tags).await
            }
            Action::DeleteOrphan { profile, owner, parameter, .. } => {
                self.delete_orphan(profile, owner, parameter.as_deref()).await
            }
        }
    }

    async fn retire(&self, profile: &ProfileArn, owner: &Owner) -> Result<Look> {
        let Some(held) = self.owned(profile, owner).await? else { return Ok(gone()) };
        let until = held.get(tags::DRAIN_UNTIL).and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        match until {
            Some(until) if until <= self.now => {}
            _ => return Ok(Look::Wrong("it is not marked to be retired any more".to_owned())),
        }
        if held.contains_key(tags::ADOPTED) {
            return Ok(Look::Wrong("it was adopted, and is not deleted".to_owned()));
        }
        match self.standing(profile, owner).await? {
            Standing::LeftBehind => self.delete(profile).await,
            Standing::Held => Ok(Look::Wrong(HELD.to_owned())),
            Standing::AtWork => Ok(Look::Wrong(AT_WORK.to_owned())),
        }
    }

    async fn republish(&self, profile: &ProfileArn, owner: &Owner, name: &str, tags: &Tags) -> Result<Look> {
        let Some(held) = self.owned(profile, owner).await? else { return Ok(gone()) };
        if held.get(tags::PARAMETER).map(String::as_str) != Some(name) {
            return Ok(Look::Wrong(format!("it is not published in {name} any more")));
        }
        match self.standing(profile, owner).await? {
            Standing::Held => {}
            Standing::LeftBehind => return Ok(Look::Wrong("its stack does not hold it any more".to_owned())),
            Standing::AtWork => return Ok(Look::Wrong(AT_WORK.to_owned())),
        }
        let parameters = &self.ports.parameters;
        let found = parameters.get(&[name.to_owned()]).await?.remove(name);
        match found {
            Some(found) if found.value == profile.as_str() => {
                Ok(Look::Wrong(format!("{name} holds its ARN again")))
            }
            Some(_) => {
                if !owner.owns(&parameters.tags(name).await?) {
                    return Ok(Look::Wrong(format!("{name} does not carry the tags of its owner")));
                }
                parameters.overwrite(name, profile.as_str()).await?;
                Ok(Look::Right)
            }
            None => {
                let new = NewParameter {
                    name: name.to_owned(),
                    value: profile.as_str().to_owned(),
                    description: parameter::description(self.names.get(profile).map(String::as_str)),
                    tags: tags.clone(),
                };
                match parameters.create(&new).await {
                    Err(error) if error.kind == ErrorKind::Conflict => {
                        Ok(Look::Wrong(format!("{name} was made meanwhile")))
                    }
                    made => made.map(|()| Look::Right),
                }
            }
        }
    }

    async fn delete_orphan(
        &self,
        profile: &ProfileArn,
        owner: &Owner,
        published: Option<&str>,
    ) -> Result<Look> {
        let Some(held) = self.owned(profile, owner).await? else { return Ok(gone()) };
        match self.standing(profile, owner).await? {
            Standing::LeftBehind => {}
            Standing::Held => return Ok(Look::Wrong(HELD.to_owned())),
            Standing::AtWork => return Ok(Look::Wrong(AT_WORK.to_owned())),
        }
        if let Some(name) = published {
            let parameters = &self.ports.parameters;
            let value = parameters.get(&[name.to_owned()]).await?.remove(name).map(|found| found.value);
            if value.as_deref() == Some(profile.as_str()) {
                if !owner.owns(&parameters.tags(name).await?) {
                    let reason = format!("{name} holds its ARN, and is not of its stack");
                    return Ok(Look::Wrong(reason));
                }
                done(parameters.delete(name).await)?;
            }
        }
        if !held.contains_key(tags::ADOPTED) {
            return self.delete(profile).await;
        }
        let observed = Observed {
            profiles: [(profile.clone(), ObservedProfile { record: None, tags: Some(held) })].into(),
            ..Observed::default()
        };
        if let Some(Effect::UntagProfile(arn, keys)) = release(owner, profile, &observed) {
            done(self.ports.profiles.untag(&arn, &keys).await)?;
        }
        Ok(Look::Right)
    }

    async fn delete(&self, profile: &ProfileArn) -> Result<Look> {
        done(self.ports.profiles.delete(profile).await)?;
        Ok(Look::Right)
    }

    /// The tags of a profile that still is `owner`'s.
    async fn owned(&self, profile: &ProfileArn, owner: &Owner) -> Result<Option<Tags>> {
        let held = self.ports.profiles.tags(profile).await.optional()?;
        Ok(held.filter(|held| owner.owns(held)))
    }

    async fn standing(&self, profile: &ProfileArn, owner: &Owner) -> Result<Standing> {
        let stack = match self.ports.stacks.stack(&owner.stack_id).await {
            Ok(stack) if stack.status != "DELETE_COMPLETE" => stack,
            Ok(_) => return Ok(Standing::LeftBehind),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => {
                return Ok(Standing::LeftBehind);
            }
            Err(error) => return Err(error),
        };
        if !is_at_rest(&stack.status) {
            return Ok(Standing::AtWork);
        }
        let resource = self.ports.stacks.resource(&owner.stack_id, &owner.logical_id).await.optional()?;
        let current = resource.filter(|resource| !has_ended(&resource.status));
        let is_held = current.and_then(|resource| resource.physical_id).as_deref() == Some(profile.as_str());
        Ok(if is_held { Standing::Held } else { Standing::LeftBehind })
    }
}

const HELD: &str = "its stack holds it";
const AT_WORK: &str = "its stack is at work";

fn gone() -> Look {
    Look::Wrong("it is gone, or belongs to somebody else now".to_owned())
}

/// What was to go and is not there counts as done.
fn done(result: Result<()>) -> std::result::Result<(), CallError> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

fn described(action: &Action) -> (ActionKind, String) {
    match action {
        Action::Retire { .. } => {
            (ActionKind::Retire, "delete the replaced profile, whose time is over".to_owned())
        }
        Action::Republish { parameter, held: Some(held), .. } => {
            (ActionKind::Republish, format!("write its ARN into {parameter}, which holds {held}"))
        }
        Action::Republish { parameter, held: None, .. } => {
            (ActionKind::Republish, format!("make {parameter} again with its ARN"))
        }
        Action::DeleteOrphan { parameter, adopted, .. } => {
            let verb = if *adopted { "release" } else { "delete" };
            let published = parameter.as_ref().map(|name| format!(", and {name}")).unwrap_or_default();
            (ActionKind::DeleteOrphan, format!("{verb} the profile that its stack left behind{published}"))
        }
    }
}
