"""Tables for arena-rank and evalica: three words, and no other."""

import pytest

from judgebench.formats.arena_rank import battle_row
from tests.judged import QUESTION, output


@pytest.mark.parametrize(
    ("preference", "winner"), [(1.0, "model_a"), (0.51, "model_a"), (0.5, "tie"), (0.49, "model_b"), (0.0, "model_b")]
)
def test_the_winner_is_one_of_three_words(preference: float, winner: str) -> None:
    assert battle_row(QUESTION, output("alpha", "one"), output("beta", "two"), "judge", preference) == {
        **{"model_a": "alpha", "model_b": "beta", "winner": winner, "question_id": QUESTION.key},
        **{"judge": "judge", "preference": preference},
    }
