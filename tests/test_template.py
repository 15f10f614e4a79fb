"""What is deployed: ``template.yaml`` itself, and the examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local_cloud import PROVIDER_LOG_GROUP, RESCUE_FUNCTION, ROOT, SERVICE_TOKEN_PARAMETER, STACK, LocalCloud
from policies import Deployment, Template, as_list
from stacks import Account, Profile, Stack

EXAMPLES = ROOT / "examples"
TEMPLATE = Template((ROOT / "template.yaml").read_text())

# Seconds for which CloudFormation waits for an answer when a declaration has no ServiceTimeout.
HOUR = 3600
# Seconds that Lambda waits before the second try and before the third.
PAUSES = (60, 120)


def properties(name: str, deployment: Deployment = TEMPLATE.defaults) -> dict[str, Any]:
    """The properties of a resource."""
    return TEMPLATE.value(TEMPLATE.resources[name]["Properties"], deployment)  # type: ignore[no-any-return]


def statements(cloud: LocalCloud, role: str) -> Iterator[dict[str, Any]]:
    """The statements of a function's role."""
    iam, formation = cloud.client("iam"), cloud.client("cloudformation")
    described = formation.describe_stack_resource(StackName=STACK, LogicalResourceId=role)
    role = described["StackResourceDetail"]["PhysicalResourceId"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield from iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]


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
    assert retries["MaximumEventAgeInSeconds"] == 600
    rescue = functions.get_function_configuration(FunctionName=RESCUE_FUNCTION)["FunctionArn"]
    assert retries["DestinationConfig"]["OnFailure"]["Destination"] == rescue
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=PROVIDER_LOG_GROUP)["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [90]


@pytest.mark.parametrize("role", TEMPLATE.of_type("AWS::IAM::Role"))
def test_the_deployed_roles_are_those_that_are_judged(cloud: LocalCloud, token: str, role: str) -> None:
    """What roles may do is judged in ``test_iam.py``, by the template; a deployment gives the same."""

    def seen(action: Any, condition: dict[str, dict[str, Any]]) -> tuple[set[str], set[str]]:
        # Which keys a condition names; the stand-in takes an empty list of Regions for one that has some.
        return set(as_list(action)), {
            f"{operator} {key}" for operator in condition for key in condition[operator]
        }

    expected = TEMPLATE.statements(role, TEMPLATE.defaults)
    judged = {each.sid: seen(list(each.actions), each.conditions) for each in expected}
    deployed = {
        each["Sid"]: seen(each["Action"], each.get("Condition", {})) for each in statements(cloud, role)
    }
    assert deployed == judged


def test_every_queue_is_encrypted() -> None:
    """The scanner of the templates does not know the property."""
    for name, queue in TEMPLATE.of_type("AWS::SQS::Queue").items():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True, name


def test_rescue_answers_within_the_hour() -> None:
    provider, rescue = properties("ProviderFunction"), properties("RescueFunction")
    tried, answered = provider["EventInvokeConfig"], rescue["EventInvokeConfig"]
    assert tried["MaximumRetryAttempts"] == answered["MaximumRetryAttempts"] == len(PAUSES)
    # A last try begins just before an event is too old, which Lambda may notice only after another pause.
    handed_over = tried["MaximumEventAgeInSeconds"] + provider["Timeout"] + max(PAUSES)
    last = handed_over + answered["MaximumEventAgeInSeconds"] + rescue["Timeout"]
    assert HOUR - 300 <= last <= HOUR, "as long as CloudFormation waits, and no longer"
    # Where nothing is throttled, each of the three tries takes place.
    third_begins = len(PAUSES) * rescue["Timeout"] + sum(PAUSES)
    assert third_begins < answered["MaximumEventAgeInSeconds"]


def test_rescue_runs_while_the_accounts_concurrency_is_used_up() -> None:
    def reserved(**parameters: str) -> Any:
        deployment = {**TEMPLATE.defaults, **parameters}
        return properties("RescueFunction", deployment).get("ReservedConcurrentExecutions")

    assert int(reserved()) >= 1
    assert reserved(RescueConcurrency="7") == "7"
    assert reserved(RescueConcurrency="0") is None, "0 would keep it from running at all"


@pytest.mark.parametrize(
    ("alarm", "metric", "dimension"),
    [
        ("RescueUsed", "AWS/Lambda Invocations", ("FunctionName", "${RescueFunction}")),
        (
            "RescueFailed",
            "AWS/SQS ApproximateNumberOfMessagesVisible",
            ("QueueName", "${RescueDeadLetters.QueueName}"),
        ),
        (
            "RescueNotReached",
            "AWS/Lambda DestinationDeliveryFailures",
            ("FunctionName", "${ProviderFunction}"),
        ),
    ],
    ids=["used", "failed", "not reached"],
)
def test_people_are_told_of_the_providers_death(alarm: str, metric: str, dimension: tuple[str, str]) -> None:
    watch = properties(alarm)
    assert f"{watch['Namespace']} {watch['MetricName']}" == metric
    assert [(each["Name"], each["Value"]) for each in watch["Dimensions"]] == [dimension]
    assert watch["Statistic"] in ("Sum", "Maximum")
    # At the first one, within minutes.
    assert (watch["ComparisonOperator"], watch["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
    assert watch["EvaluationPeriods"] == 1
    assert watch["Period"] <= 300
    assert watch["TreatMissingData"] == "notBreaching"
    assert watch["AlarmActions"] == ["${DigestTopic}"]


def test_the_simulation_has_the_times_of_the_template() -> None:
    provider, rescue = properties("ProviderFunction"), properties("RescueFunction")
    sources = ROOT / "crates" / "simulator" / "src"

    def constant(file: str, name: str) -> int:
        pattern = rf"const {name}: \w+ = (?:Duration::from_secs\()?([\d_]+)\)?;"
        (value,) = re.findall(pattern, (sources / file).read_text())
        return int(value)

    assert constant("functions.rs", "PROVIDER_TIMEOUT") == provider["Timeout"]
    assert constant("functions.rs", "RESCUE_TIMEOUT") == rescue["Timeout"]
    assert constant("lambda.rs", "MAX_EVENT_AGE") == provider["EventInvokeConfig"]["MaximumEventAgeInSeconds"]
    for function in (provider, rescue):
        tries = function["EventInvokeConfig"]["MaximumRetryAttempts"] + 1
        assert constant("lambda.rs", "ATTEMPTS") == tries


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
