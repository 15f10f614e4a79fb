//! A small account for tests: made whole and clean, then spoilt word by word.

use std::collections::BTreeMap;

use profile::{
    arn::{Location, ProfileArn},
    record::{FoundationModel, Lifecycle, ProfileRecord, StackRecord, StackResourceRecord, SystemProfile},
    spec,
    tag_policy::TagPolicy,
    tags::{self, KeyRecord, Owner, Tags},
};
use time::{Date, Duration, OffsetDateTime, macros::datetime};

use crate::{
    finding::Finding,
    inventory::{Inventory, Parameters, Part, Profile, Source, Stack, Unread, Usage},
    judge::{Criteria, Judgement, judge},
    rule::Rule,
    thresholds::Thresholds,
    words,
};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-03-15 12:00 UTC);
pub(crate) const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1b2c";
pub(crate) const MODEL: &str = "amazon.nova-lite-v1:0";
pub(crate) const NEXT_MODEL: &str = "amazon.nova-2-lite-v1:0";
pub(crate) const SYSTEM_PROFILE: &str = "us.amazon.nova-lite-v1:0";

/// How many days of usage are read.
const WINDOW: i64 = 45;

pub(crate) fn here() -> Location {
    Location { partition: "aws".into(), region: "us-east-1".into(), account: "123456789012".into() }
}

pub(crate) fn arn(id: &str) -> ProfileArn {
    ProfileArn::parse(&format!("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/{id}"))
        .unwrap()
}

pub(crate) fn model_arn(region: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}::foundation-model/{id}")
}

pub(crate) fn system_arn(id: &str) -> String {
    format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{id}")
}

pub(crate) fn tags(tags: &[(&str, &str)]) -> Tags {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn owner(name: &str) -> Owner {
    Owner { stack_id: STACK.into(), logical_id: words::capital(name) }
}

pub(crate) fn unread(source: Source) -> Unread {
    Unread { source, reason: "access denied".into() }
}

/// An inventory and what it is held to.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) inventory: Inventory,
    pub(crate) criteria: Criteria,
}

/// The tags that say what a profile of the system profile is.
fn immutable(name: &str) -> Tags {
    let source = system_arn(SYSTEM_PROFILE);
    Tags::from([(tags::SPEC.into(), spec::digest(name, None, &source)), (tags::MODEL_SOURCE.into(), source)])
}

impl World {
    /// No profiles, and everything that they need.
    pub(crate) fn new() -> Self {
        let model = |id: &str| FoundationModel {
            id: id.into(),
            arn: model_arn("us-east-1", id),
            on_demand: true,
            lifecycle: Lifecycle::default(),
        };
        let system = |id: &str, model: &str| SystemProfile {
            id: id.into(),
            arn: system_arn(id),
            models: ["us-west-2", "us-east-1"].map(|region| model_arn(region, model)).into(),
        };
        Self {
            inventory: Inventory {
                location: here(),
                taken_at: NOW,
                asked: Source::ALL.into(),
                profiles: Ok(Vec::new()),
                unconfirmed: BTreeMap::new(),
                models: Ok(vec![model(MODEL), model(NEXT_MODEL)]),
                system_profiles: Ok(vec![
                    system(SYSTEM_PROFILE, MODEL),
                    system("us.amazon.nova-2-lite-v1:0", NEXT_MODEL),
                ]),
                parameters: Parameters {
                    prefix: "/inference-profiles".into(),
                    under_prefix: Ok(BTreeMap::new()),
                    recorded: BTreeMap::new(),
                },
                stacks: BTreeMap::from([(
                    STACK.to_owned(),
                    Ok(Stack::Lives {
                        record: StackRecord {
                            status: "UPDATE_COMPLETE".into(),
                            tags: Tags::new(),
                            began: None,
                        },
                        resources: Ok(BTreeMap::new()),
                    }),
                )]),
                usage: Ok(Usage { since: NOW.date() - Duration::days(WINDOW), daily: BTreeMap::new() }),
                quota: Ok(1_000),
            },
            criteria: Criteria {
                rules: Rule::ALL.into(),
                policy: Ok(TagPolicy::parse("owner,stage=dev|prod", "").unwrap()),
                thresholds: Thresholds::default(),
            },
        }
    }

    /// A profile of the stack, in use, published and copied from a system profile, that nothing is wrong with.
    pub(crate) fn managed(self, id: &str, name: &str) -> Self {
        let written = tags(&[("owner", "search"), ("stage", "prod")]);
        let parameter = format!("/inference-profiles/{name}");
        let mut held = owner(name).tags();
        held.extend(immutable(name));
        held.insert(tags::PARAMETER.into(), parameter.clone());
        held.insert(tags::TAG_KEYS.into(), KeyRecord::of(&written).as_str().to_owned());
        held.extend(written);
        self.bare(id, name, &[])
            .edit(id, |profile| profile.tags = Ok(held))
            .used(id, 0, 5)
            .parameter(&parameter, Some(arn(id).as_str()))
            .resource(&words::capital(name), Some(arn(id).as_str()), "CREATE_COMPLETE")
    }

    /// An unused profile of ours by another stack, of which the inventory says nothing.
    pub(crate) fn managed_elsewhere(self, id: &str, name: &str) -> Self {
        let mut held = Owner { stack_id: format!("{STACK}-2"), logical_id: words::capital(name) }.tags();
        held.extend(immutable(name));
        self.bare(id, name, &[]).edit(id, |profile| profile.tags = Ok(held))
    }

    /// A profile that nobody made known and nobody used.
    pub(crate) fn bare(mut self, id: &str, name: &str, given: &[(&str, &str)]) -> Self {
        let record = ProfileRecord {
            arn: arn(id),
            name: name.into(),
            description: None,
            status: "ACTIVE".into(),
            models: ["us-west-2", "us-east-1"].map(|region| model_arn(region, MODEL)).into(),
            created_at: Some(NOW - Duration::days(100)),
            updated_at: None,
        };
        let profiles = self.inventory.profiles.as_mut().unwrap();
        profiles.push(Profile { record, tags: Ok(tags(given)) });
        self
    }

    pub(crate) fn edit(mut self, id: &str, edit: impl FnOnce(&mut Profile)) -> Self {
        let profiles = self.inventory.profiles.as_mut().unwrap();
        edit(profiles.iter_mut().find(|profile| profile.record.arn.id() == id).unwrap());
        self
    }

    pub(crate) fn tag(self, id: &str, key: &str, value: &str) -> Self {
        self.edit(id, |profile| {
            profile.tags.as_mut().unwrap().insert(key.into(), value.into());
        })
    }

    pub(crate) fn untag(self, id: &str, key: &str) -> Self {
        self.edit(id, |profile| {
            profile.tags.as_mut().unwrap().remove(key).unwrap();
        })
    }

    /// As the provider leaves a replaced profile with a drain period.
    pub(crate) fn drains(self, id: &str, until: &str) -> Self {
        self.untag(id, tags::PARAMETER).tag(id, tags::DRAIN_UNTIL, until)
    }

    pub(crate) fn used(mut self, id: &str, days_ago: i64, invocations: u64) -> Self {
        let usage = self.inventory.usage.as_mut().unwrap();
        let days = usage.daily.entry(id.into()).or_insert_with(|| vec![0; WINDOW as usize + 1]);
        days[(WINDOW - days_ago) as usize] = invocations;
        self
    }

    pub(crate) fn unused(mut self, id: &str) -> Self {
        self.inventory.usage.as_mut().unwrap().daily.remove(id);
        self
    }

    pub(crate) fn usage_since(mut self, since: Date) -> Self {
        self.inventory.usage.as_mut().unwrap().since = since;
        self
    }

    /// What is behind a parameter's name, under the prefix and for who asks for it by itself.
    pub(crate) fn parameter(mut self, name: &str, value: Option<&str>) -> Self {
        let parameters = &mut self.inventory.parameters;
        parameters.recorded.insert(name.into(), Ok(value.map(str::to_owned)));
        let listed = parameters.under_prefix.as_mut().unwrap();
        listed.remove(name);
        if let Some(value) = value.filter(|_| name.starts_with("/inference-profiles/")) {
            listed.insert(name.into(), value.into());
        }
        self
    }

    pub(crate) fn stack(mut self, part: Part<Stack>) -> Self {
        self.inventory.stacks.insert(STACK.into(), part);
        self
    }

    fn edit_stack(
        mut self,
        edit: impl FnOnce(&mut StackRecord, &mut Part<BTreeMap<String, StackResourceRecord>>),
    ) -> Self {
        let Some(Ok(Stack::Lives { record, resources })) = self.inventory.stacks.get_mut(STACK) else {
            panic!("the stack is gone")
        };
        edit(record, resources);
        self
    }

    pub(crate) fn stack_status(self, status: &str) -> Self {
        self.edit_stack(|record, _| record.status = status.into())
    }

    /// When the stack was made or last went to work.
    pub(crate) fn stack_began(self, at: OffsetDateTime) -> Self {
        self.edit_stack(|record, _| record.began = Some(at))
    }

    pub(crate) fn stack_tags(self, given: &[(&str, &str)]) -> Self {
        self.edit_stack(|record, _| record.tags = tags(given))
    }

    pub(crate) fn resource(self, logical_id: &str, physical_id: Option<&str>, status: &str) -> Self {
        let resource = StackResourceRecord {
            physical_id: physical_id.map(str::to_owned),
            status: status.into(),
            since: None,
        };
        self.edit_stack(|_, resources| {
            resources.as_mut().unwrap().insert(logical_id.into(), resource);
        })
    }

    pub(crate) fn no_resource(self, logical_id: &str) -> Self {
        self.edit_stack(|_, resources| {
            resources.as_mut().unwrap().remove(logical_id);
        })
    }

    pub(crate) fn resources_unread(self) -> Self {
        self.edit_stack(|_, resources| *resources = Err(unread(Source::Stacks)))
    }

    pub(crate) fn model(mut self, id: &str, legacy: bool, end_of_life: Option<OffsetDateTime>) -> Self {
        let models = self.inventory.models.as_mut().unwrap();
        models.iter_mut().find(|model| model.id == id).unwrap().lifecycle = Lifecycle { legacy, end_of_life };
        self
    }

    pub(crate) fn no_model(mut self, id: &str) -> Self {
        self.inventory.models.as_mut().unwrap().retain(|model| model.id != id);
        self
    }

    pub(crate) fn no_system_profile(mut self, id: &str) -> Self {
        self.inventory.system_profiles.as_mut().unwrap().retain(|system| system.id != id);
        self
    }

    /// A profile that a parameter names, and of which AWS would not say whether it exists.
    pub(crate) fn unconfirmed(mut self, id: &str) -> Self {
        self.inventory.unconfirmed.insert(arn(id), unread(Source::Profiles));
        self
    }

    pub(crate) fn quota(mut self, quota: u64) -> Self {
        self.inventory.quota = Ok(quota);
        self
    }

    pub(crate) fn policy(mut self, required_tags: &str) -> Self {
        self.criteria.policy = Ok(TagPolicy::parse(required_tags, "").unwrap());
        self
    }

    pub(crate) fn only(mut self, rules: &[Rule]) -> Self {
        self.criteria.rules = rules.iter().copied().collect();
        self
    }

    /// The same account, when `source` cannot be read.
    pub(crate) fn unread(mut self, source: Source) -> Self {
        let inventory = &mut self.inventory;
        let reason = unread(source);
        match source {
            Source::Profiles => inventory.profiles = Err(reason),
            Source::Tags => {
                let profiles = inventory.profiles.as_mut().unwrap().iter_mut();
                profiles.for_each(|profile| profile.tags = Err(reason.clone()));
            }
            Source::Models => inventory.models = Err(reason),
            Source::SystemProfiles => inventory.system_profiles = Err(reason),
            Source::Parameters => {
                inventory.parameters.recorded.values_mut().for_each(|part| *part = Err(reason.clone()));
                inventory.parameters.under_prefix = Err(reason);
            }
            Source::Stacks => {
                inventory.stacks.values_mut().for_each(|part| *part = Err(reason.clone()));
            }
            Source::Usage => inventory.usage = Err(reason),
            Source::Quota => inventory.quota = Err(reason),
            Source::TagPolicy => self.criteria.policy = Err(reason),
            Source::CostTags => {}
        }
        self
    }

    pub(crate) fn judged(&self) -> Judgement {
        judge(&self.inventory, &self.criteria)
    }

    /// Every finding as `<rule> <name>`.
    pub(crate) fn found(&self) -> Vec<String> {
        told(&self.judged().findings)
    }

    /// The finding of `rule`, of which there is one.
    pub(crate) fn finding(&self, rule: Rule) -> Finding {
        let judgement = self.judged();
        let mut findings = judgement.findings.into_iter().filter(|finding| finding.rule == rule);
        let finding = findings.next().unwrap_or_else(|| panic!("no finding of {rule}"));
        assert_eq!(findings.next(), None);
        finding
    }
}

pub(crate) fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.rule, finding.resource.name)).collect()
}
