"""The glossary's tables: what is searched for, names first, and an anchor a term."""

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views.glossary import holding, table  # it needs Streamlit
from judgebench.show.glossary import TERMS, Term

WORDS = [Term("rating", "a number"), Term("score", "a rating on a scale", "points"), Term("tie", "neither <wins>")]


def test_names_that_hold_the_text_come_first() -> None:
    assert [term.name for term in holding(WORDS, " RATING")] == ["rating", "score"]
    assert [term.name for term in holding(WORDS, "points")] == ["score"]
    assert holding(WORDS, "") == WORDS

    assert [term.name for term in holding(TERMS, "position-bias")][:1] == ["position bias"]
    assert all(term in holding(TERMS, term.anchor) for term in TERMS)


def test_every_term_is_a_row_with_its_anchor() -> None:
    drawn = table("Terms", TERMS)
    assert all(f'<tr id="{term.anchor}">' in drawn for term in TERMS)
    assert "Elsewhere called" in drawn
    assert "neither &lt;wins&gt;" in table("Terms", WORDS)
    assert "that the judge said, or a * b" in table("Terms", [Term("tie", "that the `judge` *said*, or a * b")])
