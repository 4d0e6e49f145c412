"""Differences and rendered Markdown: whatever models wrote, only our own few tags come out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views import diff, markdown
from app.views.elements import MAX_CHARS
from tests.app.hostile import ATTACK

_TAG = re.compile(r"<\s*(/?)\s*([a-zA-Z0-9]+)([^>]*)>")
_HARMLESS = frozenset(
    ("div p em strong u ul ol li h1 h2 h3 h4 h5 h6 pre code blockquote hr br table thead tbody tr th td mark").split()  # noqa: SIM905
)
_ATTRIBUTES = re.compile(r'^( (style="[a-z0-9#:; -]*"|start="\d+"))* ?/?$', re.IGNORECASE)
_PIECES = (
    "<script>",
    "![x](http://h/i.png)",
    "[l](javascript:alert(1))",
    "$x$",
    "# h\n",
    "- a\n",
    '```js"><b>\n',
    "|a|b|\n|-|-|\n",
)
texts = st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=20)), max_size=8).map("".join)


def harmless(html: str) -> bool:
    found = _TAG.findall(html)
    return all(tag.lower() in _HARMLESS and _ATTRIBUTES.match(rest) for _, tag, rest in found)


@given(texts, texts)
def test_a_difference_has_no_tags_but_ours(one: str, other: str) -> None:
    assert all(harmless(html) for html in diff.marked(one, other))


@given(texts)
def test_rendered_markdown_has_no_tags_but_ours(text: str) -> None:
    assert harmless(markdown.rendered(text))


def test_an_attack_stays_text() -> None:
    html = markdown.rendered(ATTACK)
    assert harmless(html)
    assert "&lt;script&gt;" in html
    assert "[image removed: see]" in html
    assert "href=" not in html


def test_words_that_only_one_text_has_are_marked() -> None:
    left, right = (re.findall("<mark[^>]*>(.*?)</mark>", side) for side in diff.marked("a red cat", "a blue cat"))
    assert (left, right) == (["red"], ["blue"])


def test_equal_texts_have_no_mark() -> None:
    assert "<mark" not in "".join(diff.marked("the same", "the same"))


@pytest.mark.parametrize("function", [lambda text: diff.marked(text, "b " + text)[0], markdown.rendered])
def test_long_texts_are_cut(function: "object") -> None:
    assert len(function("word " * 300_000)) < 2 * MAX_CHARS
