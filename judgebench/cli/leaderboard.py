"""judgebench leaderboard."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from judgebench import services
from judgebench.cli import options, remote
from judgebench.cli.session import opened, print_result, tell, write_page
from judgebench.errors import InputError, UnknownName
from judgebench.leaderboard import USUAL_METHOD, Anchor, Choices, Control, Controls, IntervalMethod, Join, Jury, Scale

if TYPE_CHECKING:
    from judgebench.leaderboard import Leaderboard
    from judgebench.leaderboard.published.board import PublishedBoard
    from judgebench.services.scope import Scope
    from judgebench.services.voters import TwoBoards
    from judgebench.show.results import Form
    from judgebench.store.database import Database


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
    cluster: options.Clusters = "instruction"
    level: options.Level = 0.95
    resamples: options.Resamples = 1000
    seed: options.Seed = 0


@options.flat
def leaderboard(
    context: typer.Context,
    benchmark: options.Benchmark,
    counted: options.BoardScopeOptions,
    controls: ControlOptions,
    intervals: IntervalOptions,
    method: options.RankingMethod = USUAL_METHOD,
    baseline: options.BoardBaseline = None,
    scale: Annotated[Scale | None, typer.Option("--scale", help="Of ratings.", show_default="the method's own")] = None,
    margin: options.ScoreMargin = None,
    join: Annotated[
        Join | None,
        typer.Option("--join", help="What length control takes an instruction by.", show_default="as published"),
    ] = None,
    jury: Annotated[
        Jury | None, typer.Option("--jury", help="Rank by the judges' majority or mean preference, a battle.")
    ] = None,
    profile: options.PublishedAs = None,
    length_margin: options.LengthMargin = None,
    html: options.Html = None,
    html_battles: Annotated[
        int, typer.Option("--html-battles", min=0, help="Battles in the HTML file, the biggest upsets first.")
    ] = 50,
    output: options.BoardOutput = "table",
) -> None:
    """Rank the models of a benchmark, with intervals and the ranks that the data leave open.

    $ judgebench leaderboard --benchmark demo --baseline demo-careful
    $ judgebench leaderboard --benchmark demo --method bradley-terry --format markdown
    $ judgebench leaderboard --benchmark demo --method bradley-terry --control length --exclude-related
    $ judgebench leaderboard --benchmark demo --all-judges --common
    $ judgebench leaderboard --benchmark demo --by both
    $ judgebench leaderboard --benchmark demo --html demo.html
    $ judgebench leaderboard --benchmark demo --profile alpaca-eval-1 --baseline demo-careful
    """
    if (server := remote.server_of(context)) is not None:
        remote.refuse(annotator=counted.annotator)
        ranked = {"method": method, "baseline": baseline, "scale": scale, "margin": margin, "join": join, "jury": jury}
        more = asdict(counted) | asdict(controls) | asdict(intervals) | ranked
        more |= {"profile": profile, "length_margin": length_margin}
        more.pop("annotator")
        remote.write_page(server, "leaderboard", html, benchmark=benchmark, html_battles=html_battles, **more)
        remote.show(server, "leaderboard", output, benchmark=benchmark, **more)
        return
    from judgebench.show import coverage, results

    choices = Choices(
        method=method, baseline=baseline, scale=scale, margin=margin, join=join, jury=jury, **asdict(intervals)
    )
    with opened(context) as database:
        if counted.by == "both":
            if profile is not None or length_margin is not None or html is not None or controls != ControlOptions():
                raise InputError("--by both takes no profile, controls or --html: choose --by judges or --by people")
            two = services.voters.two_boards(
                *(database, benchmark),
                scope=counted.scope(),
                annotators=tuple(counted.annotator or ()),
                question=counted.question,
                choices=choices,
            )
            print_two_boards(two, benchmark, output)
            return
        if profile is not None or length_margin is not None:
            if html is not None:
                raise InputError("--html is of this project's own leaderboards: leave it out, or --profile")
            scoring = services.published.scoring(choices, controls.controls(), profile, length_margin)
            _print_published(
                services.published.published_board(database, benchmark, scoring, scope=counted.scope()),
                benchmark,
                output,
            )
            return
        board = services.leaderboards.leaderboard(
            database, benchmark, scope=counted.scope(), choices=choices, controls=controls.controls()
        )
        if html is not None:
            _write_page(html, database, benchmark, board, counted.scope(), choices, html_battles)
    if output == "csv":
        tell(*coverage.sentences(board.coverage))
    print_result(results.board(board, benchmark, output))


def _write_page(
    path: Path,
    database: Database,
    benchmark: str,
    board: Leaderboard,
    scope: Scope,
    choices: Choices,
    most_battles: int,
) -> None:
    from judgebench.show.board_page import board_page

    beside = services.leaderboards.beside(database, benchmark, board, scope=scope)
    rates = services.part_rates.category_rates(database, benchmark, scope=scope, choices=choices)
    battles = services.battles.upsets(database, benchmark, board.judges, category=scope.category, most=most_battles)
    images = services.images.of_battles(database, battles)
    write_page(path, board_page(benchmark, board, beside, rates, battles, images))


def _print_published(board: PublishedBoard, benchmark: str, output: Form) -> None:
    from judgebench.show import coverage, results
    from judgebench.show import published as shown

    if output == "csv":
        tell(*coverage.sentences(board.coverage), *shown.sentences(board))
    print_result(results.published_board(board, benchmark, output))


def print_two_boards(two: TwoBoards, benchmark: str, output: Form) -> None:
    """Judges' leaderboard beside people's, and where they are apart."""
    from judgebench.show import coverage, results, voters

    if output == "csv":
        sources = [coverage.sentences(board.coverage) for board in (two.judges, two.people)]
        tell(*voters.basis(two), *sources[0], *sources[1], voters.apart(two))
    print_result(results.two_boards(two, benchmark, output))
