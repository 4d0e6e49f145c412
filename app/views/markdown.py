"""Markdown that a model wrote, rendered for a reader who asked for it: nothing is loaded, run or linked.

Raw HTML stays text, images become their description, links keep their words only, formulas stay as written. Headings
are those of a text inside a page, so that none is as large as the page's own. The renderer escapes everything else;
Streamlit's sanitiser comes after it and has nothing left to do.
"""

from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from app.views.elements import MAX_CHARS
from judgebench.show.text import spelt


class _Renderer(RendererHTML):
    def image(self, tokens: Sequence[Token], at: int, *_: object) -> str:
        return f"<em>[image removed: {escape(tokens[at].content)}]</em>"

    def link_open(self, *_: object) -> str:
        return "<u>"

    def link_close(self, *_: object) -> str:
        return "</u>"

    def fence(self, tokens: Sequence[Token], at: int, *_: object) -> str:
        return f"<pre><code>{escape(tokens[at].content)}</code></pre>\n"

    def heading_open(self, tokens: Sequence[Token], at: int, *_: object) -> str:
        return f'<p class="jb-heading {tokens[at].tag}">'

    def heading_close(self, *_: object) -> str:
        return "</p>\n"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])


def rendered(text: str) -> str:
    """HTML of the first ``MAX_CHARS`` of ``text``."""
    return f'<div class="jb-rendered">{_MARKDOWN.render(spelt(text[:MAX_CHARS]))}</div>'
