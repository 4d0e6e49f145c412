"""What a finding comes to, in words."""

import pytest

from judgebench.show.findings import SEVERITIES, effect, number


@pytest.mark.parametrize(
    ("audit", "severity", "rule", "words"),
    [
        ("submissions", "high", "constant-output", "without a rank"),
        ("submissions", "high", "constant-output", "except where flagged models count"),
        ("submissions", "medium", "self-praise", "its row is marked"),
        ("submissions", "medium", "near-copy", "changes nothing"),
        ("submissions", "low", "self-praise", "changes nothing"),
        ("null-models", "medium", "null-win-rate", "did not pass"),
        ("robustness", "high", "net-flip", "gate is not passed"),
        ("robustness", "medium", "net-flip", "in their notes"),
        ("integrity", "high", "counted-twice", "No rank changes"),
        ("from outside", "high", "anything", "changes nothing"),
    ],
)
def test_what_a_finding_does_to_the_leaderboard(audit: str, severity: str, rule: str, words: str) -> None:
    assert words in effect(audit, {"severity": severity, "rule": rule})


def test_each_number_has_its_interval_or_says_why_not() -> None:
    assert number({"value": 0.5, "lower": 0.4, "upper": 0.6}) == "0.5 [0.4, 0.6]"
    assert number({"value": 3.0, "lower": None, "upper": None}) == "3 (counted)"
    assert SEVERITIES == ("high", "medium", "low")
