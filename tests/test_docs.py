"""What the documents say of the project itself is so."""

from __future__ import annotations

import json
import re

import pytest

from calls import Workspace
from local_cloud import ROOT
from policies import Template, reference

SECURITY = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w./-]+\.(?:rs|py))::(\w+)`", SECURITY)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[f"{file}::{name}" for file, name in NAMED])
def test_a_test_that_shows_a_defence_exists(file: str, name: str) -> None:
    path = ROOT / (file if file.startswith("tests/") else f"crates/{file}")
    assert path.is_file(), f"there is no {path}"
    if path.suffix == ".py":
        pattern = rf"^ *def {name}\("
    else:
        pattern = rf"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async\s+)?fn {name}\("
    assert re.search(pattern, path.read_text(), re.MULTILINE), f"{file} has no test {name}"


def test_every_threat_names_tests() -> None:
    threats = SECURITY.split("\n## Threats\n", 1)[1].split("\n## ", 1)[0].split("\n### ")[1:]
    assert len(threats) > 10
    for threat in threats:
        title, text = threat.split("\n", 1)
        assert re.search(r"^- `[\w./-]+::\w+`$", text, re.MULTILINE), title


def test_what_it_is_built_of_is_pinned() -> None:
    lock = (ROOT / "Cargo.lock").read_text()
    sources = re.findall(r'^source = "(.*)"$', lock, re.MULTILINE)
    assert set(sources) == {"registry+https://github.com/rust-lang/crates.io-index"}
    assert len(re.findall(r'^checksum = "[0-9a-f]{64}"$', lock, re.MULTILINE)) == len(sources)
    for manifest in (ROOT / "crates").glob("*/Cargo.toml"):
        assert "\n[lints]\nworkspace = true\n" in manifest.read_text(), manifest
    assert '\nunsafe_code = "forbid"\n' in (ROOT / "Cargo.toml").read_text()

    # Where ours does not fit what the SDK asks for, cargo takes the registry's without a word.
    replaced = re.findall(r'^name = "crc-fast"\nversion = .*\n(\w+) = ', lock, re.MULTILINE)
    assert replaced == ["dependencies"], "crates/crc-fast is not what the SDK's checksums are built of"

    makefile = (ROOT / "Makefile").read_text()
    builds = r"cargo (?:(?:lambda )?build|run|clippy|test|nextest run|install|deny .*check)\b.*"
    commands = re.findall(builds, makefile)
    assert len(commands) > 5
    for command in commands:
        assert "--locked" in command, command
        assert "cargo install" not in command or re.search(r"@\$\(\w+_VERSION\)", command), command
    # SAM's own build is not, and finds a lock file that fits.
    assert makefile.index(",cargo lambda build ") < makefile.index(" sam build --")

    for listed in ("requirements.txt", "checkov-requirements.txt"):
        for line in (ROOT / "tests" / listed).read_text().splitlines():
            if tool := line.split("#")[0].strip():
                assert re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", tool), f"{listed}: {tool}"


def test_the_policy_for_reserved_tags_is_the_example() -> None:
    example = (ROOT / "examples" / "reserved-tags.json").read_text()
    assert f"```json\n{example}```\n" in SECURITY


def test_the_policy_for_reserved_tags_names_all_of_ours() -> None:
    source = (ROOT / "crates" / "profile" / "src" / "tags.rs").read_text()
    ours = set(re.findall(r'const \w+: &str = "(inference-profile-manager:[\w-]+)";', source))
    policy = json.loads((ROOT / "examples" / "reserved-tags.json").read_text())
    (profiles, parameters) = policy["Statement"]
    assert set(profiles["Condition"]["ForAnyValue:StringEquals"]["aws:TagKeys"]) == ours
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Deny"
        assert statement["Condition"]["ArnNotLike"] == parameters["Condition"]["ArnNotLike"]
        for action in statement["Action"]:
            service, name = action.split(":")
            assert name.lower() in reference()[service]["Actions"], action


def spelled(text: str) -> set[str]:
    """The actions that a text names: `ssm:GetParameters`, and after it `PutParameter` of the same service."""
    actions, service = set(), ""
    for name in re.findall(r"`([a-z0-9]+:[A-Z]\w+|[A-Z]\w+)`", text):
        if ":" in name:
            service = name.split(":")[0]
        actions.add(name if ":" in name else f"{service}:{name}")
    return actions


def test_the_sweeps_role_is_what_its_document_says() -> None:
    template = Template((ROOT / "template.yaml").read_text())
    allowed = {
        action
        for deployment in template.deployments("SweepRole")
        for each in template.statements("SweepRole", deployment)
        for action in each.actions
    }
    document = (ROOT / "docs" / "sweep.md").read_text()
    section = document.split("\n## What its role may do\n", 1)[1].split("\n## ", 1)[0]
    told = spelled(" ".join(re.findall(r"^\| [\w ]+ \| (.*?) \|", section, re.MULTILINE)))
    assert told == {action for action in allowed if not action.startswith("logs:")}


def test_the_adapters_call_what_their_crate_says() -> None:
    adapters = Workspace(ROOT).adapters
    text = adapters.sources["lib"].text
    told = {
        port: spelled(row) for port, row in re.findall(r"^//! \| \[`(\w+)`\] \| (.*) \|$", text, re.MULTILINE)
    }
    called = {}
    for builder, (port, *_) in adapters.builders.items():
        called[port] = set().union(*adapters.methods(builder).values())
    assert told == {port: actions for port, actions in called.items() if actions}
