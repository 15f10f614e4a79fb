"""Findings on a terminal."""

from __future__ import annotations

import pytest

from screen import findings_table

ARN = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/4p3clraqepnt"
FINDINGS = [
    {
        "severity": "critical",
        "rule": "parameter-drift",
        "resource": {"name": "search"},
        "problem": f"The parameter /inference-profiles/search holds {ARN}, so its readers get that one",
    },
    {"severity": "low", "rule": "idle", "resource": {"name": "x" * 64}, "problem": "It was not invoked"},
]


@pytest.mark.parametrize("width", [72, 80, 110, 140])
def test_a_table_fits_and_tells_all(width: int) -> None:
    lines = list(findings_table(FINDINGS, width))
    assert max(map(len, lines)) <= width
    text = "".join("".join(lines).split())
    for word in ("critical", "parameter-drift", "search", "not", "invoked", "x" * 31 + "…"):
        assert word in text
    assert all(word in text for word in ("/inference-profiles/search", "so", "readers"))


def test_a_table_of_nothing_is_its_head() -> None:
    assert list(findings_table([])) == ["severity  rule  name  what is wrong"]
