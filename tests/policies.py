"""What ``template.yaml`` lets each role do, for every way that it can be deployed.

The template is evaluated as CloudFormation does it, as far as roles need it: the conditions with given
parameters, ``Fn::If`` and the functions that make up a resource's ARN. What is only known in AWS stays as
``${ReportBucket.Arn}``.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cfnlint
import yaml

NOTHING = object()

PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "inference-profile-manager",
    "AWS::NoValue": NOTHING,
}

# A value of each parameter that switches on what its default switches off.
OTHERWISE = {
    "CentralEventBusArn": "arn:aws:events:us-east-1:999999999999:event-bus/central",
    "FunctionNamePrefix": "ipm",
    "NotificationEmail": "team@example.org",
    "Regions": "us-east-1,eu-west-1",
    "SweepSchedule": "",
    "TagPolicy": "/policies/tags",
}

Deployment = dict[str, str]


class Loader(yaml.SafeLoader):
    """Writes CloudFormation's short forms as the long ones."""


def long_form(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


Loader.add_multi_constructor("!", long_form)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, with nothing left to evaluate."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    # As JSON.
    condition: str

    @property
    def conditions(self) -> dict[str, dict[str, Any]]:
        return json.loads(self.condition)  # type: ignore[no-any-return]

    def demands(self, operator: str, key: str, value: str) -> bool:
        """Whether it holds only where ``key`` is like ``value``."""
        return self.conditions.get(operator, {}).get(key) == value  # type: ignore[no-any-return]


def as_list(value: Any) -> list[Any]:
    """IAM writes a list of one as that one."""
    return value if isinstance(value, list) else [value]


class Template:
    """``template.yaml``."""

    def __init__(self, text: str) -> None:
        document = yaml.load(text, Loader)
        self.parameters: dict[str, dict[str, Any]] = document["Parameters"]
        self.conditions: dict[str, Any] = document["Conditions"]
        self.resources: dict[str, dict[str, Any]] = document["Resources"]
        self.defaults: Deployment = {name: str(each["Default"]) for name, each in self.parameters.items()}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of a type, by their logical ids."""
        return {name: each for name, each in self.resources.items() if each["Type"] == kind}

    def functions(self) -> dict[str, str]:
        """The packages of the functions, by their logical ids."""
        functions = self.of_type("AWS::Serverless::Function").items()
        return {name: each["Metadata"]["BuildProperties"]["Binary"] for name, each in functions}

    def role_of(self, function: str) -> str:
        """The logical id of a function's role, which is its own: SAM would make another one."""
        role = self.resources[function]["Properties"]["Role"]["Fn::GetAtt"]
        assert role[1:] == ["Arn"], f"{function} has the role {role}"
        return str(role[0])

    # -- evaluation

    def deployments(self, *names: str) -> Iterator[Deployment]:
        """Every way to deploy it in which the conditions differ that these resources depend on."""
        text = json.dumps([self.resources[name] for name in names] + self.policies_of(*names))
        conditions = {name for name in self.conditions if f'"{name}"' in text}
        while (
            more := {
                name
                for name in self.conditions
                if f'"{name}"' in json.dumps([self.conditions[c] for c in conditions])
            }
            - conditions
        ):
            conditions |= more
        said = json.dumps([self.conditions[name] for name in conditions])
        parameters = [name for name in self.parameters if f'{{"Ref": "{name}"}}' in said]
        values = [(self.defaults[name], self.otherwise(name)) for name in parameters]
        for chosen in itertools.product(*values):
            yield {**self.defaults, **dict(zip(parameters, chosen, strict=True))}

    def otherwise(self, name: str) -> str:
        """A value that is not the default."""
        allowed = [str(each) for each in self.parameters[name].get("AllowedValues", [])]
        if len(allowed) == 2:
            return next(each for each in allowed if each != self.defaults[name])
        assert name in OTHERWISE, f"OTHERWISE has to tell a value of {name}"
        return OTHERWISE[name]

    def holds(self, condition: Any, deployment: Deployment) -> bool:
        """Whether a condition is true."""
        if isinstance(condition, str):
            return self.holds(self.conditions[condition], deployment)
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.holds(argument, deployment)
        if function == "Fn::Equals":
            left, right = (self.value(each, deployment) for each in argument)
            return bool(left == right)
        parts = [self.holds(each, deployment) for each in argument]
        if function == "Fn::Not":
            return not parts[0]
        if function in ("Fn::And", "Fn::Or"):
            return all(parts) if function == "Fn::And" else any(parts)
        raise AssertionError(f"a condition with {function}")

    def value(self, given: Any, deployment: Deployment) -> Any:
        """What a value of the template is in a deployment."""
        if isinstance(given, list):
            values = [self.value(each, deployment) for each in given]
            return [each for each in values if each is not NOTHING]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((function, argument),) = given.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self.called(function, argument, deployment)
        values = {name: self.value(each, deployment) for name, each in given.items()}
        return {name: each for name, each in values.items() if each is not NOTHING}

    def called(self, function: str, argument: Any, deployment: Deployment) -> Any:
        if function == "Ref":
            return self.referred(argument, deployment)
        if function == "Fn::GetAtt":
            return f"${{{'.'.join(argument)}}}"
        if function == "Fn::If":
            name, there, otherwise = argument
            return self.value(there if self.holds(name, deployment) else otherwise, deployment)
        if function == "Fn::Sub":
            text, names = argument if isinstance(argument, list) else (argument, {})
            named = {name: self.value(each, deployment) for name, each in names.items()}

            def filled(match: re.Match[str]) -> str:
                name = match[1]
                if name in named:
                    return str(named[name])
                return match[0] if "." in name else str(self.referred(name, deployment))

            return re.sub(r"\$\{([^!}]+)\}", filled, text)
        values = [self.value(each, deployment) for each in argument]
        if function == "Fn::Join":
            return values[0].join(values[1])
        if function == "Fn::Split":
            return values[1].split(values[0])
        if function == "Fn::Select":
            return values[1][int(values[0])]
        raise AssertionError(f"a value with {function}")

    def referred(self, name: str, deployment: Deployment) -> Any:
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self.parameters:
            value = deployment[name]
            return value.split(",") if self.parameters[name]["Type"] == "CommaDelimitedList" else value
        assert name in self.resources, f"{name} is neither a parameter nor a resource"
        return f"${{{name}}}"

    # -- roles

    def policies_of(self, *roles: str) -> list[dict[str, Any]]:
        """The policies that are resources of their own, of one of these roles."""
        policies = self.of_type("AWS::IAM::Policy").values()
        return [
            each for each in policies if any({"Ref": role} in each["Properties"]["Roles"] for role in roles)
        ]

    def statements(self, role: str, deployment: Deployment) -> list[Statement]:
        """What a role may do in a deployment."""
        resource = self.resources[role]
        if "Condition" in resource and not self.holds(resource["Condition"], deployment):
            return []
        properties = resource["Properties"]
        assert not properties.get("ManagedPolicyArns"), f"{role} has policies that are not read here"
        documents = [each["PolicyDocument"] for each in properties["Policies"]]
        for each in self.policies_of(role):
            if "Condition" not in each or self.holds(each["Condition"], deployment):
                documents.append(each["Properties"]["PolicyDocument"])
        statements = []
        for document in self.value(documents, deployment):
            for each in document["Statement"]:
                assert each.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}, each
                assert each["Effect"] == "Allow", each
                condition = json.dumps(each.get("Condition", {}), sort_keys=True)
                actions, resources = as_list(each["Action"]), as_list(each["Resource"])
                statements.append(Statement(each["Sid"], tuple(actions), tuple(resources), condition))
        return statements


# -- what IAM knows ----------------------------------------------------------------------------------


@functools.cache
def reference() -> dict[str, Any]:
    """The Service Authorization Reference, as cfn-lint brings it along."""
    path = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def kinds(action: str) -> list[str]:
    """The ARNs of the resources that an action knows, as patterns; none when it knows none."""
    service, name = action.split(":")
    known = reference()[service]["Actions"]
    assert name.lower() in known, f"there is no action {action}"
    of_service = reference()[service]["Resources"]
    return [
        pattern
        for kind in known[name.lower()].get("Resources", [])
        for pattern in of_service[kind]["ARNFormats"]
    ]


def is_of(resource: str, pattern: str) -> bool:
    """Whether the ARN of a statement, which may have wildcards, can be one of a pattern's.

    Both are compared part by part. An ARN that is only known in AWS, such as ``${DigestTopic}``, is of the
    service that its resource is of, and taken for right.
    """
    if resource.startswith("${"):
        return True
    ours, theirs = resource.split(":", 5), pattern.split(":", 5)
    if len(ours) != 6 or len(theirs) != 6:
        return False
    for own, their in zip(ours[:5], theirs[:5], strict=True):
        wild = "*" in own or "${" in their or "*" in their
        # A part that the pattern leaves empty is empty: a model's ARN has no account.
        if own != their and not (wild and their and own):
            return False
    begins = re.split(r"\$\{|\.\*|\*", theirs[5])[0]
    literal = ours[5].split("*")[0]
    return literal.startswith(begins) or begins.startswith(literal)
