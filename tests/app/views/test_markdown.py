"""Rendered Markdown: whatever models wrote, only our own few tags come out."""

from hypothesis import given

from app.views import markdown
from app.views.elements import MAX_CHARS
from tests.app.hostile import ATTACK
from tests.app.views.harmless import harmless, texts


@given(texts)
def test_rendered_markdown_has_no_tags_but_ours(text: str) -> None:
    assert harmless(markdown.rendered(text))


def test_an_attack_stays_text() -> None:
    html = markdown.rendered(ATTACK)
    assert harmless(html)
    assert "&lt;script&gt;" in html
    assert "[image removed: see]" in html
    assert "href=" not in html


def test_long_texts_are_cut() -> None:
    assert len(markdown.rendered("word " * 300_000)) < 2 * MAX_CHARS


def test_tables_strikethrough_and_headings_are_those_of_a_text_inside_a_page() -> None:
    html = markdown.rendered("# Big\n\n###### Small\n\n~~gone~~\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert '<p class="jb-heading h1">Big</p>' in html
    assert '<p class="jb-heading h6">Small</p>' in html
    assert "<s>gone</s>" in html
    assert "<td>1</td>" in html
    assert "<h1" not in html
