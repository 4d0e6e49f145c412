"""What a scorer works on, and what it gives: a column a published number, an estimate a model and column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judgebench.coverage import Coverage
from judgebench.errors import StatisticsError, UnknownName, first_names
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.build import common_baseline
from judgebench.leaderboard.profiles import BenchmarkProfile
from judgebench.records import Instruction
from judgebench.stats.intervals import bounded_mean
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Floats, VerdictTable

NumberUnit = Literal["percent", "points", "score", "elo", "count", "characters"]  # as published: 63.1 is 63.1 percent
LEVEL = 0.95  # of intervals where the benchmark publishes none


@dataclass(frozen=True, slots=True)
class ScoringChoices:
    """A profile, and what it leaves open."""

    profile: str  # a name in ``profiles.PROFILES``
    baseline: str | None = None  # None: the benchmark's own, else the model that met all
    length_margin: int = 500  # characters, WildBench's K; below 0: none
    seed: int = 0  # of resamples


@dataclass(frozen=True, slots=True, eq=False)
class ScorerInput:
    """Verdicts that count, and what is known of instructions and outputs."""

    profile: BenchmarkProfile
    instructions: Mapping[str, Instruction]  # by key
    languages: Mapping[str, str] = field(default_factory=dict)  # of instructions, guessed, by key
    verdicts: VerdictTable | None = None  # None: none compare outputs
    scores: ScoreTable | None = None  # None: none score outputs
    style: Mapping[str, Floats] | None = None  # (instructions, models) counts, as ``verdicts`` codes; None: not known
    without: int = 0  # trials in scope that have neither preference nor score

    def category(self, key: str) -> str | None:
        """Of the instruction with this key; of votes one by one there is none."""
        return self.instructions[key].category if key in self.instructions else None


@dataclass(frozen=True, slots=True)
class Measure:
    """A published number."""

    name: str  # in documents
    heading: str  # in tables
    unit: NumberUnit
    about: str  # what it is, a sentence
    is_main: bool = True  # stands in tables; others in documents alone


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One model."""

    model: str
    numbers: Mapping[str, Estimate]  # by column's name, all of them


@dataclass(frozen=True, slots=True)
class PublishedBoard:
    """The best by the first column first."""

    columns: tuple[Measure, ...]
    rows: tuple[PublishedRow, ...]
    baselines: Mapping[str, tuple[str, ...]]  # that models met, by category; "" where all met the same
    notes: tuple[str, ...] = ()
    profile: str = ""  # its name; empty until a door asks for it by one
    judges: tuple[str, ...] = ()
    coverage: Coverage | None = None


@dataclass(slots=True)
class Numbers:
    """Columns as they are filled, by model."""

    columns: list[Measure] = field(default_factory=list)
    values: dict[str, dict[str, Estimate]] = field(default_factory=dict)  # model, then column

    def add(self, column: Measure, estimates: Mapping[str, Estimate]) -> None:
        """A column with the estimates of models; others have none in it."""
        self.columns.append(column)
        for model, estimate in estimates.items():
            self.values.setdefault(model, {})[column.name] = estimate

    def board(self, baselines: Mapping[str, tuple[str, ...]], notes: Sequence[str]) -> PublishedBoard:
        """Raises StatisticsError where there is no number at all."""
        if not self.values:
            raise StatisticsError("no verdict gives any of this profile's numbers: judge with its template first")
        nothing = unidentified("the model has no verdict for it")
        rows = [
            PublishedRow(model, {column.name: numbers.get(column.name, nothing) for column in self.columns})
            for model, numbers in self.values.items()
        ]
        rows.sort(key=self._place)
        return PublishedBoard(tuple(self.columns), tuple(rows), baselines, tuple(notes))

    def _place(self, row: PublishedRow) -> tuple[float, ...]:
        values = [row.numbers[column.name].value for column in self.columns]
        return tuple(np.inf if value is None else -value for value in values)


def exactly(value: float, n: int) -> Estimate:
    """A count, or another number that is no estimate of anything."""
    return Estimate(value, None, None, LEVEL, "none", n, "a description of the data, not an estimate")


def known_number(
    value: float, lower: float, upper: float, *, level: float = LEVEL, method: str, n: int, times: float = 1.0
) -> Estimate:
    """``times`` a value and its ends; without an interval where an end is not finite."""
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return Estimate(times * float(value), None, None, level, "none", n, "too few data for an interval")
    return Estimate(times * float(value), times * float(lower), times * float(upper), level, method, n)


def score_means(table: ScoreTable, clusters: NDArray[np.integer], scale: tuple[float, float]) -> dict[str, Estimate]:
    """Each model's mean over rows, with intervals in which ``clusters`` (n,) are drawn."""
    return {
        table.models[code]: bounded_mean(
            table.score[table.model == code], clusters[table.model == code], level=LEVEL, bounds=scale
        )
        for code in np.unique(table.model)
    }


def percent_of(share: float) -> float:
    """Published shares are in percent."""
    return 100 * share


def met_models(table: VerdictTable) -> list[int]:
    """Codes of the models that took part."""
    codes: list[int] = np.unique(np.concatenate([table.model_a, table.model_b])).tolist()
    return codes


def baseline_of(table: VerdictTable, named: str | None, usual: Sequence[str]) -> str:
    """The model that all others are held against: the one named, else a usual one that took part, else the one that
    met all.

    Raises UnknownName for one that took no part, StatisticsError where there is none.
    """
    names = [table.models[code] for code in met_models(table)]
    if named is not None:
        if named not in names:
            raise UnknownName("baseline", named, names)
        return named
    known = next((name for name in usual if name in names), None) or common_baseline(table)
    if known is None:
        publishers = f"; the benchmark's is {usual[0]}, which took no part" if usual else ""
        raise StatisticsError(
            f"this profile holds models against one: name it by --baseline, of {first_names(sorted(names))}{publishers}"
        )
    return known


def baseline_notes(baselines: Mapping[str, tuple[str, ...]], profile: BenchmarkProfile) -> Iterator[str]:
    """Where a baseline is not the benchmark's."""
    for category, names in baselines.items():
        usual = profile.baselines_of(category or None)
        others = [name for name in names if usual and name not in usual]
        if others:
            where = f" of {category}" if category else ""
            yield f"the baseline{where} is {', '.join(others)} and not the benchmark's, {', '.join(usual)}"


def by_category(evidence: ScorerInput, table: VerdictTable, known: Sequence[str]) -> Iterator[tuple[str, VerdictTable]]:
    """The rows of each of the ``known`` categories that has any; all under "" where none has."""
    categories = np.array([evidence.category(key) or "" for key in table.instructions], dtype=object)
    of_rows = categories[table.instruction] if len(table) else np.array([], dtype=object)
    present = [category for category in known if (of_rows == category).any()]
    if not present:
        yield "", table
    for category in present:
        yield category, table.select(of_rows == category)
