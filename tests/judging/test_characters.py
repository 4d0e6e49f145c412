"""What is folded keeps its length, and what nobody sees goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.judging.characters import fold, visible


@pytest.mark.slow
@given(st.text())
def test_folding_moves_nothing(text: str) -> None:
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\ufeff", "\u202e", "\ufe0f", "\u2060"])
def test_what_nobody_sees_goes(hidden: str) -> None:
    assert visible(f"[[{hidden}A{hidden}]]") == "[[A]]"


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_stays(text: str) -> None:
    assert visible(text) == fold(text) == text
