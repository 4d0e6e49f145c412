"""judgebench plan."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli.options import AllJudges, AnyBenchmark, BoardJudges, Level, Output
from judgebench.cli.session import opened, print_json, say, say_coverage
from judgebench.show.numbers import amount, percent
from judgebench.show.text import count


def plan(
    context: typer.Context,
    difference: Annotated[
        float, typer.Option("--difference", min=0.0001, max=0.9999, help="Of two win rates, to be told.")
    ] = 0.05,
    instructions: Annotated[
        int | None, typer.Option("--instructions", min=2, help="How many there are, or would be.")
    ] = None,
    benchmark: AnyBenchmark = None,
    judge: BoardJudges = None,
    all_judges: AllJudges = False,
    sd: Annotated[
        float | None,
        typer.Option(
            "--sd", min=0, max=0.5, help="Of a preference over instructions.", show_default="the benchmark's, else 0.5"
        ),
    ] = None,
    correlation: Annotated[
        float, typer.Option("--correlation", min=-1, max=0.999, help="Of two models' preferences.")
    ] = 0.0,
    power: Annotated[float, typer.Option("--power", min=0.01, max=0.999, help="Chance of finding it.")] = 0.8,
    level: Level = 0.95,
    output: Output = "table",
) -> None:
    """How many instructions a comparison needs, and what a number of them can tell.

    With --benchmark it learns from the verdicts there, and says what more instructions would separate.

    $ judgebench plan --difference 0.03
    $ judgebench plan --benchmark demo --instructions 500
    """
    from judgebench.show import coverage
    from judgebench.stats.planning import PlannedComparison

    pilot = None
    if benchmark is not None:
        numbers = () if instructions is None else (instructions,)
        with opened(context) as database:
            scope = services.scope.Scope(tuple(judge or ()), all_judges=all_judges)
            pilot = services.leaderboards.pilot(database, benchmark, scope=scope, planned=numbers, level=level)
    chosen_sd = sd if sd is not None else 0.5 if pilot is None else pilot.sd
    comparison = PlannedComparison(difference, sd=chosen_sd, correlation=correlation, level=level, power=power)
    planned = services.leaderboards.sample_plan(comparison, instructions=instructions, learned=pilot)
    document: dict[str, Any] = {**asdict(comparison), "instructions_needed": planned.instructions_needed}
    if instructions is not None:
        names = ("instructions", "power", "detectable_difference")
        document["with"] = {name: getattr(planned, name) for name in names}
    if pilot is not None:
        shares = [{"instructions": n, "share": share} for n, share in pilot.separability.items()]
        about = {"benchmark": benchmark, "instructions": pilot.instructions, "separability": shares}
        document["pilot"] = about | {"coverage": coverage.document(pilot.coverage)}
    if output == "json":
        print_json(document)
        return
    say(
        f"{count(planned.instructions_needed, 'instruction')} tell win rates {percent(difference)} apart with power "
        f"{power:.0%} at level {level:.0%} "
        f"(sd {amount(chosen_sd, 'number')} an instruction, correlation {correlation:g})"
    )
    if instructions is not None:
        least = percent(planned.detectable_difference)
        say(f"{count(instructions, 'instruction')}: power {percent(planned.power)}, least difference {least}")
    if pilot is not None:
        say_coverage(pilot.coverage)
        say(f"if the {count(pilot.instructions, 'instruction')} so far are right, pairs told apart with")
        say(*(f"{count(number, 'instruction'):>20}: {percent(share)}" for number, share in pilot.separability.items()))
