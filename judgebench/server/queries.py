"""The parameters of addresses, each with its range; a mistyped one is refused, and never quietly left out."""

from dataclasses import replace
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from judgebench.errors import UnknownName
from judgebench.keys import clean_text
from judgebench.leaderboard import (
    LEVELS,
    METHODS,
    USUAL_METHOD,
    Anchor,
    Choices,
    Control,
    Controls,
    IntervalMethod,
    Join,
    Jury,
)
from judgebench.leaderboard import Scale as BoardScale
from judgebench.records import OVERALL, JobState
from judgebench.services.scope import Scope
from judgebench.services.tokens import Bearer
from judgebench.stats.method import Cluster
from judgebench.store.battles import BattleFilter, BattleOrder

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Annotated[list[Name], Field(default_factory=list, max_length=100)]
_RESAMPLES = 10_000  # at most: each takes the server's time
_AT_ONCE = 200  # rows
JOBS = 100  # listed at most
_CARDS = 20  # of judges, beside each other
Level = Annotated[float, Field(ge=LEVELS[0], le=LEVELS[1])]
JobNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]  # as databases number rows
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _check_texts(cls, value: object) -> object:
        """Raises ValueError for a text that no database can hold, in which pydantic finds no fault."""
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and clean_text(text) != text for text in texts):
            raise ValueError("holds what no database can, a zero byte or half of a character: leave it out")
        return value


class ListQuery(_Query):
    format: Literal["json", "table"] = "json"


class BenchmarkQuery(_Query):
    benchmark: Name


class RunsQuery(_Query):
    benchmark: Name | None = None


class JobsQuery(RunsQuery):
    """As the options of ``judgebench jobs list``."""

    state: Annotated[list[JobState], Field(default_factory=list, max_length=len(JobState))]
    last: int = Field(default=JOBS, ge=1, le=JOBS)


class AuditsQuery(BenchmarkQuery):
    kind: Name | None = None


class CardQuery(_Query):
    judge: Annotated[list[Name], Field(min_length=1, max_length=_CARDS)]
    benchmark: Name | None = None
    level: Level = 0.95
    format: Literal["json", "table", "html"] = "json"


class PlacementQuery(BenchmarkQuery):
    model: Annotated[list[Name], Field(min_length=1, max_length=100)]
    judge: Names
    job: Annotated[list[JobNumber], Field(default_factory=list, max_length=100)]
    format: Literal["json", "table"] = "json"


class ReportQuery(_Query):
    format: Literal["json", "table", "html"] = "json"


class BattleQuery(BenchmarkQuery):
    instruction: Name
    model_a: Name
    model_b: Name
    judge: Name | None = None


class BattlesQuery(BenchmarkQuery):
    judge: Name | None = None
    model: Names
    category: Name | None = None
    inconsistent: bool = False
    without_verdict: bool = False
    text: str = Field(default="", max_length=1000)
    instruction: Name | None = None
    order: BattleOrder = "instructions"
    limit: int = Field(default=20, ge=1, le=_AT_ONCE)
    offset: int = Field(default=0, ge=0, le=10**9)
    full: bool = False
    format: Literal["json", "table", "csv", "html"] = "json"

    def chosen(self) -> BattleFilter:
        return BattleFilter(
            *(self.judge, self.category, tuple(self.model)),
            inconsistent=self.inconsistent,
            without_verdict=self.without_verdict,
            text=self.text,
            instruction=self.instruction,
            order=self.order,
        )


class ScopeQuery(BenchmarkQuery):
    """What counts."""

    judge: Names
    all_judges: bool = False
    category: Name | None = None
    language: Name | None = None
    common: bool = False
    with_flagged: bool = False

    def scope(self) -> Scope:
        return Scope(tuple(self.judge), self.category, self.language, self.all_judges, self.common, self.with_flagged)


class CompareQuery(ScopeQuery):
    """As the options of ``judgebench compare``."""

    first: Name
    second: Name
    baseline: Name | None = None
    right_from: float | None = None
    margin: float = Field(default=0.0, ge=0)
    cluster: Literal["dialogue", "category"] = "dialogue"
    level: Level = 0.95
    format: Literal["json", "table", "csv"] = "json"


class GoalsQuery(BenchmarkQuery):
    """As the options of ``judgebench goals``, without labels, which are a file."""

    judge: Name | None = None
    model: Names
    category: Name | None = None
    baseline: Name | None = None
    level: Level = 0.95
    seed: Seed = 0
    format: Literal["json", "table", "csv", "markdown"] = "json"


class StepsQuery(BenchmarkQuery):
    """As the options of ``judgebench steps``."""

    judge: Name | None = None
    annotator: Name | None = None
    category: Name | None = None
    model: Names
    level: Level = 0.95
    format: Literal["json", "table", "csv", "html"] = "json"


class BoardQuery(ScopeQuery):
    """As the options of ``judgebench leaderboard``."""

    by: Literal["judges", "people", "both"] = "judges"
    question: Name = OVERALL
    method: Name = USUAL_METHOD
    baseline: Name | None = None
    scale: BoardScale | None = None
    margin: float | None = Field(default=None, ge=0)
    join: Join | None = None
    jury: Jury | None = None
    interval: IntervalMethod = "analytic"
    cluster: Cluster = "instruction"
    level: Level = 0.95
    resamples: int = Field(default=1000, ge=10, le=_RESAMPLES)
    seed: Seed = 0
    control: str = Field(default="", max_length=200)
    exclude_related: bool = False
    related_weight: float | None = Field(default=None, ge=0, le=1)
    anchor: Anchor | None = None
    labels_of: Name | None = None
    profile: Name | None = None
    length_margin: int | None = Field(default=None, ge=0, le=10**9)
    html_battles: int = Field(default=50, ge=0, le=_AT_ONCE)
    format: Literal["json", "csv", "markdown", "table", "html"] = "json"

    def scope(self) -> Scope:
        question = OVERALL if self.by == "both" else self.question
        return replace(super().scope(), people=self.by == "people", question=question)

    def choices(self) -> Choices:
        """Raises UnknownName."""
        if self.method not in METHODS:
            raise UnknownName("method", self.method, METHODS)
        shared = set(Choices.__dataclass_fields__) & set(type(self).model_fields)
        return Choices(**{name: getattr(self, name) for name in shared})

    def controls(self) -> Controls:
        """Raises UnknownName."""
        columns = [name.strip() for name in self.control.split(",") if name.strip()]
        for name in columns:
            if name not in get_args(Control):
                raise UnknownName("control", name, get_args(Control))
        weight = 0.0 if self.exclude_related else 1.0 if self.related_weight is None else self.related_weight
        chosen = tuple(column for column in get_args(Control) if column in columns)
        return Controls(chosen, weight, self.anchor, self.labels_of)

    def check(self, who: Bearer) -> None:
        """Raises Forbidden where a token is not for one of the benchmarks."""
        for name in filter(None, (self.benchmark, self.labels_of)):
            who.check_benchmark(name)


class SubmitQuery(BenchmarkQuery):
    """As the options of ``judgebench submit``."""

    model: Name
    map: Annotated[list[str], Field(default_factory=list, max_length=20)]  # FIELD=COLUMN
    family: Name | None = None
    parent: Name | None = None
    trained_on: Names
    accept_lineage: bool = False
    extend: bool = False
    new_benchmark: bool = False
    accept_findings: bool = False
    dry_run: bool = False
