"""Boards as benchmarks publish them, by the profiles of ``leaderboard.profiles``, from whatever verdicts are stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from judgebench import store
from judgebench.coverage import Coverage
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard import Choices, Controls
from judgebench.leaderboard.profiles import BenchmarkProfile, profile_named
from judgebench.leaderboard.published.board import PublishedBoard, ScorerInput, ScoringChoices
from judgebench.records import Judge
from judgebench.services import people
from judgebench.services.audits.results import judge_gates, model_gates
from judgebench.services.scope import EVERYTHING, Scope, Scoped, scoped_scores, scoped_verdicts
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.store.database import Connection, Database

_RECORDED = "recorded/"  # how templates of imported verdicts are called: the benchmark's own question
_ABSENT = ("not_judged", "by_others")  # by scores, which a model may be that met others
_ONE_SCALE = Choices(margin=0.0)  # of a profile's templates


def published_board(
    database: Database, benchmark: str, choices: ScoringChoices, *, scope: Scope = EVERYTHING
) -> PublishedBoard:
    """What the benchmark of the profile chosen publishes, from the verdicts of a scope. Flagged models are left out.

    Raises UnknownName for any name that is not there; InputError and StatisticsError where the verdicts are not of the
    profile's kind, or none count.
    """
    how = profile_named(choices.profile)
    people.check_scope(scope, Choices(baseline=choices.baseline), Controls())
    with database.read() as connection:
        read = _Verdicts.of(connection, benchmark, scope, how, choices)
        evidence = _evidence(connection, read, how)
        board = how.load()(evidence, choices)
        board = replace(board, profile=choices.profile, judges=read.judges, coverage=read.coverage(board))
        notes = [*_wording(connection, board.judges, how), *_audited(connection, benchmark, board)]
    return replace(board, notes=(*board.notes, *notes))


def scoring(
    choices: Choices, controls: Controls, profile: str | None, length_margin: int | None = None
) -> ScoringChoices:
    """What a profile leaves open of the choices for a leaderboard.

    Raises InputError where more was chosen, or something without a profile.
    """
    if profile is None:
        raise InputError("--length-margin belongs to a profile: add --profile wildbench")
    if length_margin is not None and profile != "wildbench":
        raise InputError("--length-margin is WildBench's: leave it out, or choose --profile wildbench")
    if controls != Controls() or replace(choices, baseline=None, seed=0) != Choices():
        raise InputError(
            f"--profile {profile} says how the benchmark ranks: leave method, scale, margin, jury, intervals and "
            "controls out"
        )
    usual = ScoringChoices(profile, choices.baseline, seed=choices.seed)
    return usual if length_margin is None else replace(usual, length_margin=length_margin)


@dataclass(frozen=True, slots=True, eq=False)
class _Verdicts:
    """What a scope holds of each kind; at least one is there."""

    pairs: Scoped[VerdictTable] | None
    scores: Scoped[ScoreTable] | None
    is_people: bool

    @classmethod
    def of(
        cls, connection: Connection, benchmark: str, scope: Scope, how: BenchmarkProfile, chosen: ScoringChoices
    ) -> "_Verdicts":
        """Raises as ``published_board`` does."""
        pairs: Scoped[VerdictTable] | None = None
        scores: Scoped[ScoreTable] | None = None
        errors: list[StatisticsError] = []
        if "scores" in how.reads and not scope.people:
            try:
                scores = scoped_scores(connection, benchmark, scope, _ONE_SCALE)
                scores = scoped_scores(connection, benchmark, _pooled(connection, scores, scope, how), _ONE_SCALE)
            except StatisticsError as error:
                errors.append(error)
        if "pairwise" in how.reads:
            choices = Choices(baseline=chosen.baseline)
            try:
                pairs = scoped_verdicts(connection, benchmark, scope, choices)
                pairs = scoped_verdicts(connection, benchmark, _pooled(connection, pairs, scope, how), choices)
            except StatisticsError as error:
                errors.append(error)
        pairs = pairs if pairs is not None and len(pairs.table) else None
        scores = scores if scores is not None and len(scores.table) else None
        if pairs is None and scores is None:
            raise errors[0] if errors else StatisticsError("there is no verdict to count: run a judge first")
        return cls(pairs, scores, scope.people)

    @property
    def judges(self) -> tuple[str, ...]:
        """Whose verdicts count; of people nobody is named."""
        if self.is_people:
            return ()
        parts = [part.coverage.judges for part in (self.scores, self.pairs) if part is not None]
        return tuple(dict.fromkeys(name for judges in parts for name, number in judges.items() if number))

    def coverage(self, board: PublishedBoard) -> Coverage:
        """Of the scores where there are any, else of the pairs."""
        shown = {row.model for row in board.rows}
        if self.scores is not None:
            scored = self.scores.covered(shown, flagged="left out")
            others = {name: tuple(model for model in getattr(scored, name) if model not in shown) for name in _ABSENT}
            return replace(scored, not_judged=others["not_judged"], by_others=others["by_others"])
        if self.pairs is None:
            raise InputError("nothing was read")
        names = {name for of_category in board.baselines.values() for name in of_category}
        baseline = next(iter(names)) if len(names) == 1 else None
        return self.pairs.covered(shown | names, baseline=baseline, flagged="left out")


def _pooled(
    connection: Connection, read: Scoped[VerdictTable] | Scoped[ScoreTable], scope: Scope, how: BenchmarkProfile
) -> Scope:
    """The scope with all prompts of the judge that counts, where the benchmark asks with several."""
    if not how.prompts_pooled or scope.people or scope.judges or scope.all_judges:
        return scope
    known = {judge.name: judge for judge in store.judges.judges(connection)}
    first = next(iter(read.coverage.judges), None)
    if first is None:
        return scope
    others = [name for name in read.coverage.other_judges if alike(known[first], known[name], how)]
    return replace(scope, judges=(first, *others)) if others else scope


def alike(judge: Judge, other: Judge, how: BenchmarkProfile) -> bool:
    """Whether they are one LLM, asked by one benchmark's prompts."""
    templates = {*how.templates.values(), *how.pair_templates.values()}
    kinds = [one.template.rpartition(".v")[0] or one.template for one in (judge, other)]
    return judge.model == other.model and (kinds[0] == kinds[1] or templates >= {*kinds})


def _evidence(connection: Connection, read: _Verdicts, how: BenchmarkProfile) -> ScorerInput:
    part = read.pairs or read.scores
    if part is None:
        raise InputError("nothing was read")
    benchmark = part.benchmark_id
    table = None if read.pairs is None else read.pairs.counted
    style = None if table is None else _style(connection, benchmark, table)
    if table is not None and read.is_people and people.of_one_prompt(connection, benchmark, table):
        table = people.by_vote(table)
    parts = [part for part in (read.pairs, read.scores) if part is not None]
    return ScorerInput(
        how,
        {row.key: row for row in store.benchmarks.instructions(connection, benchmark)},
        store.benchmarks.languages(connection, benchmark) if how.by_language else {},
        table,
        None if read.scores is None else read.scores.counted,
        style,
        sum(sum(part.without.counts.values()) for part in parts if not read.is_people),
    )


def _style(connection: Connection, benchmark: int, table: VerdictTable) -> Mapping[str, Floats] | None:
    """None where some outputs are known by their model alone."""
    if store.models.untold(connection, benchmark, table.models):
        return None
    return store.arrays.style_counts(connection, benchmark, models=table.models, instructions=table.instructions)


def _wording(connection: Connection, judges: Sequence[str], how: BenchmarkProfile) -> Iterator[str]:
    """What tells these numbers from published ones."""
    known = {judge.name: judge for judge in store.judges.judges(connection)}
    ours = [name for name in judges if not known[name].template.startswith(_RECORDED)]
    for name in ours:
        yield (
            f"judge {name} was asked by template {known[name].template}, which is this project's wording and not the "
            f"benchmark's: compare these numbers with each other, not with published ones; --template FILE can hold "
            "the original"
        )
    if others := sorted({known[name].model for name in judges} - {*how.judges}):
        yield f"the benchmark's judge is {how.judges[0]}; these verdicts are by {', '.join(others)}"


def _audited(connection: Connection, benchmark: str, board: PublishedBoard) -> Iterator[str]:
    """What audits say of judges, and of models that count although they are flagged."""
    for gate in judge_gates(connection, benchmark, board.judges):
        yield from (about.note for about in gate.open)
    for model in model_gates(connection, benchmark, [row.model for row in board.rows]):
        if model.state == "flagged":
            yield model.open.note
