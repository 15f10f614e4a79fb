//! Whose a profile is, by its tags.
//!
//! The signs, the surest first: our own two tags; the stack that AWS names (`aws:cloudformation:…`, which
//! nobody else can write), or that one of our tags still names alone; and the marks that other services and
//! tools leave, by convention or by default. A mark need not be sure: it only has to keep a profile that
//! somebody manages from being called nobody's.

use profile::tags::{self, KeyRecord, Tags};

/// Who owns a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// A resource of ours: a stack and its logical id.
    Ours(tags::Owner),
    /// A stack, by the native resource or by half of our own sign; its name.
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
/// of ours was itself deployed by another tool, and handed its marks down, changes nothing. Where only the
/// stack's id is left of them, nothing of ours can be sure of the profile, but it is not nobody's either.
pub fn sign(tags: &Tags) -> Option<Sign> {
    if let Some(owner) = tags::Owner::of(tags) {
        return Some(Sign::Ours(owner));
    }
    let ours = || tags.get(tags::STACK_ID).map(|id| Sign::Stack(stack_name(id).to_owned()));
    native(tags).or_else(ours).or_else(|| marks(tags).next().map(|(_, tool)| Sign::Tool(tool)))
}

/// Who else claims what carries our own tags. Marks that we wrote ourselves came from the stack or its
/// template, and claim nothing; neither do those of what deploys by stacks, however they came there: that is
/// what made the thing ours.
pub(crate) fn rival(tags: &Tags) -> Option<Sign> {
    let record = KeyRecord::read(tags);
    let came_down = |key: &str, tool: &str| record.contains(key) || BY_STACKS.contains(&tool);
    let claims = |key: &str, tool: &str| tags::is_reserved(key) || !came_down(key, tool);
    let mark = || marks(tags).find(|(key, tool)| claims(key, tool)).map(|(_, tool)| Sign::Tool(tool));
    native(tags).or_else(mark)
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

/// A key that names what manages a thing says one of these, with one of [`LINKS`] behind it.
const VERBS: [&str; 9] = [
    "managed",
    "provisioned",
    "created",
    "deployed",
    "built",
    "maintained",
    "controlled",
    "generated",
    "configured",
];

const LINKS: [&str; 5] = ["by", "with", "via", "using", "through"];

/// Other such keys, in lower case and without anything but letters and digits; and all that begin with `iac`.
/// Of the verbs only `managed` stands alone as well: `created` and the like tell a time.
const MANAGER_KEYS: [&str; 18] = [
    "automation",
    "managed",
    "manager",
    "management",
    "managementtool",
    "provisioner",
    "provisioning",
    "provisioningtool",
    "deployer",
    "deploymentmethod",
    "deploymentsource",
    "deploymenttool",
    "deploytool",
    "infrastructureascode",
    "infrastructuretool",
    "orchestrator",
    "source",
    "tool",
];

/// Tools, by what a word of such a value begins with: `TerraformCloud`, `CDKv2`.
const TOOLS: [(&str, &str); 15] = [
    ("terraform", "Terraform"),
    ("opentofu", "OpenTofu"),
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
    ("ansible", "Ansible"),
    ("serverless", "Serverless Framework"),
    ("argocd", "Argo CD"),
];

/// Tools whose names ordinary words begin with: whole words only.
const SHORT_TOOLS: [(&str, &str); 7] = [
    ("tf", "Terraform"),
    ("tofu", "OpenTofu"),
    ("ack", "AWS Controllers for Kubernetes"),
    ("sst", "SST"),
    ("helm", "Helm"),
    ("chef", "Chef"),
    ("puppet", "Puppet"),
];

/// The one tool that has a person's name: whole values, without anything but letters.
const SAM: [&str; 4] = ["sam", "awssam", "samcli", "awssamcli"];

/// Tools that make whatever they make by CloudFormation.
const BY_STACKS: [&str; 4] = ["CloudFormation", "AWS CDK", "AWS SAM", "Serverless Framework"];

/// Tools whose own name is used as a key, alone (`terraform: true`) or as the first word of one
/// (`terraform-workspace`).
const TOOL_KEYS: [&str; 10] =
    ["terraform", "opentofu", "tofu", "tf", "terragrunt", "pulumi", "cdk", "cdktf", "sst", "crossplane"];

/// Values by which a key such as `terraform` says that it is not so.
const NO: [&str; 5] = ["false", "no", "none", "off", "0"];

/// The stack that made the thing by a native resource.
fn native(tags: &Tags) -> Option<Sign> {
    let name = tags.get("aws:cloudformation:stack-name").map(String::as_str);
    let id = tags.get("aws:cloudformation:stack-id").map(|id| stack_name(id));
    name.or(id).map(|name| Sign::Stack(name.to_owned()))
}

/// The marks of tools, each with its key.
fn marks(tags: &Tags) -> impl Iterator<Item = (&str, String)> {
    tags.iter().filter_map(|(key, value)| Some((key.as_str(), tool(key, value)?)))
}

/// The tool that one tag is a mark of.
fn tool(key: &str, value: &str) -> Option<String> {
    if let Some(rest) = key.get(..4).filter(|start| start.eq_ignore_ascii_case("aws:")).map(|_| &key[4..]) {
        return aws_service(rest);
    }
    if let Some((_, tool)) = NAMESPACES.iter().find(|(start, _)| key.starts_with(start)) {
        return Some((*tool).to_owned());
    }
    let says_no = NO.iter().any(|no| value.trim().eq_ignore_ascii_case(no));
    let key_words = words(key);
    if let Some(tool) = tool_in_key(&key_words).filter(|_| !says_no) {
        return Some(tool);
    }
    // `app.kubernetes.io/managed-by`, `acme:managed-by`.
    let last = key.rsplit_once(['/', ':']).map_or(key_words, |(_, last)| words(last)).replace(' ', "");
    match manager(&last)? {
        "" => tool_in_value(&last, value),
        // `managed-by-terraform: true`.
        tool => named(tool).filter(|_| !says_no),
    }
}

/// The tool that a key begins with, by the key's [`words`].
fn tool_in_key(key_words: &str) -> Option<String> {
    let mut each = key_words.split(' ');
    let (first, second) = (each.next()?, each.next());
    let both = second.map(|second| [first, second].concat());
    [Some(first), both.as_deref()]
        .into_iter()
        .flatten()
        .map(|word| word.strip_prefix("aws").unwrap_or(word))
        .find(|word| TOOL_KEYS.contains(word))
        .and_then(named)
}

/// What stands in a key behind the words that ask for a manager's name; `None` when it has no such words.
fn manager(key: &str) -> Option<&str> {
    if MANAGER_KEYS.contains(&key) || key.starts_with("iac") {
        return Some("");
    }
    let rest = VERBS.iter().find_map(|verb| key.strip_prefix(verb))?;
    LINKS.iter().find_map(|link| rest.strip_prefix(link))
}

/// The tool that the value of a manager's key names.
fn tool_in_value(key: &str, value: &str) -> Option<String> {
    let words = words(value);
    // `created-by: sam` is a person.
    if SAM.contains(&words.replace(' ', "").as_str()) && key != "createdby" {
        return Some("AWS SAM".to_owned());
    }
    let single: Vec<&str> = words.split(' ').collect();
    let mut pairs = single.windows(2).map(<[&str]>::concat);
    single.iter().find_map(|word| named(word)).or_else(|| pairs.find_map(|pair| named(&pair)))
}

/// The tool that a word names.
fn named(word: &str) -> Option<String> {
    let word = word.strip_prefix("aws").unwrap_or(word);
    let whole = SHORT_TOOLS.iter().find(|(tool, _)| *tool == word);
    let begun = || TOOLS.iter().find(|(tool, _)| word.starts_with(tool));
    whole.or_else(begun).map(|(_, name)| (*name).to_owned())
}

/// The words of a text in lower case, with a space between them: what letters and digits make up, cut where
/// a capital follows a small letter. One text and not a list, as a sweep looks at every tag of an account.
fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 4);
    let mut before = ' ';
    for c in text.chars() {
        let begins = !before.is_ascii_alphanumeric() || before.is_ascii_lowercase() && c.is_ascii_uppercase();
        if c.is_ascii_alphanumeric() {
            if begins && !words.is_empty() {
                words.push(' ');
            }
            words.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words
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
        // One of them tells of a stack of ours, not of which resource.
        assert_eq!(sign(&tags(&both[..1])), Some(Sign::Stack("app".into())));
        assert_eq!(described(&[both[0], both[2]]).as_deref(), Some("stack app"));
        assert_eq!(
            described(&[both[0], ("aws:cloudformation:stack-name", "native")]).as_deref(),
            Some("stack native")
        );
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
            ("OpenTofu", "yes", "OpenTofu"),
            ("tofu", "true", "OpenTofu"),
            ("tf", "1", "Terraform"),
            ("tf-workspace", "prod", "Terraform"),
            ("TerraformWorkspace", "prod", "Terraform"),
            ("terraform:module", "profiles", "Terraform"),
            ("pulumi", "true", "Pulumi"),
            ("pulumi-stack", "prod", "Pulumi"),
            ("cdk", "true", "AWS CDK"),
            ("aws-cdk", "true", "AWS CDK"),
            ("cdktf", "true", "CDK for Terraform"),
            ("sst", "true", "SST"),
            ("sst-stage", "prod", "SST"),
            ("crossplane", "true", "Crossplane"),
            ("managed-by-terraform", "true", "Terraform"),
            ("ManagedByPulumi", "yes", "Pulumi"),
            ("managed-by", "TerraformCloud", "Terraform"),
            ("managed-by", "terraform1", "Terraform"),
            ("managed-by", "CDKv2", "AWS CDK"),
            ("managed-by", "AwsCdk", "AWS CDK"),
            ("managed-by", "AWSCDK", "AWS CDK"),
            ("managed-by", "AWS::CloudFormation", "CloudFormation"),
            ("managed-by", "Cloud Formation", "CloudFormation"),
            ("managed-by", "StackSets", "CloudFormation"),
            ("managed-by", "tf", "Terraform"),
            ("managed-by", "sam", "AWS SAM"),
            ("managed-by", "aws-sam-cli", "AWS SAM"),
            ("managed-by", "argo-cd", "Argo CD"),
            ("tool", "terraform", "Terraform"),
            ("source", "https://github.com/acme/terraform-profiles", "Terraform"),
            ("managed", "pulumi", "Pulumi"),
            ("deployment-tool", "cdk", "AWS CDK"),
            ("DeploymentMethod", "Terraform", "Terraform"),
            ("deployed-via", "sst", "SST"),
            ("iac:tool", "opentofu", "OpenTofu"),
            ("acme:managed-by", "terraform", "Terraform"),
            ("IaC Framework", "cdk", "AWS CDK"),
        ] {
            assert_eq!(described(&[(key, value)]).as_deref(), Some(tool), "{key}: {value}");
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for (key, value) in [
            ("managed-by", "platform-team"),
            ("managed-by", ""),
            ("managed-by/", "terraform"),
            ("managed-by:", "terraform"),
            ("created-by", "jack"),
            ("created-by", "sam"),
            ("terraform", "false"),
            ("Terraform", "No"),
            ("terraforming", "true"),
            ("pulumi", "false"),
            ("tf-workspace", "none"),
            ("managed-by-terraform", "no"),
            ("managed-by-us", "true"),
            ("tfs", "true"),
            ("cdkey", "1"),
            ("tool", "hammer"),
            ("tools", "terraform"),
            ("source", "stack"),
            ("source", "console"),
            ("source", "crm"),
            ("managed", "true"),
            ("managed-by", "hand"),
            ("managed-by", "helmut"),
            ("managed-by", "acknowledged"),
            ("managed-by", "backpack"),
            ("managed-by", "sstable"),
            ("managed-by", "tfl"),
            ("managed-by", "samuel"),
            ("managed-by", "sam.smith"),
            ("managed-by", "cheffing"),
            ("managed-by", "puppeteers"),
            ("iac", "true"),
            ("created", "terraform"),
            ("deployment", "serverless"),
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
    fn what_deploys_by_stacks_does_not_rival_a_stack() {
        let held = |key: &str, value: &str| {
            let mut held = Owner { stack_id: STACK.into(), logical_id: "Search".into() }.tags();
            held.insert(key.into(), value.into());
            held
        };
        for (key, value) in [
            ("ManagedBy", "CloudFormation"),
            ("managed-by", "cdk"),
            ("cdk", "true"),
            ("aws-cdk:path", "x"),
            ("tool", "StackSets"),
            ("deployed-with", "serverless"),
            ("created-by", "aws-sam"),
        ] {
            assert_eq!(rival(&held(key, value)), None, "{key}: {value}");
        }
        let native = held("aws:cloudformation:logical-id", "X");
        assert_eq!(rival(&native), Some(Sign::Tool("CloudFormation".into())));
        let mut both = held("managed-by", "cdk");
        both.insert("terraform".into(), "true".into());
        assert_eq!(rival(&both), Some(Sign::Tool("Terraform".into())));
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
