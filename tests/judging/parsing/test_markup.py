"""Markup that says nothing is passed over, and what says something stays where it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.judging.parsing.markup import last_lines, last_word, without_emphasis

VERDICT = "I choose [[A]]"


@given(st.text("<b>/\\{}ab "))
def test_positions_stay_without_emphasis(text: str) -> None:
    assert len(without_emphasis(text)) == len(text)


def test_emphasis_around_a_verdict_is_blank() -> None:
    assert without_emphasis("<p><b>[[A]]</b></p>").strip() == "[[A]]"


@pytest.mark.parametrize(
    "closing", ["\n---", "\n***\n", " \U0001f44d", "</answer>", "\nThank you.", "\n\nBest regards"]
)
def test_a_closing_says_nothing(closing: str) -> None:
    assert last_word(VERDICT + closing) <= len(VERDICT)


def test_words_are_no_closing() -> None:
    text = f"{VERDICT}, but B is better"
    assert last_word(text) == len(text)


def test_lines_that_say_nothing_are_left_out_from_the_end() -> None:
    assert list(last_lines(f"{VERDICT}\n---"))[-1] == VERDICT
    assert list(last_lines(f"{VERDICT}\nB")) == [f"{VERDICT}\nB"]
