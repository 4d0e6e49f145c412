"""Where new models land on a board, and what asking for it would take, in sentences."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from judgebench.leaderboard import Leaderboard, Row
from judgebench.leaderboard.profiles import PROFILES
from judgebench.show import published
from judgebench.show.numbers import duration, estimate, paid, ranks
from judgebench.show.sentences import stopped, within_cost
from judgebench.show.text import count, listing, one_line, sentence

if TYPE_CHECKING:
    from judgebench.services.placement import Bill, Charge, Placement, PlacementPlan
    from judgebench.services.standing import StandingBoard


def planned(plan: "PlacementPlan") -> list[str]:
    """Who is asked, about whom and how, and what ranks beside it."""
    lines = []
    if plan.pool:
        profile = "" if plan.profile is None else f", with the numbers of {PROFILES[plan.profile].label}"
        field = f"the {count(len(plan.pool), 'model')} of its pool"
        lines.append(f"By the standing board of {one_line(plan.benchmark)}, ranked among {field}{profile}")
        lines += [f"Of the standing board: {one_line(note, 400)}" for note in plan.notes]
    for study, template, unlike in zip(plan.studies, plan.templates, plan.unlike, strict=True):
        judge = one_line(study.judge.name or study.judge.model)
        again = f", {count(study.repeats, 'time')}" if study.repeats > 1 else ""
        part = f", on the first {count(study.limit, 'instruction')}" if study.limit else ""
        part += f", in category {one_line(study.category)}" if study.category else ""
        orders = {"both": "in both orders", "random": "in one order drawn at random", "single": "in one order"}
        met = f"the baseline {one_line(plan.baseline)}" if plan.baseline is not None else listing(plan.opponents)
        how = f"against {met}, {orders[study.orders]}" if plan.opponents else "by a score for each output"
        manner = f"{how}{again}{part}, by the template {one_line(template)}"
        board = f"not as the board was judged: other {listing(unlike)}" if unlike else "as the board was judged"
        lines.append(f"{judge} is to judge {listing(plan.models)} {manner}, {board}")
    if plan.flagged:
        are = "is flagged by an audit: judged it gets" if len(plan.flagged) == 1 else "are flagged: judged they get"
        lines.append(f"{listing(plan.flagged)} {are} no rank")
    if plan.beside:
        lines.append(
            f"The other {count(plan.others, 'model')} were judged by {listing(plan.beside)}: ranks suppose that the "
            "judges judge alike, which nothing here shows"
        )
    return [f"{line}." for line in lines]


def standing_board(benchmark: str, board: "StandingBoard | None") -> list[str]:
    """By what new models of the benchmark are ranked, and what of it was deleted since."""
    if board is None:
        return [f"{one_line(benchmark)} holds no standing board: new models are judged as its board was."]
    judge = "nobody" if board.judge is None else one_line(board.judge)
    met = "all of them" if board.baseline is None else f"the baseline {one_line(board.baseline)}"
    profile = "" if board.profile is None else f", with the numbers of {PROFILES[board.profile].label}"
    members = f"{count(len(board.pool), 'model')}, {listing(board.pool)}"
    lost = [f"Deleted since it was set: {one_line(name)}." for name in board.lost]
    return [f"New models of {one_line(benchmark)} are judged by {judge} against {met}, and ranked among "
            f"{members}{profile}.", *_partly(board), *lost]  # fmt: skip


def _partly(board: "StandingBoard") -> list[str]:
    return [f"{one_line(words[0].upper() + words[1:], 400)}." for words in board.partly]


def standing_document(benchmark: str, board: "StandingBoard | None") -> dict[str, Any]:
    """As plain values; ``standing`` is None where there is none."""
    return {"benchmark": benchmark, "standing": None if board is None else asdict(board)}


def billed(bill: "Bill") -> list[str]:
    """Calls, tokens, cost and time of each judge, and what may be spent; then of all of several.

    What is not known is said beside what is; one sentence where nothing is left to ask.
    """
    if not bill.calls:
        if bill.decided:
            return [f"Nothing is asked: {count(bill.decided, 'verdict')} can be stored without a call."]
        return ["Nothing is left to ask: every trial has an answer."]
    several = len(bill.charges) > 1
    lines = [line for charge in bill.charges for line in _charged(charge, named=several)]
    return [*lines, _together(bill)] if several else lines


def _charged(charge: "Charge", *, named: bool) -> list[str]:
    name = f"{one_line(charge.judge)}: " if named else ""
    if not charge.calls:
        return [f"{name}nothing is left to ask."]
    usual = "at most, by the settings" if charge.at_most else "as in the last replies"
    replies = (
        "replies of unknown length" if charge.reply_tokens is None else f"{charge.reply_tokens:,} of replies ({usual})"
    )
    tokens = f"about {count(charge.prompt_tokens, 'token')} of prompts and {replies}"
    cost = _about(charge.cost_usd)
    time = "" if charge.seconds is None else f", about {duration(charge.seconds)}"
    cap = "" if charge.max_cost is None else f" It stops once {charge.max_cost:g} USD are spent."
    unknown = "" if charge.has_price else " No price is stored with the judge, so no limit in USD can hold."
    limit = [f"{name}{words}." for words in within_cost(charge.cost_usd, charge.max_cost)]
    return [
        f"{name}{count(charge.calls, 'call')}, {tokens}: {cost}{time}.{cap}{unknown}",
        *(sentence(words) if not named else words for words in limit),
    ]


def _together(bill: "Bill") -> str:
    known, unknown = _about(bill.known_usd), [charge for charge in bill.charges if charge.cost_usd is None]
    if not unknown:
        cost = known
    elif len(unknown) == len(bill.charges):
        cost = "nobody knows what they cost"
    else:
        cost = f"{known}, and what nobody knows for {listing([charge.judge for charge in unknown])}"
    return f"Together {count(bill.calls, 'call')}: {cost}."


def _about(usd: float | None) -> str:
    """A cost that is estimated."""
    return f"about {paid(usd)}" if usd else paid(usd)


def dry_document(plan: "PlacementPlan", bill: "Bill") -> dict[str, Any]:
    """Who would be asked, and what that takes, as plain values."""
    return {"judges": list(plan.judges), "opponents": list(plan.opponents)} | bill_document(bill)


def bill_document(bill: "Bill") -> dict[str, Any]:
    """As plain values: of all judges, and ``by_judge``."""
    names = ("calls", "decided", "prompt_tokens", "reply_tokens", "at_most", "cost_usd", "seconds", "max_cost")
    return {name: getattr(bill, name) for name in names} | {"by_judge": [asdict(charge) for charge in bill.charges]}


def placed(placement: "Placement") -> list[str]:
    """Where each new model stands, and what that took."""
    board, plan = placement.board, placement.plan
    lines = [] if board is None else [_place(row, board) for row in placement.rows]
    if placement.reason:
        lines.append(f"Not placed: {one_line(placement.reason, 400)}.")
    if board is not None and placement.rows:
        field = "the field" if board.baseline is None else one_line(board.baseline)
        against = "" if board.scale == "score" else f" against {field}"
        level = f"rank ranges hold for all models at once, at {board.level:.0%}"
        lines.append(f"Judged by {listing(board.judges)}{against}; {level}.")
    lines += _as_published(placement)
    for report in placement.reports:
        without = report.tally.without_verdict - report.tally.pending
        failed = f", {without:,} without a verdict" if without else ""
        lines.append(f"{one_line(report.judge)}: {count(report.calls, 'call')}, {paid(report.tally.cost_usd)}{failed}.")
        lines += [f"{sentence(words)}." for words in stopped(report.tally.stopped_by, report.tally.pending)]
    if plan.beside:
        lines.append(planned(plan)[-1])
    return lines


def _as_published(placement: "Placement") -> list[str]:
    """The numbers of the standing board's profile; why there are none."""
    profile, board = placement.plan.profile, placement.published
    if profile is None:
        return []
    if board is None:
        return [f"The verdicts give no number of {PROFILES[profile].label}: judgebench leaderboard --profile says why."]
    names = published.headings(board)[1:]
    return [
        f"{PROFILES[profile].label} of {one_line(row.model)}: "
        + ", ".join(f"{name} {cell}" for name, cell in zip(names, published.cells(board, row)[1:], strict=True))
        + "."
        for row in board.rows
        if row.model in placement.plan.models
    ] + published.sentences(board)


def _place(row: Row, board: Leaderboard) -> str:
    name = one_line(row.model)
    flag = f" ({one_line(row.flag, 200)})" if row.flag else ""
    number = estimate(row.estimate, board.scale)
    value = f"{'mean score' if board.scale == 'score' else 'win rate'} {number}"
    if row.apart:
        return f"{name} is flagged, so it has no rank{flag}: {value}."
    return f"{name}: rank {ranks(row.rank_lower, row.rank_upper)} of {len(board.ranked):,}, {value}{flag}."


def placement_document(placement: "Placement") -> dict[str, Any]:
    """As plain values."""
    plan = placement.plan
    return {
        "benchmark": plan.benchmark,
        "judges": list(plan.judges),
        "not_asked": list(plan.beside),
        "baseline": plan.baseline,
        "opponents": list(plan.opponents),
        "pool": list(plan.pool),
        "flagged": list(plan.flagged),
        "notes": list(plan.notes),
        "profile": None if placement.published is None else published.document(plan.benchmark, placement.published),
        "models": [row.columns() for row in placement.rows],
        "ranked": 0 if placement.board is None else len(placement.board.ranked),
        "not_placed": placement.reason,
        "calls": placement.calls,
        "pending": placement.pending,
        "cost_usd": _cost(placement),
    }


def _cost(placement: "Placement") -> float | None:
    costs = [report.tally.cost_usd for report in placement.reports]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
