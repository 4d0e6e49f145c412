"""Stepping through battles, and what is said of one."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views import battles
from app.views.battles import Spot, beside
from judgebench.records import Instruction, Order, Output, Source, Status, TokenLogprob, Verdict
from judgebench.services.battles import JudgedBattle, JudgedTrial
from judgebench.store.battles import BattleFilter


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


def test_filters_that_are_folded_are_said() -> None:
    labels = {"suspicious": "Suspicious", "inconsistent": "Contradictory verdicts"}
    assert battles.folded(BattleFilter(text="seen", models=("a",)), labels) == ""
    chosen = BattleFilter(judge="one", category="law", suspicious=True)
    assert battles.folded(chosen, labels) == "Filtered: judge one, category law, suspicious."


def verdict(preference: float | None, order: Order | None = Order.AB) -> JudgedTrial:
    status = Status.REFUSED if preference is None else Status.TIE if preference == 0.5 else Status.OK
    instruction = Instruction(("Which?",))
    sides = (Output(instruction.key, model, model) for model in ("alpha", "beta"))
    found = Verdict(status, Source.LABEL, preference)
    return JudgedTrial(1, "judge", "0" * 32, instruction, *sides, order, 0, found, None)


def battle(*preferences: float | None) -> JudgedBattle:
    instruction = Instruction(("q",))
    outputs = (Output(instruction.key, "a", "x"), Output(instruction.key, "b", "y"))
    return JudgedBattle(instruction, "a", "b", (outputs,), tuple(verdict(preference) for preference in preferences))


@pytest.mark.parametrize(
    ("preferences", "words"),
    [
        ((1.0,), "One verdict: A preferred, 100.0%."),
        ((0.5,), "One verdict: a tie."),
        ((1.0, 0.0), "2 verdicts, on average a tie; they contradict each other."),
        ((0.2, 0.4), "2 verdicts, on average B preferred, 70.0%; they agree on the winner."),
        ((0.5, 1.0), "2 verdicts, on average A preferred, 75.0%; they do not contradict each other."),
        ((0.5, 0.5), "2 verdicts, on average a tie; they agree on a tie."),
        ((None,), "No verdict. 1 of 1 trial has no verdict."),
        ((1.0, None), "One verdict: A preferred, 100.0%. 1 of 2 trials has no verdict."),
    ],
)
def test_outcome_in_words(preferences: tuple[float | None, ...], words: str) -> None:
    assert battles.outcome(battle(*preferences)) == words


def test_samples_with_different_winners_do_not_contradict_each_other() -> None:
    shown = battle(1.0, 0.0, 0.0)
    first, *others = shown.verdicts
    of_second = [replace(each, **{side: replace(getattr(each, side), sample=1) for side in ("output_a", "output_b")})
                 for each in others]  # fmt: skip
    apart = replace(shown, verdicts=(first, *of_second))
    assert battles.outcome(apart) == "3 verdicts, on average B preferred, 66.7%; they differ from sample to sample."
    assert "contradict each other" in battles.outcome(replace(apart, verdicts=(*apart.verdicts, others[0])))


def test_alternatives_that_are_not_known_are_not_shown() -> None:
    token = TokenLogprob("A", -0.1, (("A", -0.1), ("B", -2.4), ("C", math.nan)))
    assert [(name, round(chance, 3)) for name, chance in battles.chances(token)] == [("A", 0.905), ("B", 0.091)]
