"""Numbers of things in words."""

import pytest

from judgebench.counts import are, count, were


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "battle", "0 battles"), (1, "battle", "1 battle"), (1_200, "battle", "1,200 battles"),
        (1, "reply", "1 reply"), (2, "reply", "2 replies"), (2, "day", "2 days"), (2, "null model", "2 null models"),
    ],
)  # fmt: skip
def test_words_of_a_number(number: int, noun: str, words: str) -> None:
    assert count(number, noun) == words


def test_verbs_of_a_number() -> None:
    assert [(are(number), were(number)) for number in (0, 1, 2)] == [("are", "were"), ("is", "was"), ("are", "were")]
