"""Each role allows what its function calls, no more and no less, and on the narrowest resources.

What a function calls is read from its sources (``calls.py``), what its role allows from ``template.yaml``
(``policies.py``), in every combination of the parameters that make a difference.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calls import UnreadableError, Workspace
from local_cloud import ROOT
from policies import Deployment, Statement, Template, is_of, kinds

TEMPLATE = Template((ROOT / "template.yaml").read_text())
WORKSPACE = Workspace(ROOT)
FUNCTIONS = TEMPLATE.functions()
ROLES = sorted(TEMPLATE.of_type("AWS::IAM::Role"))

OURS = "aws:ResourceTag/inference-profile-manager:stack-id"
BECOMES_OURS = "aws:RequestTag/inference-profile-manager:stack-id"
ADOPTED = "aws:ResourceTag/inference-profile-manager:adopted"

# What every function does without calling it.
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}

# What Lambda does in a function's name with what failed, by the type of the destination.
DESTINATIONS = {
    "SQS": "sqs:SendMessage",
    "SNS": "sns:Publish",
    "Lambda": "lambda:InvokeFunction",
    "EventBridge": "events:PutEvents",
}

# What Lambda does in a function's name to read from a queue.
POLLING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}

# Of a function's calls, those that parameters switch on: any of them that is `true`.
SWITCHED = {
    "sweep": {
        "bedrock:DeleteInferenceProfile": {"RetireDrained", "DeleteOrphans"},
        "bedrock:UntagResource": {"DeleteOrphans"},
        "ssm:DeleteParameter": {"DeleteOrphans"},
        "ssm:ListTagsForResource": {"DeleteOrphans", "RepublishParameters"},
        "ssm:PutParameter": {"RepublishParameters"},
        "ssm:AddTagsToResource": {"RepublishParameters"},
        "ce:ListCostAllocationTags": {"CostTags"},
    },
}

# Actions that know resources, and are allowed on all of them all the same.
ON_ALL = {
    "cloudformation:DescribeStacks": "where all stacks are described, no stack is named",
    "cloudwatch:GetMetricData": "metrics are no resources; the data sets that it knows are not asked for",
    "cloudwatch:ListMetrics": "likewise",
}


# -- what is to be -----------------------------------------------------------------------------------


def beside_the_code(template: Template, function: str) -> set[str]:
    """What a function's role needs for what Lambda does in its name."""
    properties = template.resources[function]["Properties"]
    needed = set(LOG)
    destinations = properties.get("EventInvokeConfig", {}).get("DestinationConfig", {})
    needed |= {DESTINATIONS[each["Type"]] for each in destinations.values()}
    if queue := properties.get("DeadLetterQueue"):
        needed.add(DESTINATIONS[queue["Type"]])
    if any(each["Type"] == "SQS" for each in properties.get("Events", {}).values()):
        needed |= POLLING
    unknown = properties.keys() & {"Policies", "VpcConfig", "Tracing", "FileSystemConfigs", "KmsKeyArn"}
    assert not unknown, f"what {function} needs for {unknown}"
    return needed


def required(template: Template, workspace: Workspace, function: str, deployment: Deployment) -> set[str]:
    """All that a function's role has to allow in a deployment."""
    package = template.functions()[function]
    switched = SWITCHED.get(package, {})
    called = workspace.actions(package)
    assert switched.keys() <= called, (
        f"{switched.keys() - called} is switched on, and {package} does not call it"
    )
    off = {
        action
        for action, parameters in switched.items()
        if not any(deployment[name] == "true" for name in parameters)
    }
    return called - off | beside_the_code(template, function)


def compare(template: Template, workspace: Workspace, function: str) -> None:
    """Fails when a function's role allows more or less than the function calls."""
    role = template.role_of(function)
    for deployment in template.deployments(role):
        allowed = {action for each in template.statements(role, deployment) for action in each.actions}
        needed = required(template, workspace, function, deployment)
        changed = {name: value for name, value in deployment.items() if value != template.defaults[name]}
        lacks, allows = sorted(needed - allowed), sorted(allowed - needed)
        assert not lacks, f"{role} lacks {lacks}, which {function} calls, with {changed}"
        assert not allows, f"{role} allows {allows}, which {function} never calls, with {changed}"


@pytest.fixture(scope="module")
def statements() -> list[tuple[str, Statement]]:
    """Every statement of every role, in every deployment, each once."""
    found = {
        (role, each)
        for role in ROLES
        for deployment in TEMPLATE.deployments(role)
        for each in TEMPLATE.statements(role, deployment)
    }
    return sorted(found, key=str)


# -- the tests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_allows_exactly_what_its_function_calls(function: str) -> None:
    compare(TEMPLATE, WORKSPACE, function)


def test_every_function_has_a_role_of_its_own_and_every_role_a_user() -> None:
    roles = [TEMPLATE.role_of(function) for function in FUNCTIONS]
    schedules = TEMPLATE.of_type("AWS::Scheduler::Schedule").values()
    roles += [each["Properties"]["Target"]["RoleArn"]["Fn::GetAtt"][0] for each in schedules]
    assert sorted(roles) == ROLES


def test_a_schedule_may_start_its_function_and_keep_what_it_could_not() -> None:
    for schedule in TEMPLATE.of_type("AWS::Scheduler::Schedule").values():
        target = schedule["Properties"]["Target"]
        role = target["RoleArn"]["Fn::GetAtt"][0]
        for deployment in TEMPLATE.deployments(role):
            allowed = {
                (action, resource)
                for each in TEMPLATE.statements(role, deployment)
                for action in each.actions
                for resource in each.resources
            }
            wanted = {
                ("lambda:InvokeFunction", TEMPLATE.value(target["Arn"], deployment)),
                ("sqs:SendMessage", TEMPLATE.value(target["DeadLetterConfig"]["Arn"], deployment)),
            }
            assert allowed in (wanted, set())


def test_what_a_function_failed_at_goes_where_it_says_and_nowhere_else() -> None:
    for function in FUNCTIONS:
        properties, role = TEMPLATE.resources[function]["Properties"], TEMPLATE.role_of(function)
        failed = properties.get("EventInvokeConfig", {}).get("DestinationConfig", {})
        for deployment in TEMPLATE.deployments(role):
            wanted = {
                (DESTINATIONS[each["Type"]], TEMPLATE.value(each["Destination"], deployment))
                for each in failed.values()
            }
            allowed = {
                (action, resource)
                for each in TEMPLATE.statements(role, deployment)
                for action in set(each.actions) & {"sqs:SendMessage", "lambda:InvokeFunction"}
                for resource in each.resources
            }
            assert allowed == wanted, function


def test_only_lambda_and_the_scheduler_of_this_account_take_the_roles() -> None:
    functions = {TEMPLATE.role_of(function) for function in FUNCTIONS}
    for role in ROLES:
        document = TEMPLATE.resources[role]["Properties"]["AssumeRolePolicyDocument"]
        (statement,) = document["Statement"]
        assert statement["Action"] == "sts:AssumeRole"
        if role in functions:
            assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        else:
            assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
            assert statement["Condition"] == {
                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            }


def test_nobody_outside_the_account_may_call_a_function_or_reach_a_queue() -> None:
    """Who may is then for IAM alone: no policy of a resource lets anybody else in."""
    for name, permission in TEMPLATE.of_type("AWS::Lambda::Permission").items():
        properties = permission["Properties"]
        assert re.fullmatch(r"[a-z]+\.amazonaws\.com", properties["Principal"]), name
        assert {"SourceArn", "SourceAccount"} & properties.keys(), f"{name} lets every account in"
    for function in FUNCTIONS:
        assert "FunctionUrlConfig" not in TEMPLATE.resources[function]["Properties"]
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"):
        for name, policy in TEMPLATE.of_type(kind).items():
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                principal = statement["Principal"]
                allows = statement["Effect"] == "Allow"
                if allows and not ("Service" in principal and statement.get("Condition")):
                    pytest.fail(f"{name} lets {principal} in")


def test_an_action_is_allowed_on_resources_that_it_knows(statements: list[tuple[str, Statement]]) -> None:
    """An action that is allowed on something else is never allowed, and one on everything is too often."""
    for role, statement in statements:
        for action in statement.actions:
            assert "*" not in action, f"{role}, {statement.sid}: {action}"
            known = kinds(action)
            if "*" in statement.resources:
                assert not known or action in ON_ALL, f"{role}, {statement.sid}: {action} on everything"
                continue
            assert known, f"{role}, {statement.sid}: {action} knows no resources"
        for resource in statement.resources:
            if resource == "*":
                continue
            patterns = [pattern for action in statement.actions for pattern in kinds(action)]
            fitting = any(is_of(resource, pattern) for pattern in patterns)
            assert fitting, f"{role}, {statement.sid}: {resource} is nothing that it acts on"


def test_only_what_carries_our_tags_is_deleted_or_untagged(statements: list[tuple[str, Statement]]) -> None:
    taking = ("bedrock:DeleteInferenceProfile", "bedrock:UntagResource", "ssm:DeleteParameter")
    seen = set()
    for role, statement in statements:
        for action in {*taking, "ssm:RemoveTagsFromResource"} & set(statement.actions):
            assert statement.demands("StringLike", OURS, "*"), f"{role}, {statement.sid}: {action}"
            seen.add(action)
        if "bedrock:DeleteInferenceProfile" in statement.actions:
            assert statement.demands("Null", ADOPTED, "true"), "what was adopted is released instead"
    assert seen >= set(taking)


def test_only_what_carries_our_tags_or_gets_them_is_made_or_tagged(
    statements: list[tuple[str, Statement]],
) -> None:
    for role, statement in statements:
        profiles = [each for each in statement.resources if ":application-inference-profile/" in each]
        if {"bedrock:CreateInferenceProfile", "bedrock:TagResource"} & set(statement.actions) and profiles:
            ours = statement.demands("StringLike", OURS, "*")
            becomes_ours = statement.demands("StringLike", BECOMES_OURS, "*")
            assert ours or becomes_ours, f"{role}, {statement.sid}"


def test_parameters_are_reached_under_the_prefix_only(statements: list[tuple[str, Statement]]) -> None:
    """But for the one that holds the tag policy, which is only read."""
    for role, statement in statements:
        for action in statement.actions:
            if not action.startswith("ssm:") or not kinds(action):
                continue
            for resource in statement.resources:
                name = resource.split(":parameter", 1)[1]
                is_policy = action == "ssm:GetParameters" and statement.sid == "ReadTheTagPolicy"
                assert is_policy or name == "/inference-profiles/*", f"{role}, {statement.sid}: {resource}"


def test_what_is_changed_is_of_this_account_and_its_regions(statements: list[tuple[str, Statement]]) -> None:
    """A statement for every Region holds in those only that the deployment names."""
    for role, statement in statements:
        for resource in statement.resources:
            if resource == "*" or resource.startswith("${"):
                continue
            _, partition, service, region, account, name = resource.split(":", 5)
            assert partition == "aws", resource
            # A foundation model is nobody's; the bus may be another account's, as its parameter says.
            is_model = service == "bedrock" and name.startswith("foundation-model/")
            is_bus = statement.actions == ("events:PutEvents",)
            assert account == "123456789012" or is_model or is_bus, f"{role}, {statement.sid}: {resource}"
            in_region = statement.conditions.get("StringEquals", {}).get("aws:RequestedRegion")
            assert region == "us-east-1" or in_region or is_model, f"{role}, {statement.sid}: {resource}"


# -- whether they would fail -------------------------------------------------------------------------


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the Rust sources, to be spoilt."""
    for path in ROOT.glob("crates/*"):
        if (path / "src").is_dir() and path.name != "local-aws":
            copy = tmp_path / "crates" / path.name
            shutil.copytree(path / "src", copy / "src")
            shutil.copy(path / "Cargo.toml", copy)
    return tmp_path


@pytest.fixture
def edited(sources: Path) -> Iterator[Callable[[str, str, str], Workspace]]:
    """Replaces a text in a file of the copy."""

    def edit(file: str, old: str, new: str) -> Workspace:
        path = sources / "crates" / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has it {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new))
        return Workspace(sources)

    return edit


Edit = Callable[[str, str, str], Workspace]


def test_a_call_that_the_role_does_not_allow_is_told(edited: Edit) -> None:
    workspace = edited(
        "sweep/src/act.rs",
        "done(self.ports.profiles.delete(profile).await)?;",
        "done(self.ports.profiles.delete(profile).await)?; self.ports.profiles.tag(profile, tags).await?;",
    )
    with pytest.raises(AssertionError, match=r"SweepRole lacks \['bedrock:TagResource'\]"):
        compare(TEMPLATE, workspace, "SweepFunction")


def test_an_operation_that_errs_under_another_name_is_told(edited: Edit) -> None:
    constant = 'const RESOURCE: &str = "cloudformation:DescribeStackResource";'
    workspace = edited("aws/src/stacks.rs", constant, constant.replace('Resource"', 'Events"'))
    with pytest.raises(
        UnreadableError, match=r"stacks.rs: resource calls .*DescribeStackResource.*StackEvents"
    ):
        workspace.actions("provider")


def test_a_call_that_is_left_out_makes_its_action_too_much(edited: Edit) -> None:
    workspace = edited(
        "provider/src/apply.rs", "persist(|| ports.parameters.untag(&name, &keys)).await?;", ""
    )
    with pytest.raises(AssertionError, match=r"ProviderRole allows \['ssm:RemoveTagsFromResource'\]"):
        compare(TEMPLATE, workspace, "ProviderFunction")


def test_an_adapter_that_is_not_used_is_told(edited: Edit) -> None:
    workspace = edited(
        "provider/src/main.rs", "usage: aws.usage(),", "usage: aws.usage(), more: aws.quotas(),"
    )
    with pytest.raises(UnreadableError, match="provider builds the adapter quotas"):
        workspace.actions("provider")


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "aws/src/quotas.rs",
            ".get_service_quota()",
            ".get_a_quota_some_other_way()",
            "quotas.rs: inference_profiles sends 1 requests, and calls \\[\\]",
        ),
        (
            "aws/src/quotas.rs",
            "use aws_sdk_servicequotas::Client;",
            "use aws_sdk_unheard_of::Client;",
            "aws_sdk_unheard_of",
        ),
        (
            "provider/Cargo.toml",
            "lambda_runtime.workspace = true\n",
            "lambda_runtime.workspace = true\naws-sdk-bedrock.workspace = true\n",
            "only crates/aws calls AWS",
        ),
        (
            "aws/src/lib.rs",
            "Arc::new(quotas::ServiceQuotas::new(&self.config))",
            "quotas::made(&self.config)",
            "not every method that builds an adapter",
        ),
        (
            "sweep/src/gather.rs",
            "self.ports.quotas.inference_profiles()",
            "asked(&self.ports.quotas)",
            "no call of Quotas is found",
        ),
    ],
    ids=["a call", "a service", "an SDK elsewhere", "a builder", "a port"],
)
def test_what_cannot_be_read_is_told(edited: Edit, file: str, old: str, new: str, told: str) -> None:
    with pytest.raises(UnreadableError, match=told):
        edited(file, old, new).actions("sweep")


@pytest.mark.parametrize(
    ("function", "old", "new", "told"),
    [
        (
            "ProviderFunction",
            "Action: bedrock:GetFoundationModel",
            "Action: [bedrock:GetFoundationModel, bedrock:InvokeModel]",
            r"ProviderRole allows \['bedrock:InvokeModel'\]",
        ),
        (
            "ProviderFunction",
            "- ssm:RemoveTagsFromResource\n",
            "\n",
            r"ProviderRole lacks \['ssm:RemoveTagsFromResource'\]",
        ),
        (
            "SweepFunction",
            "- DeletesOrphans\n            - Sid: ReleaseWhatWasAdopted",
            "- DeletesProfiles\n            - Sid: ReleaseWhatWasAdopted",
            r"SweepRole allows \['bedrock:UntagResource'\]",
        ),
        (
            "SweepFunction",
            "- AsksForCostTags\n                - Sid",
            "- HasTagPolicy\n                - Sid",
            r"SweepRole lacks \['ce:ListCostAllocationTags'\]",
        ),
    ],
    ids=["more", "less", "not switched off", "switched by another"],
)
def test_a_policy_that_is_wrong_is_told(function: str, old: str, new: str, told: str) -> None:
    text = (ROOT / "template.yaml").read_text()
    assert text.count(old) == 1
    with pytest.raises(AssertionError, match=told):
        compare(Template(text.replace(old, new)), WORKSPACE, function)


def test_resources_are_told_from_one_another() -> None:
    model, profile = kinds("bedrock:GetFoundationModel"), kinds("bedrock:DeleteInferenceProfile")
    assert any(is_of("arn:aws:bedrock:*::foundation-model/*", each) for each in model)
    assert not any(is_of("arn:aws:bedrock:*:123456789012:foundation-model/*", each) for each in model)
    assert not any(is_of("arn:aws:bedrock:*::foundation-model/*", each) for each in profile)
    assert not any(
        is_of("arn:aws:ssm:*:123456789012:application-inference-profile/*", each) for each in profile
    )
    assert kinds("tag:GetResources") == []
    with pytest.raises(AssertionError, match="there is no action"):
        kinds("bedrock:DeleteInferenceProfiles")
