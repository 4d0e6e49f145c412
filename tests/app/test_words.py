"""The sentence says only what the rank ranges prove; names cannot do more than be read."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import commands, downloads, replies, words
from app.browsing import Spot, beside
from app.text import name
from judgebench.estimate import Estimate
from judgebench.leaderboard import Leaderboard, Row
from judgebench.records import Completion, Instruction, Order, Source, Status, TokenLogprob, Verdict
from judgebench.services.battles import Battle, ShownVerdict
from judgebench.stats.ranks import rank_sets


def board(values: list[float], spread: float, names: str = "ABCDEFGH", **changes: object) -> Leaderboard:
    """A leaderboard of independent estimates, the best first."""
    values = sorted(values, reverse=True)
    covariance = np.eye(len(values)) * spread**2
    sets = rank_sets(np.array(values), covariance, rng=np.random.default_rng(0))
    rows = tuple(
        Row(
            model=names[i],
            estimate=Estimate(value, value - 2 * spread, value + 2 * spread, 0.95, "normal", 10),
            win_rate=value,
            standard_error=spread,
            rank=i + 1,
            rank_lower=int(sets.lower[i]),
            rank_upper=int(sets.upper[i]),
            tier=int(sets.tier[i]),
            battles=10,
            ties=1,
            flag="",
        )
        for i, value in enumerate(values)
    )
    fields: dict[str, object] = {
        "judges": ("judge",),
        "method": "win-rate",
        "scale": "rate",
        "baseline": None,
        "rows": rows,
        "left_out": {},
        "notes": (),
    }
    return Leaderboard(**(fields | changes))


def test_two_that_cannot_be_told_apart_and_one_below_both() -> None:
    assert words.sentence(board([0.61, 0.60, 0.2], 0.02)) == "A and B cannot be told apart; C is below both."


def test_one_that_leads() -> None:
    assert words.sentence(board([0.9, 0.5, 0.1], 0.02)) == "A leads; B is below A; C is below both."


def test_a_model_below_some_of_those_above_is_not_said_to_be_below_all() -> None:
    # B is separated from neither neighbour, A from C.
    said = words.sentence(board([0.60, 0.54, 0.48], 0.025))
    assert said == "A and B cannot be told apart; C is below A."


def test_long_boards_are_summed_up() -> None:
    said = words.sentence(board([0.9, 0.8, 0.7, 0.6, 0.5], 0.01))
    assert said.endswith("2 models further down in 2 more tiers.")


def test_a_single_model_leads() -> None:
    assert words.sentence(board([0.5], 0.1)) == "A leads."


def test_failures_are_named_and_counted() -> None:
    shown = words.basis(board([0.6, 0.4], 0.1, left_out={Status.REFUSED: 3, Status.FAILED: 1}, notes=("odd",)))
    assert "Left out: 1 failed, 3 refused (no preference, so neither win, loss nor tie)." in shown
    assert "Note: odd." in shown


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8))
def test_listing_names_or_counts_everyone(names: list[str]) -> None:
    said = words.listing(names)
    assert len(names) <= 4 or f"{len(names) - 3} more" in said


@given(st.text(max_size=3000), st.integers(2, 300))
def test_a_name_is_one_short_line_that_nothing_reorders(text: str, limit: int) -> None:
    shown = name(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not any(char in shown for char in "\0\u202e\u200b\u2028")


def test_csv_holds_no_formula_and_markdown_no_markup() -> None:
    bad = board([0.6, 0.4], 0.1, names=["=HYPERLINK(1)", "[x](javascript:1)|<b>"])
    assert b"'=HYPERLINK(1)" in downloads.as_csv(bad)
    assert rb"\[x\]\(javascript:1\)\|\<b\>" in downloads.as_markdown(bad)
    assert json.loads(downloads.as_json("b", bad))["rows"][0]["model"] == "=HYPERLINK(1)"


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5), st.data())
def test_stepping_forth_and_back_returns(rows: int, pages: int, page: int, drawn: st.DataObject) -> None:
    """On full pages; the last row of the page before is told as -1."""
    page = min(page, pages)
    spot = Spot(page, drawn.draw(st.integers(0, rows - 1)))
    after = beside(spot, 1, rows=rows, pages=pages)
    if after is None:
        assert spot == Spot(pages, rows - 1)
    else:
        back = beside(after, -1, rows=rows, pages=pages)
        assert back is not None
        assert Spot(back.page, back.row % rows) == spot


def verdict(preference: float | None, order: Order | None = Order.AB) -> ShownVerdict:
    status = Status.REFUSED if preference is None else Status.TIE if preference == 0.5 else Status.OK
    return ShownVerdict("judge", order, 0, Verdict(status, Source.LABEL, preference), None)


def battle(*preferences: float | None) -> Battle:
    return Battle(Instruction(("q",)), "a", "b", "x", "y", tuple(verdict(each) for each in preferences))


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ((1.0,), "One verdict: A preferred, 100.0%."),
        ((0.5,), "One verdict: a tie."),
        ((1.0, 0.0), "2 verdicts, on average a tie; they contradict each other."),
        ((0.2, 0.4), "2 verdicts, on average B preferred, 70.0%; they agree on the winner."),
        ((0.5, 1.0), "2 verdicts, on average A preferred, 75.0%; they do not contradict each other."),
        ((0.5, 0.5), "2 verdicts, on average a tie; they agree on a tie."),
        ((None,), "No verdict. 1 of 1 trials has no verdict."),
        ((1.0, None), "One verdict: A preferred, 100.0%. 1 of 2 trials has no verdict."),
    ],
)
def test_outcome_in_words(preferences: tuple[float | None, ...], said: str) -> None:
    assert replies.outcome(battle(*preferences)) == said


def test_the_token_with_the_verdict_is_the_last_that_says_it() -> None:
    tokens = tuple(TokenLogprob(text, -0.1, ((text, -0.1), ("B", -2.4))) for text in ("A", " because", " A"))
    completion = Completion("A because A", logprobs=tokens)
    assert replies.verdict_token(completion, "A") is tokens[2]
    assert replies.verdict_token(completion, None) is tokens[0]
    assert replies.verdict_token(Completion("A"), "A") is None
    assert [round(chance, 3) for _, chance in replies.chances(tokens[0])] == [0.905, 0.091]


def test_the_command_survives_any_name_and_shows_no_password() -> None:
    shown = commands.judge_model("postgresql://me:secret@host/db", "b; rm -rf /", "--x", ["o'ther"])
    assert "secret" not in shown
    assert "'--benchmark=b; rm -rf /'" in shown
    assert commands.judge_model("a.db", "b", "m", []).endswith("--judge=embedded --all-pairs")
    assert commands.judge_model("a.db", "b", "m,n", ["o"]).endswith("--all-pairs")
