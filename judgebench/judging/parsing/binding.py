"""Which of several stated verdicts binds.

The last one does (Inspect AI's rule), unless another contradicts it nearby or it only quotes an output. The window and
the words of revision are conventions of this project: they decide how many replies count as ambiguous.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from judgebench.judging.parsing.grammar import Mention

_WINDOW = 200  # characters before the verdict in which another one makes it ambiguous


_QUOTE_REACH = 2000  # characters on either side in which the ends of a quotation are looked for


_STATEMENT = 12  # characters around a value that make it a statement, as in "verdict: ..."


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two different verdicts, neither withdrawn."""

    one: Mention
    other: Mention


_REVISION = re.compile(
    r"\b(?:final(?:ly)?|verdict|actually|correction|revis\w{1,4}|reconsider\w{0,5}|reflection|second thoughts?|instead"
    r"|wait|overall|therefore|conclu\w{1,5}|choose|decision|ultimately|chang(?:e|ed|ing) my)\b",
    re.IGNORECASE,
)


def binding(found: Sequence[Mention], text: str) -> Mention | Conflict | None:
    """The last anchored mention, else the last; a conflict when a different one stands close before it without a word
    of revision between them, or anywhere after it; None when there is none.
    """
    if not found:
        return None
    last = next((mention for mention in reversed(found) if mention.anchored), found[-1])
    for other in found:
        if other.value is None or other.value == last.value or other is last:
            continue
        near = last.start - other.end <= _WINDOW
        if other.start > last.start or (near and not _REVISION.search(text, other.end, last.start)):
            return Conflict(other, last)
    return last


def unquoted(found: Iterable[Mention], text: str, shown: Sequence[str]) -> list[Mention]:
    """Without the mentions that quote an output: in a fence, in quotation marks or on a ``>`` line, word for word.

    What is quoted must be a statement: a bare "A" in quotation marks stands in nearly every output.
    """
    kept = list(found)
    if not any(mention.text in output for mention in kept for output in shown):
        return kept
    return [mention for mention in kept if not any(q in output for q in _quotations(mention, text) for output in shown)]


def _quotations(mention: Mention, text: str) -> list[str]:
    """What stands between the marks of quotation around a mention, for each kind of mark that is there."""
    before = text[max(0, mention.start - _QUOTE_REACH) : mention.start]
    said, after = text[mention.start : mention.end], text[mention.end : mention.end + _QUOTE_REACH]
    line_before, line_after = before[before.rfind("\n") + 1 :], after.split("\n", 1)[0]
    spans = []
    if line_before.lstrip().startswith(">"):
        spans.append(line_before.lstrip()[1:] + said + line_after)
    for opening, closing in (('"', '"'), ("“", "”"), ("`", "`"), ("«", "»")):
        if line_before.count(opening) % 2 and closing in line_after:
            spans.append(line_before[line_before.rfind(opening) + 1 :] + said + line_after[: line_after.find(closing)])
    if before.count("```") % 2 and "```" in after:
        inside = before[before.rfind("```") + 3 :]
        spans.append(inside[inside.find("\n") + 1 :] + said + after[: after.find("```")])
    return [span.strip() for span in spans if "[[" in span or len(span.strip()) > len(mention.text) + _STATEMENT]
