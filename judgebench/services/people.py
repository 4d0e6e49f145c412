"""The people's board: what a leaderboard by people's votes alone takes, and what it does with votes without texts.

``Scope(people=True)`` has annotators stand in the place of judges; all else is the leaderboard's own.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from judgebench import store
from judgebench.counts import count
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard import Choices, Controls, Leaderboard
from judgebench.leaderboard.methods import named
from judgebench.services.scope import Scope
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.database import Connection

_BY_LENGTH = "length-controlled"
_ONE_PROMPT = (
    "nobody knows what was asked, so each vote counts as to a prompt of its own: intervals are too narrow where votes "
    "share prompts or people; with bradley-terry, --cluster judge counts an annotator's votes together"
)


def check_scope(scope: Scope, choices: Choices, controls: Controls) -> None:
    """Raises InputError and StatisticsError where these do not fit votes, or annotators are named without them."""
    if not scope.people:
        if scope.annotators:
            raise InputError("--annotator chooses whose votes count, and judges' verdicts do: add --by people")
        if scope.question:
            raise InputError("--question chooses what people were asked, and judges' verdicts count: add --by people")
        return
    if scope.judges or scope.all_judges:
        raise InputError("people's votes are of no judge: leave --judge and --all-judges out, or --by people")
    if choices.margin is not None or named(choices.method).needs == "scores":
        raise StatisticsError("people compare outputs and give no scores: leave --margin out, and the method score")
    if named(choices.method).several:
        raise StatisticsError(
            f"{choices.method} fits every judge by many verdicts, and most annotators give few: choose bradley-terry"
        )
    if choices.jury is not None:
        raise StatisticsError("a jury is of judges, and people's votes count one by one: leave --jury out")
    if controls.anchor is not None or controls.related_weight < 1:
        raise StatisticsError(
            "anchors and related judges are about judges, and these are people's votes: leave both out"
        )


def check_texts(
    connection: Connection, benchmark_id: int, models: Collection[str], choices: Choices, controls: Controls
) -> None:
    """Raises StatisticsError where length or style shall be controlled and an output is known by its model alone."""
    if choices.method != _BY_LENGTH and not {"length", "style"} & {*controls.columns}:
        return
    if untold := store.models.untold(connection, benchmark_id, sorted(models)):
        raise StatisticsError(
            f"of {count(untold, 'output')} only the model is known, as of votes without texts, so length and style are "
            "not: leave the control out, or import votes with their texts"
        )


def of_one_prompt(connection: Connection, benchmark_id: int, table: VerdictTable) -> bool:
    """Whether the votes are those of a file that does not say what was asked, so that all are on one instruction."""
    one = len(table) > 1 and len(np.unique(table.instruction)) == 1
    return one and store.models.untold(connection, benchmark_id, table.models) > 0


def by_vote(table: VerdictTable) -> VerdictTable:
    """Each vote as to an instruction of its own: intervals are then of votes drawn one by one."""
    keys = tuple(f"{number:09}" for number in range(len(table)))
    return replace(table, instructions=keys, instruction=np.arange(len(table), dtype=np.int32), arrival=None)


def of_people(board: Leaderboard, *, one_prompt: bool) -> Leaderboard:
    """The board under nobody's name; ``one_prompt``: it was built ``by_vote``."""
    if not one_prompt:
        return replace(board, judges=())
    rows = tuple(replace(row, instructions=1, outputs=None) for row in board.rows)
    return replace(board, judges=(), rows=rows, notes=(_ONE_PROMPT, *board.notes))
