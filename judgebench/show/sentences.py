"""What a result says, in sentences: who leads, what a ranking rests on, who would move, what would give a number."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from judgebench.estimate import Estimate
from judgebench.leaderboard import METHODS, Leaderboard, Row
from judgebench.show.numbers import duration, estimate, paid, ranks, value
from judgebench.show.text import count, listing, one_line

if TYPE_CHECKING:
    from judgebench.bias.counterfactual import CounterfactualRow, Counterfactuals, WithoutEffect
    from judgebench.services.audits.estimates import AuditEstimate
    from judgebench.services.submissions import MatchReport, MessageCounts
    from judgebench.services.upkeep import Change

_TIERS = 3  # in a summary
_MOVES = 5  # sentences about changes of places
_DETAILS = 5  # names of one event
_OF_PROGRAMS = ("judge_digest", "missing_ids")  # what events hold for later reading only
_Passing = tuple[str, str, tuple[str, ...]]  # of a pair, of how many more, and what is said at the end
_PASSING: _Passing = ("{} would pass {}: it would lead by {}.", "would change places", ())
_ORDERED_SO: _Passing = (
    "{} stands above {}, by {}.",
    "in another order",
    ("No judge is found wrong by that: nobody labelled, and people may prefer what is taken away as much.",),
)
_RUN = "judgebench run --benchmark {benchmark} --judge {judge} --all-pairs"
# A word of the reason why an estimate is missing -> the command that would give it; the first that fits.
REMEDIES = (
    (("no trial has a verdict",), f"{_RUN} --redo unparsed,truncated,refused"),
    (("scores alone",), "judgebench run --benchmark {benchmark} --judge ANOTHER --all-pairs"),
    (("null", "audit"), "judgebench audit null-models --benchmark {benchmark} --judge {judge}"),
    (("likelihood",), "judgebench run --benchmark {benchmark} --judge embedded --all-pairs"),
    (("repeat",), f"{_RUN} --repeats 3"),
    (("people", "human", "label", "person"), "judgebench labels import FILE --benchmark {benchmark} (or vote here)"),
    (("lineage", "declared", "relative", "related", "own outputs"), "judgebench lineage propose"),
    (("order", "first", "place"), f"{_RUN} --orders both"),
    (("judge",), "judgebench run --benchmark {benchmark} --judge ANOTHER --all-pairs"),
)
_OTHERWISE = f"{_RUN} (more instructions)"


def not_shown(parts: Mapping[str, int]) -> list[str]:
    """What a judge does not see of the trials, by kind, in one sentence; none where it sees everything."""
    kinds = [f"{one_line(kind)} ({number:,})" for kind, number in sorted(parts.items())]
    return [f"not shown to the judge: {', '.join(kinds)}"] if kinds else []


def images_shown(images: int, tokens: int) -> list[str]:
    """How many images calls show, and what these are among the tokens, in one sentence; none where they show none."""
    about = f"about {count(tokens, 'token')} of the prompts (pixels / 750; judges count them in different ways)"
    return [f"{count(images, 'image')} to show, {about}"] if images else []


def unseen(trials: int) -> list[str]:
    """That some trials cannot be judged, in one sentence; none where all can."""
    why = "the outputs differ only in what the template does not show"
    return [f"{count(trials, 'trial')} cannot be judged: {why}"] if trials else []


def audit_estimate(estimate: "AuditEstimate") -> list[str]:
    """What an audit would take, in sentences."""
    if estimate.judge is None:
        return ["It asks no judge: it only reads what is stored."]
    calls = f"At most {count(estimate.calls, 'call')} of {one_line(estimate.judge)}"
    tokens = f" with about {count(estimate.prompt_tokens, 'prompt token')}"
    seconds = "" if estimate.seconds is None else f", at its last speed {duration(estimate.seconds)}"
    known = "" if estimate.reply_tokens is not None else " for the prompts alone"
    usd = estimate.cost_usd
    cost = "No price of it is known" if usd is None else f"At most about {paid(usd)}{known}" if usd else "It is free"
    return [
        f"{calls}{tokens}{seconds}.",
        f"{cost}. What is answered already is not asked again, and most null models are decided early.",
    ]


def stopped(stopped_by: str | None, pending: int) -> list[str]:
    """That a limit on cost, calls or errors ended it, in one sentence; none where none did."""
    if stopped_by is None:
        return []
    if stopped_by == "no_usage":
        why = "replies say nothing of the tokens they took, so that max_cost cannot hold"
        return [f"stopped because {why}, {count(pending, 'trial')} pending: with max_calls besides the same continues"]
    if stopped_by == "stop_after":
        return [f"stopped after the time that stop_after gives, {count(pending, 'trial')} pending: the same continues"]
    limits = {"max_cost": "as much was spent", "max_calls": "as many calls were made", "max_errors": "as many failed"}
    limit = f"{limits[stopped_by]} as {stopped_by} allows"
    return [f"stopped because {limit}, {count(pending, 'trial')} pending: the same with a higher limit continues"]


def within_cost(cost_usd: float | None, max_cost: float | None) -> list[str]:
    """That what may be spent is less than all of it costs, in one sentence; none where it is enough, or not known."""
    if cost_usd is None or max_cost is None or cost_usd <= max_cost:
        return []
    return [f"more than max_cost, {max_cost:g} USD: it will stop after about {max_cost / cost_usd:.0%} of the calls"]


def summary(board: Leaderboard, *, with_leader: bool = True) -> str:
    """Which models can be told apart, from the best tiers down: only what the rank ranges prove.

    A model's ``rank_lower`` is one more than the number of models proved better, all of which stand above it.
    ``with_leader``: False below ``leader``, which has said already who comes first; empty where nothing is left to say.
    """
    tiers = _tiers(board.ranked)
    parts = [_tier(tiers[0])] if with_leader else _beside_leader(tiers[0])
    for place, tier in enumerate(tiers[1:_TIERS], start=1):
        above = [row for earlier in tiers[:place] for row in earlier]
        below = _below(tier[0], above, leader=tiers[place - 1][0])
        parts.append(f"{one_line(tier[0].model)} is below {below}{_company(tier)}")
    rest = sum(len(tier) for tier in tiers[_TIERS:])
    if rest:
        parts.append(f"{count(rest, 'model')} further down in {count(len(tiers) - _TIERS, 'more tier')}")
    return "; ".join(parts) + "." if parts else ""


def leader(board: Leaderboard) -> str:
    """Who comes first with its number and interval, and whether the rank ranges prove that it leads."""
    row = board.ranked[0]
    leads = row.rank_upper == 1 and len(_tiers(board.ranked)[0]) == 1
    what = METHODS[board.method].label.replace("Win rate", "win rate").replace("Length", "length")
    place = ranks(row.rank_lower, row.rank_upper)
    between = "" if row.lower is None or row.upper is None else f" ({_between(board)})"
    return (
        f"{one_line(row.model)} {'leads' if leads else 'comes first, but not for certain'}, {what} "
        f"{estimate(row.estimate, board.scale)}{between}: rank {place} of {len(board.ranked):,}, "
        "with ranks that hold for all models at once."
    )


def _between(board: Leaderboard) -> str:
    return "its spread over orders" if board.method == "elo" else f"{board.level:.0%} interval"


def basis(board: Leaderboard, *, commands: bool = True) -> list[str]:
    """How the numbers came about, and what a reader must know of that; always shown with them.

    ``commands``: False where what would tell more is a link beside them.
    """
    field = "the field" if board.baseline is None else one_line(board.baseline)
    against = "" if board.scale == "score" else f" against {field}"
    return [
        f"{_numbers(board)}{against}, {_judged_by(board)}.",
        f"{_intervals(board)}: {board.interval_method}. Rank ranges hold for all models at once.",
        *(
            f"Note: {one_line(note, 1000)}" for note in _notes(board, commands=commands)
        ),  # it may end in a command, to be copied
    ]


def _notes(board: Leaderboard, *, commands: bool) -> Iterator[str]:
    words = {} if commands or board.gate is None else {about.note: about.words for about in board.gate.open}
    yield from (words.get(note, note) for note in board.notes)


def _judged_by(board: Leaderboard) -> str:
    if board.coverage is not None and board.coverage.people is not None:
        return "by people's votes"
    return f"judged by {', '.join(one_line(judge) for judge in board.judges)}"


def _intervals(board: Leaderboard) -> str:
    """Of Elo the spread over orders stands there, which has no level."""
    return "Beside ratings" if board.method == "elo" else f"{board.level:.0%} intervals"


def _numbers(board: Leaderboard) -> str:
    """What the table holds; ratings stand beside win rates."""
    numbers = METHODS[board.method].numbers
    return f"{numbers}; win rates" if board.scale in ("elo", "logit") else numbers


def movement(entry: "WithoutEffect") -> list[str]:
    """Who would surely pass whom without the effect, or that no change is shown; an order alone shows none.

    Where nobody labelled, who stands above whom then, which is no claim: people may share the judge's taste.
    """
    if not entry.flips:
        return ["No change of places is shown."]
    passing, more, closing = _ORDERED_SO if entry.with_quality else _PASSING
    rows = {row.model: row for row in entry.board}
    told = [
        f"Without {one_line(entry.removed, 200)}, "
        + passing.format(_moved(rows[pair.model]), _moved(rows[pair.passes]), estimate(pair.lead, "points"))
        for pair in entry.flips[:_MOVES]
    ]
    rest = len(entry.flips) - len(told)
    return [*told, *[f"{count(rest, 'more pair')} {more}."] * bool(rest), *closing]


def _moved(row: "CounterfactualRow") -> str:
    rates = f"{value(row.win_rate, 'share')} to {value(row.without, 'share')}"
    return f"{one_line(row.model)} ({'; '.join(filter(None, (rates, one_line(row.flag))))})"


def effects(counterfactuals: "Counterfactuals") -> list[str]:
    """The coefficient of each effect and what it is worth, or why nobody can tell."""
    return [_effect(entry, entry.points) for entry in counterfactuals.entries if entry.points is not None]


def _effect(entry: "WithoutEffect", points: Estimate) -> str:
    if entry.log_odds is None or not points.identified:
        return f"{entry.name} coefficient: not identified, {points.reason}."
    return (
        f"{entry.name} coefficient: {estimate(entry.log_odds, 'logit')} log-odds a unit; "
        f"{entry.meaning} adds {estimate(points, 'points')} of win rate at equal quality."
    )


def remedy(missing: Estimate, benchmark: str, judge: str = "JUDGE") -> str:
    """A command that would give a missing estimate; empty where nothing is missing."""
    if missing.identified:
        return ""
    reason = missing.reason.lower()
    command = next((command for words, command in REMEDIES if any(word in reason for word in words)), _OTHERWISE)
    return command.format(benchmark=shlex.quote(benchmark), judge=shlex.quote(judge))


def _tiers(rows: Sequence[Row]) -> list[list[Row]]:
    tiers: dict[int, list[Row]] = {}
    for row in rows:
        tiers.setdefault(row.tier or 0, []).append(row)
    return [tiers[tier] for tier in sorted(tiers)]


def _tier(tier: Sequence[Row]) -> str:
    first, *others = (row.model for row in tier)
    if not others:
        surely = tier[0].rank_upper == 1  # a model further down may be less well known, and pass a tier of one
        return f"{one_line(first)} leads" if surely else f"{one_line(first)} comes first, but not for certain"
    if len(others) == 1:
        return f"{listing([first, *others])} cannot be told apart"
    return f"{listing(others)} cannot be told apart from {one_line(first)}"


def _beside_leader(tier: Sequence[Row]) -> list[str]:
    """Who may come first as well; nobody beside one that is alone in its tier."""
    first, *others = (row.model for row in tier)
    return [f"{listing(others)} cannot be told apart from {one_line(first)}"] if others else []


def _below(row: Row, above: Sequence[Row], *, leader: Row) -> str:
    if row.rank_lower is not None and row.rank_lower <= len(above):
        return one_line(leader.model)
    return {1: one_line(leader.model), 2: "both"}.get(len(above), f"all {len(above):,} above it")


def _company(tier: Sequence[Row]) -> str:
    others = [row.model for row in tier[1:]]
    return f" and cannot be told apart from {listing(others)}" if others else ""


def match_lines(report: "MatchReport") -> list[str]:
    """How a submission meets its benchmark, a count a line."""
    head = "a new benchmark" if report.creates_benchmark else "benchmark"
    left_out = "" if report.takes_new or not report.new else "  (not in the benchmark, left out; --extend adds them)"
    return [
        f"{report.model} for {head} {report.benchmark}:",
        f"  new        {report.new:>7}{left_out}",
        f"  matched    {report.matched:>7}",
        f"  missing    {report.missing:>7}",
        f"  duplicate  {report.duplicate:>7}",
        f"  empty      {report.empty:>7}",
        *(f"  {words}" for words in (*meets_model(report), *messages_held(report.messages))),
    ]


def meets_model(report: "MatchReport") -> list[str]:
    """That a submission's model exists already, and what it adds to it; empty where the model is new."""
    if not report.model_exists:
        return []
    adds = [count(report.outputs_new, "output")] * bool(report.outputs_new) + ["a lineage"] * report.declares_lineage
    return [f"model exists already: this adds {' and '.join(adds) or 'nothing'} to it"]


def messages_held(held: "MessageCounts") -> list[str]:
    """What instructions and outputs hold beside texts; empty where that is nothing."""
    counts = ((held.samples, "further sample"), (held.conversations, "conversation"), (held.images, "image"))
    kinds = ", ".join(f"{one_line(kind)} ({number:,})" for kind, number in held.not_shown.items())
    nulls = f"{count(held.nulls, 'null')} that Parquet adds to calls and tools left out"
    words = [count(number, noun) for number, noun in counts if number]
    words += ["judges are shown images by pairwise/vision and pointwise/vision"] if held.images else []
    return [*words, *[f"no judge is shown: {kinds}"] * bool(kinds), *[nulls] * bool(held.nulls)]


_LOST = {
    "tool": "tool definitions",
    "call": "calls of tools",
    "error": "that a call failed",
    "name": "names of speakers",
    "inserted": "that a scaffold inserted a message",
    "refusal": "that a text is a refusal",
    "signature": "signatures of reasoning",
    "reasoning": "reasoning",
    "character": "characters of texts",
    "image": "images",
    "audio": "audio",
    "video": "videos",
    "document": "documents",
    "division": "which replies were given and which are the model's",
    "other": "order, or details of tools and messages",
}


def lost_words(lost: Mapping[str, int]) -> str:
    """What a form cannot hold, by kind, in words."""
    kinds = ((_LOST.get(kind, f"parts of type {one_line(kind)}"), number) for kind, number in lost.items())
    return ", ".join(f"{words} ({number:,})" for words, number in kinds)


def left_out_words(counts: Mapping[str, int]) -> str:
    """What an export has no row for, in words."""
    return ", ".join(f"{one_line(words)} ({number:,})" for words, number in counts.items())


def changed(change: "Change") -> list[str]:
    """What deleting or renaming something changes, a line each."""
    to = "" if change.new is None else f" to {change.new!r}"
    did = change.action if change.done else f"would be {change.action}"
    rows = [f"{table.replace('_', ' ')} {number:,}" for table, number in change.rows.items()]
    goes = "with it" if change.new is None else "of it"
    lines = [f"{change.kind} {change.name!r} {did}{to}", f"  {goes}: {', '.join(rows)}"]
    for loss in change.losses:
        verdicts = f"{loss.verdicts:,} of {count(loss.of_verdicts, 'verdict')}"
        lost = f"{verdicts} and {loss.models:,} of {count(loss.of_models, 'model')}"
        lines.append(f"  the rankings of {loss.benchmark!r} lose {lost}")
    return [*lines, *(f"  {note}" for note in change.notes)]


def event_details(details: Mapping[str, Any]) -> str:
    """What the log holds of an event beside its name: counts, names, and what something is called since."""
    return "; ".join(
        f"{key.replace('_', ' ')}: {_detail(value)}"
        for key, value in details.items()
        if key not in _OF_PROGRAMS and value not in (None, [], {}, "")
    )


def _detail(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        more = f" and {len(value) - _DETAILS:,} more" if len(value) > _DETAILS else ""
        return ", ".join(one_line(str(one)) for one in value[:_DETAILS]) + more
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {number:,}" for name, number in value.items())
    return f"{value:,}" if isinstance(value, int) else one_line(str(value))
