"""People who vote, and two leaderboards beside each other, as tables and sentences, the same at every door."""

from typing import TYPE_CHECKING

from judgebench.show import sentences as of_boards
from judgebench.show.numbers import MISSING, amount, estimate, interval, ranks, value
from judgebench.show.text import count, listing, one_line

if TYPE_CHECKING:
    from judgebench.bias.voters import VotersReport
    from judgebench.estimate import Estimate
    from judgebench.services.voters import TwoBoards

PLACES = ("model", "rank by judges", "rank by people", "")


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
        f"Remarks, on {odd} of {len(report.voters)} listed, say what is unlike others beyond chance, whoever is looked "
        "at; they are no proof of carelessness."
    )
    return words


def _alike(ceiling: "Estimate", alpha: "Estimate") -> str:
    """How far people agree, or why that is not known, once."""
    if ceiling.value is None:
        return f"How far people agree with each other is not known: {ceiling.reason}."
    return (
        f"People say the same in {estimate(ceiling, 'share')} of pairs of votes on one battle, a tie being a third "
        f"answer; Krippendorff's alpha {estimate(alpha, 'number')}."
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
    return f"{value(known, 'share')} {interval(known, 'share')} n={known.n}"


def places(two: "TwoBoards") -> list[tuple[object, ...]]:
    """Cells under ``PLACES``."""
    return [
        (one_line(row.model, 80), *(ranks(*(ends or (None, None))) for ends in (row.by_judges, row.by_people)),
         "apart" if row.apart else "")
        for row in two.models
    ]  # fmt: skip


def basis(two: "TwoBoards") -> list[str]:
    """How each of the two ranks, and by whom."""
    boards = {"judges": two.judges, "people": two.people}
    return [f"Ranks by {who}: {of_boards.basis(board)[0]}" for who, board in boards.items()]


def apart(two: "TwoBoards") -> str:
    """Where judges and people differ beyond what the data leave open."""
    if two.reason:
        return f"{two.reason[0].upper()}{two.reason[1:]}."
    names = [one_line(row.model, 80) for row in two.models if row.apart]
    if not names:
        return "The data leave open that judges and people rank all models alike: no two rank ranges are apart."
    return f"Judges and people place {listing(names)} apart: no rank is left open by both."
