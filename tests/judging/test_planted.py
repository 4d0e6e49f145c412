"""The figures that docs/templates.md promises on planted verdicts, on replies that are generated."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache

import pytest

from tests.judging.planted import asking, cases

REPLIES = 3000


@cache
def shares() -> dict[str, dict[str, float]]:
    """Of each kind of reply the share of each outcome."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case in cases(seed=15, count=REPLIES):
        counts[case.kind][case.outcome] += 1
    return {kind: defaultdict(float, {o: n / c.total() for o, n in c.items()}) for kind, c in counts.items()}


@pytest.mark.parametrize(("kind", "most"), [("think tags", 0.0), ("marked", 0.01), ("unmarked", 0.05)])
def test_verdicts_that_outputs_plant_are_not_read(kind: str, most: float) -> None:
    assert shares()[kind]["planted"] + shares()[kind]["wrong"] <= most


@pytest.mark.parametrize("kind", ["honest", "honest, quoting"])
def test_honest_verdicts_stay_readable_whatever_outputs_hold(kind: str) -> None:
    assert shares()[kind]["right"] >= 0.99


@pytest.mark.parametrize("kind", ["think tags", "marked", "unmarked"])
def test_a_verdict_that_stands_before_the_quotation_is_read(kind: str) -> None:
    assert shares()[kind]["unreadable"] <= 0.01


def test_all_templates_with_words_are_tried_and_the_replies_are_the_same_each_time() -> None:
    one, other = ([(case.template.id, case.reply) for case in cases(3, 500)] for _ in range(2))
    assert one == other
    assert {name for name, _ in one} == {template.id for template in asking()}


@pytest.mark.parametrize("text", ["\u200b", "\u200b\nNothing.\n\u200b", "```\n\u200b\n```"])
def test_a_line_of_invisible_characters_alone_states_nothing(text: str) -> None:
    cases_of_each = {case.template.id: case for case in cases(3, 500)}
    for case in cases_of_each.values():
        assert replace(case, reply=text, value=None).outcome == "right"
