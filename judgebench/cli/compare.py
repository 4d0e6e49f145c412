"""judgebench compare."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.session import opened, print_result
from judgebench.errors import InputError

_EXIT = {"no worse": 0, "worse": 1, "cannot tell": 3}


@options.flat
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="OLD", help="A model, or its old version.")],
    second: Annotated[str, typer.Argument(metavar="NEW", help="Another model, or the new version.")],
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    baseline: options.VersionsBaseline = None,
    right_from: Annotated[
        float | None,
        typer.Option("--right-from", help="Scores from this on are right.", show_default="scores of 0 and 1"),
    ] = None,
    margin: options.VersionsMargin = 0.0,
    cluster: options.Dependence = "dialogue",
    level: options.Level = 0.95,
    output: options.ComparisonOutput = "table",
) -> None:
    """Two models, or two versions of one, beside each other: what got better and what got worse.

    Exit code 0 means that NEW is no worse, 1 that it is worse by more than the margin, 3 that this cannot be told. The
    table lists the largest changes; CSV and JSON have all.

    $ judgebench compare demo-hasty demo-careful --benchmark demo
    $ judgebench compare demo-hasty demo-careful --benchmark demo --margin 0.05 --format csv
    """
    if (server := remote.server_of(context)) is not None:
        parameters: dict[str, Any] = {"first": first, "second": second, "benchmark": benchmark, **asdict(counted)}
        parameters |= {
            "baseline": baseline,
            "right_from": right_from,
            "margin": margin,
            "cluster": cluster,
            "level": level,
        }
        decision = remote.show(server, "compare", output, **parameters)
        if decision not in _EXIT:
            raise InputError(f"{server.url} does not say whether {second} is worse: ask it for --format json")
        raise typer.Exit(_EXIT[decision])
    from judgebench.show import results

    scope, by = counted.scope(), services.versions.ByVersions(baseline, right_from, margin, cluster)
    with opened(context) as database:
        between = services.profiles.compare(database, benchmark, first, second, scope=scope, by=by, level=level)
    print_result(results.comparison(between, benchmark, output))
    raise typer.Exit(_EXIT[between.change.decision])
