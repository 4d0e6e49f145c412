"""Passages of a conversation on a page: a bare text as text, anything more as HTML of ours in which it is escaped."""

from collections.abc import Mapping, Sequence

from app.views import markdown
from app.views.elements import MAX_CHARS, block, line, markup, rest
from judgebench.services.pages import Copy
from judgebench.show import conversations
from judgebench.show.conversations import ShownMessage
from judgebench.show.text import count

_TALL_PX, _LINE_PX, _HEADING_PX, _LINE_CHARS = 420, 24, 40, 60
_WIDE_PX = 480  # of a box beside another
_NO_IMAGES: Mapping[str, Copy] = {}


def messages(
    shown: Sequence[ShownMessage],
    *,
    height: int,
    key: str,
    rendered: bool = False,
    images: Mapping[str, Copy] = _NO_IMAGES,
) -> None:
    """What one side says, in a box, which scrolls when it is long; ``key`` names the box, unique on its page.

    ``rendered``: texts by their Markdown. ``images``: copies, by digest.
    """
    text = conversations.transcript(shown)
    if not conversations.is_text(shown):
        by_markdown = markdown.rendered if rendered else None
        html = conversations.markup(shown, most=MAX_CHARS, rendered=by_markdown, images=images)
        tall = _pixels(text, shown, images) >= _TALL_PX
        markup(html, height=_TALL_PX if tall else "content")
        if tall:  # a box may end just between two messages, and a browser hide its scroll bar
            line(f"{count(len(shown), 'message')}: what does not fit scrolls in the box.")
        rest(text, key=key)
    elif rendered:
        markup(markdown.rendered(text), height=height)
        rest(text, key=key)
    else:
        block(text, height=height, key=key)


def _pixels(text: str, shown: Sequence[ShownMessage], images: Mapping[str, Copy]) -> int:
    """About the height of the messages."""
    pictures = [images[part.digest] for message in shown for part in message.parts if part.digest in images]
    seen = sum(picture.height * min(1.0, _WIDE_PX / picture.width) for picture in pictures)
    lines = sum(1 + len(row) // _LINE_CHARS for row in text.splitlines())
    return round(_LINE_PX * lines + _HEADING_PX * len(shown) + seen)
