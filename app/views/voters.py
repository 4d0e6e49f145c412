"""Tables of the page People, in which all that others wrote is escaped."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.views.board import cell, framed, head, shown
from judgebench.services.pages import VotersReport
from judgebench.services.voters import TwoBoards
from judgebench.show import voters as show
from judgebench.show.text import escaped_html, one_line

_HELP = {
    "ties": "Share of votes that name no winner, both bad included",
    "first shown": "Share of what was shown first among votes that name a winner: half without a leaning",
    "as others": "Human agreement: the share of other people's votes on the same outputs that say the same",
    "seconds a vote": "Median seconds from one vote to the next, pauses left out; of votes given in this app",
    "remarks": "What is unlike others beyond chance, whoever is looked at",
}

_AS_JUDGE = "Human agreement: the share of the voter's votes that say what the judge says on the battle"


def numbered(report: VotersReport, own: str) -> VotersReport:
    """With numbers in place of names, but for one's ``own``."""
    named = (
        voter if voter.name == own else replace(voter, name=f"voter {number}")
        for number, voter in enumerate(report.voters, 1)
    )
    return replace(report, voters=tuple(named))


def table(report: VotersReport) -> str:
    """A row a voter; intervals stand under their numbers."""
    names = show.headings(report)
    helps = [_HELP.get(name, _AS_JUDGE * name.startswith("as ")) for name in names]
    heads = [head(name[:1].upper() + name[1:], help) for name, help in zip(names, helps, strict=True)]
    return framed("Voters", heads, "".join(_row(names, cells) for cells in show.rows(report)), kind="jb-cards")


def _row(names: Sequence[str], cells: tuple[object, ...]) -> str:
    row = "".join(cell(shown(value), label=name) for name, value in zip(names[1:], cells[1:], strict=True))
    return f'<tr><th scope="row">{escaped_html(one_line(str(cells[0]), 200))}</th>{row}</tr>'


def places(two: TwoBoards, link: Callable[[str], str]) -> str:
    """A row a model, in the order of people; marked where judges and people are apart."""
    names = [name[:1].upper() + name[1:] for name in show.place_headings(two)]
    rows = []
    for row, (_, *cells, mark) in zip(two.models, show.places(two), strict=True):
        name = f'<a href="{escaped_html(link(row.model))}">{escaped_html(one_line(row.model, 200))}</a>'
        numbers = "".join(cell(shown(value), label=column) for column, value in zip(names[1:-1], cells, strict=True))
        chip = f'<span class="chip">{escaped_html(str(mark))}</span>' if mark else ""
        rows.append(f'<tr><th scope="row">{name}</th>{numbers}<td>{chip}</td></tr>')
    return framed("Two rankings", [head(name) for name in names], "".join(rows), kind="jb-cards")
