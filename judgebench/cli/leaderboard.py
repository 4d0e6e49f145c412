"""judgebench leaderboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from judgebench import services
from judgebench.cli.options import (
    Baseline,
    Benchmark,
    BoardOutput,
    Category,
    Judges,
    Level,
    RankingMethod,
    Resamples,
    Seed,
)
from judgebench.cli.session import opened, print_json, print_table, say, write
from judgebench.errors import UnknownName
from judgebench.leaderboard.board import IntervalMethod, Join, Jury, Scale
from judgebench.services.leaderboards import Anchor, Control
from judgebench.stats.clusters import Clustering

if TYPE_CHECKING:
    from judgebench.leaderboard import Leaderboard

_CONTROLS = "What is controlled"
_INTERVALS = "Intervals"


def leaderboard(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Judges = None,
    category: Category = None,
    method: RankingMethod = "win-rate",
    baseline: Baseline = None,
    scale: Annotated[Scale | None, typer.Option("--scale", help="Of ratings.", show_default="the method's own")] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin", min=0, help="Rank by what pointwise scores amount to; a tie where they differ by this."
        ),
    ] = None,
    join: Annotated[
        Join | None,
        typer.Option(
            "--join",
            help="How length control finds an instruction's difficulty.",
            show_default="as published for AlpacaEval's judge, else instruction",
        ),
    ] = None,
    jury: Annotated[
        Jury | None,
        typer.Option("--jury", help="Rank by the judges' majority, or by the mean of their preferences, a battle."),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            *("--control",),
            metavar="COLUMNS",
            help="Ratings at equal length, style or position; separated by commas.",
            rich_help_panel=_CONTROLS,
        ),
    ] = None,
    exclude_related: Annotated[
        bool,
        typer.Option(
            "--exclude-related",
            help="Leave out verdicts by judges that are related to a model they judged.",
            rich_help_panel=_CONTROLS,
        ),
    ] = False,
    related_weight: Annotated[
        float | None,
        typer.Option(
            *("--related-weight",),
            min=0.0,
            max=1.0,
            help="Give related judges this share of their say.",
            rich_help_panel=_CONTROLS,
        ),
    ] = None,
    anchor: Annotated[
        Anchor | None,
        typer.Option(
            "--anchor",
            help="Correct the judge by people's labels: of this benchmark, or by error rates.",
            rich_help_panel=_CONTROLS,
        ),
    ] = None,
    labels_of: Annotated[
        str | None,
        typer.Option(
            "--labels-of",
            help="With --anchor rogan-gladen: the benchmark whose labels tell the error rates.",
            rich_help_panel=_CONTROLS,
        ),
    ] = None,
    interval: Annotated[
        IntervalMethod, typer.Option("--interval", help="How intervals are made.", rich_help_panel=_INTERVALS)
    ] = "analytic",
    cluster: Annotated[
        Clustering,
        typer.Option(
            "--cluster", help="What verdicts share, for Bradley-Terry's analytic intervals.", rich_help_panel=_INTERVALS
        ),
    ] = "instruction",
    level: Level = 0.95,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    output: BoardOutput = "table",
) -> None:
    """Rank the models of a benchmark, with intervals and the ranks that the data leave open.

    Examples:
      judgebench leaderboard --benchmark demo --baseline demo-careful
      judgebench leaderboard --benchmark demo --method bradley-terry --format markdown
      judgebench leaderboard --benchmark demo --judge embedded --control length --exclude-related
    """
    from judgebench.leaderboard import Choices
    from judgebench.show import tables

    choices = Choices(
        method=method,
        baseline=baseline,
        scale=scale,
        level=level,
        interval=interval,
        resamples=resamples,
        seed=seed,
        margin=margin,
        cluster=cluster,
        join=join,
        jury=jury,
    )
    weight = 0.0 if exclude_related else 1.0 if related_weight is None else related_weight
    controls = services.leaderboards.Controls(_controls(control), weight, anchor, labels_of)
    with opened(context) as database:
        board = services.leaderboards.leaderboard(
            database, benchmark, judges=judge or (), category=category, choices=choices, controls=controls
        )
    if output == "json":
        print_json(tables.board_document(benchmark, board))
    elif output == "csv":
        write(tables.board_csv(board))
    elif output == "markdown":
        write(tables.board_markdown(board))
    else:
        print_board(board)


def _controls(columns: str | None) -> tuple[Control, ...]:
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    for name in names:
        if name not in get_args(Control):
            raise UnknownName("control", name, get_args(Control))
    return tuple(column for column in get_args(Control) if column in names)


def print_board(board: Leaderboard) -> None:
    """A table with what it rests on under it."""
    from judgebench.show.sentences import basis
    from judgebench.show.tables import board_cells, board_headings

    print_table(board_headings(board), [board_cells(board, row) for row in board.rows], text=("model", "note"))
    say(*basis(board))
