"""Stacks and what comes of them on a local AWS: what the demo and the tests have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local_cloud import CloudError, LocalCloud

PREFIX = "/inference-profiles"
OURS = "inference-profile-manager:"

TIMEOUT = 120
PAUSE = 0.1

Tags = dict[str, str]


def to_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as CloudFormation writes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class Event:
    """What CloudFormation tells of a resource."""

    logical_id: str
    status: str
    reason: str


class Stack:
    """A stack, driven as CloudFormation is; every operation waits for its end and gives the status."""

    def __init__(self, cloud: LocalCloud, name: str) -> None:
        self.name = name
        self._api = cloud.client("cloudformation")
        self._seen = 0
        self.id = name

    def create(self, template: str | dict[str, Any], **options: Any) -> str:
        """Options: ``tags``, ``parameters``."""
        answer = self._api.create_stack(StackName=self.name, **self._request(template, **options))
        self.id = answer["StackId"]
        return self._end()

    def update(self, template: str | dict[str, Any], **options: Any) -> str:
        """Options: ``tags``, ``parameters``."""
        self._seen = len(self._events())
        self._api.update_stack(StackName=self.name, **self._request(template, **options))
        return self._end()

    def delete(self, retain: Sequence[str] = ()) -> str:
        """Ends with ``DELETE_COMPLETE`` or ``DELETE_FAILED``; then, ``retain`` leaves resources behind."""
        self._seen = len(self._events())
        self._api.delete_stack(StackName=self.name, RetainResources=list(retain))
        return self._end()

    @property
    def status(self) -> str:
        """The status now."""
        return str(self._api.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        described = self._api.describe_stacks(StackName=self.id)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

    def physical_id(self, logical_id: str) -> str:
        """What ``Ref`` gives."""
        answer = self._api.describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def failures(self) -> dict[str, str]:
        """Why resources failed in the last operation, by logical id; the first reason of each."""
        reasons: dict[str, str] = {}
        for event in self._events()[self._seen :]:
            if event.status.endswith("_FAILED") and event.logical_id != self.name:
                reasons.setdefault(event.logical_id, event.reason)
        return reasons

    def _events(self) -> list[Event]:
        """All events, oldest first."""
        pages = self._api.get_paginator("describe_stack_events").paginate(StackName=self.id)
        newest_first = [
            Event(each["LogicalResourceId"], each["ResourceStatus"], each.get("ResourceStatusReason", ""))
            for page in pages
            for each in page["StackEvents"]
        ]
        return newest_first[::-1]

    def _request(
        self,
        template: str | dict[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TemplateBody": template if isinstance(template, str) else json.dumps(template),
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()
            ],
        }
        # An update without tags keeps those that are there.
        return request if tags is None else {**request, "Tags": to_list(tags)}

    def _end(self) -> str:
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            status = self.status
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(PAUSE)
        raise CloudError(f"stack {self.name} is still {self.status} after {TIMEOUT} seconds")


@dataclass(frozen=True)
class Profile:
    """An application inference profile as Bedrock shows it, with its tags."""

    arn: str
    id: str
    name: str
    description: str
    models: tuple[str, ...]
    tags: Tags

    @property
    def user_tags(self) -> Tags:
        """The tags that are not the manager's own."""
        return {key: value for key, value in self.tags.items() if not key.startswith(OURS)}

    @property
    def own_tags(self) -> Tags:
        """The manager's own tags, without their prefix."""
        return {key.removeprefix(OURS): value for key, value in self.tags.items() if key.startswith(OURS)}


class Account:
    """What is there, in Bedrock and in Parameter Store."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._bedrock = cloud.client("bedrock")
        self._ssm = cloud.client("ssm")

    def profile(self, arn_or_id: str) -> Profile | None:
        """One profile, or ``None`` when it is gone."""
        try:
            found = self._bedrock.get_inference_profile(inferenceProfileIdentifier=arn_or_id)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return self._read(found)

    def profiles(self, name_prefix: str = "") -> list[Profile]:
        """The application profiles whose names begin so, by name."""
        pages = self._bedrock.get_paginator("list_inference_profiles").paginate(typeEquals="APPLICATION")
        found = [each for page in pages for each in page["inferenceProfileSummaries"]]
        wanted = [each for each in found if each["inferenceProfileName"].startswith(name_prefix)]
        return sorted(map(self._read, wanted), key=lambda profile: profile.name)

    def parameter(self, name: str) -> str | None:
        """A parameter's value, or ``None`` when it is gone."""
        try:
            return str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except self._ssm.exceptions.ParameterNotFound:
            return None

    def parameter_tags(self, name: str) -> Tags:
        """A parameter's tags."""
        answer = self._ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
        return {tag["Key"]: tag["Value"] for tag in answer["TagList"]}

    def parameters(self, path: str = PREFIX) -> dict[str, str]:
        """The parameters beneath a path."""
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
        return {each["Name"]: each["Value"] for page in pages for each in page["Parameters"]}

    def owned_by(self, stack_id: str) -> tuple[list[str], list[str]]:
        """The profiles and the parameters that a stack owns by their tags."""
        profiles = [each.arn for each in self.profiles() if each.own_tags.get("stack-id") == stack_id]
        parameters = [
            name for name in self.parameters() if self.parameter_tags(name).get(f"{OURS}stack-id") == stack_id
        ]
        return profiles, parameters

    def _read(self, found: dict[str, Any]) -> Profile:
        arn = found["inferenceProfileArn"]
        tags = self._bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
        return Profile(
            arn=arn,
            id=found["inferenceProfileId"],
            name=found["inferenceProfileName"],
            description=found.get("description", ""),
            models=tuple(model["modelArn"] for model in found["models"]),
            tags={tag["key"]: tag["value"] for tag in tags},
        )
