//! What rules and severities mean, in words for a person who sees one for the first time.

use rules::{finding::Severity, rule::Rule};

/// What a severity is called in a heading, and what it means: a sentence without its full stop.
pub(crate) fn severity(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => ("Critical", "Somebody’s calls fail, or are about to"),
        Severity::High => ("High", "Cost is not attributed, or something is left behind"),
        Severity::Medium => ("Medium", "Something will have to be done"),
        Severity::Low => ("Low", "Worth knowing"),
    }
}

/// What a rule is called, and why it matters: sentences.
pub(crate) fn rule(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::Untagged => {
            ("No tags", "Nobody can tell whose such a profile is, and what it costs is attributed to nobody.")
        }
        Rule::MissingRequiredTag => (
            "A required tag is missing",
            "The tag policy asks for it. Without it the cost of the profile is not attributed as agreed.",
        ),
        Rule::InvalidTagValue => (
            "A tag is not as the policy allows",
            "Its value, or the case of its key, is another one, so cost lands on a line that nobody looks at.",
        ),
        Rule::OrphanedStackDeleted => (
            "The stack is gone",
            "The stack that owned the profile is deleted. Nobody maintains it, and it counts towards the quota.",
        ),
        Rule::OrphanedNotInStack => (
            "No longer the stack’s",
            "The stack lives, but that resource of it is another profile now, or none. This one was left behind.",
        ),
        Rule::Unmanaged => (
            "Nobody’s profile",
            "No stack and no other tool is known to own it. It was probably made by hand.",
        ),
        Rule::ParameterMissing => (
            "The parameter is missing",
            "Applications read the profile’s ARN from that parameter. They find nothing there.",
        ),
        Rule::ParameterDrift => (
            "The parameter holds something else",
            "Applications read the profile’s ARN from that parameter. They get another value.",
        ),
        Rule::ParameterDangling => (
            "The parameter’s profile is gone",
            "Applications that read the parameter get the ARN of a profile that does not exist.",
        ),
        Rule::TagDrift => (
            "Tags are not as the stack put them",
            "Somebody changed or removed them past the stack, which still declares the old ones.",
        ),
        Rule::Idle => {
            ("Not invoked for long", "It may be left over. It counts towards the quota all the same.")
        }
        Rule::ModelLegacy => (
            "The model is legacy",
            "Its provider has replaced it. It is still served, until a day that is set or will be.",
        ),
        Rule::ModelEndOfLife => (
            "The model’s life ends",
            "From that day on every invocation of the profile fails, and a profile’s model cannot be changed.",
        ),
        Rule::ModelUnavailable => (
            "The model is not offered any more",
            "What the profile was copied from is not listed in the Region. Invocations fail, or will.",
        ),
        Rule::DuplicateName => (
            "Several profiles have one name",
            "On a dashboard and on the bill people cannot tell them apart.",
        ),
        Rule::QuotaNear => (
            "The quota is nearly used up",
            "Once it is, no profile can be made, and an update that replaces one fails.",
        ),
        Rule::UnattributedUsage => (
            "A model is invoked past the profiles",
            "Such invocations carry no tags, so what they cost is attributed to nobody.",
        ),
        Rule::CostTagInactive => (
            "A tag does not reach the bill",
            "It is not active as a cost allocation tag, which is switched on in the payer account.",
        ),
        Rule::DrainExpired => {
            ("The drain period is over", "A replaced profile lives on for longer than it was to.")
        }
    }
}
