//! The built-in selection. The dates are fixed, so a test means the same on every day.
//!
//! It is a likeness, not a copy: ids, routes and ways of use are real, the dates of retirement are set so
//! that every stage of life is there.

use super::{Destination, Lifecycle, Model, SystemProfile};
use crate::timestamp::Timestamp;

const US: &[&str] = &["us-east-1", "us-west-2", "us-east-2"];
const EU: &[&str] = &["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-3"];
const APAC: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
];
const GOV: &[&str] = &["us-gov-west-1", "us-gov-east-1"];

const ON_DEMAND: &[&str] = &["ON_DEMAND"];
const PROFILE: &[&str] = &["INFERENCE_PROFILE"];
const PROVISIONED: &[&str] = &["PROVISIONED"];

/// Begins a model that streams text.
fn model(id: &str, name: &str, provider: &str, start: (i32, u8, u8)) -> Model {
    let mut model = Model::on_demand(id, &[]);
    model.model_name = name.to_owned();
    model.provider_name = provider.to_owned();
    model.model_lifecycle.start_of_life_time = Some(Timestamp::date(start.0, start.1, start.2));
    model
}

impl Model {
    /// Offers the model in Regions, for the given ways of use. A later word about a Region counts.
    fn offer(mut self, types: &[&str], groups: &[&[&str]]) -> Self {
        let types: Vec<String> = types.iter().map(|&kind| kind.to_owned()).collect();
        for region in groups.iter().copied().flatten() {
            self.regions.insert((*region).to_owned(), types.clone());
        }
        self
    }

    fn sees_images(mut self) -> Self {
        self.input_modalities.push("IMAGE".to_owned());
        self
    }

    fn tuned_by(mut self, customization: &str) -> Self {
        self.customizations_supported.push(customization.to_owned());
        self
    }

    fn legacy(mut self, since: (i32, u8, u8), end: (i32, u8, u8)) -> Self {
        self.model_lifecycle = Lifecycle {
            status: "LEGACY".to_owned(),
            legacy_time: Some(Timestamp::date(since.0, since.1, since.2)),
            end_of_life_time: Some(Timestamp::date(end.0, end.1, end.2)),
            ..self.model_lifecycle
        };
        self
    }

    fn extended_access(mut self, from: (i32, u8, u8)) -> Self {
        self.model_lifecycle.public_extended_access_time = Some(Timestamp::date(from.0, from.1, from.2));
        self
    }
}

pub(super) fn models() -> Vec<Model> {
    let nova = (2024, 12, 3);
    let mut embedding = model("amazon.titan-embed-text-v2:0", "Titan Text Embed V2", "Amazon", (2024, 4, 30))
        .offer(ON_DEMAND, &[US, EU, APAC, GOV]);
    embedding.output_modalities = vec!["EMBEDDING".to_owned()];
    embedding.response_streaming_supported = false;
    vec![
        model("amazon.nova-micro-v1:0", "Nova Micro", "Amazon", nova)
            .offer(PROFILE, &[US, EU, APAC])
            .offer(ON_DEMAND, &[&["us-east-1"], GOV]),
        model("amazon.nova-micro-v1:0:128k", "Nova Micro", "Amazon", nova)
            .offer(PROVISIONED, &[&["us-east-1", "us-west-2"]])
            .tuned_by("FINE_TUNING"),
        model("amazon.nova-lite-v1:0", "Nova Lite", "Amazon", nova)
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC])
            .offer(ON_DEMAND, &[&["us-east-1", "ap-southeast-2"], GOV]),
        model("amazon.nova-lite-v1:0:24k", "Nova Lite", "Amazon", nova)
            .sees_images()
            .offer(PROVISIONED, &[&["us-east-1"]])
            .tuned_by("FINE_TUNING"),
        model("amazon.nova-lite-v1:0:300k", "Nova Lite", "Amazon", nova)
            .sees_images()
            .offer(PROVISIONED, &[&["us-east-1"]])
            .tuned_by("FINE_TUNING"),
        model("amazon.nova-pro-v1:0", "Nova Pro", "Amazon", nova)
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC])
            .offer(ON_DEMAND, &[&["us-east-1", "ap-southeast-2"], GOV]),
        model("amazon.nova-2-lite-v1:0", "Nova 2 Lite", "Amazon", (2025, 12, 2))
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC]),
        embedding,
        model("amazon.titan-text-express-v1", "Titan Text G1 - Exp", "Amazon", (2023, 9, 28))
            .offer(ON_DEMAND, &[US, EU, APAC])
            .tuned_by("FINE_TUNING")
            .legacy((2025, 2, 15), (2025, 8, 15)),
        model("anthropic.claude-3-haiku-20240307-v1:0", "Claude 3 Haiku", "Anthropic", (2024, 3, 13))
            .sees_images()
            .offer(ON_DEMAND, &[US, EU, APAC, GOV])
            .legacy((2026, 3, 10), (2027, 9, 10))
            .extended_access((2026, 12, 10)),
        model("anthropic.claude-3-5-sonnet-20240620-v1:0", "Claude 3.5 Sonnet", "Anthropic", (2024, 6, 20))
            .sees_images()
            .offer(ON_DEMAND, &[US, &["eu-central-1", "ap-northeast-1", "ap-southeast-2"]])
            .legacy((2025, 8, 25), (2026, 3, 1)),
        model("anthropic.claude-3-7-sonnet-20250219-v1:0", "Claude 3.7 Sonnet", "Anthropic", (2025, 2, 24))
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC])
            .legacy((2025, 10, 28), (2026, 4, 28)),
        model("anthropic.claude-sonnet-4-20250514-v1:0", "Claude Sonnet 4", "Anthropic", (2025, 5, 22))
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC])
            .legacy((2026, 4, 14), (2027, 10, 14)),
        model("anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude Sonnet 4.5", "Anthropic", (2025, 9, 29))
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC, GOV]),
        model("anthropic.claude-haiku-4-5-20251001-v1:0", "Claude Haiku 4.5", "Anthropic", (2025, 10, 15))
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC]),
        model("anthropic.claude-opus-4-5-20251101-v1:0", "Claude Opus 4.5", "Anthropic", (2025, 11, 24))
            .sees_images()
            .offer(PROFILE, &[US, EU, APAC]),
        model("meta.llama3-1-8b-instruct-v1:0", "Llama 3.1 8B", "Meta", (2024, 7, 23))
            .offer(PROFILE, &[US])
            .offer(ON_DEMAND, &[&["us-west-2"]]),
        model("meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B", "Meta", (2024, 12, 19))
            .offer(PROFILE, &[US])
            .offer(ON_DEMAND, &[&["us-east-2"]]),
        model("meta.llama3-70b-instruct-v1:0", "Llama 3 70B Instruct", "Meta", (2024, 4, 23))
            .offer(ON_DEMAND, &[&["us-east-1", "us-west-2"], GOV]),
        model("meta.llama4-scout-17b-instruct-v1:0", "Llama 4 Scout 17B", "Meta", (2025, 4, 28))
            .sees_images()
            .offer(PROFILE, &[US]),
        model("mistral.mistral-7b-instruct-v0:2", "Mistral 7B Instruct", "Mistral AI", (2024, 3, 1))
            .offer(ON_DEMAND, &[&["us-east-1", "us-west-2", "eu-west-1", "eu-west-3", "ap-southeast-2"]]),
        model("mistral.mixtral-8x7b-instruct-v0:1", "Mixtral 8x7B", "Mistral AI", (2024, 3, 1))
            .offer(ON_DEMAND, &[&["us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"]]),
        model("mistral.pixtral-large-2502-v1:0", "Pixtral Large", "Mistral AI", (2025, 4, 8))
            .sees_images()
            .offer(PROFILE, &[US, EU]),
        model("cohere.command-r-v1:0", "Command R", "Cohere", (2024, 4, 29))
            .offer(ON_DEMAND, &[&["us-east-1", "us-west-2"]]),
        model("deepseek.r1-v1:0", "DeepSeek-R1", "DeepSeek", (2025, 3, 10)).offer(PROFILE, &[US]),
        model("openai.gpt-oss-20b-1:0", "gpt-oss-20b", "OpenAI", (2025, 8, 5))
            .offer(ON_DEMAND, &[&["us-west-2", "us-east-1", "eu-central-1", "ap-northeast-1"]]),
    ]
}

/// The profiles of one geography for a list of models: `(model id, name)`.
fn geography(prefix: &str, label: &str, regions: &[&str], models: &[(&str, &str)]) -> Vec<SystemProfile> {
    let profile = |&(model, name): &(&str, &str)| {
        let mut profile = SystemProfile::over(&format!("{prefix}.{model}"), model, regions);
        profile.name = format!("{label} {name}");
        profile.description = format!("Routes requests to {name} in {}.", regions.join(", "));
        profile
    };
    models.iter().map(profile).collect()
}

pub(super) fn system_profiles() -> Vec<SystemProfile> {
    const NOVA: &[(&str, &str)] = &[
        ("amazon.nova-micro-v1:0", "Nova Micro"),
        ("amazon.nova-lite-v1:0", "Nova Lite"),
        ("amazon.nova-pro-v1:0", "Nova Pro"),
        ("amazon.nova-2-lite-v1:0", "Nova 2 Lite"),
    ];
    const CLAUDE: &[(&str, &str)] = &[
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", "Anthropic Claude 3.7 Sonnet"),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "Anthropic Claude Sonnet 4"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Anthropic Claude Sonnet 4.5"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "Anthropic Claude Haiku 4.5"),
        ("anthropic.claude-opus-4-5-20251101-v1:0", "Anthropic Claude Opus 4.5"),
    ];
    const OTHERS: &[(&str, &str)] = &[
        ("meta.llama3-1-8b-instruct-v1:0", "Meta Llama 3.1 8B Instruct"),
        ("meta.llama3-3-70b-instruct-v1:0", "Meta Llama 3.3 70B Instruct"),
        ("meta.llama4-scout-17b-instruct-v1:0", "Meta Llama 4 Scout 17B Instruct"),
        ("mistral.pixtral-large-2502-v1:0", "Mistral Pixtral Large 25.02"),
        ("deepseek.r1-v1:0", "DeepSeek-R1"),
    ];
    const GOV_MODELS: &[(&str, &str)] = &[
        ("amazon.nova-lite-v1:0", "Nova Lite"),
        ("amazon.nova-pro-v1:0", "Nova Pro"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Anthropic Claude Sonnet 4.5"),
    ];
    let global = [NOVA[3], CLAUDE[1], CLAUDE[2], CLAUDE[3], CLAUDE[4]].map(|(model, name)| {
        let mut profile = SystemProfile::over(&format!("global.{model}"), model, &[US, EU, APAC].concat());
        profile.name = format!("GLOBAL {name}");
        profile.description = format!("Routes requests to {name} globally across all supported AWS Regions.");
        profile.destinations = vec![Destination::Regionless, Destination::OwnRegion];
        profile
    });
    [
        geography("us", "US", US, NOVA),
        geography("us", "US", US, CLAUDE),
        geography("us", "US", US, OTHERS),
        geography("eu", "EU", EU, NOVA),
        geography("eu", "EU", EU, CLAUDE),
        geography("eu", "EU", EU, &[OTHERS[3]]),
        geography("apac", "APAC", APAC, &NOVA[..3]),
        geography("apac", "APAC", APAC, &CLAUDE[..2]),
        geography("us-gov", "US-GOV", GOV, GOV_MODELS),
        global.into(),
    ]
    .concat()
}
