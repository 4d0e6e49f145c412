"""Arena-Hard's judgments: the baseline first in the first game, the model in the second."""

from dataclasses import replace

import pytest

from judgebench.formats.arena_hard_files import answer_row, games_beyond, judgment_row, question_row
from judgebench.formats.judged_pairs import judged_pairs
from judgebench.records import Order
from tests.judged import QUESTION, output, recorded

WIN = {"A>B": 1.0, "A>>B": 1.0, "A=B": 0.5, "B>A": 0.0, "B>>A": 0.0}  # for the answer shown first, as its board counts


@pytest.mark.parametrize("baseline", ["alpha", "beta"])
@pytest.mark.parametrize(("first", "second"), [(1.0, 0.75), (0.5, 0.25), (0.0, 0.0)])
def test_its_board_counts_what_the_judge_said(baseline: str, first: float, second: float) -> None:
    (pair,) = judged_pairs([recorded(first, Order.AB), recorded(second, Order.BA)])
    games = judgment_row(pair, baseline)["games"]
    counted = [1 - WIN[games[0]["score"]], WIN[games[1]["score"]]]  # for the model
    by_alpha = [(first > 0.5) + (first == 0.5) / 2, (second > 0.5) + (second == 0.5) / 2]
    assert sorted(counted) == sorted(by_alpha if baseline == "beta" else [1 - won for won in by_alpha])


def test_a_label_of_its_own_is_kept_and_a_game_may_lack() -> None:
    strong = recorded(1.0, Order.AB, reply="[[A>>B]]")
    strong = replace(strong, verdict=replace(strong.verdict, label="A>>B"))
    (pair,) = judged_pairs([strong, recorded(None, None), recorded(0.0, Order.AB, repeat=1)])
    row = judgment_row(pair, "alpha")
    assert row["games"] == [{"score": "A>>B", "judgment": {"answer": "[[A>>B]]"}}, None]
    assert (row["model"], row["baseline"], games_beyond(pair)) == ("beta", "alpha", 2)


def test_questions_and_answers_share_an_id() -> None:
    answer = answer_row(QUESTION, output("alpha", "one"))
    assert question_row(QUESTION)["uid"] == answer["uid"] == QUESTION.key
    assert answer["messages"][-1] == {"role": "assistant", "content": {"answer": "one"}}
