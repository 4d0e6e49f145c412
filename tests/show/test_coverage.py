"""Each fact of a coverage is said, with its numbers and names, and is a plain value of the document."""

import json
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.coverage import Coverage, FlaggedAre, People
from judgebench.records import Status
from judgebench.show.coverage import NOTHING, averaged, brief, document, sentences

WHOLE = Coverage(judges={"judge": 40}, instructions=20, chosen=20, judged=20, shared=20, fewest=20, most=20, models=3)
MANY = tuple(f"m{number:02}" for number in range(15))


def test_where_nothing_is_left_out_that_is_said_with_the_judge() -> None:
    assert sentences(WHOLE) == ["Judged by judge (40 verdicts).", NOTHING]
    assert sentences(None) == []


def test_in_one_line_amounts_stand_for_names() -> None:
    assert brief(WHOLE) == "Judged by judge (40 verdicts)."
    assert brief(None) == ""
    less = replace(
        WHOLE, judged=12, left_out={Status.FAILED: 3}, not_judged=("x",), flagged=("y",), unaudited=MANY, groups=2
    )
    assert brief(less) == (
        "Judged by judge (40 verdicts). 12 of 20 instructions count; 3 trials without a verdict left out; "
        "1 model not ranked; 1 flagged model left out; 15 models not audited; no battle connects 2 groups of models."
    )
    assert "1 flagged model counted" in brief(replace(less, flagged_are="wanted"))


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
            "Flagged by an audit: x. What is flagged counts all the same, as the baseline is flagged.",
        ),
        (
            {"flagged": ("x",), "flagged_are": "too many"},
            "Flagged by an audit: x. What is flagged counts all the same, as fewer than two others are left.",
        ),
        ({"flagged": ("x",), "flagged_are": "wanted"}, "Flagged by an audit, and counted all the same: x."),
        (
            {"flagged": ("x",), "flagged_are": "left out"},
            "Flagged by an audit, so left out: x (--with-flagged takes them in).",
        ),
        (
            {"flagged": ("x",), "of_flagged": 14},
            "Flagged by an audit, so without a rank and nobody's opponent: x (--with-flagged counts them); 14 verdicts "
            "on them count for no other model.",
        ),
        (
            {"baseline": "base", "others_met": 14},
            "Only battles with the baseline base count: 14 verdicts on others left out.",
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
    marked = {"groups", "most_samples", "suspect", "unaudited"} & changed.keys()
    pooled = len(changed.get("judges", ())) > 1
    kept = changed.get("flagged") and changed.get("flagged_are", "apart") not in ("apart", "left out")
    assert (NOTHING in told) == bool(marked or pooled or kept)


_NAMES = st.lists(st.sampled_from("xyz"), unique=True, max_size=2).map(tuple)
_NUMBERS = st.integers(0, 2)
_PEOPLE = st.none() | st.builds(People, votes=_NUMBERS, annotators=_NUMBERS, other_votes=_NUMBERS)


@given(
    coverage=st.builds(
        Coverage,
        judges=st.dictionaries(st.sampled_from("jk"), _NUMBERS),
        other_judges=st.dictionaries(st.sampled_from("lm"), _NUMBERS),
        left_out=st.dictionaries(st.sampled_from(Status), _NUMBERS),
        **dict.fromkeys(("instructions", "chosen", "judged", "shared", "fewest", "most", "others_met"), _NUMBERS),
        **dict.fromkeys(("not_judged", "by_others", "not_ranked", "flagged", "suspect", "unaudited"), _NAMES),
        flagged_are=st.sampled_from(get_args(FlaggedAre)),
        of_flagged=_NUMBERS,
        common=st.booleans(),
        baseline=st.none() | st.just("base"),
        people=_PEOPLE,
    )
)
def test_that_nothing_is_left_out_is_said_only_where_nothing_is(coverage: Coverage) -> None:
    told = sentences(coverage)
    away = coverage.not_judged + coverage.by_others + coverage.not_ranked
    if coverage.flagged_are in ("apart", "left out"):
        away += coverage.flagged
    missing = [
        *(number for number in coverage.left_out.values() if number),
        *coverage.other_judges,
        *away,
        *([] if coverage.judged >= coverage.instructions else ["instructions"]),
        *([] if coverage.fewest >= coverage.most else ["instructions of a model"]),
        *([] if not coverage.others_met else ["battles without the baseline"]),
        *([] if coverage.people is None or not coverage.people.other_votes else ["people"]),
    ]
    assert (NOTHING in told) == (not missing)


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


def test_each_door_names_what_one_chooses_by_there() -> None:
    known = replace(
        *(WHOLE,), judges_by="most verdicts", other_judges={"b": 3}, flagged=("x",), fewest=5, shared=4, short=("y",)
    )
    for door, words in (
        ("command line", ("--judge chooses", "--with-flagged counts them", "--common ranks by these alone")),
        ("app", ('"Judges" chooses', '"Flagged models too"', '"Common instructions only" in "What counts" ranks')),
        ("app: judges", ('"Judges" chooses',)),
        ("app: nothing", ()),
    ):
        told = " ".join(sentences(known, door))
        assert all(word in told for word in words)
        assert ("--" in told) is (door == "command line")
        assert (" (" in told.replace(" (40 v", "").replace(" (3 v", "").replace(" (fewer", "")) is bool(words)


def test_a_list_of_battles_names_its_filter() -> None:
    assert next(averaged(None, ("a", "b"), "app")).endswith('("Judge" in "Filters" chooses one).')
    assert next(averaged(None, ("a", "b"))).endswith("(--judge chooses one).")
    assert [*averaged("a", ("a", "b"), "app")] == []


def test_the_app_names_its_own_page_where_nothing_was_audited() -> None:
    nothing = replace(WHOLE, unaudited=("x", "y", "z"))
    assert "No submission here was audited: the page Audits looks for outputs that cheat." in sentences(nothing, "app")
