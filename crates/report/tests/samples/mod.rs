//! Reports to try the ways of writing on. Nothing here is random: the same report comes out every time.
#![allow(dead_code)] // each test and example takes what it needs

use std::collections::BTreeMap;

use report::{ActionKind, ActionReport, Changes, Outcome, ProfileRow, RegionReport, Report, SCHEMA_VERSION};
use rules::{
    finding::{Finding, Resource, ResourceKind, Severity},
    inventory::{Source, Unread},
    rule::Rule,
};
use time::{
    Duration,
    macros::{date, datetime},
};

pub(crate) const ACCOUNT: &str = "123456789012";
/// The days of the window of usage, before the day of the sweep.
const DAYS: u64 = 30;

pub(crate) fn profile_arn(region: &str, id: &str) -> String {
    format!("arn:aws:bedrock:{region}:{ACCOUNT}:application-inference-profile/{id}")
}

/// A finding about a profile.
pub(crate) fn finding(
    rule: Rule,
    severity: Severity,
    (region, id, name): (&str, &str, &str),
    problem: &str,
    remedy: &str,
) -> Finding {
    let resource =
        Resource { kind: ResourceKind::Profile, arn: profile_arn(region, id), name: name.to_owned() };
    about(rule, severity, region, resource, problem, remedy)
}

fn about(
    rule: Rule,
    severity: Severity,
    region: &str,
    resource: Resource,
    problem: &str,
    remedy: &str,
) -> Finding {
    Finding {
        rule,
        severity,
        region: region.to_owned(),
        resource,
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// A sweep of one Region that found no profile and nothing wrong.
pub(crate) fn empty() -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        started_at: datetime!(2026-03-01 06:00:00 UTC),
        finished_at: datetime!(2026-03-01 06:00:04.23 UTC),
        dry_run: false,
        complete: true,
        profiles: 0,
        counts: Rule::ALL.map(|rule| (rule, 0)).into(),
        silenced: BTreeMap::new(),
        findings: Vec::new(),
        unconfirmed: Vec::new(),
        changes: Changes { since: Some(datetime!(2026-02-28 06:00:00 UTC)), ..Changes::default() },
        actions: Vec::new(),
        undelivered: Vec::new(),
        regions: vec![region("us-east-1", Vec::new())],
    }
}

/// A Region that was read whole.
pub(crate) fn region(name: &str, inventory: Vec<ProfileRow>) -> RegionReport {
    RegionReport {
        region: name.to_owned(),
        complete: true,
        unread: Vec::new(),
        usage_since: Some(date!(2026 - 01 - 30)),
        inventory,
    }
}

/// Makes the counts fit what is in the report.
pub(crate) fn counted(mut report: Report) -> Report {
    report.findings.sort_by_key(|finding| (finding.severity, finding.rule));
    for finding in &report.findings {
        *report.counts.entry(finding.rule).or_default() += 1;
    }
    report.profiles = report.regions.iter().map(|region| region.inventory.len()).sum();
    report
}

/// A profile with made-up use: `weight` invocations on a busy day.
pub(crate) fn row(
    region: &str,
    id: &str,
    name: &str,
    model: &str,
    owner: Option<&str>,
    weight: u64,
) -> ProfileRow {
    let seed: u64 = id.bytes().map(u64::from).sum();
    let noise = |day: u64| (seed.wrapping_mul(31) ^ day.wrapping_mul(2_654_435_761)) % 13;
    // Some are used on working days only, some grow and some fade.
    let busy = |day: u64| {
        let trend = match seed % 4 {
            0 => 10 + day,
            1 => 40 - day,
            _ => 25,
        };
        let share = if !seed.is_multiple_of(3) && matches!(day % 7, 2 | 3) { 1 } else { 8 };
        weight * trend * share * (noise(day) + 12) / 4_500
    };
    let daily: Vec<u64> = (0..=DAYS).map(busy).collect();
    let last = daily.iter().rposition(|count| *count > 0);
    ProfileRow {
        arn: profile_arn(region, id),
        id: id.to_owned(),
        name: name.to_owned(),
        model: model.to_owned(),
        owner: owner.map(str::to_owned),
        tags: Some(BTreeMap::new()),
        parameter: None,
        created_at: Some(datetime!(2025-11-04 09:30:00 UTC)),
        invocations: Some(daily.iter().sum()),
        last_used: last.map(|day| date!(2026 - 01 - 30) + Duration::days(day as i64)),
        daily: if last.is_some() { daily } else { Vec::new() },
    }
}

fn tagged(mut row: ProfileRow, tags: &[(&str, &str)]) -> ProfileRow {
    row.tags = Some(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
    row
}

fn published(mut row: ProfileRow) -> ProfileRow {
    row.parameter = Some(format!("/inference-profiles/{}", row.name));
    row
}

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";
const TITAN: &str = "amazon.titan-embed-text-v2:0";
const EU_SONNET: &str = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The middle of an account's life: two Regions, a dozen findings, something new and something mended.
pub(crate) fn realistic() -> Report {
    let (us, eu) = ("us-east-1", "eu-west-1");
    let search = |team| [("team", team), ("cost-center", "4711"), ("env", "prod")];
    let mut inventory = vec![
        tagged(
            published(row(
                us,
                "0mbq3svia2re",
                "assistant-prod",
                SONNET,
                Some("Assistant of stack assistant-prod"),
                18_400,
            )),
            &search("assistant"),
        ),
        tagged(
            published(row(
                us,
                "1p8xk2ddq0va",
                "assistant-staging",
                SONNET,
                Some("Assistant of stack assistant-staging"),
                640,
            )),
            &search("assistant"),
        ),
        tagged(
            row(us, "2k0aabz7wq1c", "batch-summaries", NOVA, Some("Terraform"), 5_200),
            &search("content"),
        ),
        tagged(
            published(row(us, "3dzr41xn5tty", "claims-triage", HAIKU, Some("Triage of stack claims"), 3_100)),
            &search("claims"),
        ),
        tagged(
            row(us, "4bq9m0s3k2jd", "claims-triage-old", HAIKU, Some("Triage of stack claims"), 0),
            &search("claims"),
        ),
        row(us, "5y7hh2c8e1pl", "demo", SONNET, None, 0),
        tagged(
            published(row(
                us,
                "6n3u9a0zr8mk",
                "document-search",
                TITAN,
                Some("Search of stack search"),
                9_900,
            )),
            &search("search"),
        ),
        tagged(
            row(us, "7qj1w5v4x6bo", "experiment-ranking", NOVA, Some("CDK"), 22),
            &[("team", "Search"), ("env", "dev")],
        ),
        tagged(
            published(row(
                us,
                "8f2s8l3c9gyt",
                "fraud-notes",
                SONNET,
                Some("FraudNotes of stack risk"),
                1_850,
            )),
            &search("risk"),
        ),
        tagged(
            row(us, "9a5e7d1m4hzi", "legacy-bot", HAIKU, Some("Bot of stack legacy-bot"), 0),
            &search("support"),
        ),
        row(us, "ab4t6r2y8uqw", "notebook-anna", SONNET, None, 130),
        row(us, "bc9p1o7i3ejf", "notebook-jonas", SONNET, None, 45),
        tagged(
            published(row(
                us,
                "cd8z5x0v2nmq",
                "support-answers",
                SONNET,
                Some("Answers of stack support"),
                7_300,
            )),
            &search("support"),
        ),
        tagged(row(us, "de6k4j9h1gfd", "translation", NOVA, Some("Pulumi"), 2_700), &search("content")),
    ];
    for (id, name, weight) in [
        ("ef1", "tenant-alpenblick", 420),
        ("fg2", "tenant-bergmann", 1_150),
        ("gh3", "tenant-contoso", 260),
        ("hi4", "tenant-dahlia", 95),
        ("ij5", "tenant-eastwind", 1_480),
        ("jk6", "tenant-fjord", 310),
        ("kl7", "tenant-gamma-international-holdings", 880),
    ] {
        let owner = "Tenants of stack tenants";
        let made = published(row(us, &format!("{id}tenant0000"), name, NOVA, Some(owner), weight));
        inventory
            .push(tagged(made, &[("team", "platform"), ("cost-center", "0815"), ("tenant", &name[7..])]));
    }
    let european = vec![
        tagged(
            published(row(
                eu,
                "lm2c5v8b1n4m",
                "assistant-eu",
                EU_SONNET,
                Some("Assistant of stack assistant-eu"),
                6_050,
            )),
            &search("assistant"),
        ),
        tagged(
            row(eu, "mn7a3s6d9f2g", "gdpr-redaction", EU_SONNET, Some("Terraform"), 940),
            &search("legal"),
        ),
        row(eu, "no0q1w4e7r3t", "test", EU_SONNET, None, 0),
    ];

    let end_of_life =
        "The model anthropic.claude-3-haiku-20240307-v1:0 reaches its end of life on 2026-04-19, in 49 days";
    let move_on = "Copy the profile from us.anthropic.claude-haiku-4-5-20251001-v1:0; with a published parameter \
                   applications follow by themselves";
    let no_tags = "It carries no tag of a user";
    let tag_it = "Tag it with the keys that the policy asks for: team, cost-center, env";
    let findings = vec![
        finding(
            Rule::ParameterDrift,
            Severity::Critical,
            (us, "8f2s8l3c9gyt", "fraud-notes"),
            "The parameter /inference-profiles/fraud-notes holds «arn:aws:bedrock:us-east-1:123456789012:\
             application-inference-profile/zz0000000000», which is not its ARN",
            "Set the parameter to the profile’s ARN, or let the sweep re-publish it",
        ),
        about(
            Rule::ParameterDangling,
            Severity::Critical,
            eu,
            Resource {
                kind: ResourceKind::Parameter,
                arn: format!("arn:aws:ssm:{eu}:{ACCOUNT}:parameter/inference-profiles/assistant-eu-old"),
                name: "/inference-profiles/assistant-eu-old".to_owned(),
            },
            "It holds the ARN of the profile op5y8u1i4o7p, which does not exist",
            "Delete the parameter, or set it to a profile that exists",
        ),
        finding(
            Rule::ModelEndOfLife,
            Severity::High,
            (us, "3dzr41xn5tty", "claims-triage"),
            end_of_life,
            move_on,
        ),
        finding(Rule::Untagged, Severity::High, (us, "5y7hh2c8e1pl", "demo"), no_tags, tag_it),
        finding(Rule::Untagged, Severity::High, (us, "ab4t6r2y8uqw", "notebook-anna"), no_tags, tag_it),
        finding(Rule::Untagged, Severity::High, (us, "bc9p1o7i3ejf", "notebook-jonas"), no_tags, tag_it),
        finding(Rule::Untagged, Severity::High, (eu, "no0q1w4e7r3t", "test"), no_tags, tag_it),
        finding(
            Rule::OrphanedStackDeleted,
            Severity::High,
            (us, "9a5e7d1m4hzi", "legacy-bot"),
            "The stack legacy-bot was deleted, and the profile was left behind",
            "Delete the profile; it was not invoked since 30 January 2026",
        ),
        about(
            Rule::UnattributedUsage,
            Severity::High,
            us,
            Resource {
                kind: ResourceKind::Model,
                arn: "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0".to_owned(),
                name: "amazon.nova-pro-v1:0".to_owned(),
            },
            "It was invoked 12,408 times in 7 days without a profile",
            "Give the callers a profile that is copied from it, and deny them the model itself",
        ),
        finding(
            Rule::InvalidTagValue,
            Severity::Medium,
            (us, "7qj1w5v4x6bo", "experiment-ranking"),
            "The tag team has the value «Search»; allowed are assistant, claims, content, legal, platform, risk, \
             search and support",
            "Set it to search",
        ),
        finding(
            Rule::DrainExpired,
            Severity::Medium,
            (us, "4bq9m0s3k2jd", "claims-triage-old"),
            "It was replaced on 20 February 2026 and was to live until 27 February 2026",
            "Nothing, if the action below succeeded",
        ),
        finding(
            Rule::Idle,
            Severity::Low,
            (us, "5y7hh2c8e1pl", "demo"),
            "It was not invoked in 30 days",
            "Delete it if nobody needs it",
        ),
    ];
    let gone = vec![
        finding(
            Rule::MissingRequiredTag,
            Severity::High,
            (us, "de6k4j9h1gfd", "translation"),
            "It lacks the tag cost-center",
            "Add the tag cost-center",
        ),
        finding(
            Rule::ParameterMissing,
            Severity::Critical,
            (us, "6n3u9a0zr8mk", "document-search"),
            "The parameter /inference-profiles/document-search does not exist",
            "Publish it again",
        ),
    ];
    let appeared = [0, 2, 5, 8].map(|at: usize| findings[at].clone()).to_vec();
    let actions = vec![
        ActionReport {
            action: ActionKind::Retire,
            region: us.to_owned(),
            arn: profile_arn(us, "4bq9m0s3k2jd"),
            name: "claims-triage-old".to_owned(),
            description: "Deletes the replaced profile, whose drain period is over".to_owned(),
            outcome: Outcome::Failed,
            reason: Some("ConflictException: the profile is in use; the next sweep tries again".to_owned()),
        },
        ActionReport {
            action: ActionKind::Republish,
            region: us.to_owned(),
            arn: profile_arn(us, "6n3u9a0zr8mk"),
            name: "document-search".to_owned(),
            description: "Sets the parameter /inference-profiles/document-search to the profile’s ARN"
                .to_owned(),
            outcome: Outcome::Done,
            reason: None,
        },
        ActionReport {
            action: ActionKind::DeleteOrphan,
            region: us.to_owned(),
            arn: profile_arn(us, "9a5e7d1m4hzi"),
            name: "legacy-bot".to_owned(),
            description: "Deletes the profile that the stack legacy-bot left behind".to_owned(),
            outcome: Outcome::Skipped,
            reason: Some("It was invoked a moment ago".to_owned()),
        },
    ];
    let mut report = empty();
    report.silenced = [(Rule::Idle, 3), (Rule::ModelLegacy, 1)].into();
    report.changes.appeared = appeared;
    report.changes.gone = gone;
    report.findings = findings;
    report.actions = actions;
    report.regions = vec![region(us, inventory), region(eu, european)];
    counted(report)
}

/// A few profiles, and nothing wrong with them or since the report before.
pub(crate) fn clean() -> Report {
    let mut report = realistic();
    report.findings.clear();
    report.actions.clear();
    report.silenced.clear();
    report.changes.appeared.clear();
    report.changes.gone.clear();
    report.counts = Rule::ALL.map(|rule| (rule, 0)).into();
    report.regions.truncate(1);
    report.regions[0].inventory.retain(|row| row.parameter.is_some());
    counted(report)
}

/// Access was denied, and a whole Region did not answer.
pub(crate) fn incomplete() -> Report {
    let mut report = realistic();
    report.complete = false;
    report.dry_run = true;
    let of_europe = |finding: &Finding| finding.region == "eu-west-1";
    report.unconfirmed = report.findings.extract_if(.., |finding| of_europe(finding)).collect();
    report.actions.iter_mut().for_each(|action| {
        action.outcome = Outcome::WouldBeDone;
        action.reason = None;
    });
    let denied = "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/SweepFunctionRole/sweep is not \
                  authorized to perform: cloudwatch:GetMetricData because no identity-based policy allows the \
                  cloudwatch:GetMetricData action";
    let us = &mut report.regions[0];
    us.complete = false;
    us.unread = vec![Unread { source: Source::Usage, reason: denied.to_owned() }];
    us.usage_since = None;
    for row in &mut us.inventory {
        (row.invocations, row.last_used) = (None, None);
        row.daily.clear();
    }
    us.inventory[3].tags = None;
    let eu = &mut report.regions[1];
    eu.complete = false;
    eu.inventory.clear();
    eu.usage_since = None;
    let slow = "ThrottlingException: Too many requests, at the seventh try";
    eu.unread = [
        Source::Profiles,
        Source::Tags,
        Source::Models,
        Source::SystemProfiles,
        Source::Parameters,
        Source::Stacks,
        Source::Usage,
        Source::Quota,
    ]
    .map(|source| Unread { source, reason: slow.to_owned() })
    .to_vec();
    report.counts = Rule::ALL.map(|rule| (rule, 0)).into();
    counted(report)
}

/// `profiles` profiles in one Region, of which a part has findings.
pub(crate) fn large(profiles: usize) -> Report {
    let us = "us-east-1";
    let teams = ["assistant", "claims", "content", "legal", "platform", "risk", "search", "support"];
    let models = [SONNET, HAIKU, NOVA, TITAN];
    let mut report = empty();
    let mut inventory = Vec::with_capacity(profiles);
    for at in 0..profiles {
        let (team, model) = (teams[at % teams.len()], models[at % models.len()]);
        let id = format!("{:012x}", at * 7_919 + 4_711);
        let name = format!("{team}-tenant-{at:05}");
        let subject = (us, id.as_str(), name.as_str());
        let untagged = at % 7 == 0;
        let owner = (at % 10 != 0).then(|| format!("Tenants of stack {team}-tenants"));
        let made =
            row(us, &id, &name, model, owner.as_deref(), if at % 3 == 0 { 0 } else { (at % 97) as u64 });
        let mut made = if untagged { made } else { tagged(made, &[("team", team), ("cost-center", "4711")]) };
        if !untagged {
            made.parameter = Some(format!("/inference-profiles/{name}"));
        } else {
            report.findings.push(finding(
                Rule::Untagged,
                Severity::High,
                subject,
                "It carries no tag of a user",
                "Tag it with the keys that the policy asks for: team, cost-center",
            ));
        }
        if at % 3 == 0 {
            report.findings.push(finding(
                Rule::Idle,
                Severity::Low,
                subject,
                &format!("It was not invoked in {} days", 30 + at % 60),
                "Delete it if nobody needs it",
            ));
        }
        if at % 50 == 1 {
            report.findings.push(finding(
                Rule::ModelEndOfLife,
                Severity::Medium,
                subject,
                &format!("The model {model} reaches its end of life on 2026-04-19, in 49 days"),
                &format!("Copy {name} from a successor"),
            ));
        }
        inventory.push(made);
    }
    inventory.sort_by(|a, b| a.name.cmp(&b.name));
    report.changes.appeared = report.findings.iter().step_by(40).cloned().collect();
    report.regions = vec![region(us, inventory)];
    counted(report)
}

/// Text that would break a page, a mail or a terminal that takes it for more than text.
pub(crate) const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u{202e}gpj\u{1b}[2J\0</style><!--";

/// One Region with two profiles, which is little enough to be read as a whole.
pub(crate) fn small() -> Report {
    let mut report = realistic();
    let kept = ["fraud-notes", "document-search", "notebook-anna"];
    let keep = |finding: &Finding| kept.contains(&finding.resource.name.as_str());
    report.findings.retain(keep);
    report.changes.appeared.retain(keep);
    report.changes.gone.retain(keep);
    report.actions.retain(|action| kept.contains(&action.name.as_str()));
    report.regions.truncate(1);
    report.regions[0].usage_since = Some(date!(2026 - 02 - 26));
    report.regions[0].inventory.retain(|row| kept[1..].contains(&row.name.as_str()));
    for row in &mut report.regions[0].inventory {
        row.daily = vec![12, 0, 30, 0];
        row.invocations = Some(42);
        row.last_used = Some(date!(2026 - 02 - 28));
    }
    report.counts = Rule::ALL.map(|rule| (rule, 0)).into();
    counted(report)
}

/// Every text of others is hostile.
pub(crate) fn hostile() -> Report {
    spoiled(HOSTILE)
}

/// Every text of others is `text`.
pub(crate) fn spoiled(text: &str) -> Report {
    let mut report = incomplete();
    let spoil = |finding: &mut Finding| {
        finding.resource.name = text.to_owned();
        finding.resource.arn = format!("arn:aws:bedrock:us-east-1:123456789012:x/{text}");
        finding.region = format!("us-{text}");
        finding.problem = text.to_owned();
        finding.remedy = format!("{text} {}", finding.rule);
    };
    report.account = text.to_owned();
    report.region = text.to_owned();
    report.findings.iter_mut().for_each(spoil);
    report.unconfirmed.iter_mut().for_each(spoil);
    report.changes.appeared.iter_mut().for_each(spoil);
    report.changes.gone.iter_mut().for_each(spoil);
    report.undelivered = vec![text.to_owned(); 3];
    for action in &mut report.actions {
        action.region = text.to_owned();
        action.arn = text.to_owned();
        action.name = text.to_owned();
        action.description = text.to_owned();
        action.reason = Some(text.to_owned());
    }
    report.regions[1].usage_since = Some(date!(2026 - 01 - 30));
    for region in &mut report.regions {
        region.region = text.to_owned();
        region.unread.iter_mut().for_each(|unread| unread.reason = text.to_owned());
        for row in &mut region.inventory {
            row.arn = text.to_owned();
            row.id = text.to_owned();
            row.name = text.to_owned();
            row.model = text.to_owned();
            row.owner = Some(text.to_owned());
            row.tags = Some([(text.to_owned(), text.to_owned())].into());
            row.parameter = Some(text.to_owned());
            row.invocations = Some(7);
            row.last_used = Some(date!(2026 - 02 - 27));
        }
    }
    report
}

/// The report of that name.
pub(crate) fn named(name: &str) -> Option<Report> {
    Some(match name {
        "empty" => empty(),
        "clean" => clean(),
        "realistic" => realistic(),
        "incomplete" => incomplete(),
        "hostile" => hostile(),
        "small" => small(),
        "large" => large(2_000),
        other => large(other.strip_prefix("large-")?.parse().ok()?),
    })
}
