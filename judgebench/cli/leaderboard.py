"""judgebench leaderboard."""

import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, get_args

import typer
from rich.table import Table

from judgebench import services
from judgebench.cli.session import Session, out, print_json, visible
from judgebench.errors import UnknownName
from judgebench.formats.writing import write_csv
from judgebench.leaderboard import COLUMNS, Choices, Control, Controls, Leaderboard, Row
from judgebench.show.tables import board_document


class Method(StrEnum):
    WIN_RATE = "win-rate"
    LENGTH_CONTROLLED = "length-controlled"
    BRADLEY_TERRY = "bradley-terry"
    DAVIDSON = "davidson"
    RAO_KUPPER = "rao-kupper"
    JUDGE_AWARE = "judge-aware"
    ELO = "elo"
    SCORE = "score"


class Scale(StrEnum):
    RATE = "rate"
    ELO = "elo"
    LOGIT = "logit"


class Cluster(StrEnum):
    INSTRUCTION = "instruction"
    JUDGE = "judge"
    BOTH = "both"
    VERDICT = "verdict"


class Join(StrEnum):
    INSTRUCTION = "instruction"
    POSITION = "position"


class IntervalMethod(StrEnum):
    ANALYTIC = "analytic"
    BOOTSTRAP = "bootstrap"


class Jury(StrEnum):
    MAJORITY = "majority"
    MEAN = "mean"


class Anchor(StrEnum):
    HUMAN = "human"
    ROGAN_GLADEN = "rogan-gladen"


class BoardFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def leaderboard(
    context: typer.Context,
    benchmark: Annotated[str, typer.Option(help="Name of the benchmark.")],
    judge: Annotated[list[str] | None, typer.Option(help="Only this judge's verdicts; may be repeated.")] = None,
    method: Annotated[Method, typer.Option(help="How to rank.")] = Method.WIN_RATE,
    baseline: Annotated[
        str | None, typer.Option(help="Win rates against this model; default: the one that met all, or the field.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Only the instructions of this category.")] = None,
    margin: Annotated[
        float | None,
        typer.Option(min=0, help="Rank by what pointwise scores amount to; a tie where they differ by this."),
    ] = None,
    join: Annotated[
        Join | None,
        typer.Option(
            help="Length control's difficulties; default: as published for AlpacaEval's judge, else instruction."
        ),
    ] = None,
    cluster: Annotated[
        Cluster, typer.Option(help="What verdicts share, for Bradley-Terry's analytic intervals.")
    ] = Cluster.INSTRUCTION,
    jury: Annotated[
        Jury | None, typer.Option(help="Rank by the judges' majority, or by the mean of their preferences, a battle.")
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", help="Ratings at equal length, style or position; separated by commas."),
    ] = None,
    exclude_related: Annotated[
        bool, typer.Option(help="Leave out verdicts by judges that are related to a model they judged.")
    ] = False,
    related_weight: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Give related judges this share of their say.")
    ] = None,
    anchor: Annotated[
        Anchor | None, typer.Option(help="Correct the judge by people's labels: of this benchmark, or by error rates.")
    ] = None,
    labels_of: Annotated[
        str | None, typer.Option(help="With --anchor rogan-gladen: the benchmark whose labels tell the error rates.")
    ] = None,
    scale: Annotated[Scale | None, typer.Option(help="Bradley-Terry: elo (default) or logit.")] = None,
    interval: Annotated[IntervalMethod, typer.Option(help="How intervals are made.")] = IntervalMethod.ANALYTIC,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of intervals and rank ranges.")] = 0.95,
    resamples: Annotated[int, typer.Option(min=100, max=100_000, help="Of the bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap and the rank ranges.")] = 0,
    output: Annotated[BoardFormat, typer.Option("--format")] = BoardFormat.TABLE,
) -> None:
    """Rank the models of a benchmark, with intervals and the ranks that the data leave open."""
    session: Session = context.obj
    choices = Choices(
        method=method.value,
        baseline=baseline,
        scale=None if scale is None else scale.value,
        level=level,
        interval=interval.value,
        resamples=resamples,
        seed=seed,
        margin=margin,
        cluster=cluster.value,
        join=None if join is None else join.value,
        jury=None if jury is None else jury.value,
    )
    weight = 0.0 if exclude_related else 1.0 if related_weight is None else related_weight
    controls = Controls(_controls(control), weight, None if anchor is None else anchor.value, labels_of)
    with session.database() as database:
        board = services.leaderboards.leaderboard(
            database, benchmark, judges=judge or (), category=category, choices=choices, controls=controls
        )
    if output is BoardFormat.JSON:
        print_json(board_document(benchmark, board))
    elif output is BoardFormat.CSV:
        write_csv([row.columns() for row in board.rows], COLUMNS, sys.stdout)
    elif output is BoardFormat.MARKDOWN:
        print(markdown(board))
    else:
        print_board(board)


def _controls(given: str | None) -> tuple[Control, ...]:
    names = tuple(name.strip() for name in (given or "").split(",") if name.strip())
    for name in names:
        if name not in get_args(Control):
            raise UnknownName("control", name, get_args(Control))
    return tuple(column for column in get_args(Control) if column in names)


def print_board(board: Leaderboard) -> None:
    """A table with what it rests on under it."""
    table = Table(box=None, pad_edge=False)
    for name in _headings(board):
        is_text = name in ("model", "note")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold")
    for row in board.rows:
        table.add_row(*_cells(board, row))
    screen = out()
    screen.print(table)
    for line in footer(board):
        screen.print(visible(line))


def markdown(board: Leaderboard) -> str:
    """The same table in Markdown; names of models cannot break out of their cell."""
    lines = [_headings(board), ["---"] * len(_headings(board)), *(_cells(board, row) for row in board.rows)]
    table = "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)
    return table + "\n\n" + "\n".join(f"- {_escaped(line)}" for line in footer(board))


def footer(board: Leaderboard) -> list[str]:
    """How the numbers came about and what is not in them."""
    against = "the field" if board.baseline is None else board.baseline
    judges = ", ".join(board.judges)
    ranked = "mean score" if board.scale == "score" else f"{board.method}, win rates against {against}"
    lines = [
        f"{ranked}; judged by {judges}",
        f"{board.level:.0%} intervals: {board.interval_method}; rank ranges hold for all models at once",
    ]
    left_out = {str(status): count for status, count in sorted(board.left_out.items()) if count}
    shown = ", ".join(f"{count} {status}" for status, count in left_out.items())
    why = "no score" if board.scale == "score" else "no preference, so neither win, loss nor tie"
    lines.append(f"left out: {shown} ({why})" if shown else "left out: nothing")
    return lines + [f"note: {note}" for note in board.notes]


def _headings(board: Leaderboard) -> list[str]:
    columns = _columns(board)
    return ["rank", "range", "model", *(name for name, _ in columns)]


def _cells(board: Leaderboard, row: Row) -> list[str]:
    ranks = [str(row.rank), f"{row.rank_lower}-{row.rank_upper}"]
    return [*ranks, visible(row.model), *(shown(row) for _, shown in _columns(board))]


def _columns(board: Leaderboard) -> list[tuple[str, Callable[[Row], str]]]:
    """Heading and text of what follows the model's name: the rating with its interval, what it rests on, flags."""
    named = {"rate": "win rate", "score": "score"}.get(board.scale, board.scale)
    columns: list[tuple[str, Callable[[Row], str]]] = [
        (
            "at equal length" if board.method == "length-controlled" else named,
            lambda row: _shown(row.rating, board.scale),
        ),
        ("interval", lambda row: f"[{_shown(row.lower, board.scale)}, {_shown(row.upper, board.scale)}]"),
    ]
    if board.scale == "score":
        return [*columns, ("outputs", lambda row: str(row.outputs))]
    if board.method != "win-rate":
        columns.append(("win rate", lambda row: _shown(row.win_rate, "rate")))
    columns += [("battles", lambda row: str(row.battles)), ("ties", lambda row: str(row.ties))]
    if any(row.flag for row in board.rows):
        columns.append(("note", lambda row: row.flag))
    return columns


def _shown(value: float | None, scale: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f}%" if scale == "rate" else f"{value:.0f}" if scale == "elo" else f"{value:.3f}"


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in "\\`*_{}[]<>()#+!|&$~" else char for char in text.replace("\n", " "))
