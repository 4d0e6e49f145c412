"""Goals as rows, one a goal: as they are exported, and as people label them.

A row names the dialogue (key or id of the instruction, model, sample), and either a goal or, without one, whether the
dialogue was a success. Rows with one annotator on one dialogue are one list. An exported file whose column ``judge`` is
renamed to ``annotator``, and whose verdicts are corrected, is such a file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.fields import IDS
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.writing import KEY_COLUMN
from judgebench.records import Goal, Reached

_INSTRUCTION = (KEY_COLUMN, *IDS, "id")
_SUCCESS: Mapping[str, bool] = {
    **dict.fromkeys(("yes", "true", "1", "1.0", "success"), True),
    **dict.fromkeys(("no", "false", "0", "0.0", "failure"), False),
}
_REACHED = get_args(Reached)
_MOST_TURN = 10_000


@dataclass(frozen=True, slots=True)
class GoalLabel:
    """What one person says of one dialogue."""

    annotator: str
    instruction: str  # key or id
    model: str
    sample: int
    goals: tuple[Goal, ...]  # empty: only whether it was a success
    success: bool | None  # None: it is in the goals
    place: str  # where its first row stands, for errors

    @property
    def succeeded(self) -> bool | None:
        """Whether all goals within scope were reached; None where there is none."""
        if self.success is not None:
            return self.success
        within = [goal for goal in self.goals if goal.reached != "out-of-scope"]
        return all(goal.reached == "yes" for goal in within) if within else None


def read_goal_labels(filename: Filename, *, limits: ReadLimits | None = None) -> tuple[GoalLabel, ...]:
    """One for each annotator and dialogue, in the order of the file. Raises InputError naming file, row and field."""
    labels: dict[tuple[str, str, str, int], GoalLabel] = {}
    for row in file_rows(filename, limits=limits):
        label = _label(row)
        about = (label.annotator, label.instruction, label.model, label.sample)
        earlier = labels.get(about)
        if earlier is None:
            labels[about] = label
            continue
        if not (earlier.goals and label.goals):
            raise row.error("success", f"this dialogue has a label by {label.annotator!r} already ({earlier.place})")
        labels[about] = replace(earlier, goals=earlier.goals + label.goals, success=earlier.success)
    return tuple(labels.values())


def _label(row: FileRow) -> GoalLabel:
    column = next((name for name in _INSTRUCTION if row.values.get(name) not in (None, "")), None)
    if column is None:
        raise row.error(KEY_COLUMN, f"is empty: expected what names the dialogue, in one of {', '.join(_INSTRUCTION)}")
    about = str(row.values[column])
    sample = _number(row, "sample", 0) or 0
    success = _success(row)
    goals = () if row.values.get("reached") in (None, "") else (_goal(row),)
    if not goals and success is None:
        raise row.error("reached", "is empty, and so is success: a row says one of them")
    return GoalLabel(row.text("annotator"), about, row.text("model"), sample, goals, success, str(row.place))


def _success(row: FileRow) -> bool | None:
    value = row.values.get("success")
    if value in (None, ""):
        return None
    known = _SUCCESS.get(str(value).strip().casefold())
    if known is None:
        raise row.error("success", f"{str(value)[:40]!r} is neither yes nor no")
    return known


def _goal(row: FileRow) -> Goal:
    reached = row.text("reached")
    if reached not in _REACHED:
        raise row.error("reached", f"{reached[:40]!r} is not one of {', '.join(_REACHED)}")
    cause = row.values.get("cause") or None
    failed_at = _number(row, "failed_at", 1)
    if reached != "no" and (cause is not None or failed_at is not None):
        raise row.error("cause", "a cause and a failed turn stand only where a goal was not reached")
    turns = _turns(row)
    if failed_at is not None and failed_at < turns[0]:
        raise row.error("failed_at", f"{failed_at} is before the goal came up, at turn {turns[0]}")
    text = row.values.get("goal")
    return Goal(
        goal="" if text is None else row.as_text("goal", text),
        turns=turns,
        reached=reached,  # type: ignore[arg-type]  # it is one of them
        cause=None if cause is None else row.as_text("cause", cause),
        failed_at=failed_at,
        declared=_number(row, "declared", 0),
    )


def _turns(row: FileRow) -> tuple[int, ...]:
    """A list of numbers from 1, or a text of one: JSON, or numbers with commas or blanks between them."""
    value = row.values.get("turns")
    if isinstance(value, str):
        value = value.strip().strip("[]").replace(",", " ").split()
    try:
        turns = [int(turn) for turn in value] if isinstance(value, list) else []
    except (ValueError, TypeError):
        turns = []
    if not turns or not all(1 <= turn <= _MOST_TURN for turn in turns):
        raise row.error("turns", "expected the numbers of the user's turns that are about the goal, from 1, as [1, 2]")
    return tuple(sorted(set(turns)))


def _number(row: FileRow, column: str, lowest: int) -> int | None:
    value = row.values.get(column)
    if value in (None, ""):
        return None
    try:
        number = int(float(str(value)))
    except (ValueError, OverflowError):
        number = -1
    if not lowest <= number <= _MOST_TURN or str(value).strip() not in (str(number), f"{number}.0"):
        raise row.error(column, f"{str(value)[:40]!r} is not a whole number from {lowest}")
    return number


@dataclass(frozen=True, slots=True)
class JudgedGoal:
    """A goal with the dialogue that it is of."""

    instruction: str  # key
    model: str
    sample: int
    judge: str  # name
    repeat: int
    number: int  # among the dialogue's goals, from 0
    goal: Goal

    @property
    def place(self) -> tuple[str, int, str, int, int]:
        """Among the goals of an instruction's dialogues."""
        return self.model, self.sample, self.judge, self.repeat, self.number


def _row(judged: JudgedGoal) -> dict[str, Any]:
    goal = judged.goal
    return {
        KEY_COLUMN: judged.instruction,
        **{name: getattr(judged, name) for name in ("model", "sample", "judge", "repeat", "number")},
        **{name: getattr(goal, name) for name in ("goal", "reached", "cause", "failed_at", "declared", "reason")},
        "turns": json.dumps(goal.turns),
    }


GOALS = Format(
    name="goals",
    holds="goals",
    help="Goals of dialogues, one row a goal; turns are a JSON list.",
    columns={
        **{KEY_COLUMN: "text", "model": "text", "sample": "integer", "judge": "text", "repeat": "integer"},
        **{"number": "integer", "goal": "text", "turns": "text", "reached": "text", "cause": "text"},
        **{"failed_at": "integer", "declared": "integer", "reason": "text"},
    },
    row=_row,
)
