//! What a profile is to be: a declaration, resolved and complete.

use crate::{
    arn::{Location, ProfileArn},
    fault::{Fault, Faults},
    model_source::Source,
    parameter::{ParameterName, ParameterPrefix},
    period::Period,
    properties::{Declaration, names},
    spec,
    tags::{self, KeyRecord, Owner, Tags},
};

/// What is to be true when a Create or an Update has been answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specification {
    /// Who owns it.
    pub owner: Owner,
    /// Where it lies.
    pub location: Location,
    /// `inferenceProfileName`; immutable.
    pub name: String,
    /// Immutable.
    pub description: Option<String>,
    /// What it is copied from; immutable.
    pub source: Source,
    /// The user's tags: the stack's, overridden by the resource's own.
    pub tags: Tags,
    /// The parameter that publishes its ARN, if any.
    pub parameter: Option<ParameterName>,
    /// Under which this deployment may change parameters. One that lies elsewhere, because an earlier
    /// deployment had another prefix, is left as it is.
    pub prefix: ParameterPrefix,
    /// The profile to adopt instead of making one.
    pub existing: Option<ProfileArn>,
    /// How long it lives on once it is replaced.
    pub drain: Period,
}

impl Specification {
    /// Completes `declaration` with the deployment's `prefix` and with what AWS said: the resolved source and
    /// the tags that are inherited beneath its own (see [`inherit`]).
    pub fn new(
        declaration: Declaration,
        owner: Owner,
        location: Location,
        prefix: ParameterPrefix,
        source: Source,
        tags: Tags,
    ) -> Result<Self, Faults> {
        let own = declaration.tags.len();
        let specification = Self {
            owner,
            location,
            name: declaration.name,
            description: declaration.description,
            source,
            tags,
            parameter: declaration.parameter,
            prefix,
            existing: declaration.existing,
            drain: declaration.drain,
        };
        let key_record = 1;
        let adopted = usize::from(specification.existing.is_some());
        let reserved = specification.reserved_tags().len() + key_record + adopted;
        let room = tags::LIMIT - reserved;
        let all = specification.tags.len();
        if all > room {
            return Err(Fault::new(
                names::TAGS,
                format!("{own} tags and {} inherited from the stack are {all}", all - own),
                format!(
                    "Give at most {room} in all: a profile carries {} and this resource needs {reserved}",
                    tags::LIMIT
                ),
            )
            .into());
        }
        Ok(specification)
    }

    /// The [digest](spec::digest) of the immutable properties. Two declarations with one digest are one
    /// profile; another digest means a replacement.
    pub fn digest(&self) -> String {
        spec::digest(&self.name, self.description.as_deref(), &self.source.arn)
    }

    /// The parameter, if it lies under the prefix.
    pub fn reachable_parameter(&self) -> Option<&ParameterName> {
        self.parameter.as_ref().filter(|name| self.prefix.holds(name.as_str()))
    }

    /// Our own tags on the profile, except the key record, which depends on what is there.
    pub fn reserved_tags(&self) -> Tags {
        let mut reserved = self.owner.tags();
        reserved.insert(tags::SPEC.into(), self.digest());
        reserved.insert(tags::MODEL_SOURCE.into(), self.source.arn.clone());
        if let Some(parameter) = &self.parameter {
            reserved.insert(tags::PARAMETER.into(), parameter.as_str().to_owned());
        }
        if self.drain != Period::ZERO {
            reserved.insert(tags::DRAIN_PERIOD.into(), self.drain.to_string());
        }
        reserved
    }

    /// All tags of a profile that is made new.
    pub fn new_profile_tags(&self) -> Tags {
        self.with_key_record(self.reserved_tags())
    }

    /// All tags of the parameter.
    pub fn parameter_tags(&self) -> Tags {
        self.with_key_record(self.owner.tags())
    }

    fn with_key_record(&self, mut all: Tags) -> Tags {
        all.extend(self.tags.clone());
        let record = KeyRecord::of(&self.tags);
        if !self.tags.is_empty() {
            all.insert(tags::TAG_KEYS.into(), record.as_str().to_owned());
        }
        all
    }
}

/// The stack's tags beneath the resource's `own`, as CloudFormation does for native resources. Reserved
/// keys of the stack (`aws:…`) are not inherited; neither is what Bedrock's alphabet does not allow, which
/// is a fault besides.
pub fn inherit(own: &Tags, stack: &Tags) -> (Tags, Faults) {
    let (mut merged, mut faults) = (Tags::new(), Faults::none());
    for (key, value) in stack.iter().filter(|(key, _)| !tags::is_reserved(key) && !own.contains_key(*key)) {
        let wrong = tags::check(&format!("the stack's tag {key}"), key, value);
        if wrong.is_empty() {
            merged.insert(key.clone(), value.clone());
        }
        faults.append(wrong);
    }
    merged.extend(own.clone());
    (merged, faults)
}
