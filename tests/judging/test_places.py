"""A quotation is found where it stands, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.judging.places import place_of

TEXT = "The “cat”  sat.\nThe cat sat. Straße"


@pytest.mark.parametrize(
    ("quote", "nth", "found"),
    [
        ("The cat sat.", None, "The cat sat."),  # exactly, before what is folded
        ('The "cat" sat.', None, "The “cat”  sat."),
        ("THE CAT SAT.", None, "The cat sat."),
        ("sat. The", None, "sat.\nThe"),
        ("cat", 1, "cat"),
        ("STRASSE", None, "Straße"),
        (" The cat ", None, "The cat "),
    ],
)
def test_exactly_or_but_for_white_space_marks_and_case(quote: str, nth: int | None, found: str) -> None:
    start, stop = place_of(TEXT, quote, nth)
    assert TEXT[start:stop].strip() == found.strip()


@pytest.mark.parametrize(
    ("quote", "nth", "why"),
    [
        ("dog", None, "does not stand in the output"),
        ("cat", None, "stands 2 times in the output, and nth does not say"),
        ("cat", 3, "stands 2 times in the output, not 3"),
        ("cat", 0, "stands 2 times in the output, not 0"),
        ("Stras", None, "does not stand"),  # half a letter
        (" \n", None, "is empty"),
    ],
)
def test_what_stands_nowhere_or_at_several_places_is_refused(quote: str, nth: int | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        place_of(TEXT, quote, nth)


@given(st.text("aB ß\n'", min_size=1, max_size=30), st.data())
def test_every_part_of_a_text_is_found_where_it_is(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    stop = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:stop]
    if not quote.strip():
        return
    places = [at for at in range(len(text)) if text.startswith(quote, at)]
    assert place_of(text, quote, places.index(start) + 1) == (start, stop)
