"""judgebench leaderboard."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from judgebench import services
from judgebench.cli import options
from judgebench.cli.session import opened, print_json, print_table, say, say_coverage, tell, write
from judgebench.errors import UnknownName
from judgebench.leaderboard import Anchor, Choices, Cluster, Control, Controls, IntervalMethod, Join, Jury, Scale

if TYPE_CHECKING:
    from judgebench.leaderboard import Leaderboard


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """What is controlled"""

    control: Annotated[
        str | None,
        typer.Option("--control", metavar="COLUMNS", help="Rate at equal length, style or position; with commas."),
    ] = None
    exclude_related: Annotated[
        bool, typer.Option("--exclude-related", help="Leave out verdicts of judges on models related to them.")
    ] = False
    related_weight: Annotated[
        float | None,
        typer.Option("--related-weight", min=0, max=1, help="Give related judges this share of their say."),
    ] = None
    anchor: Annotated[
        Anchor | None,
        typer.Option("--anchor", help="Correct the judge by people's labels: of this benchmark, or by error rates."),
    ] = None
    labels_of: Annotated[
        str | None, typer.Option("--labels-of", help="The benchmark whose labels tell the error rates.")
    ] = None

    def controls(self) -> Controls:
        """Raises UnknownName."""
        columns = options.names([self.control or ""])
        for name in columns:
            if name not in get_args(Control):
                raise UnknownName("control", name, get_args(Control))
        weight = 0.0 if self.exclude_related else 1.0 if self.related_weight is None else self.related_weight
        chosen = tuple(column for column in get_args(Control) if column in columns)
        return Controls(chosen, weight, self.anchor, self.labels_of)


@dataclass(frozen=True, slots=True)
class IntervalOptions:
    """Intervals"""

    interval: Annotated[IntervalMethod, typer.Option("--interval", help="How they are made.")] = "analytic"
    cluster: Annotated[
        Cluster, typer.Option("--cluster", help="What verdicts share, for Bradley-Terry's analytic intervals.")
    ] = "instruction"
    level: options.Level = 0.95
    resamples: options.Resamples = 1000
    seed: options.Seed = 0


@options.flat
def leaderboard(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.ScopeOptions,
    controls: ControlOptions,
    intervals: IntervalOptions,
    method: options.RankingMethod = "win-rate",
    baseline: options.BoardBaseline = None,
    scale: Annotated[Scale | None, typer.Option("--scale", help="Of ratings.", show_default="the method's own")] = None,
    margin: Annotated[
        float | None,
        typer.Option("--margin", min=0, help="Rank by pointwise scores; a tie where they differ by at most this."),
    ] = None,
    join: Annotated[
        Join | None,
        typer.Option("--join", help="What length control takes an instruction by.", show_default="as published"),
    ] = None,
    jury: Annotated[
        Jury | None, typer.Option("--jury", help="Rank by the judges' majority or mean preference, a battle.")
    ] = None,
    output: options.BoardOutput = "table",
) -> None:
    """Rank the models of a benchmark, with intervals and the ranks that the data leave open.

    $ judgebench leaderboard --benchmark demo --baseline demo-careful
    $ judgebench leaderboard --benchmark demo --method bradley-terry --format markdown
    $ judgebench leaderboard --benchmark demo --method bradley-terry --control length --exclude-related
    $ judgebench leaderboard --benchmark demo --all-judges --common
    """
    from judgebench.show import coverage, tables

    choices = Choices(
        method=method, baseline=baseline, scale=scale, margin=margin, join=join, jury=jury, **asdict(intervals)
    )
    with opened(context) as database:
        board = services.leaderboards.leaderboard(
            database, benchmark, scope=counted.scope(), choices=choices, controls=controls.controls()
        )
    if output == "json":
        print_json(tables.board_document(benchmark, board))
    elif output == "csv":
        tell(*coverage.sentences(board.coverage))
        write(tables.board_csv(board))
    elif output == "markdown":
        write(tables.board_markdown(board))
    else:
        print_board(board)


def print_board(board: Leaderboard) -> None:
    """A table with what it counts above and what it rests on under it."""
    from judgebench.show.sentences import basis
    from judgebench.show.tables import board_cells, board_headings

    say_coverage(board.coverage)
    print_table(board_headings(board), [board_cells(board, row) for row in board.rows], text=("model", "note"))
    say(*basis(board))
