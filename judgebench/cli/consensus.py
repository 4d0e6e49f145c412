"""judgebench consensus."""

from dataclasses import asdict
from typing import Annotated

import typer

from judgebench import services
from judgebench.cli.options import BenchmarkOption, CategoryOption, FormatOption, JudgesOption, SeedOption
from judgebench.cli.session import Format, Session, percent, print_json, print_rows, say


def consensus(
    context: typer.Context,
    benchmark: BenchmarkOption,
    judge: JudgesOption = None,
    category: CategoryOption = None,
    resamples: Annotated[int, typer.Option(min=100, max=100_000, help="Of the test of cycles.")] = 1000,
    seed: SeedOption = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """Who is best without one scale: lottery over pairs, Borda and Kemeny over categories; and the test of cycles."""
    session: Session = context.obj
    with session.database() as database:
        found = services.leaderboards.other_answers(
            database, benchmark, judges=judge or (), category=category, resamples=resamples, seed=seed
        )
    if output is Format.JSON:
        print_json({"benchmark": benchmark, **asdict(found)})
        return
    order = sorted(range(len(found.models)), key=lambda i: -found.borda[i])
    print_rows(
        ("model", "Borda", "Kemeny", "lottery"),
        [
            (
                found.models[i],
                f"{found.borda[i]:.3f}",
                found.kemeny.index(found.models[i]) + 1,
                percent(found.lottery[i]),
            )
            for i in order
        ],
    )
    say(f"Borda and Kemeny over {len(found.categories)} categories; no intervals: they are no estimates")
    say(f"preferred to each other model by a majority: {found.condorcet_winner or 'none'}")
    if found.unmet:
        say(f"{found.unmet} pairs of models never met, which the lottery takes for even")
    if found.cycles is None:
        say("cycles: not identified, as no three models met each other, or no pair has a preference")
    else:
        say(
            f"cyclic share of the log-odds: {percent(found.cycles.cyclic_share)}; noise alone makes "
            f"{percent(found.cycles.expected_share)} (p = {found.cycles.p_value:.3f} for no cycles)"
        )
