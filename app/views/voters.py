"""Tables of the page People, in which all that others wrote is escaped."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.views.board import cell, framed, head, shown
from judgebench.services.pages import VotersReport
from judgebench.services.voters import TwoBoards
from judgebench.show import voters as show
from judgebench.show.numbers import ranks
from judgebench.show.text import escaped_html, one_line

_HELP = {
    "ties": "Share of votes that name no winner, both bad included",
    "first shown": "Share of what was shown first among votes that name a winner: half without a leaning",
    "as others": "Share of other people's votes on the same outputs that say the same",
    "seconds a vote": "Median seconds from one vote to the next, pauses left out; of votes given in this app",
    "remarks": "What is unlike others beyond chance, whoever is looked at",
}


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
    heads = [head(name[:1].upper() + name[1:], _HELP.get(name, "")) for name in names]
    return framed("Voters", heads, "".join(_row(names, cells) for cells in show.rows(report)), kind="jb-cards")


def _row(names: Sequence[str], cells: tuple[object, ...]) -> str:
    row = "".join(cell(shown(value), label=name) for name, value in zip(names[1:], cells[1:], strict=True))
    return f'<tr><th scope="row">{escaped_html(one_line(str(cells[0]), 200))}</th>{row}</tr>'


def places(two: TwoBoards, link: Callable[[str], str]) -> str:
    """A row a model, in the order of people; marked where no rank is left open by both."""
    heads = [head(name) for name in ("Model", "Rank by judges", "Rank by people", "")]
    rows = []
    for row in two.models:
        name = f'<a href="{escaped_html(link(row.model))}">{escaped_html(one_line(row.model, 200))}</a>'
        ends = [ranks(*(places or (None, None))) for places in (row.by_judges, row.by_people)]
        mark = '<span class="chip">apart</span>' if row.apart else ""
        rows.append(f'<tr><th scope="row">{name}</th><td>{ends[0]}</td><td>{ends[1]}</td><td>{mark}</td></tr>')
    return framed("Two rankings", heads, "".join(rows))
