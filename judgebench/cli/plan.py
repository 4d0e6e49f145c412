"""judgebench plan."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli.options import FormatOption, JudgesOption
from judgebench.cli.session import Format, Session, percent, print_json, say
from judgebench.stats.planning import PlannedComparison


def plan(
    context: typer.Context,
    difference: Annotated[float, typer.Option(min=0.0001, max=0.9999, help="Of two win rates, to be told.")] = 0.05,
    instructions: Annotated[int | None, typer.Option(min=2, help="How many there are, or would be.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="Learn from this benchmark's verdicts.")] = None,
    judge: JudgesOption = None,
    sd: Annotated[float | None, typer.Option(min=0, max=0.5, help="Of a preference over instructions.")] = None,
    correlation: Annotated[float, typer.Option(min=-1, max=0.999, help="Of two models' preferences.")] = 0.0,
    wanted: Annotated[float, typer.Option("--power", min=0.01, max=0.999, help="Chance of finding it.")] = 0.8,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the test.")] = 0.95,
    output: FormatOption = Format.TABLE,
) -> None:
    """How many instructions a comparison needs, what a number of them can tell, and what more would separate."""
    session: Session = context.obj
    pilot = None
    if benchmark is not None:
        numbers = () if instructions is None else (instructions,)
        with session.database() as database:
            pilot = services.leaderboards.pilot(database, benchmark, judges=judge or (), planned=numbers, level=level)
    chosen_sd = sd if sd is not None else 0.5 if pilot is None else pilot.sd
    comparison = PlannedComparison(difference, sd=chosen_sd, correlation=correlation, level=level, power=wanted)
    planned = services.leaderboards.sample_plan(comparison, instructions=instructions, learned=pilot)
    document: dict[str, Any] = {**asdict(comparison), "instructions_needed": planned.instructions_needed}
    if instructions is not None:
        names = ("instructions", "power", "detectable_difference")
        document["with"] = {name: getattr(planned, name) for name in names}
    if pilot is not None:
        shares = [{"instructions": n, "share": share} for n, share in pilot.separability.items()]
        document["pilot"] = {"benchmark": benchmark, "instructions": pilot.instructions, "separability": shares}
    if output is Format.JSON:
        print_json(document)
        return
    say(
        f"{document['instructions_needed']} instructions tell win rates {percent(difference)} apart with power "
        f"{wanted:.0%} at level {level:.0%} (sd {chosen_sd:.3f} an instruction, correlation {correlation:g})"
    )
    if instructions is not None:
        least = percent(document["with"]["detectable_difference"])
        say(f"{instructions} instructions: power {percent(document['with']['power'])}, least difference {least}")
    if pilot is not None:
        say(f"if the {pilot.instructions} instructions so far are right, pairs told apart with")
        for number, share in pilot.separability.items():
            say(f"{number:>7} instructions: {percent(share)}")
