"""The leaderboard's table as HTML of ours: numbers, intervals drawn in the rows, and links to models.

All text that others wrote is escaped; links are plain ones, so that they can be copied and opened in a tab.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from judgebench.show.board import AWAITED, BoardLine, BoardLines, Column
from judgebench.show.glossary import explained
from judgebench.show.numbers import FREE, NOT_KNOWN
from judgebench.show.text import escaped_html, name_html, one_line

Link = Callable[[str], str]  # the address of a model's page
_NUMBER = re.compile(r"-|[-+]?[\d,]*\.?\d+%?")
_WHOLE = re.compile(  # an interval, or a moment
    r"\[[-+\d.,%e]+, [-+\d.,%e]+[^\[\]]{0,8}\]|\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?"
)


@cache
def style() -> str:
    """The style sheet of every table that we draw, once a page."""
    return f"<style>{Path(__file__).with_name('board.css').read_text(encoding='utf-8')}</style>"


@dataclass(frozen=True, slots=True)
class Linked:
    """A value of a plain table that leads to a page of this app."""

    words: str
    address: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Sorting:
    """In what order lines stand, and the address at which they stand in another."""

    by: str
    descending: bool
    link: Callable[[str, bool], str]  # by what, and whether the most comes first


def table(lines: BoardLines, link: Link, *, new: Collection[str] = (), sorting: Sorting | None = None) -> str:
    """``new``: models whose rows are marked, as those that one looks for. ``sorting``: headings lead on."""
    heads = [
        head("Rank", order=_order("rank", sorting)),
        head("Model", order=_order("model", sorting)),
        head(lines.heading, lines.help, "n", order=_order("rating", sorting)),
        head(f"{lines.level} interval", kind="iv"),
        *(
            head(column.heading, column.help, f"n {_class(column)}", order=_order(column.name, sorting))
            for column in lines.columns
        ),
        head("Marks", kind="marks") if lines.marked else "",
    ]
    body = "".join(_row(line, lines, link, new=line.model in new) for line in lines.lines)
    return framed("Leaderboard", heads, body)


def framed(
    label: str, heads: Iterable[str], body: str, *, kind: str = "", foot: str = "", is_tall: bool = False
) -> str:
    """A table in a box that scrolls by itself, by keys too; all parts are HTML. ``kind``: further classes of it;
    ``is_tall``: as of ``plain``."""
    classes = f"jb {kind}".strip()
    return (
        f'<div class="jb-scroll{" tall" * is_tall}" tabindex="0" role="region" aria-label="{escaped_html(label)}">'
        f'<table class="{classes}"><thead><tr>{"".join(heads)}</tr></thead><tbody>{body}</tbody>{foot}</table></div>'
    )


def plain(
    label: str, columns: Mapping[str, Sequence[object]], *, marked: int | None = None, is_tall: bool = False
) -> str:
    """Values of any kind by column, of which the first names the rows; on a phone each row is a card.

    A column that holds numbers stands at the right; of the first one each card then says what it counts. None shows
    nothing, a ``Linked`` leads on; other numbers than whole ones are given as words. ``marked``: the place of the row
    that is open. ``is_tall``: in a box of limited height, which scrolls.
    """
    named, *others = columns
    kinds = {column: "n" if any(isinstance(value, int) for value in columns[column]) else "" for column in columns}
    kinds |= {column: "n" for column in others if _are_numbers(columns[column])}
    rows = []
    for place, name in enumerate(columns[named]):
        cells = "".join(cell(shown(columns[column][place]), label=column, kind=kinds[column]) for column in others)
        here = ' class="here" aria-current="true"' if place == marked else ""
        kind = f' class="{kinds[named]}" data-label="{escaped_html(named)}"' if kinds[named] else ""
        rows.append(f'<tr{here}><th scope="row"{kind}>{shown(name)}</th>{cells}</tr>')
    heads = (head(column, kind=kinds[column]) for column in columns)
    return framed(label, heads, "".join(rows), kind="jb-cards jb-values", is_tall=is_tall)


def _are_numbers(values: Sequence[object]) -> bool:
    """Whether all that are there are written as numbers, or say of costs what no number says."""
    words = [str(value) for value in values if value not in (None, "")]
    return bool(words) and all(word in (FREE, NOT_KNOWN) or _NUMBER.fullmatch(word) for word in words)


def cell(words: str, *, label: str, kind: str = "") -> str:
    """A cell of a card. ``words``: HTML; ``label``: what stands before it on a phone, where no heading stands above;
    ``kind``: its class."""
    start = f'<td class="{kind}"' if kind else "<td"
    return f'{start} data-label="{escaped_html(label)}">{words}</td>' if label else f"{start}>{words}</td>"


def shown(value: object) -> str:
    """As HTML; an interval stands on a line of its own where it follows a number."""
    if value is None:
        return ""
    if isinstance(value, Linked):
        return f'<a href="{escaped_html(value.address)}">{_escaped(value.words)}</a>'
    number, bracket, rest = _escaped(value).partition(" [")
    return f"{unbroken(number)}<small>{unbroken(f'[{rest}')}</small>" if bracket else unbroken(number)


def unbroken(html: str) -> str:
    """Escaped words of which intervals and moments stay on one line."""
    return _WHOLE.sub(lambda match: f'<span class="whole">{match[0]}</span>', html)


def _escaped(value: object) -> str:
    return name_html(f"{value:,}" if isinstance(value, int) else str(value), 300)


def head(words: str, help: str = "", kind: str = "", *, order: tuple[str, str] = ("", "")) -> str:
    """A heading whose help shows under the pointer, and to whoever tabs to it: the glossary's, or another.

    ``order``: how its column is sorted, as ``aria-sort`` has it, and the address at which it is sorted otherwise.
    """
    help, (sorted_so, address) = help or explained(words), order
    start = f'<th scope="col" class="{kind}"' + (f' aria-sort="{sorted_so}"' if sorted_so else "")
    tip = f'<span class="tip" role="tooltip">{escaped_html(help)}</span>' if help else ""
    if address:
        return f'{start}><a class="has-tip" href="{escaped_html(address)}">{escaped_html(words)}</a>{tip}</th>'
    if not help:
        return f"{start}>{escaped_html(words)}</th>"
    return f'{start}><span tabindex="0" class="has-tip">{escaped_html(words)}</span>{tip}</th>'


def _order(name: str, sorting: Sorting | None) -> tuple[str, str]:
    """As of ``head``. What counts up is first sorted so, numbers from the most down."""
    if sorting is None:
        return "", ""
    if sorting.by == name:
        return "descending" if sorting.descending else "ascending", sorting.link(name, not sorting.descending)
    return "", sorting.link(name, name not in ("rank", "model"))


def _class(column: Column) -> str:
    return f"c-{column.name.replace(' ', '-')}"


def _row(line: BoardLine, lines: BoardLines, link: Link, *, new: bool) -> str:
    chips = "".join(
        f'<span class="chip {chip.tone}">{escaped_html(one_line(chip.text, 60))}</span>' for chip in line.chips
    )
    cells = zip(lines.columns, line.cells, strict=True)
    drawn = bar(line.dot, line.lower, line.upper, line.interval, lines.half)
    return (
        f'<tr class="{line.tone}{" new" * new}"><td class="rank">{line.ranks}</td>'
        f'<th scope="row"><a href="{escaped_html(link(line.model))}">{name_html(line.model)}</a></th>'
        f'<td class="n">{line.rating}</td><td class="iv">{drawn}</td>'
        + "".join(f'<td class="n {_class(column)}">{number_cell(cell)}</td>' for column, cell in cells)
        + (f'<td class="marks">{chips}</td>' if lines.marked else "")
        + "</tr>"
    )


def number_cell(words: str) -> str:
    """Its words; of what is still being computed its room alone, so that nothing moves when it comes."""
    if words == AWAITED:
        return f'<span class="awaited" role="img" aria-label="is being computed">{words}</span>'
    return escaped_html(words)


def bar(dot: float | None, lower: float | None, upper: float | None, words: str, half: float | None = 50.0) -> str:
    """An interval drawn in its cell; places in percent of the axis. ``words``: the same to be read."""
    parts = [f'<span class="half" style="left:{half:.2f}%"></span>' if half is not None else ""]
    if lower is not None and upper is not None:
        parts.append(f'<span class="span" style="left:{lower:.2f}%;width:{upper - lower:.2f}%"></span>')
    if dot is not None:
        parts.append(f'<span class="dot" style="left:{dot:.2f}%"></span>')
    words = escaped_html(words)
    return f'<span role="img" aria-label="{words}" title="{words}"><span class="track">{"".join(parts)}</span></span>'
