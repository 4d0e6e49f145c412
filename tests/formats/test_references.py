"""Several references are one text that says what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.formats.references import alternatives, one_reference


@pytest.mark.parametrize(
    ("texts", "turns", "expected"),
    [
        ([], 1, None),
        ([" "], 1, None),
        (["4"], 1, "4"),
        (["4"], 2, "4"),
        (["4", "four"], 1, "Each of these 2 answers is right by itself.\n\n(1) 4\n\n(2) four"),
        (["4", "4 "], 1, "4"),
        (["x", "y"], 2, "Turn 1: x\n\nTurn 2: y"),
        (["", "y"], 2, "Turn 2: y"),
        (["", ""], 2, None),
    ],
)
def test_what_several_texts_are(texts: list[str], turns: int, expected: str | None) -> None:
    assert one_reference(texts, turns) == expected


def test_another_number_than_of_the_turns_is_refused() -> None:
    with pytest.raises(ValueError, match="holds 3 references to 2 turns"):
        one_reference(["a", "b", "c"], 2)


@given(st.lists(st.text("ab \n", max_size=4), max_size=4), st.lists(st.text("ab \n", max_size=4), max_size=4))
def test_property_other_alternatives_are_another_reference(first: list[str], second: list[str]) -> None:
    kept = [[text for text in dict.fromkeys(texts) if text.strip()] for texts in (first, second)]
    assert (alternatives(first) == alternatives(second)) is (kept[0] == kept[1])
