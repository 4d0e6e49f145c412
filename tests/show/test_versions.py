"""What changed between two versions, in words: the decision, what it rests on, and cells for every heading."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.coverage import Coverage
from judgebench.services.part_rates import PartRate
from judgebench.services.profiles import BattleOfTwo, Comparison
from judgebench.services.versions import Evidence, ModelChange, OutputChange, PartChange
from judgebench.show import versions
from judgebench.stats.versions import by_scores, version_change
from tests.show.factories import known
from tests.stats.test_versions import N, planted, scores_of


def comparison(evidence: Evidence = "scores", *, repeats: int = 1, **fields: object) -> Comparison:
    paired = by_scores(scores_of(*planted(repeats)), "old", "new")
    whole = version_change(paired, np.arange(N))
    at_once = evidence == "battles"
    rows = (
        OutputChange("k", "Why?", "c", None if at_once else 1.0, None if at_once else 0.0, -1.0, "negative", True),
        OutputChange("m", "Who?", None, None if at_once else 1.0, None if at_once else 1.0, 0.0, "", False),
    )
    change = ModelChange(
        evidence, None, None, False, "dialogue", N, 0.0, "cannot tell", whole, (PartChange("", whole),), rows
    )
    battles = (BattleOfTwo("k", "Why?", "c", 1.0, 1.0, None), BattleOfTwo("m", "Who?", None, 0.5, 1.0, 0.0))
    part = PartRate("", known(0.6), 10, 6, 1, 10)
    return Comparison("old", "new", part, (), battles, replace(change, **fields), Coverage(judges={"judge": 120}))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "cannot tell whether new is worse than old"),
        ({"decision": "worse"}, "new is worse than old"),
        ({"decision": "worse", "margin": 0.05}, "new is worse than old by more than 5.0 points"),
        ({"decision": "no worse", "margin": 0.5, "graded": True}, "new is no worse than old by more than 0.500"),
    ],
)
def test_the_decision_names_the_margin(fields: dict[str, object], sentence: str) -> None:
    assert versions.decided(comparison(**fields)) == sentence


def test_what_it_rests_on_is_said() -> None:
    about = "60 instructions; 2 better, 4 worse, 54 equal"
    assert f"by outputs that are right, by scores of 0 and 1: {about}" in versions.sentences(comparison())
    assert any("by scores from 3 on" in line for line in versions.sentences(comparison(right_from=3.0)))
    against = versions.sentences(comparison("baseline", baseline="base\nline"))
    assert any(line.startswith("by what each did against base line; right is an output that beats") for line in against)
    grouped = versions.sentences(comparison(clusters=1, cluster="category"))
    assert any("60 instructions, in 1 group by category" in line for line in grouped)
    assert "4 negative flips, 2 positive flips" in versions.sentences(comparison())
    assert "4 negative flips (4 by every reading), 2 positive flips" in versions.sentences(comparison(repeats=2))
    assert "4 lost in both orders, 2 won in both" in versions.sentences(comparison("battles"))
    assert any("seen four times in five" in line for line in versions.sentences(comparison()))


@pytest.mark.parametrize("evidence", ["battles", "scores"])
@pytest.mark.parametrize("graded", [False, True])
def test_there_is_a_cell_for_each_heading(evidence: Evidence, graded: bool) -> None:
    between = comparison(evidence, graded=graded and evidence == "scores")
    change = between.change
    for cells in versions.category_cells(change):
        assert len(cells) == len(versions.category_headings(change))
    cells = list(versions.output_cells(change, change.instructions, between.battles))
    assert {len(row) for row in cells} == {len(versions.output_headings(change))}
    assert len(list(versions.labelled(between))) == (4 if evidence == "battles" or change.graded else 6)
    assert {*next(versions.rows(change))} == {*versions.COLUMNS}


def test_flips_are_counted_by_the_size_of_the_difference() -> None:
    sizes = versions.flip_sizes(comparison().change)
    assert [size for size, *_ in sizes] == ["0 to 25 points", "25 to 50 points", "50 to 75 points", "75 to 100 points"]
    assert [counts for _, *counts in sizes] == [[0, 0], [0, 0], [0, 0], [1, 0]]
    assert versions.flip_sizes(comparison(graded=True).change) == []


def test_a_flip_says_what_kind_it_is() -> None:
    for evidence, words in (("battles", "lost in both orders, confirmed"), ("scores", "negative, confirmed")):
        change = comparison(evidence).change
        assert [versions.flip(change, row) for row in change.instructions] == [words, ""]
