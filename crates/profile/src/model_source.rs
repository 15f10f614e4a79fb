//! What a profile is copied from: what the template says, what to ask AWS about it, and the judgement
//! of what AWS answers.
//!
//! ```text
//! text -> CopyFrom -> (a model or a system profile, as AWS shows it) -> Source
//!                                                                   \-> Rejection -> Fault
//! ```
//!
//! A good source needs one look-up, or two side by side for a system profile and the model behind it.
//! Only a [`Rejection`] needs the whole [`Catalogue`] of the Region, to say what would be right.
//!
//! Sources: `CreateInferenceProfile` (Bedrock API Reference), "Supported Regions and models for
//! inference profiles" and "Model lifecycle" (Bedrock User Guide).

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::{
    arn::{Arn, Location},
    fault::{Fault, quoted},
    record::{FoundationModel, SystemProfile},
    suggest::{alternatives, nearest, ranked},
};

/// The longest `copyFrom` that the API takes.
const LONGEST: usize = 2_048;

/// How many names a remedy gives.
const NAMED: usize = 3;

/// What the ids of system profiles are known to begin with. AWS adds to them, so an id that begins
/// otherwise may be a system profile's all the same: see [`CopyFrom::alternative`].
const GEOGRAPHIES: [&str; 15] =
    ["us", "eu", "apac", "ap", "jp", "au", "ca", "sa", "in", "uk", "me", "il", "af", "us-gov", "global"];

const LIST_ALL: &str = "What this Region has is listed by aws bedrock list-foundation-models and \
                        aws bedrock list-inference-profiles --type-equals SYSTEM_DEFINED";

/// What the template names, and so what to ask AWS for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFrom {
    /// A foundation model of the Region.
    Model {
        /// `amazon.nova-lite-v1:0`
        id: String,
        /// Whether an ARN said that it is one; otherwise it is a guess by the id's form.
        certain: bool,
    },
    /// A system-defined (cross-Region) inference profile.
    SystemProfile {
        /// `us.amazon.nova-lite-v1:0`
        id: String,
        /// Whether an ARN said that it is one; otherwise it is a guess by the id's form.
        certain: bool,
    },
}

impl CopyFrom {
    /// Reads the value of the property at `path`: the ARN of a foundation model or of a system profile
    /// (with this account's id or without any), a model id, or a system profile id.
    pub fn parse(path: &str, text: &str, here: &Location) -> Result<Self, Fault> {
        let length = text.chars().count();
        if text.trim().is_empty() {
            return Err(Fault::new(path, "it is empty", "Write a model or system profile, as ARN or id"));
        }
        if length > LONGEST {
            let problem = format!("{} has {length} characters", quoted(text));
            return Err(Fault::new(path, problem, format!("Write at most {LONGEST}")));
        }
        if text.contains(char::is_whitespace) {
            let closed: String = text.split_whitespace().collect();
            let problem = format!("{} contains white space", quoted(text));
            let remedy = match is_proposal(&closed, here) {
                true => format!("Write {closed}"),
                false => "Write it without".to_owned(),
            };
            return Err(Fault::new(path, problem, remedy));
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"._:/-".contains(*c)) {
            let problem = format!("{} contains {}", quoted(text), quoted(&bad.to_string()));
            return Err(Fault::new(path, problem, "Use letters, digits and . _ : - (and / in an ARN) only"));
        }
        if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("arn:")) {
            return Self::from_arn(path, text, here);
        }
        if text.contains('/') {
            let id = text.rsplit('/').next().unwrap_or_default();
            let problem = format!("{} is neither an ARN nor an id", quoted(text));
            let remedy = match is_proposal(id, here) {
                true => format!("Write the whole ARN, or the id alone: {id}"),
                false => "Write the whole ARN, or the id alone".to_owned(),
            };
            return Err(Fault::new(path, problem, remedy));
        }
        if is_application_profile_id(text) {
            return Err(application_profile(path, text));
        }
        let id = text.to_owned();
        let geography = text.split_once('.').map(|(first, _)| first);
        if geography.is_some_and(|first| GEOGRAPHIES.contains(&first)) {
            Ok(Self::SystemProfile { id, certain: false })
        } else {
            Ok(Self::Model { id, certain: false })
        }
    }

    fn from_arn(path: &str, text: &str, here: &Location) -> Result<Self, Fault> {
        let fault = |problem: &str, remedy: String| {
            Err(Fault::new(path, format!("{} {problem}", quoted(text)), remedy))
        };
        let model_here = || here.foundation_model("<model id>");
        let arn = Arn::parse(text);
        if let Some(arn) = arn.filter(|arn| arn.service != "bedrock") {
            let problem = format!("is an ARN of {}, not of bedrock", quoted(arn.service));
            return fault(&problem, format!("Write {}, or the id alone", model_here()));
        }
        let parsed = arn.and_then(|arn| Some((arn, arn.resource.split_once('/')?)));
        let Some((arn, (kind, id))) = parsed.filter(|(_, (_, id))| !id.is_empty()) else {
            return fault("is not a complete ARN", format!("Write {}, or the id alone", model_here()));
        };
        let copied = "Name the foundation model or the system profile that it comes from";
        let right = match kind {
            "foundation-model" => here.foundation_model(id),
            "inference-profile" => system_profile_arn(here, id),
            "application-inference-profile" => return Err(application_profile(path, text)),
            "provisioned-model" => {
                return fault("is provisioned throughput, which no profile routes to", copied.to_owned());
            }
            "custom-model" | "custom-model-deployment" => {
                return fault("is a custom model, which no profile routes to", copied.to_owned());
            }
            "imported-model" => {
                return fault("is an imported model, which no profile routes to", copied.to_owned());
            }
            "prompt-router" | "default-prompt-router" => {
                return fault(
                    "is a prompt router, which is no model",
                    "Name a foundation model or a system profile".to_owned(),
                );
            }
            _ => {
                let problem = format!("names a {}, which is no model", quoted(kind));
                return fault(&problem, format!("Write {}, or the id alone", model_here()));
            }
        };
        let remedy = || {
            let right = if is_proposal(&right, here) { right.clone() } else { model_here() };
            format!("Write {right}, or the id alone")
        };
        if arn.partition != here.partition {
            let problem = format!(
                "lies in the partition {}, and the stack in {}",
                quoted(arn.partition),
                here.partition
            );
            return fault(&problem, remedy());
        }
        if arn.region.is_empty() {
            return fault("names no Region", remedy());
        }
        if arn.region != here.region {
            let problem =
                format!("lies in the Region {}, and the stack in {}", quoted(arn.region), here.region);
            return fault(&problem, remedy());
        }
        if !arn.account.is_empty() && arn.account != here.account {
            let problem =
                format!("names the account {}, and the stack lies in {}", quoted(arn.account), here.account);
            return fault(&problem, remedy());
        }
        if is_application_profile_id(id) {
            return Err(application_profile(path, text));
        }
        let id = id.to_owned();
        Ok(match kind {
            "foundation-model" => Self::Model { id, certain: true },
            _ => Self::SystemProfile { id, certain: true },
        })
    }

    /// The id to ask AWS for.
    pub fn id(&self) -> &str {
        match self {
            Self::Model { id, .. } | Self::SystemProfile { id, .. } => id,
        }
    }

    /// The other kind of thing that this may name, to be asked for when the first does not exist: what
    /// was taken for a provider's name may be a geography that is new, and the other way round. `None`
    /// where an ARN left no doubt, or where the id is too short to have a geography.
    pub fn alternative(&self) -> Option<Self> {
        match self {
            Self::Model { id, certain: false } => {
                model_id_behind(id)?;
                Some(Self::SystemProfile { id: id.clone(), certain: false })
            }
            Self::SystemProfile { id, certain: false } => {
                Some(Self::Model { id: id.clone(), certain: false })
            }
            _ => None,
        }
    }
}

/// A source that a profile can be copied from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its ARN as AWS gives it: what `copyFrom` is to hold.
    pub arn: String,
    /// Its id.
    pub id: String,
    /// The ARN of every model that a profile copied from it may route to.
    pub models: Vec<String>,
    /// Whether it is a system profile.
    pub system_profile: bool,
    /// What its user should know, each a sentence without its full stop.
    pub warnings: Vec<String>,
}

/// Everything that a profile of this Region could be copied from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// All foundation models of the Region.
    pub models: Vec<FoundationModel>,
    /// All system profiles of the Region.
    pub system_profiles: Vec<SystemProfile>,
}

/// Why a source will not do. [`Rejection::fault`] says it to a person, with what would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// AWS knows neither it nor its [`CopyFrom::alternative`].
    Unknown {
        /// What was asked for.
        wanted: CopyFrom,
    },
    /// A model that is reached through system profiles only.
    NotOnDemand {
        /// The model.
        model_id: String,
    },
    /// Calls of the model fail already.
    EndOfLife {
        /// The model.
        model_id: String,
        /// The system profile by which it was named, if any.
        system_profile_id: Option<String>,
        /// Since when.
        since: OffsetDateTime,
    },
}

/// Judges a foundation model as a source at the instant `now`.
pub fn judge_model(model: &FoundationModel, now: OffsetDateTime) -> Result<Source, Rejection> {
    if let Some(since) = ended(model, now) {
        return Err(Rejection::EndOfLife { model_id: model.id.clone(), system_profile_id: None, since });
    }
    if !model.on_demand {
        return Err(Rejection::NotOnDemand { model_id: model.id.clone() });
    }
    Ok(Source {
        arn: model.arn.clone(),
        id: model.id.clone(),
        models: vec![model.arn.clone()],
        system_profile: false,
        warnings: legacy_warning(model).into_iter().collect(),
    })
}

/// Judges a system profile as a source at the instant `now`. `model` is the model behind it, for its
/// life cycle; `None` when this Region does not have that model, which is no fault: the profile may
/// route to other Regions only.
pub fn judge_system(
    profile: &SystemProfile,
    model: Option<&FoundationModel>,
    now: OffsetDateTime,
) -> Result<Source, Rejection> {
    if let Some((model, since)) = model.and_then(|model| Some((model, ended(model, now)?))) {
        let system_profile_id = Some(profile.id.clone());
        return Err(Rejection::EndOfLife { model_id: model.id.clone(), system_profile_id, since });
    }
    Ok(Source {
        arn: profile.arn.clone(),
        id: profile.id.clone(),
        models: profile.models.clone(),
        system_profile: true,
        warnings: model.and_then(legacy_warning).into_iter().collect(),
    })
}

/// The id of the model behind a system profile, by the profile's id alone: what follows the
/// geography. `None` when the id is too short to have one.
pub fn model_id_behind(system_profile_id: &str) -> Option<&str> {
    let (_, model_id) = system_profile_id.split_once('.')?;
    model_id.contains('.').then_some(model_id)
}

/// The ids of the models that a system profile routes to, each once, in the API's order.
pub fn models_behind(profile: &SystemProfile) -> Vec<&str> {
    let mut ids = Vec::new();
    for arn in &profile.models {
        let id = Arn::parse(arn).and_then(|arn| arn.bedrock_id("foundation-model"));
        ids.extend(id.filter(|id| !ids.contains(id)));
    }
    ids
}

/// Whether two lists of model ARNs name the same models, whatever their order.
pub fn same_models(a: &[String], b: &[String]) -> bool {
    BTreeSet::from_iter(a) == BTreeSet::from_iter(b)
}

impl Rejection {
    /// The fault of the property at `path`. `catalogue` may be empty if it cannot be had: the remedy
    /// then says where to look.
    pub fn fault(&self, path: &str, catalogue: &Catalogue, now: OffsetDateTime) -> Fault {
        let offers = catalogue.offers(now);
        match self {
            Self::Unknown { wanted } => unknown(path, wanted, &offers),
            Self::NotOnDemand { model_id } => {
                let through = by_geography(&offers, model_id, None);
                let problem = format!("{} cannot be invoked on demand by itself", quoted(model_id));
                let remedy = if through.is_empty() {
                    let others = offers.iter().map(|offer| offer.id).filter(|id| *id != model_id.as_str());
                    match nearest(model_id, others, NAMED) {
                        near if near.is_empty() => {
                            format!("No system profile of this Region routes to it either. {LIST_ALL}")
                        }
                        near => format!(
                            "No system profile of this Region routes to it either; write {}",
                            alternatives(&near)
                        ),
                    }
                } else {
                    format!("Write a system profile that routes to it: {}", alternatives(&through))
                };
                Fault::new(path, problem, remedy)
            }
            Self::EndOfLife { model_id, system_profile_id, since } => {
                let problem = match system_profile_id {
                    None => format!("{} reached its end of life on {}", quoted(model_id), since.date()),
                    Some(profile) => format!(
                        "{} routes to {model_id}, which reached its end of life on {}",
                        quoted(profile),
                        since.date()
                    ),
                };
                let geography = system_profile_id.as_deref().map(geography);
                let successors = successors(&offers, model_id, geography);
                let remedy = if successors.is_empty() {
                    LIST_ALL.to_owned()
                } else {
                    format!("Write a model that lives on, such as {}", alternatives(&successors))
                };
                Fault::new(path, problem, remedy)
            }
        }
    }
}

/// Something that a profile can be copied from: its id, and the model that it comes to.
struct Offer<'a> {
    id: &'a str,
    model_id: &'a str,
    /// That of a system profile; `None` for a model.
    geography: Option<&'a str>,
    legacy: bool,
}

impl Catalogue {
    /// What may follow the model `model_id`: up to three ids of models or system profiles of the same
    /// provider that live on and are not legacy, the nearest name first; those in the geography of
    /// `system_profile_id` where a profile was copied from one.
    pub fn successors(
        &self,
        model_id: &str,
        system_profile_id: Option<&str>,
        now: OffsetDateTime,
    ) -> Vec<String> {
        let offers = self.offers(now);
        let ids = successors(&offers, model_id, system_profile_id.map(geography));
        ids.into_iter().map(str::to_owned).collect()
    }

    /// All that a template may name in this Region: what has reached its end of life, and models that
    /// cannot be invoked on demand, are not among it.
    fn offers(&self, now: OffsetDateTime) -> Vec<Offer<'_>> {
        let known = |id: &str| self.models.iter().find(|model| model.id == id);
        let models =
            self.models.iter().filter(|model| model.on_demand && ended(model, now).is_none()).map(|model| {
                Offer { id: &model.id, model_id: &model.id, geography: None, legacy: model.lifecycle.legacy }
            });
        let system_profiles = self.system_profiles.iter().filter_map(|profile| {
            let model_id =
                models_behind(profile).first().copied().or_else(|| model_id_behind(&profile.id))?;
            let model = known(model_id);
            let lives = model.is_none_or(|model| ended(model, now).is_none());
            let legacy = model.is_some_and(|model| model.lifecycle.legacy);
            lives.then(|| Offer {
                id: &profile.id,
                model_id,
                geography: Some(geography(&profile.id)),
                legacy,
            })
        });
        models.chain(system_profiles).collect()
    }
}

/// The fault of a source that does not exist: first what this Region has for the same model, as when
/// a system profile of another geography was named, and else the nearest names.
fn unknown(path: &str, wanted: &CopyFrom, offers: &[Offer<'_>]) -> Fault {
    let id = wanted.id();
    let behind = model_id_behind(id).filter(|_| !matches!(wanted, CopyFrom::Model { certain: true, .. }));
    let preferred = match wanted {
        CopyFrom::SystemProfile { .. } => Some(geography(id)),
        CopyFrom::Model { .. } => None,
    };
    let same = [Some(id), behind]
        .into_iter()
        .flatten()
        .map(|model_id| by_geography(offers, model_id, preferred))
        .find(|same| !same.is_empty());
    if let Some(same) = same {
        let what = if matches!(wanted, CopyFrom::Model { .. }) { "model" } else { "system profile" };
        let problem = format!("there is no {what} {} in this Region", quoted(id));
        return Fault::new(
            path,
            problem,
            format!("For the same model this Region has {}", alternatives(&same)),
        );
    }
    let problem = format!("there is no model or system profile {} in this Region", quoted(id));
    let ids = || offers.iter().map(|offer| offer.id);
    let mut near = nearest(id, ids(), NAMED);
    if near.is_empty() {
        near = behind.map(|model_id| nearest(model_id, ids(), NAMED)).unwrap_or_default();
    }
    let remedy = match near.is_empty() {
        true => LIST_ALL.to_owned(),
        false => format!("Perhaps you mean {}", alternatives(&near)),
    };
    Fault::new(path, problem, remedy)
}

/// The ids that come to `model_id`, at most [`NAMED`]: those of the geography `preferred` first, then
/// those of the same kind, the widest geography last, because data may travel farthest with it.
fn by_geography<'a>(offers: &[Offer<'a>], model_id: &str, preferred: Option<&str>) -> Vec<&'a str> {
    let mut same: Vec<&Offer<'a>> = offers.iter().filter(|offer| offer.model_id == model_id).collect();
    same.sort_by_key(|offer| {
        let other_geography = offer.geography != preferred;
        let other_kind = offer.geography.is_some() != preferred.is_some();
        (other_kind, other_geography, offer.geography == Some("global"), offer.id)
    });
    let mut ids: Vec<&str> = same.into_iter().map(|offer| offer.id).collect();
    ids.dedup();
    ids.truncate(NAMED);
    ids
}

/// What may follow a model: of the same provider, not legacy, the nearest name first. For each model
/// one id, in the geography of what it follows where there is one.
fn successors<'a>(offers: &[Offer<'a>], model_id: &str, geography: Option<&str>) -> Vec<&'a str> {
    let provider = provider(model_id);
    let candidates = offers
        .iter()
        .filter(|offer| !offer.legacy && offer.model_id != model_id)
        .filter(|offer| self::provider(offer.model_id) == provider)
        .map(|offer| offer.model_id);
    ranked(model_id, candidates)
        .into_iter()
        .filter_map(|model_id| by_geography(offers, model_id, geography).first().copied())
        .take(NAMED)
        .collect()
}

/// What a system profile's id begins with.
fn geography(system_profile_id: &str) -> &str {
    system_profile_id.split('.').next().unwrap_or_default()
}

fn provider(model_id: &str) -> &str {
    model_id.split('.').next().unwrap_or_default()
}

/// Since when calls of the model fail, if they do at `now`.
fn ended(model: &FoundationModel, now: OffsetDateTime) -> Option<OffsetDateTime> {
    model.lifecycle.end_of_life.filter(|end| *end <= now)
}

fn legacy_warning(model: &FoundationModel) -> Option<String> {
    model.lifecycle.legacy.then(|| match model.lifecycle.end_of_life {
        Some(end) => format!(
            "The model {} is legacy: calls fail from its end of life on {}, so plan its replacement",
            model.id,
            end.date()
        ),
        None => format!("The model {} is legacy and has no end of life yet: plan its replacement", model.id),
    })
}

/// Whether `id` is of the form that application inference profiles have.
fn is_application_profile_id(id: &str) -> bool {
    id.len() == 12
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && id.bytes().any(|b| b.is_ascii_digit())
}

fn application_profile(path: &str, text: &str) -> Fault {
    Fault::new(
        path,
        format!("{} is an application inference profile, which cannot be copied", quoted(text)),
        "Name the foundation model or the system profile that it was copied from; \
         to take over that very profile, name it in ExistingProfile",
    )
}

fn system_profile_arn(here: &Location, id: &str) -> String {
    format!("arn:{}:bedrock:{}:{}:inference-profile/{id}", here.partition, here.region, here.account)
}

/// Whether `text`, made of what a template says, is itself right, and short enough to be read.
fn is_proposal(text: &str, here: &Location) -> bool {
    text.len() <= 200 && CopyFrom::parse("", text, here).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::Duration;

    use super::*;
    use crate::record::Lifecycle;

    const PATH: &str = "ModelSource.CopyFrom";
    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const LITE: &str = "amazon.nova-lite-v1:0";

    fn here() -> Location {
        Location { partition: "aws".into(), region: "us-east-1".into(), account: "123456789012".into() }
    }

    fn parse(text: &str) -> Result<CopyFrom, Fault> {
        CopyFrom::parse(PATH, text, &here())
    }

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    fn model(id: &str) -> FoundationModel {
        FoundationModel {
            id: id.into(),
            arn: here().foundation_model(id),
            on_demand: true,
            lifecycle: Lifecycle::default(),
        }
    }

    fn ended_model(id: &str) -> FoundationModel {
        FoundationModel { lifecycle: Lifecycle { legacy: true, end_of_life: Some(NOW) }, ..model(id) }
    }

    fn not_on_demand(id: &str) -> FoundationModel {
        FoundationModel { on_demand: false, ..model(id) }
    }

    fn system_profile(id: &str) -> SystemProfile {
        let model_id = model_id_behind(id).unwrap();
        SystemProfile {
            id: id.into(),
            arn: system_profile_arn(&here(), id),
            models: vec![
                format!("arn:aws:bedrock:us-west-2::foundation-model/{model_id}"),
                format!("arn:aws:bedrock:us-east-1::foundation-model/{model_id}"),
            ],
        }
    }

    /// What us-east-1 has in these tests.
    fn catalogue() -> Catalogue {
        Catalogue {
            models: vec![
                model(LITE),
                model("amazon.nova-pro-v1:0"),
                ended_model("amazon.titan-text-lite-v1"),
                not_on_demand("anthropic.claude-sonnet-4-20250514-v1:0"),
                ended_model("anthropic.claude-3-sonnet-20240229-v1:0"),
                not_on_demand("anthropic.claude-lonely-v1:0"),
            ],
            system_profiles: vec![
                system_profile("global.anthropic.claude-sonnet-4-20250514-v1:0"),
                system_profile("us.anthropic.claude-sonnet-4-20250514-v1:0"),
                system_profile("us.anthropic.claude-3-sonnet-20240229-v1:0"),
                system_profile("us.amazon.nova-lite-v1:0"),
            ],
        }
    }

    fn said(rejection: Rejection) -> String {
        rejection.fault(PATH, &catalogue(), NOW).to_string()
    }

    fn unknown(text: &str) -> String {
        said(Rejection::Unknown { wanted: parse(text).unwrap() })
    }

    #[test]
    fn a_model_and_a_system_profile_are_named_by_arn_or_id() {
        let (certain, id) = (true, "us.amazon.nova-lite-v1:0".to_owned());
        assert_eq!(
            parse("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"),
            Ok(CopyFrom::Model { id: LITE.into(), certain })
        );
        for account in ["", "123456789012"] {
            let arn = format!("arn:aws:bedrock:us-east-1:{account}:inference-profile/{id}");
            assert_eq!(parse(&arn), Ok(CopyFrom::SystemProfile { id: id.clone(), certain }));
        }
        assert_eq!(parse(LITE), Ok(CopyFrom::Model { id: LITE.into(), certain: false }));
        for geography in GEOGRAPHIES {
            let id = format!("{geography}.{LITE}");
            assert_eq!(parse(&id), Ok(CopyFrom::SystemProfile { id, certain: false }));
        }
    }

    #[test]
    fn a_bare_id_may_also_be_the_other_kind() {
        let other = |text: &str| parse(text).unwrap().alternative();
        let mexican = format!("mx.{LITE}");
        assert_eq!(other(&mexican), Some(CopyFrom::SystemProfile { id: mexican, certain: false }));
        let swiss = "me.model-v1".to_owned();
        assert_eq!(other(&swiss), Some(CopyFrom::Model { id: swiss, certain: false }));
        assert_eq!(other(LITE), None);
        assert_eq!(other("arn:aws:bedrock:us-east-1::foundation-model/mx.amazon.nova-lite-v1:0"), None);
    }

    #[test]
    fn an_arn_of_elsewhere_is_answered_with_the_one_of_here() {
        let model_here =
            "Write arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0, or the id alone.";
        for (arn, problem) in [
            (
                "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
                "lies in the Region «eu-west-1»",
            ),
            ("arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0", "names no Region"),
            (
                "arn:aws-cn:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                "lies in the partition «aws-cn»",
            ),
        ] {
            let fault = refused(arn);
            assert!(fault.contains(problem) && fault.ends_with(model_here), "{fault}");
        }
        let fault =
            refused("arn:aws:bedrock:us-east-1:210987654321:inference-profile/us.amazon.nova-lite-v1:0");
        assert!(fault.contains("names the account «210987654321»"), "{fault}");
        assert!(
            fault.contains(
                "Write arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
            ),
            "{fault}"
        );
    }

    #[test]
    fn what_is_no_source_is_told_apart() {
        for (text, problem) in [
            ("", "it is empty"),
            ("  ", "it is empty"),
            (" amazon.nova-lite-v1:0", "contains white space. Write amazon.nova-lite-v1:0."),
            ("amazon.nova;lite", "contains «;»"),
            (&"x".repeat(2_049), "has 2049 characters"),
            ("arn:aws:bedrock", "is not a complete ARN"),
            ("arn:aws:bedrock:us-east-1::foundation-model/", "is not a complete ARN"),
            ("arn:aws:s3:::bucket", "is an ARN of «s3», not of bedrock"),
            (
                "foundation-model/amazon.nova-lite-v1:0",
                "Write the whole ARN, or the id alone: amazon.nova-lite-v1:0",
            ),
            ("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc", "is provisioned throughput"),
            ("arn:aws:bedrock:us-east-1:123456789012:custom-model/a.b/c", "is a custom model"),
            ("arn:aws:bedrock:us-east-1:123456789012:imported-model/abc", "is an imported model"),
            ("arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/a:1", "is a prompt router"),
            (
                "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
                "names a «guardrail», which is no model",
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/0mbq3svia2re",
                "cannot be copied",
            ),
            ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/0mbq3svia2re", "cannot be copied"),
            ("0mbq3svia2re", "name it in ExistingProfile"),
        ] {
            let fault = refused(text);
            assert!(fault.starts_with("ModelSource.CopyFrom: ") && fault.contains(problem), "{fault}");
        }
    }

    #[test]
    fn only_what_is_a_source_is_proposed() {
        for (text, remedy) in [
            ("amazon.nova;lite v1", "Write it without."),
            ("a\u{1b}[31m b", "Write it without."),
            ("0mbq3 svia2re", "Write it without."),
            ("foundation-model/", "Write the whole ARN, or the id alone."),
            (&format!("foundation-model/{}", "x".repeat(300)), "Write the whole ARN, or the id alone."),
            (
                "arn:aws:bedrock:eu-west-1::foundation-model/0mbq3svia2re",
                "Write arn:aws:bedrock:us-east-1::foundation-model/<model id>, or the id alone.",
            ),
        ] {
            assert!(refused(text).ends_with(remedy), "{}", refused(text));
        }
    }

    #[test]
    fn a_live_model_and_a_system_profile_are_sources() {
        let arn = here().foundation_model(LITE);
        assert_eq!(
            judge_model(&model(LITE), NOW),
            Ok(Source {
                models: vec![arn.clone()],
                arn,
                id: LITE.into(),
                system_profile: false,
                warnings: vec![]
            })
        );
        let profile = system_profile("us.amazon.nova-lite-v1:0");
        let source = Source {
            arn: profile.arn.clone(),
            id: profile.id.clone(),
            models: profile.models.clone(),
            system_profile: true,
            warnings: vec![],
        };
        assert_eq!(judge_system(&profile, Some(&not_on_demand(LITE)), NOW), Ok(source.clone()));
        assert_eq!(judge_system(&profile, None, NOW), Ok(source));
    }

    #[test]
    fn a_legacy_model_is_a_source_with_a_warning() {
        let end_of_life = Some(NOW + Duration::days(30));
        let legacy = FoundationModel { lifecycle: Lifecycle { legacy: true, end_of_life }, ..model(LITE) };
        let warning = "The model amazon.nova-lite-v1:0 is legacy: calls fail from its end of life on 1970-01-31, \
                       so plan its replacement";
        assert_eq!(judge_model(&legacy, NOW).unwrap().warnings, [warning]);
        let profile = system_profile("us.amazon.nova-lite-v1:0");
        assert_eq!(judge_system(&profile, Some(&legacy), NOW).unwrap().warnings, [warning]);
    }

    #[test]
    fn a_model_ends_at_the_very_instant() {
        let ends = |end| FoundationModel {
            lifecycle: Lifecycle { legacy: true, end_of_life: Some(end) },
            ..model(LITE)
        };
        assert!(judge_model(&ends(NOW + Duration::SECOND), NOW).is_ok());
        assert!(judge_model(&ends(NOW), NOW).is_err());
        assert!(judge_system(&system_profile("us.amazon.nova-lite-v1:0"), Some(&ends(NOW)), NOW).is_err());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        assert_eq!(
            unknown("amazon.nova-lit-v1:0"),
            "ModelSource.CopyFrom: there is no model or system profile «amazon.nova-lit-v1:0» in this Region. \
             Perhaps you mean amazon.nova-lite-v1:0, us.amazon.nova-lite-v1:0 or amazon.nova-pro-v1:0."
        );
        assert!(unknown("claude-sonnet-4").contains(
            "us.anthropic.claude-sonnet-4-20250514-v1:0 or global.anthropic.claude-sonnet-4-20250514-v1:0."
        ));
        assert!(unknown("quite.another-thing").ends_with("--type-equals SYSTEM_DEFINED."));
    }

    #[test]
    fn a_system_profile_of_another_geography_is_answered_with_those_of_here() {
        assert_eq!(
            unknown("eu.anthropic.claude-sonnet-4-20250514-v1:0"),
            "ModelSource.CopyFrom: there is no system profile «eu.anthropic.claude-sonnet-4-20250514-v1:0» in this \
             Region. For the same model this Region has us.anthropic.claude-sonnet-4-20250514-v1:0 or \
             global.anthropic.claude-sonnet-4-20250514-v1:0."
        );
        let profile_before_model =
            "For the same model this Region has us.amazon.nova-lite-v1:0 or amazon.nova-lite-v1:0.";
        assert!(unknown("eu.amazon.nova-lite-v1:0").ends_with(profile_before_model));
    }

    #[test]
    fn a_model_without_on_demand_use_is_answered_with_the_profiles_that_route_to_it() {
        let claude = not_on_demand("anthropic.claude-sonnet-4-20250514-v1:0");
        assert_eq!(
            said(judge_model(&claude, NOW).unwrap_err()),
            "ModelSource.CopyFrom: «anthropic.claude-sonnet-4-20250514-v1:0» cannot be invoked on demand by itself. \
             Write a system profile that routes to it: us.anthropic.claude-sonnet-4-20250514-v1:0 or \
             global.anthropic.claude-sonnet-4-20250514-v1:0."
        );
        let lonely = not_on_demand("anthropic.claude-lonely-v1:0");
        assert!(
            said(judge_model(&lonely, NOW).unwrap_err())
                .contains("No system profile of this Region routes to it")
        );
    }

    #[test]
    fn successors_keep_the_geography_of_what_was_copied() {
        let next = |model_id: &str, from: Option<&str>| catalogue().successors(model_id, from, NOW);
        let sonnet = "anthropic.claude-3-sonnet-20240229-v1:0";
        assert_eq!(
            next(sonnet, Some("us.anthropic.claude-3-sonnet-20240229-v1:0")),
            ["us.anthropic.claude-sonnet-4-20250514-v1:0"]
        );
        assert_eq!(next("amazon.nova-pro-v1:0", None), [LITE]);
        assert!(next("unknown.model", None).is_empty());
    }

    #[test]
    fn a_model_at_its_end_of_life_is_answered_with_its_successors() {
        assert_eq!(
            said(judge_model(&ended_model("amazon.titan-text-lite-v1"), NOW).unwrap_err()),
            "ModelSource.CopyFrom: «amazon.titan-text-lite-v1» reached its end of life on 1970-01-01. \
             Write a model that lives on, such as amazon.nova-lite-v1:0 or amazon.nova-pro-v1:0."
        );
        let old = ended_model("anthropic.claude-3-sonnet-20240229-v1:0");
        let profile = system_profile("us.anthropic.claude-3-sonnet-20240229-v1:0");
        assert_eq!(
            said(judge_system(&profile, Some(&old), NOW).unwrap_err()),
            "ModelSource.CopyFrom: «us.anthropic.claude-3-sonnet-20240229-v1:0» routes to \
             anthropic.claude-3-sonnet-20240229-v1:0, which reached its end of life on 1970-01-01. \
             Write a model that lives on, such as us.anthropic.claude-sonnet-4-20250514-v1:0."
        );
    }

    #[test]
    fn without_a_catalogue_a_fault_says_where_to_look() {
        for rejection in [
            Rejection::Unknown { wanted: parse(LITE).unwrap() },
            Rejection::NotOnDemand { model_id: LITE.into() },
            Rejection::EndOfLife { model_id: LITE.into(), system_profile_id: None, since: NOW },
        ] {
            let fault = rejection.fault(PATH, &Catalogue::default(), NOW);
            assert!(fault.remedy.contains("aws bedrock list-foundation-models"), "{fault}");
        }
    }

    #[test]
    fn only_what_can_be_copied_now_is_ever_proposed() {
        let proposed: Vec<String> =
            ["amazon.titan-text-lite", "anthropic.claude-3-sonnet", "anthropic.claude-lonely"]
                .map(unknown)
                .into();
        for refused in ["titan-text-lite-v1", "claude-3-sonnet-20240229-v1:0", "claude-lonely-v1:0"] {
            assert!(proposed.iter().all(|fault| !fault.contains(refused)), "{proposed:?}");
        }
    }

    #[test]
    fn the_model_behind_a_system_profile_is_told_by_its_id_and_by_its_models() {
        assert_eq!(model_id_behind("us.amazon.nova-lite-v1:0"), Some(LITE));
        assert_eq!(model_id_behind("us-gov.amazon.nova-lite-v1:0"), Some(LITE));
        assert_eq!(model_id_behind(LITE), None);
        assert_eq!(model_id_behind("0mbq3svia2re"), None);
        assert_eq!(models_behind(&system_profile("us.amazon.nova-lite-v1:0")), [LITE]);
        let global = SystemProfile {
            models: vec!["arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0".into(), "odd".into()],
            ..system_profile("global.amazon.nova-2-lite-v1:0")
        };
        assert_eq!(models_behind(&global), ["amazon.nova-2-lite-v1:0"]);
    }

    #[test]
    fn lists_of_models_are_compared_as_sets() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(same_models(&list(&["a", "b"]), &list(&["b", "a", "b"])));
        assert!(!same_models(&list(&["a"]), &list(&["a", "b"])));
        assert!(same_models(&[], &[]));
    }

    proptest! {
        #[test]
        fn any_text_is_a_source_or_a_fault_that_is_not_long(
            text in "\\PC{0,40}|(arn:aws:bedrock:(eu-west-1::foundation-model/)?)?[a-z0-9./:-]{0,2100}",
        ) {
            match parse(&text) {
                Ok(copy_from) => {
                    prop_assert!(text.ends_with(copy_from.id()));
                    let fault = Rejection::Unknown { wanted: copy_from }.fault(PATH, &catalogue(), NOW);
                    prop_assert!(fault.to_string().len() < 1_000);
                }
                Err(fault) => prop_assert!(fault.to_string().len() < 1_000),
            }
        }
    }
}
