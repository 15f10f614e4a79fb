"""What people read when a declaration is wrong: the reasons as they reach the stack's events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_cloud import LocalCloud
from stacks import Account, Stack

Make = Callable[..., dict[str, Any]]

SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def source(copy_from: str) -> dict[str, dict[str, str]]:
    """A change of the model source."""
    return {"ModelSource": {"CopyFrom": copy_from}}


def tagged(*tags: tuple[str, str]) -> dict[str, list[dict[str, str]]]:
    """A change of the tags."""
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags]}


# What is declared beside what is right, and what the reason says: the property's path, what is wrong, and
# what would be right.
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a name is missing": ({"InferenceProfileName": None}, ["InferenceProfileName"]),
    "a model source is missing": ({"ModelSource": None}, ["ModelSource"]),
    "an unknown property": ({"Tag": []}, ["Tag", "Tags"]),
    "an unknown nested property": (
        {"ModelSource": {"CopyFrom": "amazon.nova-lite-v1:0", "CopyForm": "x"}},
        ["ModelSource.CopyForm", "CopyFrom"],
    ),
    "a list for a string": ({"InferenceProfileName": ["a"]}, ["InferenceProfileName"]),
    "a string for an object": ({"ModelSource": "amazon.nova-lite-v1:0"}, ["ModelSource"]),
    "a map for the tags": ({"Tags": {"owner": "team-a"}}, ["Tags"]),
    "neither true nor false": ({"PublishParameter": "perhaps"}, ["PublishParameter", "perhaps", "true"]),
    "no period": ({"DrainPeriod": "a week"}, ["DrainPeriod", "a week", "7d"]),
    "a name outside the alphabet": ({"InferenceProfileName": "chat!"}, ["InferenceProfileName", "chat!"]),
    "a name that is too long": ({"InferenceProfileName": "x" * 65}, ["InferenceProfileName", "64"]),
    "a description outside the alphabet": ({"Description": "Chat (new)"}, ["Description", "("]),
    "a tag of AWS's": (tagged(("aws:owner", "x")), ["Tags[0]", "aws:"]),
    "a tag of ours": (
        tagged(("inference-profile-manager:stack-id", "x")),
        ["Tags[0]", "inference-profile-manager:"],
    ),
    "a tag twice": (tagged(("owner", "a"), ("owner", "b")), ["Tags[1]", "owner"]),
    "51 tags": (tagged(*((f"key-{n}", "x") for n in range(51))), ["Tags", "50"]),
    "a parameter outside the prefix": (
        {"ParameterName": "/elsewhere/chat"},
        ["ParameterName", "/elsewhere/chat", "/inference-profiles/chat"],
    ),
    "a profile of no kind": ({"ExistingProfile": "not an id"}, ["ExistingProfile", "not an id"]),
    "an unknown model": (source("amazon.nova-lite-v9:0"), ["ModelSource.CopyFrom", "amazon.nova-lite-v1:0"]),
    "an unknown system profile": (
        source("us.amazon.nova-lite-v9:0"),
        ["ModelSource.CopyFrom", "us.amazon.nova-lite-v1:0"],
    ),
    "a system profile of another geography": (
        source("eu.amazon.nova-lite-v1:0"),
        ["ModelSource.CopyFrom", "us.amazon.nova-lite-v1:0"],
    ),
    "a model without on-demand use": (source(SONNET), ["ModelSource.CopyFrom", f"us.{SONNET}"]),
    "a model at its end of life": (
        source("anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ["ModelSource.CopyFrom", "2026-03-01"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_declaration_is_refused_with_what_would_be_right(
    account: Account, stack: Stack, profile: Make, name: str, case: str
) -> None:
    change, expected = CASES[case]
    declared = {"Resources": {"Chat": profile(**change)}}
    assert stack.create(declared) == "ROLLBACK_COMPLETE"
    reason = stack.failures()["Chat"]
    for part in expected:
        assert part in reason, reason
    assert account.profiles(name) == [], "nothing was made"


def test_all_faults_of_a_request_come_at_once(stack: Stack, profile: Make) -> None:
    declared = profile(
        InferenceProfileName="-chat-",
        Description="Chat; and more",
        ModelSource={"CopyFrom": "amazon.nova-lite-v9:0"},
        Tags=[{"Key": "aws:owner", "Value": "x"}],
        ParameterName="/elsewhere/chat",
        DrainPeriod="soon",
        Color="blue",
    )
    assert stack.create({"Resources": {"Chat": declared}}) == "ROLLBACK_COMPLETE"
    reason = stack.failures()["Chat"]
    for path in (
        "InferenceProfileName",
        "Description",
        "ModelSource.CopyFrom",
        "Tags[0].Key",
        "ParameterName",
        "DrainPeriod",
        "Color",
    ):
        assert f"{path}:" in reason, reason


class TestTagPolicy:
    """The tags that the deployment asks for."""

    @pytest.fixture
    def deployed_with(self, cloud: LocalCloud, token: str) -> Iterator[Callable[..., None]]:
        """Changes the provider's settings, as a deployment with other parameters would, and back."""
        functions = cloud.client("lambda")
        before = functions.get_function_configuration(FunctionName=token)["Environment"]

        def deploy(**settings: str) -> None:
            variables = {**before["Variables"], **settings}
            functions.update_function_configuration(FunctionName=token, Environment={"Variables": variables})

        yield deploy
        functions.update_function_configuration(FunctionName=token, Environment=before)

    def test_required_tags_in_the_short_form(
        self, account: Account, stack: Stack, profile: Make, name: str, deployed_with: Callable[..., None]
    ) -> None:
        deployed_with(REQUIRED_TAGS="owner,project-id,env=dev|prod")
        declared = {"Resources": {"Chat": profile(**tagged(("env", "test")))}}
        assert stack.create(declared, tags={"owner": "team-a"}) == "ROLLBACK_COMPLETE"
        reason = stack.failures()["Chat"]
        assert "owner" not in reason, "the stack's own tags count"
        for part in ("project-id", "env", "test", "dev", "prod"):
            assert part in reason, reason
        assert account.profiles(name) == []

    def test_a_tag_policy_in_a_parameter(
        self,
        cloud: LocalCloud,
        account: Account,
        stack: Stack,
        profile: Make,
        name: str,
        deployed_with: Callable[..., None],
    ) -> None:
        policy = (
            '{"tags": {"costcenter": {"tag_key": {"@@assign": "CostCenter"},'
            ' "tag_value": {"@@assign": ["4711", "47*"]}}}}'
        )
        cloud.client("ssm").put_parameter(Name=f"/policies/{name}", Value=policy, Type="String")
        deployed_with(TAG_POLICY=f"/policies/{name}")
        declared = {"Resources": {"Chat": profile(**tagged(("costcenter", "4711")))}}
        assert stack.create(declared) == "ROLLBACK_COMPLETE"
        assert "CostCenter" in stack.failures()["Chat"]

        right = Stack(cloud, f"{name}-right")
        declared = {"Resources": {"Chat": profile(**tagged(("CostCenter", "4799")))}}
        assert right.create(declared) == "CREATE_COMPLETE", right.failures()
        assert right.delete() == "DELETE_COMPLETE"
