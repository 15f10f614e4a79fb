//! Whose a profile is, by its tags.
//!
//! Three kinds of signs, the surest first: our own two tags; tags that AWS sets (`aws:cloudformation:…`,
//! which nobody else can write); and the marks that other tools leave, by convention or by default. A
//! mark need not be sure: it only has to keep a profile that somebody manages from being called nobody's.

use profile::tags::{self, KeyRecord, Tags};

/// Who owns a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// A resource of ours: a stack and its logical id.
    Ours(tags::Owner),
    /// A stack, by the native resource; its name.
    Stack(String),
    /// Another tool; its name.
    Tool(String),
}

impl Sign {
    /// The owner in words, for tables: `Search of stack app`, `stack app`, `Terraform`.
    pub fn describe(&self) -> String {
        match self {
            Self::Ours(owner) => format!("{} of stack {}", owner.logical_id, stack_name(&owner.stack_id)),
            Self::Stack(name) => format!("stack {name}"),
            Self::Tool(name) => name.clone(),
        }
    }
}

/// Who owns what carries `tags`; `None` when nothing on it says so. Our own tags come first: that a stack
/// of ours was itself deployed by another tool, and handed its marks down, changes nothing.
pub fn sign(tags: &Tags) -> Option<Sign> {
    match tags::Owner::of(tags) {
        Some(owner) => Some(Sign::Ours(owner)),
        None => other_sign(tags, |_| true),
    }
}

/// Who else claims what carries our own tags. Marks that we wrote ourselves came from the stack or its
/// template, and claim nothing.
pub(crate) fn rival(tags: &Tags) -> Option<Sign> {
    let record = KeyRecord::read(tags);
    other_sign(tags, |key| !record.contains(key))
}

/// The name of a stack by its id, `arn:aws:cloudformation:<region>:<account>:stack/<name>/<uuid>`; the
/// text itself when it is no such ARN.
pub fn stack_name(stack_id: &str) -> &str {
    let name = stack_id.split_once(":stack/").and_then(|(_, rest)| rest.split('/').next());
    name.filter(|name| !name.is_empty()).unwrap_or(stack_id)
}

/// Whether `key` is a user's: neither ours nor AWS's.
pub fn is_user_tag(key: &str) -> bool {
    !tags::is_reserved(key)
}

/// What other tools' keys begin with.
const NAMESPACES: [(&str, &str); 5] = [
    ("aws-cdk:", "AWS CDK"),
    ("pulumi:", "Pulumi"),
    ("sst:", "SST"),
    ("crossplane-", "Crossplane"),
    ("services.k8s.aws/", "AWS Controllers for Kubernetes"),
];

/// Keys whose value names what manages a thing, in lower case and without anything but letters.
const MANAGER_KEYS: [&str; 13] = [
    "managedby",
    "managedwith",
    "provisioner",
    "provisionedby",
    "provisionedwith",
    "createdby",
    "createdwith",
    "deployedby",
    "deployedwith",
    "deployer",
    "iac",
    "iactool",
    "infrastructureascode",
];

/// Words of such a value, and the tool that each names.
const TOOLS: [(&str, &str); 21] = [
    ("terraform", "Terraform"),
    ("opentofu", "OpenTofu"),
    ("tofu", "OpenTofu"),
    ("terragrunt", "Terragrunt"),
    ("cdktf", "CDK for Terraform"),
    ("atlantis", "Atlantis"),
    ("spacelift", "Spacelift"),
    ("pulumi", "Pulumi"),
    ("cdk", "AWS CDK"),
    ("cloudformation", "CloudFormation"),
    ("cfn", "CloudFormation"),
    ("stackset", "CloudFormation"),
    ("crossplane", "Crossplane"),
    ("ack", "AWS Controllers for Kubernetes"),
    ("ansible", "Ansible"),
    ("sst", "SST"),
    ("serverless", "Serverless Framework"),
    ("helm", "Helm"),
    ("argocd", "Argo CD"),
    ("chef", "Chef"),
    ("puppet", "Puppet"),
];

/// Tools whose own name is used as a key, alone (`terraform: true`) or as the first word of one
/// (`terraform-workspace`).
const TOOL_KEYS: [&str; 3] = ["terraform", "opentofu", "terragrunt"];

/// Values by which a key such as `terraform` says that it is not so.
const NO: [&str; 5] = ["false", "no", "none", "off", "0"];

fn other_sign(tags: &Tags, counts: impl Fn(&str) -> bool) -> Option<Sign> {
    let by_stack = || {
        let name = tags.get("aws:cloudformation:stack-name").map(String::as_str);
        let id = tags.get("aws:cloudformation:stack-id").map(|id| stack_name(id));
        name.or(id).map(|name| Sign::Stack(name.to_owned()))
    };
    let by_mark = || {
        let tool = tags.iter().filter(|(key, _)| counts(key)).find_map(|(key, value)| tool(key, value));
        tool.map(Sign::Tool)
    };
    by_stack().or_else(by_mark)
}

/// The tool that one tag is a mark of.
fn tool(key: &str, value: &str) -> Option<String> {
    if let Some(rest) = key.get(..4).filter(|start| start.eq_ignore_ascii_case("aws:")).map(|_| &key[4..]) {
        return aws_service(rest);
    }
    if let Some((_, tool)) = NAMESPACES.iter().find(|(start, _)| key.starts_with(start)) {
        return Some((*tool).to_owned());
    }
    let key = key.to_ascii_lowercase();
    let first = key.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if TOOL_KEYS.contains(&first) && !NO.contains(&value.trim().to_ascii_lowercase().as_str()) {
        return named(first);
    }
    // `app.kubernetes.io/managed-by`, `acme:managed-by`.
    let last = key.rsplit(['/', ':']).next().unwrap_or_default();
    let letters: String = last.chars().filter(char::is_ascii_alphanumeric).collect();
    if !MANAGER_KEYS.contains(&letters.as_str()) {
        return None;
    }
    let value = value.to_ascii_lowercase();
    value.split(|c: char| !c.is_ascii_alphanumeric()).find_map(named)
}

fn named(word: &str) -> Option<String> {
    TOOLS.iter().find(|(tool, _)| *tool == word).map(|(_, name)| (*name).to_owned())
}

/// The service that set a tag `aws:<rest>`. `aws:createdBy` names a principal, not an owner.
fn aws_service(rest: &str) -> Option<String> {
    let service = rest.split(':').next().unwrap_or_default();
    match service.to_ascii_lowercase().as_str() {
        "" | "createdby" => None,
        "cloudformation" => Some("CloudFormation".to_owned()),
        "servicecatalog" => Some("AWS Service Catalog".to_owned()),
        _ => Some(format!("AWS service {service}")),
    }
}

#[cfg(test)]
mod tests {
    use profile::tags::{LOGICAL_ID, Owner, STACK_ID, TAG_KEYS};

    use super::*;

    const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/app/1b2c";

    fn tags(tags: &[(&str, &str)]) -> Tags {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn described(given: &[(&str, &str)]) -> Option<String> {
        sign(&tags(given)).map(|sign| sign.describe())
    }

    #[test]
    fn our_own_sign_needs_both_ids_and_comes_first() {
        let both = [(STACK_ID, STACK), (LOGICAL_ID, "Search"), ("managed-by", "terraform")];
        assert_eq!(described(&both).as_deref(), Some("Search of stack app"));
        assert_eq!(described(&both[..1]), None);
        assert_eq!(described(&both[1..2]), None);
        assert_eq!(described(&both[1..]).as_deref(), Some("Terraform"));
    }

    #[test]
    fn a_native_resource_names_its_stack() {
        assert_eq!(described(&[("aws:cloudformation:stack-id", STACK)]).as_deref(), Some("stack app"));
        assert_eq!(
            described(&[("aws:cloudformation:stack-id", STACK), ("aws:cloudformation:stack-name", "app-2")])
                .as_deref(),
            Some("stack app-2")
        );
    }

    #[test]
    fn tools_are_known_by_their_marks() {
        for (key, value, tool) in [
            ("aws:cloudformation:logical-id", "X", "CloudFormation"),
            ("aws-cdk:path", "", "AWS CDK"),
            ("pulumi:project", "x", "Pulumi"),
            ("sst:app", "x", "SST"),
            ("crossplane-name", "x", "Crossplane"),
            ("services.k8s.aws/namespace", "x", "AWS Controllers for Kubernetes"),
            ("aws:servicecatalog:productArn", "x", "AWS Service Catalog"),
            ("aws:amplify:app", "x", "AWS service amplify"),
            ("managed-by", "terraform", "Terraform"),
            ("ManagedBy", "Terraform v1.9", "Terraform"),
            ("managed_by", "OpenTofu", "OpenTofu"),
            ("app.kubernetes.io/managed-by", "Helm", "Helm"),
            ("provisioner", "aws-cdk", "AWS CDK"),
            ("provisioned-by", "cloudformation", "CloudFormation"),
            ("CreatedBy", "pulumi/prod", "Pulumi"),
            ("created-by", "ack-bedrock-controller", "AWS Controllers for Kubernetes"),
            ("iac", "terragrunt", "Terragrunt"),
            ("IaC", "Ansible", "Ansible"),
            ("deployed with", "serverless", "Serverless Framework"),
            ("terraform", "true", "Terraform"),
            ("Terraform", "", "Terraform"),
            ("terraform-workspace", "prod", "Terraform"),
            ("opentofu", "1", "OpenTofu"),
        ] {
            assert_eq!(described(&[(key, value)]).as_deref(), Some(tool), "{key}: {value}");
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for (key, value) in [
            ("managed-by", "platform-team"),
            ("managed-by", ""),
            ("created-by", "jack"),
            ("created-by", "sam"),
            ("terraform", "false"),
            ("Terraform", "No"),
            ("terraforming", "true"),
            ("owner", "terraform"),
            ("aws:createdBy", "Root:123456789012"),
            ("aws:", "x"),
            ("awsome", "terraform"),
            ("", "terraform"),
            ("é", "é"),
        ] {
            assert_eq!(described(&[(key, value)]), None, "{key}: {value}");
        }
    }

    #[test]
    fn a_mark_that_came_down_from_the_stack_claims_nothing_and_one_that_was_put_on_does() {
        let mark = tags(&[("managed-by", "terraform")]);
        let mut held = Owner { stack_id: STACK.into(), logical_id: "Search".into() }.tags();
        held.extend(mark.clone());
        assert_eq!(rival(&held), Some(Sign::Tool("Terraform".into())));
        held.insert(TAG_KEYS.into(), KeyRecord::of(&mark).as_str().to_owned());
        assert_eq!(rival(&held), None);
        held.insert("aws:cloudformation:stack-name".into(), "other".into());
        assert_eq!(rival(&held), Some(Sign::Stack("other".into())));
    }

    #[test]
    fn a_stack_s_name_is_read_from_its_id_where_there_is_one() {
        assert_eq!(stack_name(STACK), "app");
        assert_eq!(stack_name("local"), "local");
        assert_eq!(
            stack_name("arn:aws:cloudformation:us-east-1:123456789012:stack/"),
            "arn:aws:cloudformation:us-east-1:123456789012:stack/"
        );
    }
}
