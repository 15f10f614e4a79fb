//! What a sweep is to do: the function's environment, read once, and what an invocation by hand overrides.
//!
//! | variable | in an invocation | meaning | default |
//! |---|---|---|---|
//! | `REGIONS` | `regions` | the Regions to sweep, with commas between them | the function's own |
//! | `IDLE_DAYS` | `idleDays` | days without an invocation after which a profile is idle | 30 |
//! | `END_OF_LIFE_DAYS` | `endOfLifeDays` | days before a model's end of life from which on it is told | 90 |
//! | `QUOTA_SHARE` | `quotaShare` | percent of the quota from which on it is told | 80 |
//! | `COST_TAGS` | `costTags` | whether billing is asked which tags allocate cost | `true` |
//! | `RETIRE_DRAINED` | `retireDrained` | retire replaced profiles whose time has come | `true` |
//! | `REPUBLISH_PARAMETERS` | `republishParameters` | publish missing and drifted parameters again | `false` |
//! | `DELETE_ORPHANS` | `deleteOrphans` | delete what stacks left behind | `false` |
//! | `ORPHAN_MIN_AGE` | `orphanMinAge` | how old an orphan must be for that | `30d` |
//! | `ORPHAN_IDLE` | `orphanIdle` | for how long it must not have been invoked | `30d` |
//! | `METRICS` | | whether figures are written for CloudWatch, which charges for each | `true` |
//! | | `rules` | the rules to judge by | all |
//! | | `dryRun` | tell what would be done, and do nothing | `false` |
//! | `REPORT_BUCKET` | | the bucket that reports are kept in | none |
//! | `DIGEST_TOPIC` | | the ARN of the SNS topic that is told of changes | none |
//! | `EVENT_BUS` | | the name or ARN of the event bus that findings are put on | none |
//!
//! An invocation that judges otherwise (`rules`, `idleDays`, `endOfLifeDays`, `quotaShare`, `costTags`) gives
//! its result and its log, and delivers nothing: its report cannot be compared with the others. With `rules` it
//! asks AWS only for what these rest on.
//!
//! What the functions of a deployment share is in [`function::settings`].

use std::collections::BTreeSet;

use profile::{
    fault::{self, Fault, Faults, quoted},
    period::Period,
    suggest::did_you_mean,
};
use rules::{inventory::Source, judge, plan::ActionSettings, rule::Rule, thresholds::Thresholds};
use serde_json::Value;

/// The bucket that reports are kept in.
pub const REPORT_BUCKET: &str = "REPORT_BUCKET";
/// The ARN of the SNS topic that is told of changes.
pub const DIGEST_TOPIC: &str = "DIGEST_TOPIC";
/// The name or ARN of the event bus that findings are put on.
pub const EVENT_BUS: &str = "EVENT_BUS";

/// How many days CloudWatch keeps the figures by the day ("Metrics retention").
const LONGEST: u16 = 455;

/// More than the name of a Region has (AWS's APIs take 20 characters).
const LONGEST_REGION: usize = 32;

/// What a sweep is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What the functions share: the prefix and the tag policy.
    pub shared: function::settings::Settings,
    /// The Regions to sweep; empty: the function's own.
    pub regions: Vec<String>,
    /// From when on rules speak.
    pub thresholds: Thresholds,
    /// Whether billing is asked which tags allocate cost.
    pub cost_tags: bool,
    /// Which actions are allowed.
    pub actions: ActionSettings,
    /// The rules to judge by.
    pub rules: BTreeSet<Rule>,
    /// Whether actions are only told.
    pub dry_run: bool,
    /// Whether figures are written for CloudWatch.
    pub metrics: bool,
    /// The bucket that reports are kept in.
    pub report_bucket: Option<String>,
    /// The topic that is told of changes.
    pub digest_topic: Option<String>,
    /// The bus that findings are put on.
    pub event_bus: Option<String>,
}

impl Default for Settings {
    /// What a deployment without any parameters has.
    fn default() -> Self {
        Self {
            shared: function::settings::Settings::default(),
            regions: Vec::new(),
            thresholds: Thresholds::default(),
            cost_tags: true,
            actions: ActionSettings {
                retire_drained: true,
                republish_parameters: false,
                delete_orphans: false,
                orphan_min_age: time::Duration::days(30),
                orphan_idle: time::Duration::days(30),
            },
            rules: Rule::ALL.into(),
            dry_run: false,
            metrics: true,
            report_bucket: None,
            digest_topic: None,
            event_bus: None,
        }
    }
}

/// One setting: its name in the environment and its name in an invocation, as far as it has one there, and
/// what a value of it does. Lists come with commas between their members.
struct Setting {
    variable: Option<&'static str>,
    field: Option<&'static str>,
    set: fn(&mut Settings, &str, &str) -> Result<(), Fault>,
}

const SETTINGS: [Setting; 13] = [
    Setting {
        variable: Some("REGIONS"),
        field: Some("regions"),
        set: |settings, path, text| {
            settings.regions = list(text).map(|name| region(path, name)).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Setting {
        variable: Some("IDLE_DAYS"),
        field: Some("idleDays"),
        set: |settings, path, text| {
            settings.thresholds.idle_days = number(path, text, 1..=LONGEST)?;
            Ok(())
        },
    },
    Setting {
        variable: Some("END_OF_LIFE_DAYS"),
        field: Some("endOfLifeDays"),
        set: |settings, path, text| {
            settings.thresholds.end_of_life_days = number(path, text, 0..=3650)?;
            Ok(())
        },
    },
    Setting {
        variable: Some("QUOTA_SHARE"),
        field: Some("quotaShare"),
        set: |settings, path, text| {
            settings.thresholds.quota_share = u8::try_from(number(path, text, 1..=100)?).unwrap_or(100);
            Ok(())
        },
    },
    Setting {
        variable: Some("COST_TAGS"),
        field: Some("costTags"),
        set: |settings, path, text| {
            settings.cost_tags = boolean(path, text)?;
            Ok(())
        },
    },
    Setting {
        variable: Some("RETIRE_DRAINED"),
        field: Some("retireDrained"),
        set: |settings, path, text| {
            settings.actions.retire_drained = boolean(path, text)?;
            Ok(())
        },
    },
    Setting {
        variable: Some("REPUBLISH_PARAMETERS"),
        field: Some("republishParameters"),
        set: |settings, path, text| {
            settings.actions.republish_parameters = boolean(path, text)?;
            Ok(())
        },
    },
    Setting {
        variable: Some("DELETE_ORPHANS"),
        field: Some("deleteOrphans"),
        set: |settings, path, text| {
            settings.actions.delete_orphans = boolean(path, text)?;
            Ok(())
        },
    },
    Setting {
        variable: Some("ORPHAN_MIN_AGE"),
        field: Some("orphanMinAge"),
        set: |settings, path, text| {
            settings.actions.orphan_min_age = Period::parse(path, text)?.as_duration();
            Ok(())
        },
    },
    Setting {
        variable: Some("ORPHAN_IDLE"),
        field: Some("orphanIdle"),
        set: |settings, path, text| {
            settings.actions.orphan_idle = Period::parse(path, text)?.as_duration();
            Ok(())
        },
    },
    Setting {
        variable: Some("METRICS"),
        field: None,
        set: |settings, path, text| {
            settings.metrics = boolean(path, text)?;
            Ok(())
        },
    },
    Setting {
        variable: None,
        field: Some("rules"),
        set: |settings, path, text| {
            settings.rules = list(text).map(|id| rule(path, id)).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Setting {
        variable: None,
        field: Some("dryRun"),
        set: |settings, path, text| {
            settings.dry_run = boolean(path, text)?;
            Ok(())
        },
    },
];

impl Settings {
    /// Reads them from `get`, which looks a variable up. What the tag policy says is judged later, because
    /// it may lie in a parameter.
    ///
    /// # Errors
    ///
    /// Every variable that is wrong.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let text = |name: &str| get(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut faults = Faults::none();
        let mut settings = Self {
            shared: faults.keep(function::settings::Settings::read(&get)).unwrap_or_default(),
            report_bucket: text(REPORT_BUCKET),
            digest_topic: text(DIGEST_TOPIC),
            event_bus: text(EVENT_BUS),
            ..Self::default()
        };
        for setting in &SETTINGS {
            let Some(variable) = setting.variable else { continue };
            if let Some(value) = text(variable) {
                faults.keep((setting.set)(&mut settings, variable, &value));
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// What an invocation with `payload` is to do. An event of EventBridge, and no payload at all, override
    /// nothing; another payload is an object of settings, and one that is not known is a fault.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the payload.
    pub fn overridden(&self, payload: &Value) -> Result<Self, Faults> {
        let given = match payload {
            Value::Null => return Ok(self.clone()),
            Value::Object(event) if event.contains_key("detail-type") => return Ok(self.clone()),
            Value::Object(given) => given,
            other => {
                let example = "Send an object, such as {\"dryRun\": true}, or nothing";
                let problem = format!("it is {}, not an object", kind(other));
                return Err(Fault::new("the payload", problem, example).into());
            }
        };
        let mut settings = self.clone();
        let mut faults = Faults::none();
        for (field, value) in given {
            match SETTINGS.iter().find(|setting| setting.field == Some(field)) {
                Some(setting) => {
                    let set = |text: String| (setting.set)(&mut settings, field, &text);
                    faults.keep(plain(field, value).and_then(set));
                }
                None => faults.push_with(|| unknown(field)),
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// The sources that a sweep by these settings asks: those that its rules rest on, and all of them where something
    /// may be done about what is found.
    pub fn sources(&self) -> BTreeSet<Source> {
        if self.actions.act_on(&self.rules) { Source::ALL.into() } else { judge::sources(&self.rules) }
    }

    /// Whether these settings judge by the same rules as those that are `deployed`. Only then a report can be
    /// compared with the one before, and take its place.
    pub fn judges_as(&self, deployed: &Self) -> bool {
        self.rules == deployed.rules
            && self.thresholds == deployed.thresholds
            && self.cost_tags == deployed.cost_tags
    }
}

/// A value of an invocation as the text that a variable would hold.
fn plain(field: &str, value: &Value) -> Result<String, Fault> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let text = match value {
        Value::Array(members) => {
            members.iter().map(scalar).collect::<Option<Vec<_>>>().map(|all| all.join(","))
        }
        value => scalar(value),
    };
    text.ok_or_else(|| {
        let problem = match value {
            Value::Array(_) => "it is a list that holds more than single values".to_owned(),
            value => format!("it is {}", kind(value)),
        };
        Fault::new(field, problem, "Write one value, or a list of them")
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn unknown(field: &str) -> Fault {
    let known: Vec<&str> = SETTINGS.iter().filter_map(|setting| setting.field).collect();
    let remedy = did_you_mean(field, known.iter().copied())
        .unwrap_or_else(|| format!("The settings are {}", known.join(", ")));
    Fault::new(fault::key(field), "there is no such setting", remedy)
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|member| !member.is_empty())
}

fn region(path: &str, name: &str) -> Result<String, Fault> {
    let parts: Vec<&str> = name.split('-').collect();
    let word =
        |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if parts.len() >= 3 && parts.iter().all(word) && name.len() <= LONGEST_REGION {
        return Ok(name.to_owned());
    }
    Err(Fault::new(path, format!("{} is no Region", quoted(name)), "Write names such as us-east-1"))
}

fn rule(path: &str, id: &str) -> Result<Rule, Fault> {
    id.parse().map_err(|()| {
        let ids = Rule::ALL.map(Rule::as_str);
        let remedy = did_you_mean(id, ids).unwrap_or_else(|| format!("The rules are {}", ids.join(", ")));
        Fault::new(path, format!("there is no rule {}", quoted(id)), remedy)
    })
}

fn number(path: &str, text: &str, within: std::ops::RangeInclusive<u16>) -> Result<u16, Fault> {
    text.parse().ok().filter(|number| within.contains(number)).ok_or_else(|| {
        let remedy = format!("Write a whole number from {} to {}", within.start(), within.end());
        Fault::new(path, format!("it is {}", quoted(text)), remedy)
    })
}

fn boolean(path: &str, text: &str) -> Result<bool, Fault> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::new(path, format!("it is {}", quoted(text)), "Write true or false")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Faults> {
        Settings::read(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn refused(payload: Value) -> Vec<String> {
        Settings::default().overridden(&payload).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_environment_gives_the_defaults_that_the_template_has() {
        assert_eq!(read(&[]), Ok(Settings::default()));
        assert_eq!(read(&[("REGIONS", ""), ("IDLE_DAYS", "  ")]), Ok(Settings::default()));
    }

    #[test]
    fn every_variable_is_read() {
        let settings = read(&[
            ("REGIONS", "us-east-1, eu-west-1"),
            ("IDLE_DAYS", "14"),
            ("END_OF_LIFE_DAYS", "30"),
            ("QUOTA_SHARE", "95"),
            ("COST_TAGS", "false"),
            ("METRICS", "false"),
            ("RETIRE_DRAINED", "false"),
            ("REPUBLISH_PARAMETERS", "TRUE"),
            ("DELETE_ORPHANS", "true"),
            ("ORPHAN_MIN_AGE", "7d"),
            ("ORPHAN_IDLE", "2w"),
            ("PARAMETER_PREFIX", "/ai"),
            ("REPORT_BUCKET", "reports"),
            ("DIGEST_TOPIC", "arn:topic"),
            ("EVENT_BUS", "bus"),
        ])
        .unwrap();
        let expected = Settings {
            shared: settings.shared.clone(),
            regions: vec!["us-east-1".into(), "eu-west-1".into()],
            thresholds: Thresholds { idle_days: 14, end_of_life_days: 30, quota_share: 95 },
            cost_tags: false,
            metrics: false,
            actions: ActionSettings {
                retire_drained: false,
                republish_parameters: true,
                delete_orphans: true,
                orphan_min_age: time::Duration::days(7),
                orphan_idle: time::Duration::days(14),
            },
            report_bucket: Some("reports".into()),
            digest_topic: Some("arn:topic".into()),
            event_bus: Some("bus".into()),
            ..Settings::default()
        };
        assert_eq!(settings, expected);
        assert_eq!(settings.shared.prefix.as_str(), "/ai");
    }

    #[test]
    fn every_wrong_variable_is_told_at_once() {
        let faults = read(&[
            ("REGIONS", "us-east-1,virginia"),
            ("IDLE_DAYS", "0"),
            ("QUOTA_SHARE", "101"),
            ("DELETE_ORPHANS", "perhaps"),
            ("ORPHAN_IDLE", "a while"),
        ])
        .unwrap_err();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5);
        assert_eq!(told[0], "REGIONS: «virginia» is no Region. Write names such as us-east-1.");
        assert_eq!(told[1], "IDLE_DAYS: it is «0». Write a whole number from 1 to 455.");
        assert_eq!(told[3], "DELETE_ORPHANS: it is «perhaps». Write true or false.");
    }

    #[test]
    fn an_invocation_by_hand_overrides_what_it_names() {
        let settings = Settings::default()
            .overridden(&json!({
                "dryRun": true, "rules": ["untagged", "idle"], "regions": "eu-west-1", "idleDays": 7,
                "deleteOrphans": "true",
            }))
            .unwrap();
        assert!(settings.dry_run && settings.actions.delete_orphans && settings.actions.retire_drained);
        assert_eq!(settings.rules, [Rule::Untagged, Rule::Idle].into());
        assert_eq!((settings.regions, settings.thresholds.idle_days), (vec!["eu-west-1".into()], 7));
    }

    #[test]
    fn an_event_of_a_schedule_overrides_nothing() {
        for payload in [
            Value::Null,
            json!({}),
            json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}),
        ] {
            assert_eq!(Settings::default().overridden(&payload), Ok(Settings::default()), "{payload}");
        }
    }

    #[test]
    fn what_an_invocation_gets_wrong_is_told_with_what_would_be_right() {
        assert_eq!(
            refused(json!({"dryrun": true})),
            ["dryrun: there is no such setting. Perhaps you mean dryRun."]
        );
        assert_eq!(
            refused(json!({"rules": ["untaged"], "dryRun": {}})),
            [
                "dryRun: it is an object. Write one value, or a list of them.",
                "rules: there is no rule «untaged». Perhaps you mean untagged.",
            ]
        );
        assert_eq!(
            refused(json!({"rules": [["idle"]]})),
            ["rules: it is a list that holds more than single values. Write one value, or a list of them."]
        );
        assert_eq!(refused(json!({"regions": "a-b-".repeat(40) + "1"})).len(), 1);
        assert_eq!(refused(json!("now")).len(), 1);
        assert_eq!(refused(json!([])).len(), 1);
    }
}
