"""Steps put together are the text, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.judging.numbering import MOST_STEPS, step_ends, step_places

TEXTS = st.text(st.sampled_from(" \n\t.!?aA1`é。…\r\"'"), max_size=200)


def cut(text: str) -> list[str]:
    return [text[start:stop] for start, stop in step_places(step_ends(text))]


@given(TEXTS)
def test_steps_are_the_text_and_none_is_blank(text: str) -> None:
    steps = cut(text)
    assert "".join(steps) == (text if text.strip() else "")
    assert all(step.strip() for step in steps)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", []),
        (" \n", []),
        ("a\nb\n\nc\n", ["a\nb\n\n", "c\n"]),
        ("\n\n a\n b", ["\n\n a\n ", "b"]),
        ("One, e.g. this. Then 3.5 is it! 2. So?", ["One, e.g. this. ", "Then 3.5 is it! ", "2. So?"]),
        ("```\na\n\nb\n```\n\nc", ["```\na\n\nb\n```\n\n", "c"]),
        ("```\na\n\nb", ["```\na\n\nb"]),
        ("第一步。第二步。", ["第一步。", "第二步。"]),
    ],
)
def test_paragraphs_are_steps_or_else_lines_or_else_sentences(text: str, steps: list[str]) -> None:
    assert cut(text) == steps


def test_a_source_that_has_steps_says_where_they_end() -> None:
    assert step_ends("a\n\nb", [1, 4]) == (1, 4)


def test_very_many_lines_are_joined() -> None:
    text = "x\n" * (3 * MOST_STEPS + 1)
    steps = cut(text)
    assert len(steps) == MOST_STEPS
    assert "".join(steps) == text
