"""judgebench matrix, multiverse, consensus, quality, plan: what one ranking leaves out, and what more verdicts buy."""

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from judgebench import services
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.leaderboard import Choices
from judgebench.stats.planning import Plan, detectable_difference, instructions_needed, power

Benchmark = Annotated[str, typer.Option(help="Name of the benchmark.")]
Judges = Annotated[list[str] | None, typer.Option("--judge", help="Only this judge's verdicts; may be repeated.")]
Category = Annotated[str | None, typer.Option(help="Only the instructions of this category.")]
Seed = Annotated[int, typer.Option(help="Of what is drawn at random.")]
Output = Annotated[Format, typer.Option("--format")]


class Compared(StrEnum):
    WIN_RATE = "win-rate"
    BRADLEY_TERRY = "bradley-terry"
    LENGTH_CONTROLLED = "length-controlled"


def matrix(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    output: Output = Format.TABLE,
) -> None:
    """How often each model was preferred to each other one, with intervals."""
    session: Session = context.obj
    with session.database() as database:
        found = services.analyses.matrix(database, benchmark, judges=judge or (), category=category)
    pairs = list(found.pairs())
    if output is Format.JSON:
        interval = {"level": found.level, "method": found.method}
        print_json({"benchmark": benchmark, "interval": interval, "models": list(found.models), "pairs": pairs})
        return
    _print(
        ("model", "opponent", "win rate", "interval", "battles"),
        [
            (p["model"], p["opponent"], _percent(p["win_rate"]), _span(p["lower"], p["upper"]), p["battles"])
            for p in pairs
        ],
    )
    _say(f"{found.level:.0%} intervals: {found.method}")


def multiverse(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    seed: Seed = 0,
    output: Output = Format.TABLE,
) -> None:
    """The ranking under every reasonable choice of method, judges and verdicts, and what survives them all."""
    session: Session = context.obj
    with session.database() as database:
        many = services.analyses.multiverse(database, benchmark, judges=judge or (), category=category, seed=seed)
    found = many.found
    order = sorted(range(len(found.models)), key=lambda i: (found.best_rank[i], found.worst_rank[i], found.models[i]))
    rows: list[dict[str, Any]] = [
        {
            "model": found.models[i],
            "best_rank": int(found.best_rank[i]),
            "worst_rank": int(found.worst_rank[i]),
            "leads": float(found.leads[i]),
            "above_in_all": [found.models[j] for j in order if found.above[i, j] == 1.0],
        }
        for i in order
    ]
    if output is Format.JSON:
        universes = [{"choices": dict(u.choices), "ranks": _ranks(found.models, u.estimates)} for u in many.universes]
        document = {"benchmark": benchmark, "universes": universes, "impossible": many.impossible}
        print_json({**document, "models": rows, "influence": dict(found.influence)})
        return
    _print(
        ("ranks", "model", "first in", "above in all"),
        [
            (f"{r['best_rank']}-{r['worst_rank']}", r["model"], _percent(r["leads"]), str(len(r["above_in_all"])))
            for r in rows
        ],
    )
    k = len(rows)
    survived = sum(len(row["above_in_all"]) for row in rows)
    _say(f"{found.universes} ways of ranking; {many.impossible} more do not fit these verdicts")
    _say(f"{survived} of {k * (k - 1) // 2} pairs stand in the same order in all of them")
    for name, share in found.influence.items():
        _say(f"changing {name} alone turns round {_percent(share)} of pairs on average")


def consensus(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    resamples: Annotated[int, typer.Option(min=100, max=100_000, help="Of the test of cycles.")] = 1000,
    seed: Seed = 0,
    output: Output = Format.TABLE,
) -> None:
    """Who is best without one scale: lottery over pairs, Borda and Kemeny over categories; and the test of cycles."""
    session: Session = context.obj
    with session.database() as database:
        found = services.analyses.other_answers(
            database, benchmark, judges=judge or (), category=category, resamples=resamples, seed=seed
        )
    if output is Format.JSON:
        print_json({"benchmark": benchmark, **asdict(found)})
        return
    order = sorted(range(len(found.models)), key=lambda i: -found.borda[i])
    _print(
        ("model", "Borda", "Kemeny", "lottery"),
        [
            (
                found.models[i],
                f"{found.borda[i]:.3f}",
                found.kemeny.index(found.models[i]) + 1,
                _percent(found.lottery[i]),
            )
            for i in order
        ],
    )
    _say(f"Borda and Kemeny over {len(found.categories)} categories; no intervals: they are no estimates")
    _say(f"preferred to each other model by a majority: {found.condorcet_winner or 'none'}")
    if found.unmet:
        _say(f"{found.unmet} pairs of models never met, which the lottery takes for even")
    if found.cycles is None:
        _say("cycles: not identified, as no three models met each other, or no pair has a preference")
    else:
        _say(
            f"cyclic share of the log-odds: {_percent(found.cycles.cyclic_share)}; noise alone makes "
            f"{_percent(found.cycles.expected_share)} (p = {found.cycles.p_value:.3f} for no cycles)"
        )


def quality(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    against: Annotated[str | None, typer.Option(help="Another benchmark; default: the same.")] = None,
    against_judge: Annotated[list[str] | None, typer.Option(help="Judge of the other leaderboard.")] = None,
    method: Annotated[Compared, typer.Option(help="Of both leaderboards.")] = Compared.WIN_RATE,
    output: Output = Format.TABLE,
) -> None:
    """Separability of a leaderboard; with --against or --against-judge, how well it foretells the other one."""
    session: Session = context.obj
    choices = Choices(method=method.value)
    with session.database() as database:
        board = services.leaderboards.leaderboard(database, benchmark, judges=judge or (), choices=choices)
        share = services.analyses.board_separability(board)
        other = None
        if against is not None or against_judge:
            other = services.leaderboards.leaderboard(
                database, against or benchmark, judges=against_judge or (), choices=choices
            )
    found = None if other is None else services.analyses.quality(board, other)
    document: dict[str, Any] = {"benchmark": benchmark, "method": method.value, "separability": share}
    if found is not None:
        agreement = found.agreement if np.isfinite(found.agreement) else None
        document["against"] = {"benchmark": against or benchmark, "judges": against_judge or []}
        document |= {"agreement": agreement, "brier": found.brier, "pairs": found.pairs}
    if output is Format.JSON:
        print_json(document)
        return
    _say(f"separability: {_percent(share)} of pairs have intervals that do not overlap ({board.interval.level:.0%})")
    if found is not None:
        shown = (
            "not identified: the other separates no pair" if document["agreement"] is None else f"{found.agreement:.3f}"
        )
        _say(f"agreement with confidence: {shown}")
        _say(f"Brier score: {found.brier:.3f} (0.25 is what saying even everywhere gets), over {found.pairs} pairs")


def plan(
    context: typer.Context,
    difference: Annotated[float, typer.Option(min=0.0001, max=0.9999, help="Of two win rates, to be told.")] = 0.05,
    instructions: Annotated[int | None, typer.Option(min=2, help="How many there are, or would be.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="Learn from this benchmark's verdicts.")] = None,
    judge: Judges = None,
    sd: Annotated[float | None, typer.Option(min=0, max=0.5, help="Of a preference over instructions.")] = None,
    correlation: Annotated[float, typer.Option(min=-1, max=0.999, help="Of two models' preferences.")] = 0.0,
    wanted: Annotated[float, typer.Option("--power", min=0.01, max=0.999, help="Chance of finding it.")] = 0.8,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the test.")] = 0.95,
    output: Output = Format.TABLE,
) -> None:
    """How many instructions a comparison needs, what a number of them can tell, and what more would separate."""
    session: Session = context.obj
    pilot = None
    if benchmark is not None:
        planned = () if instructions is None else (instructions,)
        with session.database() as database:
            pilot = services.analyses.pilot(database, benchmark, judges=judge or (), planned=planned, level=level)
    chosen_sd = sd if sd is not None else 0.5 if pilot is None else pilot.sd
    asked = Plan(difference, sd=chosen_sd, correlation=correlation, level=level, power=wanted)
    document: dict[str, Any] = {**asdict(asked), "instructions_needed": instructions_needed(asked)}
    if instructions is not None:
        told = {
            "power": power(instructions, asked),
            "detectable_difference": detectable_difference(instructions, asked),
        }
        document["with"] = {"instructions": instructions, **told}
    if pilot is not None:
        shares = [{"instructions": n, "share": share} for n, share in pilot.separability.items()]
        document["pilot"] = {"benchmark": benchmark, "instructions": pilot.instructions, "separability": shares}
    if output is Format.JSON:
        print_json(document)
        return
    _say(
        f"{document['instructions_needed']} instructions tell win rates {_percent(difference)} apart with power "
        f"{wanted:.0%} at level {level:.0%} (sd {chosen_sd:.3f} an instruction, correlation {correlation:g})"
    )
    if instructions is not None:
        least = _percent(document["with"]["detectable_difference"])
        _say(f"{instructions} instructions: power {_percent(document['with']['power'])}, least difference {least}")
    if pilot is not None:
        _say(f"if the {pilot.instructions} instructions so far are right, pairs told apart with")
        for number, share in pilot.separability.items():
            _say(f"{number:>7} instructions: {_percent(share)}")


def _ranks(models: Sequence[str], estimates: Sequence[float]) -> dict[str, int]:
    values = np.array(estimates)
    return {
        model: 1 + int((values > value).sum())
        for model, value in zip(models, values, strict=True)
        if np.isfinite(value)
    }


def _print(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in headings:
        is_text = name in ("model", "opponent")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold")
    for row in rows:
        table.add_row(*(visible(str(cell)) for cell in row))
    out().print(table)


def _say(line: str) -> None:
    out().print(visible(line))


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _span(lower: float, upper: float) -> str:
    return f"[{_percent(lower)}, {_percent(upper)}]"
