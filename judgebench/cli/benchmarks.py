"""judgebench benchmarks: list, standing. Without a command they are listed."""

from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli import remote
from judgebench.cli.options import Output, StandingBaseline, StandingJudge, StandingProfile, names
from judgebench.cli.session import opened, print_json, print_result, say
from judgebench.errors import InputError

app = typer.Typer(invoke_without_command=True)


@app.callback()
def benchmarks(context: typer.Context, output: Output = "table") -> None:
    """Benchmarks: list, and say by what new models are ranked. Without a command they are listed.

    $ judgebench benchmarks
    $ judgebench --db my.db benchmarks --format json
    """
    if context.invoked_subcommand is None:
        list_benchmarks(context, output)


@app.command("list")
def list_benchmarks(context: typer.Context, output: Output = "table") -> None:
    """List benchmarks.

    $ judgebench benchmarks list
    """
    if (server := remote.server_of(context)) is not None:
        remote.show(server, "benchmarks", output)
        return
    from judgebench.show import results

    with opened(context) as database:
        rows = services.benchmarks.benchmarks(database)
    print_result(results.benchmarks(rows, output))


@app.command()
def standing(
    context: typer.Context,
    benchmark: Annotated[str, typer.Argument(help="Name of the benchmark.")],
    pool: Annotated[
        list[str] | None,
        typer.Option(
            "--pool",
            help="Models that new ones are ranked among; may be repeated or separated by commas.",
            show_default="those that the judge has ranked",
        ),
    ] = None,
    judge: StandingJudge = None,
    baseline: StandingBaseline = None,
    profile: StandingProfile = None,
    remove: Annotated[bool, typer.Option("--remove", help="Hold none any more.")] = False,
    output: Output = "table",
) -> None:
    """Say by which judge, against whom and among whom a benchmark's new models are ranked; without options show it.

    Then 'submit --rank' and 'place' need to be told no judge. What is not said stays as it was. Nothing is asked.

    $ judgebench benchmarks standing demo --judge scripted:coin --pool demo-careful,demo-hasty --baseline demo-careful
    $ judgebench benchmarks standing demo
    $ judgebench benchmarks standing demo --remove
    """
    from judgebench.show.placement import standing_board, standing_document

    changed: dict[str, Any] = {"pool": names(pool or []), "judge": judge, "baseline": baseline, "profile": profile}
    with opened(context) as database:
        if remove:
            if any(changed.values()):
                raise InputError("--remove takes the standing board away: leave its other options out")
            services.standing.remove(database, benchmark)
            board = None
        elif any(changed.values()):
            board = services.standing.keep(database, benchmark, **changed)
        else:
            board = services.standing.standing_board(database, benchmark)
    if output == "json":
        print_json(standing_document(benchmark, board))
    else:
        say(*standing_board(benchmark, board))
