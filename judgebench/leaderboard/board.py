"""A leaderboard as a value, what is controlled on it, and how it is marked by what audits say.

A judge without a passing null-model audit on the benchmark may rank nothing: the leaderboard says so in its notes, with
the command that would settle it; and so it does where the judge's verdicts follow what says nothing about the
instruction. A model with a severe finding is marked in its row. Nothing is computed here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from judgebench.counts import count
from judgebench.coverage import Coverage
from judgebench.estimate import Estimate
from judgebench.records import Status
from judgebench.stats.method import Scale

Control = Literal["length", "style", "position"]
Anchor = Literal["human", "rogan-gladen"]
By = Literal["judges", "people", "both"]  # whose say ranks
BY_SYNONYMS: Mapping[str, By] = {"judge": "judges", "human": "people"}
State = Literal["passed", "failed", "stale", "missing"]
RobustnessState = Literal["passed", "moved", "blind", "failed", "stale", "missing"]
ModelState = Literal["flagged", "suspect", "unaudited"]
COLUMNS = (
    *("model", "rating", "lower", "upper", "win_rate", "standard_error", "rank", "rank_lower", "rank_upper"),
    *("tier", "battles", "ties", "flag", "outputs", "p_best", "instructions"),
)
DATA_COLUMNS = (*COLUMNS, "coverage")
_STATES = {
    "failed": "did not pass its null-model audit{winners}, so the ranks say little",
    "stale": "was audited by null models before instructions were added, or without claims",
    "missing": "has no null-model audit, so nobody knows what outputs that ignore the instruction would win",
}
_ROBUSTNESS: Mapping[RobustnessState, str] = {
    "moved": "gives way to {changes}, which say nothing about the instruction",
    "blind": "was not shown to notice outputs that were made worse",
    "failed": "follows {changes}, which say nothing about the instruction, so the ranks say little",
    "stale": "had its robustness audit before instructions were added",
    "missing": "has no robustness audit, so nobody knows whether claims and looks move it",
}


def one_of(audits: int) -> str:
    """In how many audits of a judge that is found on which something rests; nothing where there are no others."""
    return f" (by that of its {count(audits, 'audit')} which tells most)" if audits > 1 else ""


@dataclass(frozen=True, slots=True)
class Controls:
    """What is done about bias before and while ranking."""

    columns: tuple[Control, ...] = ()  # held equal in the rating model
    related_weight: float = 1.0  # of a related judge's say in a battle; 0: its verdicts are left out
    anchor: Anchor | None = None
    labels_of: str | None = None  # benchmark whose labels tell error rates; None: the leaderboard's own


@dataclass(frozen=True, slots=True)
class Row:
    """One model."""

    model: str
    estimate: Estimate  # its rating, on the leaderboard's scale
    win_rate: float | None  # mean preference for the model, in [0, 1]
    standard_error: float | None  # of ``rating``; None without interval, and where it never varied: it is not known
    rank: int | None  # by rating, equal ratings share; None for a flagged model, which stands apart
    rank_lower: int | None  # best rank that the data leave open, simultaneously for all models
    rank_upper: int | None  # worst
    tier: int | None  # 1 for the leader and all that are not separated from it, and so on
    battles: int
    ties: int
    flag: str  # "" or why the rating is not what the method usually gives, and what audits say
    outputs: int | None = None  # judged; None where nobody counted them
    p_best: float | None = None  # chance of being the best, in [0, 1], by draws from the estimates' joint distribution
    instructions: int = 0  # judged

    @property
    def rating(self) -> float | None:
        """None where the data cannot tell."""
        return self.estimate.value

    @property
    def lower(self) -> float | None:
        """None where there is no interval."""
        return self.estimate.lower

    @property
    def upper(self) -> float | None:
        """None where there is no interval."""
        return self.estimate.upper

    @property
    def apart(self) -> bool:
        """Whether it is of a flagged model, which has no rank and is nobody's opponent."""
        return self.rank is None

    def columns(self) -> dict[str, Any]:
        """The row as tables, frames and documents hold it, by ``COLUMNS``."""
        return {name: getattr(self, name) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Robustness:
    """How the robustness audit of a judge on the benchmark ended that tells most."""

    state: RobustnessState  # failed, moved: by a severe, or a medium, net flip; blind: it failed, by no flip
    changes: tuple[str, ...] = ()  # that turn its verdicts and say nothing about the instruction
    command: str = ""  # that would settle it
    audits: int = 0  # that are kept, of which this is one

    @property
    def words(self) -> str:
        """What a reader of the leaderboard must know; empty where the judge passed."""
        words = _ROBUSTNESS.get(self.state, "").format(changes=", ".join(self.changes))
        return words + one_of(self.audits) if words else ""


_ROBUST = Robustness("passed")


@dataclass(frozen=True, slots=True)
class JudgeGate:
    """A judge, and how those of its audits on the benchmark ended that tell most."""

    judge: str
    state: State  # of the null-model audit
    null_win_rate: float | None  # the worst upper bound that the audit left, in [0, 1]
    command: str  # that would settle it
    robustness: Robustness = _ROBUST
    winners: tuple[str, ...] = ()  # null models and persuaders that win too much, or were not shown not to
    best: str | None = None  # the null model that is most surely ahead
    audits: int = 0  # by null models that are kept, of which this is one

    @property
    def passed(self) -> bool:
        """No null model wins, and nothing that says nothing about the instruction turns its verdicts for certain."""
        return self.state == "passed" and self.robustness.state != "failed"

    @property
    def open(self) -> tuple["OpenPoint", ...]:
        """What a reader of the leaderboard must know; empty where there is nothing to say."""
        winners = f" ({', '.join(self.winners)})" if self.winners else ""
        words = _STATES.get(self.state, "").format(winners=winners)
        about_null = words + one_of(self.audits) if words else "", self.command
        about = (about_null, (self.robustness.words, self.robustness.command))
        return tuple(
            OpenPoint(f"judge {self.judge} {words}", command, "settle it: ") for words, command in about if words
        )


@dataclass(frozen=True, slots=True)
class ModelGate:
    """A model about whose submission something must be known: what its newest audit found, or that there is none."""

    model: str
    rules: tuple[str, ...]  # that found something severe (flagged), or what may work on a judge (suspect)
    stale: bool  # outputs were added since
    command: str  # that shows the findings, or makes the audit
    state: ModelState = "flagged"

    @property
    def mark(self) -> str:
        """What its row is marked with."""
        words = "not audited" if self.state == "unaudited" else f"audit: {', '.join(self.rules)}"
        return words + (" (before outputs were added)" if self.stale and self.rules else "")

    @property
    def open(self) -> "OpenPoint":
        """What a reader of the leaderboard must know."""
        return OpenPoint(f"{self.model}: {self.mark}", self.command, "see ")


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Something that audits leave open, and the command that tells more."""

    words: str
    command: str  # empty: there is none
    way: str  # how the command is spoken of

    @property
    def note(self) -> str:
        """Both."""
        return f"{self.words}; {self.way}{self.command}" if self.command else self.words


@dataclass(frozen=True, slots=True)
class BoardGate:
    """What is known about a leaderboard's judges and models."""

    passed: bool  # every judge passed, and no model on the leaderboard has a severe finding
    judges: tuple[JudgeGate, ...]
    models: tuple[ModelGate, ...]

    @property
    def open(self) -> tuple[OpenPoint, ...]:
        """What a reader of the leaderboard must know of judges, then of flagged models."""
        flagged = self.models_that_are("flagged")
        return (*(about for judge in self.judges for about in judge.open), *(model.open for model in flagged))

    def models_that_are(self, state: ModelState) -> tuple[ModelGate, ...]:
        """Those of ``models`` in this state."""
        return tuple(model for model in self.models if model.state == state)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Rows from the best to the worst, those of flagged models behind all others, and how they came about."""

    judges: tuple[str, ...]
    method: str  # a name in ``methods.METHODS``
    scale: Scale
    baseline: str | None
    rows: tuple[Row, ...]  # at least one
    notes: tuple[str, ...]  # what a reader must know to read the rows right
    gate: BoardGate | None = None  # what audits say about its judges and models; None: nobody looked
    coverage: Coverage | None = None  # what it counts and leaves out; None: it is of a table that nobody chose

    @property
    def level(self) -> float:
        """Of the rows' intervals and rank ranges, in (0, 1)."""
        return self.rows[0].estimate.level

    @property
    def interval_method(self) -> str:
        """How the rows' intervals were made."""
        return self.rows[0].estimate.method

    @property
    def left_out(self) -> Mapping[Status, int]:
        """Trials without a preference or score, by status."""
        return {} if self.coverage is None else self.coverage.left_out

    def data_rows(self) -> Iterator[dict[str, Any]]:
        """The rows as files of data hold them, by ``DATA_COLUMNS``: each with what the leaderboard counts, as JSON."""
        counted = json.dumps(None if self.coverage is None else self.coverage.document())
        return (row.columns() | {"coverage": counted} for row in self.rows)

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that have a rank; at least one."""
        return tuple(row for row in self.rows if not row.apart)

    def marked(self, judges: Sequence[JudgeGate], models: Sequence[ModelGate]) -> "Leaderboard":
        """With what of ``judges`` and ``models`` concerns it as its gate, in its notes and in the flags of its rows."""
        shown = {row.model for row in self.rows}
        concerned = tuple(model for model in models if model.model in shown)
        marks = {model.model: model for model in concerned}
        flagged = [model for model in concerned if model.state == "flagged"]
        passed = not flagged and all(judge.passed for judge in judges)
        rows = tuple(
            replace(row, flag=", ".join(filter(None, (row.flag, marks[row.model].mark)))) if row.model in marks else row
            for row in self.rows
        )
        gate = BoardGate(passed, tuple(judges), concerned)
        return replace(self, rows=rows, notes=(*self.notes, *(about.note for about in gate.open)), gate=gate)
