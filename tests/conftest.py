"""One local AWS for all tests, with the provider deployed as it ships."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from between import Between
from local_cloud import LocalCloud, ending_cleanly
from seeded import REQUIRED_TAGS, Seeded
from stacks import Account, Stack

COUNTER = itertools.count(1)


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """MiniStack and ``local-aws``."""
    with ending_cleanly(), LocalCloud(name="test") as cloud:
        yield cloud


@pytest.fixture(scope="session")
def token(cloud: LocalCloud) -> str:
    """The service token of the provider, which `sam deploy` has deployed."""
    return cloud.deploy()


@pytest.fixture(scope="session")
def account(cloud: LocalCloud) -> Account:
    """What is there."""
    return Account(cloud)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test has: for stacks, profiles and parameters."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_").lower())
    return f"{words[:30].strip('-')}-{next(COUNTER)}"


@pytest.fixture
def stack(cloud: LocalCloud, account: Account, token: str, name: str) -> Iterator[Stack]:
    """A stack that is not created yet. In the end it is deleted, and nothing of it may be left."""
    stack = Stack(cloud, name)
    yield stack
    if stack.id != name and stack.status != "DELETE_COMPLETE":
        assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    assert account.owned_by(stack.id) == ([], [])


@pytest.fixture
def profile(token: str, name: str) -> Any:
    """Makes a ``Custom::InferenceProfile`` for a template: ``profile(Tags=…, InferenceProfileName=…)``."""

    def make(**properties: Any) -> dict[str, Any]:
        declared = {
            "ServiceToken": token,
            "InferenceProfileName": name,
            "ModelSource": {"CopyFrom": "us.amazon.nova-lite-v1:0"},
            **properties,
        }
        kept = {key: value for key, value in declared.items() if value is not None}
        return {"Type": "Custom::InferenceProfile", "Properties": kept}

    return make


# A sweep sees the whole account, so those that are swept have a local AWS to themselves.


@pytest.fixture(scope="session")
def swept() -> Iterator[LocalCloud]:
    """A local AWS of another account, for sweeps of what a test makes."""
    with ending_cleanly(), LocalCloud(name="swept", account="111122223333") as cloud:
        yield cloud


@pytest.fixture(scope="session")
def swept_token(swept: LocalCloud) -> str:
    """The service token of the provider there."""
    return swept.deploy(RequiredTags=REQUIRED_TAGS)


@pytest.fixture(scope="session")
def between(swept: LocalCloud, swept_token: str) -> Iterator[Between]:
    """What the sweep goes through, to ``local-aws`` and to MiniStack alike."""
    with Between(swept) as between:
        yield between


@pytest.fixture(scope="session")
def seeded() -> Iterator[Seeded]:
    """An account in which every rule has something to find. Nothing there is changed."""
    with ending_cleanly(), LocalCloud(name="seeded", account="444455556666") as cloud:
        token = cloud.deploy(RequiredTags=REQUIRED_TAGS)
        with Between(cloud) as between:
            seeded = Seeded(cloud, between, token)
            seeded.seed()
            yield seeded
