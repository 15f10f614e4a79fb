"""`make demo`: the whole life of two inference profiles on a local AWS.

Each step checks what it claims; one that does not hold ends the demo with the place of the logs.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from local_cloud import ROOT, CloudError, LocalCloud, ending_cleanly, relative, stop_kept
from stacks import Account, Profile, Stack

QUICKSTART = ROOT / "examples" / "quickstart.yaml"
STACK = "quickstart"


class ExpectationError(Exception):
    """A step did not hold."""


def expect(holds: bool, claim: str) -> None:
    """Ends the demo unless ``claim`` is true."""
    if not holds:
        raise ExpectationError(f"it does not hold that {claim}")


class Screen:
    """What a person sees: a line for each step and the values beneath it; colours on a terminal only."""

    def __init__(self) -> None:
        self.colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.steps = 0

    def paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def headline(self, text: str) -> None:
        print(self.paint(text, "1"), flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step: its line is printed when it is done, with the time it took."""
        self.steps += 1
        begun = time.monotonic()
        step = Step()
        try:
            yield step
        except BaseException:
            print(f"\n{self.paint('✗', '31')} {self.steps}  {self.paint(title, '1')}")
            step.show(self)
            raise
        took = self.paint(f"{time.monotonic() - begun:.1f} s", "2")
        print(f"\n{self.paint('✓', '32')} {self.steps}  {self.paint(title, '1')}  {took}")
        step.show(self)
        sys.stdout.flush()


class Step:
    """The values of a step."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def value(self, label: str, value: str) -> None:
        self.lines.append((label, value))

    def tags(self, profiles: Iterable[Profile]) -> None:
        for profile in profiles:
            self.value(
                profile.name, "  ".join(f"{key}={value}" for key, value in sorted(profile.user_tags.items()))
            )

    def text(self, label: str, text: str) -> None:
        """A long text, wrapped."""
        for number, line in enumerate(textwrap.wrap(text, 100)):
            self.value(label if number == 0 else "", line)

    def show(self, screen: Screen) -> None:
        width = max((len(label) for label, _ in self.lines), default=0)
        for label, value in self.lines:
            print(f"      {screen.paint(label.ljust(width), '36')}  {value}")


def assignments(values: Mapping[str, str]) -> str:
    """``a=1  b=2``, by key."""
    return "  ".join(f"{key}={value}" for key, value in sorted(values.items()))


def last(arn: str) -> str:
    """The part of a model's ARN that tells it from others: Region and id."""
    parts = arn.split(":", 5)
    return f"{parts[3] or 'any Region'}/{parts[5].split('/', 1)[1]}"


def run(screen: Screen, cloud: LocalCloud) -> None:
    """The steps."""
    account = Account(cloud)
    stack = Stack(cloud, STACK)
    template = QUICKSTART.read_text()

    with screen.step("A local AWS is up") as step:
        cloud.start()
        step.value("MiniStack", f"{cloud.endpoint}  CloudFormation, Lambda, SSM, CloudWatch, …")
        step.value("local-aws", f"{cloud.bedrock_endpoint}  Bedrock and the tagging API")

    with screen.step("`sam deploy` deployed template.yaml: the provider runs") as step:
        token = cloud.deploy()
        step.value("ServiceToken", token)

    with screen.step("examples/quickstart.yaml is deployed: two profiles exist") as step:
        status = stack.create(template, tags={"environment": "demo"})
        expect(status == "CREATE_COMPLETE", f"the stack is created ({status}: {stack.failures()})")
        outputs = stack.outputs()
        profiles = account.profiles(f"{STACK}-")
        chat, search = outputs["ChatProfile"], outputs["SearchProfile"]
        expect([each.arn for each in profiles] == [chat, search], "Bedrock has these two profiles")
        for profile in profiles:
            step.value(profile.name, profile.arn)
            step.value("", "routes to " + ", ".join(map(last, profile.models)))

    with screen.step("Their ARNs are published: applications read a stable name") as step:
        for name, arn in ((outputs["ChatParameter"], chat), (outputs["SearchParameter"], search)):
            value = account.parameter(name)
            expect(value == arn, f"{name} holds the profile's ARN ({value})")
            step.value(name, arn)

    with screen.step("They carry the declared tags, and the stack's own beneath them") as step:
        for profile in profiles:
            expect(profile.tags.get("owner") == "team-a", f"{profile.name} has its owner")
            expect(profile.tags.get("environment") == "demo", f"{profile.name} has the stack's tag")
        step.tags(profiles)

    with screen.step("Owner=team-b: the tags change in place, the profiles stay") as step:
        status = stack.update(template, parameters={"Owner": "team-b"})
        expect(status == "UPDATE_COMPLETE", f"the stack is updated ({status}: {stack.failures()})")
        profiles = account.profiles(f"{STACK}-")
        expect([each.arn for each in profiles] == [chat, search], "both profiles are the same as before")
        expect(all(each.tags["owner"] == "team-b" for each in profiles), "both have the new owner")
        step.tags(profiles)
        step.value("Ref", "the same two ARNs")

    with screen.step("ChatModel=us.amazon.nova-pro-v1:0: a new profile, and the parameter follows") as step:
        good = {"Owner": "team-b", "ChatModel": "us.amazon.nova-pro-v1:0"}
        status = stack.update(template, parameters=good)
        expect(status == "UPDATE_COMPLETE", f"the stack is updated ({status}: {stack.failures()})")
        replaced, chat = chat, stack.physical_id("Chat")
        expect(chat != replaced, "Bedrock has no update operation, so the profile is another one")
        now = account.profile(chat)
        expect(now is not None and all("nova-pro" in model for model in now.models), "it routes to Nova Pro")
        value = account.parameter(outputs["ChatParameter"])
        expect(value == chat, f"{outputs['ChatParameter']} holds the new ARN ({value})")
        expect(account.profile(replaced) is None, "the replaced profile is gone")
        expect(stack.physical_id("Search") == search, "the other profile is the same as before")
        step.value("before", f"{replaced}  (gone)")
        step.value("now", chat)
        step.value(outputs["ChatParameter"], chat)

    with screen.step("A bad update fails with advice, and everything is as it was") as step:
        before = (account.profiles(f"{STACK}-"), account.parameters())
        bad = {
            "Owner": "team-c",
            "ChatModel": "us.amazon.nova-micro-v1:0",
            "SearchModel": "amazon.nova-mikro-v1",
        }
        status = stack.update(template, parameters=bad)
        expect(status == "UPDATE_ROLLBACK_COMPLETE", f"the stack is rolled back ({status})")
        step.value("declared", assignments(bad))
        step.text("Search", stack.failures()["Search"])
        after = (account.profiles(f"{STACK}-"), account.parameters())
        expect(before == after, f"profiles, tags and parameters are those before ({before} / {after})")
        expect(stack.physical_id("Chat") == chat, "Chat is the profile it was")
        step.value("rolled back", "profiles, tags, parameters and Refs equal those before the update")

    with screen.step("The stack is deleted: nothing is left") as step:
        status = stack.delete()
        expect(status == "DELETE_COMPLETE", f"the stack is deleted ({status}: {stack.failures()})")
        left = account.profiles()
        expect(not left, f"no profile is left ({left})")
        expect(not account.parameters(), f"no parameter is left ({account.parameters()})")
        step.value("profiles", "none")
        step.value("parameters", "none")


def explain_kept(screen: Screen, cloud: LocalCloud) -> None:
    """How to talk to what stays up."""
    print()
    screen.headline("The local AWS stays up, with the provider deployed. To talk to it with the AWS CLI:")
    print()
    for key, value in cloud.settings().items():
        print(f"  export {key}={value}")
    aws = relative(ROOT / ".venv/bin/aws")
    print()
    for command in (
        "cloudformation deploy --stack-name mine --template-file examples/quickstart.yaml",
        "bedrock list-inference-profiles --type-equals APPLICATION",
        "ssm get-parameters-by-path --path /inference-profiles",
        "logs tail /aws/lambda/inference-profile-manager-provider",
    ):
        print(f"  {aws} {command}")
    print("\n`make stop` ends it.")


def main() -> int:
    """`make demo`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--keep", action="store_true", help="leave the local AWS up")
    parser.add_argument("--stop", action="store_true", help="stop what --keep left up, and do nothing else")
    arguments = parser.parse_args()
    screen = Screen()
    stopped = stop_kept()
    if arguments.stop:
        print("stopped" if stopped else "nothing was up")
        return 0

    cloud = LocalCloud(name="demo")
    logs = f"The logs are in {relative(cloud.logs)}/demo-*.log."
    screen.headline("Inference Profile Manager: the life of two profiles")
    begun = time.monotonic()
    with ending_cleanly():
        try:
            run(screen, cloud)
            if arguments.keep:
                cloud.keep()
        except (ExpectationError, CloudError) as error:
            print(f"\n{screen.paint('The demo failed', '31;1')}: {error}", file=sys.stderr)
            print(logs, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nInterrupted; stopping the local AWS.", file=sys.stderr)
            return 130
        except Exception:
            print(f"\n{screen.paint('The demo failed', '31;1')}. {logs}\n", file=sys.stderr)
            raise
        finally:
            cloud.stop()
    print(f"\nAll of it held, in {time.monotonic() - begun:.0f} seconds. {logs}")
    if arguments.keep:
        explain_kept(screen, cloud)
    return 0


if __name__ == "__main__":
    sys.exit(main())
