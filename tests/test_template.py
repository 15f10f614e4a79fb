"""What is deployed: ``template.yaml`` itself, and the examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local_cloud import PROVIDER_LOG_GROUP, ROOT, SERVICE_TOKEN_PARAMETER, STACK, LocalCloud
from stacks import Account, Profile, Stack

EXAMPLES = ROOT / "examples"


# What each function calls AWS by: files of crates/aws/src.
PROVIDER_ADAPTERS = ("metrics", "models", "ownership", "parameters", "profiles", "stacks", "usage")
# What the sweep never calls, though it shares an adapter with the provider.
PROVIDERS_ALONE = {
    "bedrock:CreateInferenceProfile",
    "bedrock:GetFoundationModel",
    "bedrock:TagResource",
    "ssm:RemoveTagsFromResource",
}


def statements(cloud: LocalCloud, role: str = "ProviderRole") -> Iterator[dict[str, Any]]:
    """The statements of a function's role."""
    iam, formation = cloud.client("iam"), cloud.client("cloudformation")
    described = formation.describe_stack_resource(StackName=STACK, LogicalResourceId=role)
    role = described["StackResourceDetail"]["PhysicalResourceId"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield from iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]


def as_list(value: str | list[str]) -> list[str]:
    """IAM writes a list of one as that one."""
    return [value] if isinstance(value, str) else value


def test_the_service_token_is_an_output_an_export_and_a_parameter(cloud: LocalCloud, token: str) -> None:
    formation = cloud.client("cloudformation")
    outputs = formation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    exported = {each["Name"]: each["Value"] for each in formation.list_exports()["Exports"]}
    parameter = cloud.client("ssm").get_parameter(Name=SERVICE_TOKEN_PARAMETER)["Parameter"]
    assert token == {each["OutputKey"]: each["OutputValue"] for each in outputs}["ServiceToken"]
    assert token == exported[f"{STACK}:ServiceToken"]
    assert token == parameter["Value"]
    assert token.endswith(f":function:{STACK}-provider"), "a name that no update changes"


def test_the_functions_settings(cloud: LocalCloud, token: str) -> None:
    functions = cloud.client("lambda")
    function = functions.get_function_configuration(FunctionName=token)
    assert function["Environment"]["Variables"].keys() == {"PARAMETER_PREFIX", "REQUIRED_TAGS", "TAG_POLICY"}
    assert function["Timeout"] == 300
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["LoggingConfig"]["LogGroup"] == PROVIDER_LOG_GROUP
    retries = functions.get_function_event_invoke_config(FunctionName=token, Qualifier="$LATEST")
    assert retries["MaximumRetryAttempts"] == 2
    assert retries["MaximumEventAgeInSeconds"] == 3600
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=PROVIDER_LOG_GROUP)["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [90]


def called(*adapters: str) -> set[str]:
    """The actions that adapters name, each as IAM does."""
    folder = ROOT / "crates" / "aws" / "src"
    files = [folder / f"{each}.rs" for each in adapters] if adapters else folder.glob("*.rs")
    return {
        action for path in files for action in re.findall(r'= "((?:[a-z0-9]+):[A-Z]\w+)";', path.read_text())
    }


def allowed(cloud: LocalCloud, role: str) -> set[str]:
    """The actions that a role allows, beside those of the log."""
    actions = {action for each in statements(cloud, role) for action in as_list(each["Action"])}
    return actions - {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_the_roles_allow_exactly_what_the_code_calls(cloud: LocalCloud, token: str) -> None:
    assert allowed(cloud, "ProviderRole") == called(*PROVIDER_ADAPTERS)


# What the sweep may do besides: S3 answers by it whether there is a report yet, CloudFormation asks for it
# where all stacks are described, and Lambda itself keeps by it what the sweep erred on.
UNCALLED = {"s3:ListBucket", "cloudformation:ListStacks", "sqs:SendMessage"}
# What only those actions need that are switched off by default: re-publishing, deleting orphans.
OFF_BY_DEFAULT = {
    "bedrock:UntagResource",
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
}


def test_the_sweeps_role_allows_what_is_switched_on(swept: LocalCloud, swept_token: str) -> None:
    everything = (called() - PROVIDERS_ALONE) | UNCALLED
    assert allowed(swept, "SweepRole") == everything - OFF_BY_DEFAULT
    text = (ROOT / "template.yaml").read_text()
    policies = text[text.index("  SweepRole:") :]
    for action in everything:
        assert action in policies, "a setting that is switched on brings it"


def test_the_role_allows_it_on_the_narrowest_resources(cloud: LocalCloud, token: str) -> None:
    stack_id = "inference-profile-manager:stack-id"
    without_resources = set()
    for each in statements(cloud):
        actions, resources = as_list(each["Action"]), as_list(each["Resource"])
        condition = str(each.get("Condition", ""))
        if resources == ["*"]:
            without_resources |= set(actions)
        if actions == ["bedrock:DeleteInferenceProfile"]:
            assert f"aws:ResourceTag/{stack_id}" in condition
            assert "inference-profile-manager:adopted" in condition, "what was adopted is never deleted"
        if {"bedrock:TagResource", "bedrock:UntagResource"} & set(actions):
            assert stack_id in condition, "only what is ours, or becomes ours by this very call"
        if any(action.startswith("ssm:") for action in actions):
            assert resources == ["arn:aws:ssm:us-east-1:000000000000:parameter/inference-profiles/*"]
    assert without_resources == {
        "bedrock:ListInferenceProfiles",
        "bedrock:ListFoundationModels",
        "tag:GetResources",
        "cloudwatch:GetMetricData",
    }


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_example(cloud: LocalCloud, account: Account, stack: Stack, name: str, example: str) -> None:
    text = (EXAMPLES / example).read_text()
    existing: Profile | None = None
    parameters: dict[str, str] = {}
    bedrock = cloud.client("bedrock")
    if "ExistingProfile:" in text:
        source = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0"
        made = bedrock.create_inference_profile(
            inferenceProfileName=name,
            modelSource={"copyFrom": source},
            tags=[{"key": "made-by", "value": "hand"}],
        )
        existing = account.profile(made["inferenceProfileArn"])
        parameters = {"ExistingProfile": made["inferenceProfileArn"], "ProfileName": name}
    assert stack.create(text, parameters=parameters) == "CREATE_COMPLETE", stack.failures()
    made_here, published = account.owned_by(stack.id)
    assert made_here
    assert len(published) == len(made_here)
    if "Application:" in text:
        role = stack.physical_id("Application")
        policy = cloud.client("iam").get_role_policy(RoleName=role, PolicyName="invoke")["PolicyDocument"]
        resources = {each["Sid"]: each["Resource"] for each in policy["Statement"]}
        assert resources["InvokeTheProfile"] == made_here[0]
        assert sum(":foundation-model/" in arn for arn in resources["InvokeWhatItRoutesTo"]) == 3
    assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    if existing:
        assert account.profile(existing.arn) is not None, "an adopted profile is released"
        bedrock.delete_inference_profile(inferenceProfileIdentifier=existing.arn)


def test_every_example_says_what_it_is_for() -> None:
    class Loader(yaml.SafeLoader):
        """CloudFormation's short forms are of no interest here."""

    Loader.add_multi_constructor("!", lambda loader, tag, node: None)
    for path in EXAMPLES.glob("*.yaml"):
        template = yaml.load(path.read_text(), Loader)
        assert len(template["Description"]) > 40, path.name
