"""Tables of the page People, in which all that others wrote is escaped."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from app.views.board import cell, framed, head, number_cell, shown
from judgebench.services.pages import VotersReport
from judgebench.services.voters import TwoBoards
from judgebench.show import voters as show
from judgebench.show.board import BoardLines, Column
from judgebench.show.numbers import MISSING
from judgebench.show.text import escaped_html, name_html, one_line, sentence

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
    labels = [sentence(name) for name in names]
    heads = [head(label, help) for label, help in zip(labels, helps, strict=True)]
    return framed(
        "Voters", heads, "".join(_row(labels, cells) for cells in show.rows(report)), kind="jb-cards jb-voters"
    )


def _row(labels: Sequence[str], cells: tuple[object, ...]) -> str:
    row = "".join(cell(shown(value), label=label) for label, value in zip(labels[1:], cells[1:], strict=True))
    return f'<tr><th scope="row">{name_html(str(cells[0]))}</th>{row}</tr>'


def places(
    two: TwoBoards, link: Callable[[str], str], models: Collection[str], further: BoardLines | None = None
) -> str:
    """A row a model of ``models``, in the order of people; marked where judges and people are apart.

    ``further``: the judges' leaderboard with columns that stand beside the two rankings.
    """
    names = [sentence(name) for name in show.place_headings(two)]
    columns = () if further is None else further.columns
    known = {} if further is None else {one.model: one.cells for one in further.lines}
    rows = []
    for row, (_, *cells, mark) in zip(two.models, show.places(two), strict=True):
        if row.model not in models:
            continue
        name = f'<a href="{escaped_html(link(row.model))}">{escaped_html(one_line(row.model, 200))}</a>'
        numbers = "".join(cell(shown(value), label=column) for column, value in zip(names[1:-1], cells, strict=True))
        more = known.get(row.model, (MISSING,) * len(columns))
        numbers += "".join(
            cell(number_cell(words), label=_of_judges(column), kind=f"n c-{column.name}")
            for column, words in zip(columns, more, strict=True)
        )
        chip = f'<span class="chip">{escaped_html(str(mark))}</span>' if mark else ""
        rows.append(f'<tr><th scope="row">{name}</th>{numbers}<td>{chip}</td></tr>')
    heads = [head(name) for name in names[:-1]]
    heads += [head(_of_judges(column), column.help, f"n c-{column.name}") for column in columns]
    return framed("Two rankings", [*heads, head(names[-1])], "".join(rows), kind="jb-cards")


def _of_judges(column: Column) -> str:
    """Its heading; all but lengths are of judges' verdicts."""
    return column.heading if column.name == "length" else f"{column.heading} by judges"
