"""Each fact of a coverage is said, with its numbers and names, and is a plain value of the document."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from judgebench.coverage import Coverage
from judgebench.records import Status
from judgebench.show.coverage import NOTHING, document, sentences

WHOLE = Coverage(judges={"judge": 40}, instructions=20, chosen=20, judged=20, shared=20, fewest=20, most=20, models=3)
MANY = tuple(f"m{number:02}" for number in range(15))


def test_where_nothing_is_left_out_that_is_said_with_the_judge() -> None:
    assert sentences(WHOLE) == ["Judged by judge (40 verdicts).", NOTHING]
    assert sentences(None) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"judges_by": "most verdicts", "other_judges": {"b": 3, "a": 1}},
            "Judged by judge (40 verdicts), the judge with most; not counted: b (3 verdicts) and a (1 verdict) "
            "(--judge chooses, --all-judges pools).",
        ),
        ({"other_judges": {"b": 3}}, "Judged by judge (40 verdicts); not counted: b (3 verdicts)."),
        ({"judges": {"a": 1, "b": 9}}, "Verdicts of 2 judges are pooled: b (9 verdicts) and a (1 verdict)."),
        (
            {"left_out": {Status.REFUSED: 3, Status.FAILED: 1200}},
            "Left out: 1,200 failed, 3 refused (trials without a verdict, so neither win, loss, tie nor score).",
        ),
        ({"not_judged": MANY}, "Submitted and not judged: 15 models, m00, m01, m02 and 12 more."),
        (
            {"judges": {"a": 1, "b": 9}, "judges_by": "each"},
            "Judged by b (9 verdicts) and a (1 verdict), each by itself.",
        ),
        ({"by_others": ("x", "y")}, "Judged only by judges that are not counted: 2 models, x and y."),
        (
            {"judges": {"a": 1, "b": 9, "c": 0}},
            "Verdicts of 2 judges are pooled: b (9 verdicts) and a (1 verdict); no verdict that could count of c.",
        ),
        ({"other_judges": {"b": 0}}, "Judged by judge (40 verdicts); not counted: b (no verdict that could count)."),
        ({"not_judged": ("x",)}, "Submitted and not judged: x."),
        (
            {"not_ranked": MANY, "baseline": "base"},
            "Judged and not ranked, as they have no battle with the baseline base: 15 models, m00, m01, m02 and 12 "
            "more.",
        ),
        ({"not_ranked": ("x",)}, "Judged and not ranked, as their verdicts tell nothing here: x."),
        ({"groups": 2}, "No battle connects 2 groups of models: compare inside a group only."),
        (
            {"category": "writing", "language": "German", "chosen": 5, "judged": 5, "fewest": 5, "most": 5},
            "Only category writing, language (a guess) German: 5 of 20 instructions.",
        ),
        ({"common": True, "judged": 7}, "Only the 7 instructions that all models were judged on (--common)."),
        ({"judged": 7}, "7 of 20 instructions have a verdict that counts."),
        (
            {"fewest": 5, "shared": 4, "short": ("x", "y")},
            "Models were judged on 5 to 20 instructions (fewer than 20: 2 models, x and y); 4 are shared by all "
            "(--common ranks by these alone).",
        ),
        (
            {"fewest": 5, "shared": 0, "short": ("x",)},
            "Models were judged on 5 to 20 instructions (fewer than 20: x); no instruction is shared by all.",
        ),
        ({"most_samples": 3}, "Models have 1 to 3 outputs to an instruction; all that were judged count."),
        (
            {"flagged": ("x",)},
            "Flagged by an audit, so without a rank and nobody's opponent: x (--with-flagged counts them).",
        ),
        (
            {"flagged": ("x",), "flagged_are": "baseline"},
            "Flagged by an audit: x. They count as all others do, as the baseline is one of them.",
        ),
        (
            {"flagged": ("x",), "flagged_are": "too many"},
            "Flagged by an audit: x. They count as all others do, as fewer than two others are left.",
        ),
        ({"flagged": ("x",), "flagged_are": "wanted"}, "Flagged by an audit, and counted all the same: x."),
        (
            {"flagged": ("x",), "flagged_are": "left out"},
            "Flagged by an audit, so left out: x (--with-flagged takes them in).",
        ),
        ({"suspect": ("x",)}, "An audit found what may work on a judge: x."),
        ({"unaudited": ("x", "y")}, "Not audited, or not since outputs were added: 2 models, x and y."),
        (
            {"unaudited": ("x", "y", "z")},
            "No submission here was audited: judgebench audit submissions looks for outputs that cheat.",
        ),
    ],
)
def test_each_fact_is_said_with_numbers_and_names(changed: dict[str, Any], said: str) -> None:
    told = sentences(replace(WHOLE, **changed))
    assert said in told
    asked_for = {"category", "common", "groups", "most_samples", "suspect", "unaudited"} & changed.keys()
    pooled = len(changed.get("judges", ())) > 1
    kept = changed.get("flagged") and changed.get("flagged_are") != "left out"
    assert (NOTHING in told) == bool((asked_for and "common" not in changed) or pooled or kept)


def test_names_that_would_rewrite_a_line_are_shown_as_text() -> None:
    for sentence in sentences(replace(WHOLE, not_judged=("a\nb\x1b[2J\u202e",), baseline="x\ny", not_ranked=("c\td",))):
        assert sentence.isprintable()


def test_the_document_holds_every_fact_as_a_plain_value() -> None:
    held = document(replace(WHOLE, left_out={Status.FAILED: 1}, flagged=("x",)))
    assert held is not None
    assert set(held) == {field.name for field in fields(Coverage)}
    assert json.loads(json.dumps(held)) == held
    assert (held["left_out"], held["flagged"], held["judges"]) == ({"failed": 1}, ["x"], {"judge": 40})
    assert document(None) is None
