"""People who vote, and two leaderboards beside each other, as tables and sentences, the same at every door."""

from typing import TYPE_CHECKING

from judgebench.leaderboard import METHODS, Row
from judgebench.show import sentences as of_boards
from judgebench.show import tables
from judgebench.show.numbers import MISSING, amount, estimate, interval, ranks, value
from judgebench.show.text import count, escaped_markdown, listing, one_line, sentence

if TYPE_CHECKING:
    from judgebench.bias.voters import VotersReport
    from judgebench.estimate import Estimate
    from judgebench.services.voters import PlacedTwice, TwoBoards

_NUMBERS = ("rating", "lower", "upper", "rank_lower", "rank_upper")
TWO_COLUMNS = ("model", *(f"{name}_by_{who}" for who in ("judges", "people") for name in _NUMBERS), "differs", "apart")
_ONE_BY_ONE = " Votes of one annotator count as if of several; bradley-terry counts them together."


def sentences(report: "VotersReport") -> list[str]:
    """How far people agree among themselves, and who is not listed."""
    people = report.people
    words = [
        f"{count(people.labels, 'vote')} of {count(len(people.annotators), 'voter')} on "
        f"{count(people.items, 'battle')}, {people.several:,} of them with votes of several.",
        _alike(people.ceiling, people.all.krippendorff),
    ]
    if report.left_out:
        words.append(f"Not listed: {count(report.left_out, 'voter')} with fewer votes.")
    odd = sum(bool(voter.remarks) for voter in report.voters)
    words.append(
        f"Remarks, on {odd:,} of {len(report.voters):,} listed, say what is unlike others beyond chance, "
        "whoever is looked at; they are no proof of carelessness."
    )
    return words


def _alike(ceiling: "Estimate", alpha: "Estimate") -> str:
    """How far people agree, or why that is not known, once."""
    if ceiling.value is None:
        return f"How far people agree with each other is not known: {ceiling.reason}."
    return (
        f"People say the same in {estimate(ceiling, 'share')} of pairs of votes on one battle, a tie being a third "
        f"answer; Krippendorff's alpha {estimate(alpha, 'number')}; intervals are at {ceiling.level:.0%}."
    )


def headings(report: "VotersReport") -> list[str]:
    judges = list(report.voters[0].with_judges) if report.voters else []
    beside = [f"as {one_line(judge, 40)}" for judge in judges]
    return ["voter", "votes", "ties", "first shown", "as others", *beside, "seconds a vote", "remarks"]


def rows(report: "VotersReport") -> list[tuple[object, ...]]:
    """Cells under ``headings``."""
    return [
        (
            one_line(voter.name, 80),
            voter.votes,
            *(_cell(known) for known in (voter.ties, voter.first, voter.with_people, *voter.with_judges.values())),
            MISSING if voter.seconds is None else amount(voter.seconds, "short"),
            "; ".join(voter.remarks),
        )
        for voter in report.voters
    ]


def _cell(known: "Estimate") -> str:
    if known.value is None:
        return MISSING
    return f"{value(known, 'share')} {interval(known, 'share')} n={known.n:,}"


def place_headings(two: "TwoBoards") -> list[str]:
    """Of the cells of ``places``."""
    number = METHODS[two.judges.method].label.lower()
    return ["model", f"{number} by judges", f"{number} by people", "rank by judges", "rank by people", ""]


def places(two: "TwoBoards") -> list[tuple[object, ...]]:
    """Cells under ``place_headings``; the last says where the two are apart."""
    scale = two.judges.scale
    return [
        (one_line(row.model, 80),
         *(MISSING if side is None else estimate(side.estimate, scale) for side in (row.judges, row.people)),
         *(ranks(*(ends or (None, None))) for ends in (row.by_judges, row.by_people)),
         mark(row))
        for row in two.models
    ]  # fmt: skip


def mark(row: "PlacedTwice") -> str:
    """Where judges and people say something else of a model than its intervals leave open."""
    kinds = (("ratings", row.differs), ("ranks", row.apart))
    words = listing([kind for kind, is_apart in kinds if is_apart])
    return f"{words} apart" if words else ""


def two_rows(two: "TwoBoards") -> list[dict[str, object]]:
    """A row a model by TWO_COLUMNS, as frames and files of data hold it."""
    return [
        {"model": row.model, **_numbers(row.judges, "judges"), **_numbers(row.people, "people"),
         "differs": row.differs, "apart": row.apart}
        for row in two.models
    ]  # fmt: skip


def _numbers(row: Row | None, who: str) -> dict[str, object]:
    return {f"{name}_by_{who}": None if row is None else getattr(row, name) for name in _NUMBERS}


def two_document(benchmark: str, two: "TwoBoards") -> dict[str, object]:
    """As ``--format json`` prints it."""
    boards = {"judges": two.judges, "people": two.people}
    return {
        "benchmark": benchmark,
        "models": two_rows(two),
        "reason": two.reason,
        "ratings_reason": two.ratings_reason,
        **{who: tables.board_document(benchmark, board) for who, board in boards.items()},
    }


def two_markdown(two: "TwoBoards") -> str:
    """The table with what it rests on above, and where the two are apart below."""
    rows = [[str(cell) for cell in cells] for cells in places(two)]
    above = "\n".join(f"- {escaped_markdown(line)}" for line in basis(two))
    return f"{above}\n\n{tables.markdown(place_headings(two), rows)}\n\n- {escaped_markdown(apart(two))}\n"


def basis(two: "TwoBoards") -> list[str]:
    """How each of the two ranks, and by whom."""
    boards = {"judges": two.judges, "people": two.people}
    lines = [f"Ranks by {who}: {of_boards.basis(board)[0]}" for who, board in boards.items()]
    about = None if two.people.coverage is None else two.people.coverage.people
    if about is not None and about.annotators > 1:
        together = METHODS[two.people.method].clusters
        lines.append(f"People's intervals: {two.people.interval_method}.{'' if together else _ONE_BY_ONE}")
    return lines


def apart(two: "TwoBoards") -> str:
    """Where judges and people differ beyond what the data leave open: first their ranks, then their ratings."""
    if two.reason:
        return f"{sentence(two.reason)}."
    names = [one_line(row.model, 80) for row in two.models if row.apart]
    if names:
        ranked = f"Judges and people place {listing(names)} apart: no rank is left open by both."
    else:
        ranked = "The data leave open that judges and people rank all models alike: no two rank ranges are apart."
    return f"{ranked} {_ratings_apart(two)}"


def _ratings_apart(two: "TwoBoards") -> str:
    if two.ratings_reason:
        return f"Ratings are not held against each other: {two.ratings_reason}."
    names = [one_line(row.model, 80) for row in two.models if row.differs]
    if not names:
        return "Every two ratings of a model have intervals that overlap."
    return f"The two ratings of {listing(names)} have intervals that do not overlap."
