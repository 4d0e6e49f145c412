"""Preference data: what was asked, what is preferred, and nothing that is not said."""

from typing import Any

import pytest

from judgebench.formats.judged_pairs import judged_pairs
from judgebench.formats.preference_rows import preference_row, shared_prompt
from judgebench.records import Instruction, Order
from tests.judged import output, recorded


def row(*verdicts: Any) -> dict[str, Any]:
    (pair,) = judged_pairs(verdicts)
    return preference_row(pair)


def says(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


def test_the_preferred_output_is_chosen() -> None:
    one = row(recorded(0.25), recorded(0.0, Order.BA))
    assert one["prompt"] == [{"role": "user", "content": "What is 1?"}]
    assert (one["chosen"], one["rejected"]) == ([says("two")], [says("one")])
    assert (one["margin"], one["score_chosen"], one["score_rejected"]) == (0.75, 0.875, 0.125)
    assert (one["chosen_model"], one["rejected_model"], one["judge"]) == ("beta", "alpha", "judge")
    assert (one["orders_agree"], one["trials"], one["category"]) == (True, 2, "maths")


def test_the_prompt_ends_where_the_outputs_differ() -> None:
    asked = Instruction(("q", "r"))
    sides = [output("alpha", "yes", asked, earlier=("same",)), output("beta", "no", asked, earlier=("same",))]
    alike = row(recorded(1.0, sides=(sides[0], sides[1]), asked=asked))
    assert [message["content"] for message in alike["prompt"]] == ["q", "same", "r"]
    assert (alike["chosen"], alike["rejected"]) == ([says("yes")], [says("no")])
    other = output("beta", "no", asked, earlier=("other",))
    apart = row(recorded(1.0, sides=(sides[0], other), asked=asked))
    assert [message["content"] for message in apart["prompt"]] == ["q"]
    assert [message["content"] for message in apart["chosen"]] == ["same", "r", "yes"]
    assert [message["role"] for message in apart["rejected"]] == ["assistant", "user", "assistant"]


@pytest.mark.parametrize("preference", [0.5, None])
def test_a_tie_has_no_row(preference: float | None) -> None:
    with pytest.raises(ValueError, match="neither"):
        row(recorded(preference))


def test_equal_outputs_have_no_row() -> None:
    with pytest.raises(ValueError, match="two replies"):
        shared_prompt([says("a")], [says("a")])
    with pytest.raises(ValueError, match="two replies"):
        row(recorded(1.0, sides=(output("alpha", "a"), output("beta", "a"))))
