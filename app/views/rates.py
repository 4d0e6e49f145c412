"""Tables of rates with their intervals drawn in the rows: what a model did by category, opponent and instruction."""

from collections.abc import Callable, Sequence

from app.views.board import bar, cell, framed, head
from judgebench.services.part_rates import PartRate
from judgebench.services.profiles import BattleOfTwo, OnInstruction
from judgebench.show.numbers import fixed, plotted, span, value
from judgebench.show.text import escaped_html, name_html, one_line

Link = Callable[[str], str | None]  # the address of the page about a name; None: there is none
_BRIEF_CHARS = 160


def parts(what: str, rows: Sequence[PartRate], link: Link, *, unit: str) -> str:
    """``what``: the heading of the names. ``unit``: "rate", or "score" for means, which have no bar."""
    heads = [head(what), head("Win rate, %" if unit == "rate" else "Mean score", kind="n")]
    heads += [head(f"{_level(rows)} interval", kind="iv")]
    of_rates = [head("Battles", kind="n sum"), head("Won, lost, tied", kind="n")]
    heads += of_rates if unit == "rate" else [head("Outputs", kind="n")]
    body = "".join(_part(row, link, unit=unit) for row in rows)
    return framed(what, heads, body)


def _level(rows: Sequence[PartRate]) -> str:
    """Of the intervals, which is one for all rows."""
    return f"{rows[0].estimate.level:.0%}"


def _part(row: PartRate, link: Link, *, unit: str) -> str:
    rate, known = unit == "rate", row.estimate
    number = value(known, "number") if not rate else value(known, "rate").removesuffix("%")
    words = span(known.lower, known.upper, "rate" if rate else "score")
    dot, lower, upper = (plotted(end, "rate") for end in (known.value, known.lower, known.upper))
    drawn = bar(dot, lower, upper, words) if rate else words
    outcomes = f'<td class="n outcomes">{row.wins:,}, {row.losses:,}, {row.ties:,}</td>' if rate else ""
    return (
        f'<tr class="model"><th scope="row">{_linked(row.name or "no category", link(row.name))}</th>'
        f'<td class="n">{number}</td><td class="iv">{drawn}</td><td class="n{" sum" * rate}">{row.battles:,}</td>'
        f"{outcomes}</tr>"
    )


def listed(rows: Sequence[OnInstruction], link: Link, *, unit: str) -> str:
    """Instructions with what the model did on each; every one is a link."""
    value = "Preferred, %" if unit == "rate" else "Score"
    heads = [head("Instruction"), head("Category"), head(value, "The mean over verdicts.", "n")]
    body = "".join(
        f'<tr><th scope="row" class="text">{_linked(one_line(row.text, _BRIEF_CHARS), link(row.key))}</th>'
        + cell(name_html(row.category or "", 60), label="Category")
        + cell(f"{100 * row.value if unit == 'rate' else row.value:.1f}", label=value, kind="n")
        + "</tr>"
        for row in rows
    )
    return framed("Instructions", heads, body, kind="jb-stack")


def of_two(rows: Sequence[BattleOfTwo], link: Link, *, names: tuple[str, str], met: bool = True) -> str:
    """Battles of two models, the preference for the first of ``names`` in percent, over all and by which came first; of
    two that never ``met``, an instruction each, how the first did beside the second."""
    first, second = (one_line(name, 30) for name in names)
    heads = [head("Instruction"), head("Category")]
    if met:
        labels = [f"{first} preferred, %", *(f"{name} shown first" for name in (first, second))]
        helps = ["The mean over verdicts; 50 is a tie.", *["The same, of verdicts in this order."] * 2]
    else:
        labels = [f"{first} did better, %"]
        helps = ["By what was said of each, as they never met: 100 it did, 0 the other, 50 both alike."]
    heads += [head(label, help, "n") for label, help in zip(labels, helps, strict=True)]
    body = "".join(
        f'<tr><th scope="row" class="text">{_linked(one_line(row.text, _BRIEF_CHARS), link(row.key))}</th>'
        + cell(name_html(row.category or "", 60), label="Category")
        + "".join(
            cell(fixed(plotted(share, "rate")), label=label, kind="n")
            for label, share in zip(
                labels, (row.preference, row.shown_first, row.shown_second)[: len(labels)], strict=True
            )
        )
        + "</tr>"
        for row in rows
    )
    return framed("Battles" if met else "Instructions", heads, body, kind="jb-stack")


def _linked(name: str, address: str | None) -> str:
    words = name_html(name)
    return words if address is None else f'<a href="{escaped_html(address)}">{words}</a>'
