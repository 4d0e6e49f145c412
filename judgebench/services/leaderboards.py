"""Leaderboards, and what verdicts say beyond one: other answers, every reasonable ranking, what they tell apart."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np

from judgebench import store
from judgebench.counts import count
from judgebench.coverage import Coverage
from judgebench.errors import InputError, StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard import Choices, Control, Controls, Leaderboard
from judgebench.leaderboard.anchored import build_anchored, build_corrected
from judgebench.leaderboard.apart import build_apart
from judgebench.leaderboard.build import build, build_from_scores
from judgebench.leaderboard.methods import named
from judgebench.leaderboard.multiverse import ManyRankings, many_rankings
from judgebench.records import Lineage
from judgebench.services import people
from judgebench.services.audits.results import with_gate
from judgebench.services.benchmarks import version
from judgebench.services.scope import EVERYTHING, Scope, Scoped, scoped_scores, scoped_verdicts
from judgebench.stats.intervals import critical_value
from judgebench.stats.planning import (
    PlannedComparison,
    RankingQuality,
    RankingWithIntervals,
    detectable_difference,
    instructions_needed,
    power,
    ranking_quality,
    separability,
    separability_by_instructions,
)
from judgebench.stats.ppi import JudgeErrorRates
from judgebench.stats.scores import ScoreTable
from judgebench.stats.social_choice import Consensus, consensus
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import PairRates, pair_rates, win_rates
from judgebench.store import labels
from judgebench.store.database import Connection, Database


def leaderboard(
    database: Database,
    benchmark: str,
    *,
    scope: Scope = EVERYTHING,
    choices: Choices | None = None,
    controls: Controls | None = None,
) -> Leaderboard:
    """The benchmark's leaderboard by the verdicts of a scope, marked by what audits found.

    Raises UnknownName for any name that is not there, InputError and StatisticsError when scope, choices and controls
    do not fit together, or leave nothing to rank by.
    """
    return _cached_board(database, version(database), benchmark, scope, choices or Choices(), controls or Controls())


@lru_cache(maxsize=32)
def _cached_board(
    database: Database,
    _version: tuple[int, ...],  # a board is kept as long as nothing is stored
    benchmark: str,
    scope: Scope,
    choices: Choices,
    controls: Controls,
) -> Leaderboard:
    _check(choices, controls)
    people.check_scope(scope, choices, controls)
    with database.read() as connection:
        if choices.margin is not None or named(choices.method).needs == "scores":
            scores = scoped_scores(connection, benchmark, scope, choices)
            board = build_apart(partial(_of_scores, scores, choices), scores.counting, scores.apart)
            coverage = scores.covered({row.model for row in board.rows})
        else:
            verdicts = scoped_verdicts(connection, benchmark, scope, choices)
            make = _of_votes if scope.people else _of_verdicts
            build = partial(make, connection, verdicts, choices, controls)
            board = build_apart(build, verdicts.counting, verdicts.apart)
            baseline = board.baseline if named(choices.method).rates else None
            coverage = verdicts.covered({row.model for row in board.rows}, baseline=baseline)
    return with_gate(database, benchmark, replace(board, coverage=coverage))


def _check(choices: Choices, controls: Controls) -> None:
    """Raises InputError and StatisticsError where these do not fit together."""
    if controls != Controls() and choices.margin is not None:
        raise InputError("--margin ranks scores, and controls are for comparisons: leave one of them out")
    if controls.anchor and controls.columns:
        raise StatisticsError("an anchor corrects what the columns would control: choose one of --anchor and --control")
    if (choices.jury is not None or choices.cluster != "instruction") and (controls.anchor or controls.columns):
        raise StatisticsError(
            "columns and anchors take verdicts one by one, by instruction: leave --jury and --cluster"
        )


def _of_scores(
    scores: Scoped[ScoreTable], choices: Choices, models: Collection[str], baseline: str | None
) -> Leaderboard:
    """The leaderboard of these models by scores; ``baseline``: where none was chosen."""
    return build_from_scores(scores.table.among(models), replace(choices, baseline=choices.baseline or baseline))


def _of_verdicts(
    connection: Connection,
    verdicts: Scoped[VerdictTable],
    choices: Choices,
    controls: Controls,
    models: Collection[str],
    baseline: str | None,
) -> Leaderboard:
    """The leaderboard of these models under ``controls``, with a note for each; ``baseline``: where none was chosen."""
    table = verdicts.table.among(models)
    table = replace(table, judge_models=tuple(_llms(connection, table)))
    counted, notes = _related(connection, table, controls.related_weight)
    if len(table) and not len(counted):
        raise StatisticsError("no verdict is left to rank by: every judge is related to one of the models it judged")
    chosen = replace(choices, baseline=choices.baseline or baseline)
    board = _board(connection, verdicts.benchmark_id, counted, controls, chosen)
    return replace(board, notes=(*notes, *board.notes))


def _of_votes(
    connection: Connection,
    votes: Scoped[VerdictTable],
    choices: Choices,
    controls: Controls,
    models: Collection[str],
    baseline: str | None,
) -> Leaderboard:
    """The leaderboard of these models by people's votes; ``baseline``: where none was chosen."""
    people.check_texts(connection, votes.benchmark_id, models, choices, controls)
    one_prompt = people.of_one_prompt(connection, votes.benchmark_id, votes.table)
    table = people.by_vote(votes.table) if one_prompt else votes.table
    chosen = replace(choices, baseline=choices.baseline or baseline)
    board = _board(connection, votes.benchmark_id, table.among(models), controls, chosen)
    return people.of_people(board, one_prompt=one_prompt)


def _of_words(connection: Connection, benchmark_id: int, board: Leaderboard) -> Leaderboard:
    """With a note where lengths and styles are not of whole outputs."""
    more = store.models.beyond_text(connection, benchmark_id)
    if not more:
        return board
    note = f"length and style of {count(more, 'output')} are of their words alone"
    return replace(board, notes=(*board.notes, f"{note}: there is more, such as tool calls or files"))


def _board(
    connection: Connection, benchmark_id: int, table: VerdictTable, controls: Controls, choices: Choices
) -> Leaderboard:
    if controls.anchor == "human":
        return build_anchored(table, _labels_as_verdicts(connection, benchmark_id, table), choices)
    if controls.anchor == "rogan-gladen":
        source = (
            benchmark_id
            if controls.labels_of is None
            else store.benchmarks.benchmark_id(connection, controls.labels_of)
        )
        rates = _error_rates(connection, source, table)
        return build_corrected(table, choices, rates, source=controls.labels_of or "this benchmark")
    if controls.columns:
        board = build(table, choices, columns=_columns(connection, benchmark_id, table, controls.columns))
    else:
        board = build(table, choices)
    of_words = controls.columns or choices.method == "length-controlled"
    return _of_words(connection, benchmark_id, board) if of_words else board


def _related(connection: Connection, table: VerdictTable, weight: float) -> tuple[VerdictTable, list[str]]:
    """The table with less or no say for related judges, and what was done, in words."""
    if weight >= 1:
        return table, []
    from judgebench.bias.relatives import RELATED, Relation, relation_matrix, without_related  # slow to load

    relations = relation_matrix(table, _llms(connection, table), _lineages(connection))
    weighted = without_related(table, np.isin(relations, RELATED), weight=weight)
    unknown = (relations == Relation.UNKNOWN)[table.judge, table.model_a]
    unknown |= (relations == Relation.UNKNOWN)[table.judge, table.model_b]
    notes = [f"{count(weighted.related, 'verdict')} by judges related to one of the two models: {weighted.words}"]
    if unknown.any():
        notes.append(
            f"of {count(int(unknown.sum()), 'verdict')} nobody declared whether judge and models are related, so they "
            "count as ever: see judgebench lineage propose"
        )
    return weighted.table, notes


def _columns(
    connection: Connection, benchmark_id: int, table: VerdictTable, controls: Sequence[Control]
) -> Mapping[str, Floats]:
    from judgebench.bias.effects import length_effect, place_effect  # slow to load, as what measures style
    from judgebench.bias.report import style_effects

    effects = [place_effect(table)] if "position" in controls else []
    effects += [length_effect(table)] if "length" in controls else []
    if "style" in controls:
        names = {"models": table.models, "instructions": table.instructions}
        effects += style_effects(table, store.arrays.style_counts(connection, benchmark_id, **names))
    return {effect.name: effect.column for effect in effects}


def _labels_as_verdicts(connection: Connection, benchmark_id: int, table: VerdictTable) -> VerdictTable:
    """People's labels on this table's models and instructions as a table under the same names."""
    human = labels.label_table(connection, benchmark_id, models=table.models, instructions=table.instructions)
    met = np.unique(np.concatenate([table.model_a, table.model_b]))
    kept = np.isin(human.model_a, met) & np.isin(human.model_b, met)
    none = np.zeros(int(kept.sum()), dtype=np.int32)
    return replace(
        table,
        judges=human.annotators,
        model_a=human.model_a[kept],
        model_b=human.model_b[kept],
        instruction=human.instruction[kept],
        judge=human.annotator[kept],
        order=np.full(len(none), -1, dtype=np.int8),
        preference=human.preference[kept],
        length_a=none,
        length_b=none,
        samples=None,
    )


def _error_rates(connection: Connection, source: int, board: VerdictTable) -> JudgeErrorRates:
    """How often these judges name the winner that people name, in the ``source`` benchmark.

    Neither side of a battle is "the positive" by itself, so sensitivity and specificity are one accuracy and the
    labelled battles are shared between them.
    """
    from judgebench.bias.human_agreement import labelled_battles, mean_of_known  # slow to load

    judges = [board.judges[code] for code in np.unique(board.judge)]
    stored = store.arrays.verdict_table(connection, source, judges=judges).table
    human = labels.label_table(connection, source, models=stored.models, instructions=stored.instructions)
    items = labelled_battles(stored, human)
    judged, consensus = mean_of_known(items.judges), items.consensus
    decided = np.isfinite(judged) & np.isfinite(consensus) & (consensus != 0.5) & (judged != 0.5)
    right = (judged[decided] > 0.5) == (consensus[decided] > 0.5)
    half = len(right) // 2
    if not half:
        raise StatisticsError("no labelled battle tells how often the judge is right: name others by --labels-of")
    return JudgeErrorRates(float(right.mean()), half, float(right.mean()), len(right) - half)


def _llms(connection: Connection, table: VerdictTable) -> list[str]:
    models = {judge.name: judge.model for judge in store.judges.judges(connection)}
    return [models[name] for name in table.judges]


def _lineages(connection: Connection) -> dict[str, Lineage]:
    """Those that were declared."""
    lineages = store.models.lineages(connection)
    return {name: lineage for name, lineage in lineages.items() if lineage != Lineage()}


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one model."""

    failures: int  # trials with it that ended without a verdict
    cost_usd: float | None  # of all replies about it, None where no price was known
    length: float | None  # characters of its outputs, their mean; None where only the models of some are known


def tallies(
    database: Database, benchmark: str, judges: Sequence[str], *, category: str | None = None
) -> dict[str, Tally]:
    """Of these judges' trials, by model, for all that have outputs. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, judges, category)
        failed = store.verdicts.failures(connection, benchmark_id, judges=judges, category=category)
        costs = store.costs.costs(connection, benchmark_id, judges=judges, category=category)
        lengths = store.models.mean_lengths(connection, benchmark_id, category=category)
    counts = Counter(model for failure in failed for model in failure.models)
    return {name: Tally(counts[name], costs.get(name), lengths[name]) for name in sorted(lengths)}


def _tallies_of_people(database: Database, benchmark: str, *, category: str | None) -> dict[str, Tally]:
    """Of votes, which do not fail and cost nothing here."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        lengths = store.models.mean_lengths(connection, benchmark_id, category=category)
        told = not store.models.untold(connection, benchmark_id, list(lengths))
    return {name: Tally(0, None, length if told else None) for name, length in sorted(lengths.items())}


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the rows of a leaderboard, by model."""

    tallies: Mapping[str, Tally]
    controlled: Mapping[str, Estimate] = field(default_factory=dict)  # length-controlled win rates, in [0, 1]
    reason: str = ""  # why there are none; empty where there are some, or nobody asked
    awaited: bool = False  # whether they are still being computed

    @property
    def has_costs(self) -> bool:
        """Whether judging anything is known to have cost something."""
        return any(tally.cost_usd for tally in self.tallies.values())


def beside(
    database: Database, benchmark: str, board: Leaderboard, *, scope: Scope = EVERYTHING, controlled: bool = True
) -> Beside:
    """Of a leaderboard of this scope. ``controlled``: also length-controlled win rates, which take some seconds."""
    if scope.people:
        counted = _tallies_of_people(database, benchmark, category=scope.category)
    else:
        counted = tallies(database, benchmark, board.judges, category=scope.category)
    known = Beside(counted)
    return with_controlled(database, benchmark, board, known, scope=scope) if controlled else known


def may_be_controlled(board: Leaderboard) -> bool:
    """Whether length-controlled win rates may stand beside the leaderboard: not beside themselves, nor without the
    baseline that they compare with."""
    return board.scale == "rate" and board.method != "length-controlled" and board.baseline is not None


def with_controlled(
    database: Database, benchmark: str, board: Leaderboard, known: Beside, *, scope: Scope = EVERYTHING
) -> Beside:
    """What is ``known`` beside a leaderboard of this scope, with length-controlled win rates, or why there are none."""
    if board.scale != "rate" or board.method == "length-controlled":
        return known
    choices = Choices(method="length-controlled", baseline=board.baseline, level=board.level)
    try:
        rows = leaderboard(database, benchmark, scope=scope, choices=choices).rows
    except (InputError, StatisticsError) as error:
        return replace(known, reason=str(error))
    return replace(known, controlled={row.model: row.estimate for row in rows})


def languages(database: Database, benchmark: str) -> list[str]:
    """The languages that the benchmark's instructions seem to be in, the commonest first. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        spoken = Counter(store.benchmarks.languages(connection, benchmark_id).values())
    return [language for language, _ in spoken.most_common()]


def matrix(database: Database, benchmark: str, *, scope: Scope = EVERYTHING) -> PairRates:
    """How often each model was preferred to each other one, flagged models included. Raises as ``leaderboard`` does."""
    with database.read() as connection:
        verdicts = scoped_verdicts(connection, benchmark, scope)
    return replace(pair_rates(verdicts.table), coverage=verdicts.covered(verdicts.judged, flagged="pairs"))


def multiverse(database: Database, benchmark: str, *, scope: Scope = EVERYTHING, seed: int = 0) -> ManyRankings:
    """The ranking of models that count under every reasonable choice.

    Raises UnknownName and InputError as ``leaderboard`` does; StatisticsError where nothing was judged.
    """
    with database.read() as connection:
        verdicts = scoped_verdicts(connection, benchmark, scope)
    many = many_rankings(verdicts.counted, seed=seed)
    return replace(many, coverage=verdicts.covered(many.together.models, flagged="left out"))


def other_answers(
    database: Database, benchmark: str, *, scope: Scope = EVERYTHING, resamples: int = 1000, seed: int = 0
) -> Consensus:
    """Lottery, Borda, Kemeny, cycles, of models that count.

    Raises UnknownName and InputError as ``leaderboard`` does; StatisticsError where nothing was judged.
    """
    with database.read() as connection:
        verdicts = scoped_verdicts(connection, benchmark, scope)
    answers = consensus(verdicts.counted, verdicts.categories, resamples=resamples, seed=seed)
    return replace(answers, coverage=verdicts.covered(answers.models, flagged="left out"))


@dataclass(frozen=True, slots=True)
class BoardQuality:
    """How much a leaderboard tells apart, and how well it foretells another."""

    separability: float  # share of pairs whose intervals do not overlap, in [0, 1]
    level: float  # of the intervals
    against: RankingQuality | None  # the other leaderboard, where there is one
    coverage: Coverage | None
    against_coverage: Coverage | None  # of the other leaderboard


def board_quality(
    database: Database,
    benchmark: str,
    *,
    scope: Scope = EVERYTHING,
    against: str | None = None,
    against_judges: Sequence[str] = (),
    choices: Choices | None = None,
) -> BoardQuality:
    """Of the leaderboard; held against another benchmark's, or other judges', where one of the two is named.

    Raises UnknownName, StatisticsError for fewer than two models, InputError where the two share fewer than two.
    """
    board = leaderboard(database, benchmark, scope=scope, choices=choices)
    other = None
    if against is not None or against_judges:
        named_or_all = replace(scope, judges=tuple(against_judges), all_judges=scope.all_judges and not against_judges)
        other = leaderboard(database, against or benchmark, scope=named_or_all, choices=choices)
    return BoardQuality(
        _separability(board),
        board.level,
        None if other is None else _foretold(board, other),
        board.coverage,
        None if other is None else other.coverage,
    )


def _separability(board: Leaderboard) -> float:
    """Share of pairs of models whose intervals do not overlap. Raises StatisticsError for fewer than two models."""
    ranking = _ranking(board, [row.model for row in board.ranked if row.lower is not None])
    return separability(ranking.lower, ranking.upper)


def _foretold(board: Leaderboard, other: Leaderboard) -> RankingQuality:
    """How well ``board`` foretells ``other``, over the models in both with an interval.

    Raises InputError when those are fewer than two.
    """
    known = [{row.model for row in one.ranked if row.lower is not None} for one in (board, other)]
    models = sorted(known[0] & known[1])
    if len(models) < 2:
        raise InputError("the two leaderboards share fewer than two models with intervals: there is nothing to compare")
    return ranking_quality(_ranking(board, models), _ranking(other, models))


def _ranking(board: Leaderboard, models: Sequence[str]) -> RankingWithIntervals:
    rows = {row.model: row for row in board.rows}

    def column(name: str) -> np.ndarray:
        return np.array([getattr(rows[model], name) for model in models], dtype=np.float64)

    lower, upper = column("lower"), column("upper")
    sure = (upper - lower) / 2 / critical_value(board.level)  # as sure as the interval says: no error is nought
    return RankingWithIntervals(column("rating"), sure, lower, upper)


@dataclass(frozen=True, slots=True)
class Pilot:
    """What a plan can learn from verdicts that are there."""

    instructions: int  # with a verdict
    sd: float  # of a model's preference over instructions, the mean over models
    separability: Mapping[int, float]  # expected share of pairs told apart, by number of instructions
    coverage: Coverage


def pilot(
    database: Database, benchmark: str, *, scope: Scope = EVERYTHING, planned: Sequence[int] = (), level: float = 0.95
) -> Pilot:
    """Of models that count. Raises UnknownName; StatisticsError for fewer than two models or instructions with
    verdicts."""
    with database.read() as connection:
        verdicts = scoped_verdicts(connection, benchmark, scope)
    table = verdicts.counted
    rates = win_rates(table)
    instructions = len(np.unique(table.instruction))
    known = rates.sums.compared()  # what never varied so far may vary yet
    met = np.isfinite(rates.rate) & np.isfinite(np.diag(known.covariance))
    covariance = known.covariance[np.ix_(met, met)]
    numbers = list(planned) or [instructions * times for times in (1, 2, 4, 8)]
    shares = separability_by_instructions(
        known.value[met], covariance, instructions, np.array(numbers, dtype=np.float64), level=level
    )
    sd = float(np.sqrt(np.diag(covariance) * instructions).mean())
    coverage = verdicts.covered(verdicts.counting, flagged="left out")
    return Pilot(instructions, sd, dict(zip(numbers, shares.tolist(), strict=True)), coverage)


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """How many instructions a comparison takes, and what a number of them can tell."""

    comparison: PlannedComparison
    instructions_needed: int
    instructions: int | None  # the number asked about; None: none was
    power: float | None  # with that number, in [0, 1]
    detectable_difference: float | None  # of two win rates, with that number
    pilot: Pilot | None  # what the verdicts so far tell


def sample_plan(
    comparison: PlannedComparison, *, instructions: int | None = None, learned: Pilot | None = None
) -> SamplePlan:
    """What ``comparison`` needs. Raises StatisticsError for a number out of its range."""
    return SamplePlan(
        comparison=comparison,
        instructions_needed=instructions_needed(comparison),
        instructions=instructions,
        power=None if instructions is None else power(instructions, comparison),
        detectable_difference=None if instructions is None else detectable_difference(instructions, comparison),
        pilot=learned,
    )
