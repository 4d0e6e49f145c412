"""What others wrote is shown as text, whatever it is."""

from hypothesis import given
from hypothesis import strategies as st

from judgebench.show.text import count, escaped_html, escaped_markdown, listing, name_html, one_line, spelt, visible


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8))
def test_listing_names_or_counts_everyone(names: list[str]) -> None:
    words = listing(names)
    assert len(names) <= 4 or f"{len(names) - 3} more" in words


@given(st.text(max_size=3000), st.integers(2, 300))
def test_a_name_is_one_short_line_that_nothing_reorders(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not any(char in shown for char in "\0\u202e\u200b\u2028")


@given(st.text())
def test_a_terminal_is_not_rewritten(text: str) -> None:
    assert not any(char in visible(text) for char in "\0\x1b\r\u202e\x9b")


@given(st.text())
def test_no_text_is_markup(text: str) -> None:
    assert not set(escaped_html(text)) & set("<>\"'")
    assert "\n" not in escaped_markdown(text)
    assert "\u202e" not in spelt(text)


def test_markup_is_escaped_and_not_dropped() -> None:
    assert escaped_markdown("[x](y)|<b>") == r"\[x\]\(y\)\|\<b\>"
    assert escaped_html("<b>\0") == "&lt;b&gt;\ufffd"
    assert spelt("a\u202eb") == "a\u27e8U+202E\u27e9b"


def test_counts_agree_with_their_noun() -> None:
    assert (count(1, "model"), count(1200, "model"), count(0, "model")) == ("1 model", "1,200 models", "0 models")


def test_a_name_breaks_at_its_joints_and_numbers_nowhere() -> None:
    assert name_html("a/Mixtral-8x7B_v0.1.q") == "a/<wbr>Mixtral-<wbr>8x7B_<wbr>v0.1.<wbr>q"
    for whole in ("[58.0%, 67.9%]", "-3.6 points", "2026-01-31", "2-5", "1,234.5", "a - b", "end."):
        assert "<wbr>" not in name_html(whole)
    assert name_html("<b>-x") == "&lt;b&gt;-x"


@given(st.text(max_size=80))
def test_where_a_name_may_break_changes_nothing_of_it(name: str) -> None:
    assert name_html(name).replace("<wbr>", "") == escaped_html(one_line(name, 200))
