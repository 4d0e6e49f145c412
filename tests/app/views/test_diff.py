"""Differences and evidence: whatever models wrote, only our own few tags come out."""

import re

from hypothesis import given

from app.views import diff
from app.views.elements import MAX_CHARS
from tests.app.hostile import ATTACK
from tests.app.views.harmless import harmless, texts


@given(texts, texts)
def test_a_difference_has_no_tags_but_ours(one: str, other: str) -> None:
    assert all(harmless(html) for html in diff.marked(one, other))


def test_words_that_only_one_text_has_are_marked() -> None:
    left, right = (re.findall("<mark[^>]*>(.*?)</mark>", side) for side in diff.marked("a red cat", "a blue cat"))
    assert (left, right) == (["red"], ["blue"])


def test_equal_texts_have_no_mark() -> None:
    assert "<mark" not in "".join(diff.marked("the same", "the same"))


def test_long_texts_are_cut() -> None:
    assert len(diff.marked("word " * 300_000, "b " + "word " * 300_000)[0]) < 2 * MAX_CHARS


def test_evidence_stays_text() -> None:
    html = diff.highlighted({"before": ATTACK, "match": ATTACK, "after": ATTACK, "start": 0, "end": 9})
    assert "<script" not in html
    assert "(characters 0 to 9)" in html


def test_evidence_goes_on_only_where_the_output_does_and_says_to_what_it_answers() -> None:
    whole = {"before": "", "match": "All of it.", "after": "", "start": 0, "end": 10}
    assert "…" not in diff.highlighted(whole)
    assert "(characters 0 to 10 of the output to: Why &lt;b&gt;?)" in diff.highlighted(whole, "Why <b>?")
    part = {"before": "b" * 60, "match": "m" * 200, "after": "a" * 60, "start": 61, "end": 300}
    html = diff.highlighted(part)
    assert all(words in html for words in ("…bb", "mm…</mark>", "aa…"))
