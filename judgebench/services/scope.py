"""Which verdicts of a benchmark count, and what that leaves out: decided here for whatever is made of many of them.

One judge counts where none is named: the one with most verdicts on models that are not flagged, of equal ones the one
whose name sorts first, so that equal databases give equal results. Models whose newest submission audit has severe
findings are set apart, stale findings included: outputs are never replaced, so that what was found is still there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from judgebench import store
from judgebench.counts import count
from judgebench.coverage import Coverage, FlaggedAre, JudgesBy, People
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices
from judgebench.leaderboard.board import ModelState
from judgebench.leaderboard.build import common_baseline
from judgebench.leaderboard.methods import named
from judgebench.records import OVERALL
from judgebench.services.audits.results import has_flagged, model_gates
from judgebench.services.comparisons import check_asked, check_compared, check_scored, check_voted
from judgebench.stats.scores import ScoreTable, scored_cells
from judgebench.stats.verdict_table import VerdictTable, judged_cells, occurring
from judgebench.store.arrays import LeftOut, Met, StoredTable, trials_met
from judgebench.store.database import Connection

Table = TypeVar("Table", VerdictTable, ScoreTable)
USUAL = Choices()
# What was read last of each database: pages that follow one another are of one scope, and one table is not much beside
# what is made of it.
_LAST = store.transfer.Last["Scoped[VerdictTable]"]()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which verdicts of a benchmark."""

    judges: tuple[str, ...] = ()  # whose; empty: of the judge with most
    category: str | None = None  # None: all
    language: str | None = None  # of instructions, as it is guessed; None: all
    all_judges: bool = False  # pool the verdicts of all judges
    common: bool = False  # only on instructions that all models that count were judged on
    with_flagged: bool = False  # models that a submission audit flagged count as all others do
    people: bool = False  # people's votes count in place of judges' verdicts
    annotators: tuple[str, ...] = ()  # whose votes; empty: everybody's
    newest: int | None = None  # the last verdict, or vote, that counts, by the order they came in; None: all do
    question: str = OVERALL  # by what people compared the outputs
    models: tuple[str, ...] = ()  # only what is about these, such as a standing board's pool; empty: all


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, eq=False)
class Scoped(Generic[Table]):
    """The verdicts of a scope, and which models count."""

    benchmark_id: int
    table: Table  # of all models
    categories: tuple[str | None, ...]  # of each of the table's instructions; empty for scores
    judged: tuple[str, ...]  # models with a verdict
    counting: tuple[str, ...]  # of them, those that count
    apart: tuple[str, ...]  # of them, flagged ones that do not
    without: LeftOut  # trials of the scope without a verdict
    met: Met  # all trials of the scope, coded as the table is
    others: Met  # trials of judges that do not count, likewise
    coverage: Coverage  # what does not depend on what is made of the verdicts

    @property
    def counted(self) -> Table:
        """The verdicts on models that count."""
        return self.table.among(self.counting)

    def between(self, models: tuple[str, str], baseline: str | None = None) -> "Scoped[Table]":
        """Only the battles between the two, or of either with the baseline; of scores, those of either."""
        is_one, is_baseline = np.isin(self.table.models, models), np.array(self.table.models) == baseline
        members = models if baseline is None else (*models, baseline)

        def theirs(rows: Table | LeftOut | Met) -> NDArray[np.bool_]:
            a, b = _sides(rows)
            if baseline is None:
                return np.asarray(is_one[a] & is_one[b])
            return np.asarray((is_one[a] & is_baseline[b]) | (is_baseline[a] & is_one[b]))

        def among(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name in names if name in members)

        coverage = replace(
            self.coverage,
            flagged=among(self.coverage.flagged),
            suspect=among(self.coverage.suspect),
            unaudited=among(self.coverage.unaudited),
            models=len(members),
            not_judged=(),
            by_others=(),
        )
        return replace(
            self,
            table=self.table.select(theirs(self.table)),
            judged=among(self.judged),
            counting=among(self.judged),
            apart=among(self.apart),
            without=self.without.select(theirs(self.without)),
            met=self.met.select(theirs(self.met)),
            others=self.others.select(theirs(self.others)),
            coverage=coverage,
        )

    def covered(
        self, shown: Collection[str], *, baseline: str | None = None, flagged: FlaggedAre = "apart"
    ) -> Coverage:
        """The coverage of a result about the models ``shown``, made of battles with ``baseline`` where there is one.

        ``flagged``: where it puts those apart.
        """
        table, told = self.counted, {*shown, *(() if flagged == "apart" else self.apart)}
        models = [name for name in self.counting if name in shown and name != baseline]
        cells = _cells(table, models, baseline)
        numbers = cells.sum(axis=0).tolist()
        most = max(numbers, default=0)
        without = self.without.select(self._used(self.without, baseline, flagged))
        used = self.met.select(self._used(self.met, baseline, flagged))
        others = self.others.select(self._used(self.others, baseline, flagged))
        given, met = _given(table.judges, used), self._met(self.met, baseline)
        of_flagged = 0 if flagged == "pairs" else int(self.met.verdicts[met & self._flagged(self.met)].sum())
        coverage = replace(
            self.coverage,
            judges={name: given.get(name, 0) for name in self.coverage.judges},
            other_judges=_given(table.judges, others),
            left_out=without.counts,
            judged=int(cells.any(axis=1).sum()),
            shared=int(cells.all(axis=1).sum()) if models else 0,
            fewest=min(numbers, default=0),
            most=most,
            short=tuple(name for name, number in zip(models, numbers, strict=True) if number < most),
            groups=1 if isinstance(table, ScoreTable) else _groups(self.met, np.isin(table.models, self.counting)),
            baseline=baseline,
            not_ranked=tuple(name for name in self.judged if name not in told and name != baseline),
            flagged_are=flagged if self.coverage.flagged_are == "apart" else self.coverage.flagged_are,
            of_flagged=of_flagged,
            others_met=int(self.met.verdicts[~met].sum()),
        )
        return _by_people(coverage) if coverage.people is not None else coverage

    def _used(self, rows: Table | LeftOut | Met, baseline: str | None, flagged: FlaggedAre) -> NDArray[np.bool_]:
        """Which rows a result is made of: of models apart, a board has what they did against the others."""
        apart = np.isin(self.table.models, self.apart)
        a, b = _sides(rows)
        rest = np.zeros(len(a), dtype=np.bool_)
        if flagged != "pairs":
            rest = apart[a] & apart[b] & (a != b) if flagged == "apart" else apart[a] | apart[b]
        return ~rest & self._met(rows, baseline)

    def _met(self, rows: Table | LeftOut | Met, baseline: str | None) -> NDArray[np.bool_]:
        """Which rows are of battles with the baseline; where there is none all are."""
        a, b = _sides(rows)
        is_it = np.array(self.table.models) == baseline
        return np.ones(len(a), dtype=np.bool_) if baseline is None else np.asarray(is_it[a] | is_it[b])

    def _flagged(self, rows: Met) -> NDArray[np.bool_]:
        """Which rows are of a model apart."""
        a, b = _sides(rows)
        apart = np.isin(self.table.models, self.apart)
        return np.asarray(apart[a] | apart[b])


def scoped_verdicts(
    connection: Connection, benchmark: str, scope: Scope, choices: Choices = USUAL, *, may_be_none: bool = False
) -> Scoped[VerdictTable]:
    """The pairwise verdicts of a scope: the same arrays as before where nothing was stored since they were read.

    Raises UnknownName for any name that is not there, InputError for judges named beside all of them, and
    StatisticsError where no instruction is common, and where there is no verdict, unless there ``may_be_none``.
    """
    several, rates = named(choices.method).several, named(choices.method).rates
    if scope.with_flagged and not has_flagged(connection, benchmark):
        scope = replace(scope, with_flagged=False)  # the same verdicts, which a leaderboard may have read
    # All of the choices that says which verdicts are read.
    of_choices = (choices.baseline, choices.cluster, choices.jury is not None, several, rates)

    def read() -> Scoped[VerdictTable]:
        return _Reading(connection, benchmark, scope, choices).verdicts()

    scoped = _LAST.of(connection, (benchmark, scope, of_choices), read)
    if not len(scoped.table) and not may_be_none:
        _Reading(connection, benchmark, scope, choices).check(scoped)
    return scoped


def scoped_scores(
    connection: Connection, benchmark: str, scope: Scope, choices: Choices = USUAL, *, may_be_none: bool = False
) -> Scoped[ScoreTable]:
    """The pointwise verdicts of a scope. Raises as ``scoped_verdicts`` does."""
    return _Reading(connection, benchmark, scope, choices).scores(may_be_none=may_be_none)


class _Reading:
    """One look at a benchmark."""

    def __init__(self, connection: Connection, benchmark: str, scope: Scope, choices: Choices) -> None:
        self._connection = connection
        self._benchmark = benchmark
        self._id = store.benchmarks.chosen_benchmark(connection, benchmark, scope.judges, scope.category)
        if choices.baseline is not None:
            store.models.check_model(connection, choices.baseline)
        self._scope = scope
        self._choices = choices
        self._keys = self._spoken()
        answered = store.models.answered(connection, self._id, category=scope.category, keys=self._keys)
        self._submitted = len(answered)
        self._answered = {name: model for name, model in answered.items() if not scope.models or name in scope.models}
        self._gates = model_gates(connection, benchmark, self._answered)

    def _spoken(self) -> list[str] | None:
        """Keys of the instructions in the language; None where any will do."""
        language = self._scope.language
        if language is None:
            return None
        spoken = store.benchmarks.languages(self._connection, self._id, self._scope.category)
        if language not in spoken.values():
            raise UnknownName("language", language, sorted(set(spoken.values())))
        return [key for key, guessed in spoken.items() if guessed == language]

    def verdicts(self) -> Scoped[VerdictTable]:
        if self._scope.people:
            return self._votes()
        stored = self._stored(self._scope.judges or self._likely())
        table = stored.table
        met = self._of_models(Met.together([trials_met(table, stored.without), stored.others]), table.models)
        judges = self._whose(table.judges, table.models, met)[1]
        if {*judges} & {table.judges[code] for code in occurring(stored.others.judge)}:
            stored = self._stored(judges)
        return self._scoped(stored.table, stored.without, stored.categories, met)

    def check(self, scoped: Scoped[VerdictTable]) -> None:
        """Of verdicts that are none. Raises StatisticsError, saying what there is instead."""
        left_out = scoped.coverage.left_out if self._scope.judges else self._stored(()).without.counts
        check_compared(self._connection, self._id, left_out, self._scope.judges, self._scope.category)

    def _stored(self, judges: tuple[str, ...]) -> StoredTable:
        """Verdicts of these judges, of all where there are none."""
        scope = self._scope
        return store.arrays.verdict_table(
            self._connection, self._id, judges=judges, category=scope.category, newest=scope.newest, keys=self._keys
        )

    def _likely(self) -> tuple[str, ...]:
        """The judge that counts is most likely one of these; none where several do."""
        scope, choices = self._scope, self._choices
        if scope.all_judges or choices.jury is not None or _counts_several(choices):
            return ()
        return store.arrays.likely_judges(self._connection, self._id)

    def _votes(self) -> Scoped[VerdictTable]:
        """Of people: annotators stand in the place of judges."""
        question, category = self._scope.question, self._scope.category
        check_asked(store.labels.questions(self._connection, self._id), question)
        known = store.labels.annotators(self._connection, self._id, question)
        check_voted(self._benchmark, known, self._scope.annotators)
        stored = store.arrays.label_verdicts(
            self._connection, self._id, category=category, question=question, newest=self._scope.newest
        )
        table, without = self._spoken_of(stored.table, stored.without)
        scoped = self._scoped(table, without, stored.categories)
        if not len(scoped.table):
            raise StatisticsError(
                "there is no vote of these people here: choose another annotator, category or language"
            )
        return scoped

    def scores(self, *, may_be_none: bool) -> Scoped[ScoreTable]:
        stored = store.arrays.score_table(
            self._connection, self._id, category=self._scope.category, newest=self._scope.newest
        )
        table, without = self._spoken_of(stored.table, stored.without)
        scoped = self._scoped(table, without, ())
        if not len(scoped.table) and not may_be_none:
            check_scored(self._connection, self._id, self._scope.judges, self._scope.category)
        asked_with = {stored.templates[code] for code in np.unique(scoped.table.judge)}
        if self._choices.margin != 0.0 and len(asked_with) > 1:
            names = ", ".join(name for name, number in scoped.coverage.judges.items() if number)
            what = "mean" if self._choices.margin is None else "margin above 0"
            raise InputError(
                f"the scores of {names} are on different scales, so have no common {what}: choose one judge"
            )
        return scoped

    def _spoken_of(self, table: Table, without: LeftOut) -> tuple[Table, LeftOut]:
        """What is about instructions in the language."""
        if self._keys is None:
            return table, without
        return _on(table, without, np.isin(table.instructions, self._keys))

    def _gated(self, state: ModelState) -> tuple[str, ...]:
        return tuple(gate.model for gate in self._gates if gate.state == state)

    def _whose(
        self, names: tuple[str, ...], models: tuple[str, ...], met: Met
    ) -> tuple[dict[str, int], tuple[str, ...], JudgesBy]:
        """How many verdicts each judge gave, whose count, and by what."""
        given = _given(names, met)
        # Who has most among models that are not flagged: nobody's cheat says whose verdicts count.
        flagged = np.isin(models, () if self._scope.with_flagged else self._gated("flagged"))
        honest = met.select(~(flagged[met.model_a] | flagged[met.model_b]))
        unflagged = given if not honest.verdicts.any() else _given(names, honest)
        return given, *_chosen_judges(given, unflagged, self._scope, self._choices)

    def _of_models(self, met: Met, models: tuple[str, ...]) -> Met:
        """What is only about the scope's models."""
        is_one = np.isin(models, self._scope.models or models)
        return met.select(is_one[met.model_a] & is_one[met.model_b])

    def _scoped(
        self, table: Table, without: LeftOut, categories: tuple[str | None, ...], met: Met | None = None
    ) -> Scoped[Table]:
        """``met``: trials of the scope's models by all judges, where the table does not hold all of them."""
        scope: Scope = self._scope
        flagged = self._gated("flagged")
        if scope.models:
            is_one = np.isin(table.models, scope.models)
            table = table.among({*table.models} & {*scope.models})
            without = without.select(is_one[without.model_a] & is_one[without.model_b])
        met = trials_met(table, without) if met is None else met
        given, judges, judges_by = self._whose(table.judges, table.models, met)
        anybody = _models(table.models, met)
        by = np.isin(table.judges, judges)
        met, others = met.select(by[met.judge]), met.select(~by[met.judge])
        table, without = table.select(by[table.judge]), without.select(by[without.judge])
        judged = _models(table.models, met)
        counting, flagged_are = self._counting(table, met, judged, flagged)
        if self._scope.common:
            table, without = _on(table, without, self._common(table.among(counting), counting))
            met = trials_met(table, without)
        chosen = store.benchmarks.count(self._connection, self._id, self._scope.category)
        coverage = Coverage(
            judges={name: given.get(name, 0) for name in judges},
            judges_by=judges_by,
            other_judges=_but(given, judges),
            left_out=without.counts,
            category=self._scope.category,
            language=self._scope.language,
            common=self._scope.common,
            instructions=store.benchmarks.count(self._connection, self._id),
            chosen=chosen if self._keys is None else len(self._keys),
            not_judged=tuple(name for name in self._answered if name not in anybody),
            by_others=tuple(name for name in anybody if name not in judged),
            fewest_samples=min((model.fewest for model in self._answered.values()), default=1),
            most_samples=max((model.most for model in self._answered.values()), default=1),
            flagged=tuple(name for name in flagged if name in judged),
            flagged_are=flagged_are,
            suspect=self._gated("suspect"),
            unaudited=self._gated("unaudited"),
            models=len(self._answered),
            submitted=self._submitted,
            people=People(0, 0, chosen=scope.annotators, question=scope.question) if scope.people else None,
        )
        apart = () if flagged_are != "apart" else tuple(name for name in judged if name in flagged)
        return Scoped(self._id, table, categories, judged, counting, apart, without, met, others, coverage)

    def _counting(
        self, table: Table, met: Met, judged: tuple[str, ...], flagged: Collection[str]
    ) -> tuple[tuple[str, ...], FlaggedAre]:
        """Models that count, and where that leaves those flagged."""
        honest = [name for name in judged if name not in flagged]
        if len(honest) == len(judged):
            return judged, "apart"
        if self._scope.with_flagged:
            return judged, "wanted"
        if self._baseline(table) in flagged:
            return judged, "baseline"
        is_honest = np.isin(table.models, honest)
        counting = _models(table.models, met.select(is_honest[met.model_a] & is_honest[met.model_b]))
        return (judged, "too many") if len(counting) < 2 else (counting, "apart")

    def _baseline(self, table: Table) -> str | None:
        return self._choices.baseline or (common_baseline(table) if isinstance(table, VerdictTable) else None)

    def _common(self, counted: Table, counting: Collection[str]) -> NDArray[np.bool_]:
        """(instructions,) whether all models that count were judged on it."""
        baseline = self._baseline(counted) if named(self._choices.method).rates else None
        models = [name for name in counting if name != baseline]
        cells = _cells(counted, models, baseline)
        every = np.asarray(cells[:, cells.any(axis=0)].all(axis=1))
        if not every.any():
            raise StatisticsError(
                f"no instruction is common: there is none on which all {count(len(models), 'model')} were judged"
            )
        return every


def _chosen_judges(
    given: Mapping[str, int], unflagged: Mapping[str, int], scope: Scope, choices: Choices
) -> tuple[tuple[str, ...], JudgesBy]:
    """Whose verdicts count, and by what, of judges with so many, and so many on models that are not flagged.

    Raises InputError for judges named beside all.
    """
    if scope.people:
        return scope.annotators or tuple(given), "name" if scope.annotators else "all"
    if scope.judges and scope.all_judges:
        raise InputError("name judges, or take the verdicts of all judges: not both")
    names = scope.judges or tuple(given)
    if choices.jury is not None:
        return names, "jury"
    if scope.judges or scope.all_judges or _counts_several(choices):
        return names, "name" if scope.judges else "all"
    ordered = sorted(given, key=lambda name: (-unflagged.get(name, 0), name))
    return tuple(ordered[:1]), "most verdicts"


def _counts_several(choices: Choices) -> bool:
    """Whether it takes several judges to make what was chosen."""
    return choices.cluster in ("judge", "both") or named(choices.method).several


def _by_people(coverage: Coverage) -> Coverage:
    """With votes and annotators counted, where annotators stand in the place of judges."""
    given = [number for number in coverage.judges.values() if number]
    others = [number for number in coverage.other_judges.values() if number]
    people = People(
        votes=sum(given),
        annotators=len(given),
        both_bad=sum(coverage.left_out.values()),
        chosen=() if coverage.people is None else coverage.people.chosen,
        question="" if coverage.people is None else coverage.people.question,
        other_votes=sum(others),
        other_annotators=len(others),
    )
    return replace(coverage, people=people, judges={}, other_judges={}, left_out={})


def _given(judges: tuple[str, ...], met: Met) -> dict[str, int]:
    """How many verdicts there are, by judge; 0 of one whose trials all ended without."""
    numbers = np.bincount(met.judge, weights=met.verdicts, minlength=len(judges)).astype(int).tolist()
    return {judges[code]: numbers[code] for code in occurring(met.judge)}


def _but(given: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    """Without these names, of which there may be many."""
    left_out = {*names}
    return {name: number for name, number in given.items() if name not in left_out}


def _models(names: tuple[str, ...], met: Met) -> tuple[str, ...]:
    """Those with a verdict."""
    return tuple(names[code] for code in occurring(*_sides(met.select(met.verdicts > 0))))


def _sides(rows: VerdictTable | ScoreTable | LeftOut | Met) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The two models of each row; of a reading the model read, twice."""
    return (rows.model, rows.model) if isinstance(rows, ScoreTable) else (rows.model_a, rows.model_b)


def _on(table: Table, without: LeftOut, instructions: NDArray[np.bool_]) -> tuple[Table, LeftOut]:
    """What is about these instructions, a mask over the table's."""
    part = table.select(instructions[table.instruction])
    if isinstance(part, VerdictTable):
        part = replace(part, arrival=None)
    return part, without.select(instructions[without.instruction])


def _cells(table: VerdictTable | ScoreTable, models: Collection[str], baseline: str | None) -> NDArray[np.bool_]:
    """(instructions, models) whether there is a verdict, against ``baseline`` where there is one."""
    cells = judged_cells(table.against(baseline)) if isinstance(table, VerdictTable) else scored_cells(table)
    columns: NDArray[np.bool_] = cells[:, [table.models.index(name) for name in models]]
    return columns


def _groups(met: Met, counting: NDArray[np.bool_]) -> int:
    """Into how many groups these models fall, a mask, that no battle connects; at least one."""
    k = len(counting)
    there = (met.verdicts > 0) & counting[met.model_a] & counting[met.model_b]
    a, b = met.model_a[there], met.model_b[there]
    _, group = connected_components(csr_array((np.ones(len(a)), (a, b)), shape=(k, k)), directed=False)
    return max(len(np.unique(group[occurring(a, b)])), 1)
