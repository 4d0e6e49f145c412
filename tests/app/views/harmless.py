"""What may come out of texts that models wrote, and such texts."""

import re

from hypothesis import strategies as st

_TAG = re.compile(r"<\s*(/?)\s*([a-zA-Z0-9]+)([^>]*)>")
_HARMLESS = frozenset(
    ("div p em strong u s ul ol li h1 h2 h3 h4 h5 h6 pre code blockquote hr br table thead tbody tr th td mark").split()  # noqa: SIM905
)
_ATTRIBUTES = re.compile(r'^( (style="[a-z0-9#:; -]*"|class="jb-[a-z0-9 ]*"|start="\d+"))* ?/?$', re.IGNORECASE)
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
    tags = _TAG.findall(html)
    return all(tag.lower() in _HARMLESS and _ATTRIBUTES.match(rest) for _, tag, rest in tags)
