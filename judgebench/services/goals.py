"""Goals of dialogues by one judge: how many were reached, why others were not, and how steady its lists are."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench import engine, store
from judgebench.errors import InputError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.formats.goal_labels import GoalLabel
from judgebench.records import Goal
from judgebench.stats.agreement import agreement, cohen_kappa, share_alike
from judgebench.stats.goals import align, chance_alignment, goal_difference, goal_share, ratio_beyond_chance
from judgebench.store.database import Connection, Database
from judgebench.store.goal_readings import GoalReading

_DRAWS = 20  # of orders of a dialogue's turns, of which the mean over dialogues tells chance
_NEAR = 0.5  # of a Jaccard index: goals that are taken for the same
_CODES = {"yes": 0.0, "no": 1.0, "out-of-scope": 2.0}
TEMPLATE = "pointwise/goals"
__all__ = ["GoalChoice", "GoalReading", "GoalReport", "goals", "judges", "on_instruction"]
_Dialogue = tuple[str, str, int]  # instruction's key, model and sample


@dataclass(frozen=True, slots=True)
class GoalRate:
    """Goal success rate of some dialogues. Numbers of goals are means over repeats, inside each dialogue."""

    name: str  # of the model or category; empty: instructions without a category, or all
    estimate: Estimate  # reached / goals
    goals: float  # within scope
    reached: float
    out_of_scope: float
    dialogues: int  # with a list of goals
    unread: int  # dialogues of which no reply could be read

    @property
    def failed(self) -> float:
        return self.goals - self.reached


@dataclass(frozen=True, slots=True)
class FailureShare:
    """Of the goals not reached, those with a cause, or at a turn."""

    name: str
    estimate: Estimate
    failures: float  # mean over repeats, inside each dialogue


@dataclass(frozen=True, slots=True)
class RateDifference:
    """A version less an older one, on the dialogues that have goals of both."""

    old: str
    new: str
    estimate: Estimate
    dialogues: int


@dataclass(frozen=True, slots=True)
class ListAgreement:
    """How alike two lists of goals on one dialogue are, over all pairs of lists."""

    between: str  # "repeats", or whose labels
    dialogues: int
    pairs: int  # of lists
    segments: Estimate  # beyond chance; 1 where all goals have the same turns
    observed: float | None  # mean Jaccard agreement; None without a pair
    chance: float | None
    success: Estimate  # Cohen's kappa of reached, on goals that are the same
    success_alike: Estimate  # their share
    causes: Estimate  # Cohen's kappa of the cause, where both say no
    matched: int  # goals taken for the same: Jaccard index of 1/2 or more, or both of one declared goal
    unmatched: int  # goals of either list without such a partner


@dataclass(frozen=True, slots=True)
class SuccessAgreement:
    """Whether a dialogue was a success (every goal within scope was reached), beside what people say."""

    annotator: str
    alike: Estimate
    kappa: Estimate
    dialogues: int


@dataclass(frozen=True, slots=True)
class GoalReport:
    """What a judge says of the goals of a benchmark's dialogues."""

    benchmark: str
    judge: str
    category: str | None
    level: float
    whole: GoalRate
    models: tuple[GoalRate, ...]  # by name
    categories: tuple[GoalRate, ...]  # by name; none where no instruction has one
    causes: tuple[FailureShare, ...]  # in the taxonomy's order, those that do not occur included
    turns: tuple[FailureShare, ...]  # the user's turn whose reply failed, by number
    differences: tuple[RateDifference, ...]
    steadiness: ListAgreement | None  # None: no dialogue was read twice
    people: tuple[ListAgreement, ...] = ()  # by annotator
    success: tuple[SuccessAgreement, ...] = ()
    readings: int = 0  # replies that were asked for
    without_goals: Mapping[str, int] = field(default_factory=dict)  # readings by status
    unasked: int = 0  # dialogues that the judge was not asked about
    unlabelled: int = 0  # labels on dialogues that have no list of this judge's


@dataclass(frozen=True, slots=True)
class GoalChoice:
    """Which goals are told about, and beside what."""

    judge: str | None = None  # by its name or its model's; None: the only one that has listed goals there
    models: tuple[str, ...] = ()  # whose dialogues; empty: all
    category: str | None = None
    baseline: str | None = None  # the older version, with which each other model is compared
    labels: tuple[GoalLabel, ...] = ()  # what people say


EVERY_GOAL = GoalChoice()


def goals(
    database: Database, benchmark: str, choice: GoalChoice = EVERY_GOAL, *, level: float = 0.95, seed: int = 0
) -> GoalReport:
    """Raises UnknownName, and InputError where there are no goals, naming the run that lists them."""
    with database.read() as connection:
        place = store.benchmarks.chosen_benchmark(connection, benchmark, (), choice.category)
        models = _models(connection, place, choice)
        judge = _judge(connection, place, benchmark, choice.judge)
        order = _causes(connection, judge)
        readings = store.goal_readings.goal_readings(connection, place, judge, category=choice.category)
        outputs = store.benchmarks.presence(connection, place, models, category=choice.category)
        total = sum(sum(present.values()) for _, present in outputs)
        ids = store.external_ids.of_benchmark(connection, place)
    kept = [reading for reading in readings if reading.model in models]
    if not any(reading.goals for reading in kept):
        raise InputError(f"judge {judge!r} has listed no goals of these dialogues: {_how(benchmark, judge)}")
    lists = _Lists(kept)
    rng = np.random.default_rng(seed)
    matching = _labelled(choice.labels, lists, ids)
    return GoalReport(
        benchmark=benchmark,
        judge=judge,
        category=choice.category,
        level=level,
        whole=lists.rate("", lambda dialogue: True, level),
        models=tuple(lists.rate(name, lambda d, name=name: d[1] == name, level) for name in lists.models),  # type: ignore[misc]  # mypy infers no default of a lambda
        categories=tuple(lists.by_category(level)),
        causes=tuple(lists.causes(order, level)),
        turns=tuple(lists.turns(level)),
        differences=tuple(lists.differences(choice.baseline, level)),
        steadiness=_between_repeats(lists, rng, level),
        people=tuple(_with_people(lists, matching, rng, level)),
        success=tuple(_successes(lists, matching, rng, level)),
        readings=len(kept),
        without_goals=Counter(str(reading.status) for reading in kept if not reading.goals),
        unasked=total - len({_dialogue(reading) for reading in kept}),
        unlabelled=len(choice.labels) - sum(map(len, matching.values())),
    )


def on_instruction(database: Database, benchmark: str, key: str) -> tuple[GoalReading, ...]:
    """The lists of every judge on every dialogue of the instruction with this key. Raises UnknownName."""
    with database.read() as connection:
        place = store.benchmarks.benchmark_id(connection, benchmark)
        return tuple(store.goal_readings.lists_on(connection, place, key))


def judges(database: Database, benchmark: str) -> tuple[str, ...]:
    """Those who have listed goals there, by name. Raises UnknownName."""
    with database.read() as connection:
        place = store.benchmarks.benchmark_id(connection, benchmark)
        return tuple(store.goal_readings.judges_with_goals(connection, place))


def _models(connection: Connection, place: int, choice: GoalChoice) -> list[str]:
    """Raises UnknownName."""
    known = store.benchmarks.model_names(connection, place)
    named = [*choice.models, *((choice.baseline,) if choice.baseline else ())]
    for name in named:
        if name not in known:
            raise UnknownName("model", name, known)
    return [name for name in known if not choice.models or name in named]


def _judge(connection: Connection, place: int, benchmark: str, name: str | None) -> str:
    """Raises InputError, saying what to do."""
    listing = store.goal_readings.judges_with_goals(connection, place)
    if name is None:
        if not listing:
            raise InputError(f"no judge has listed goals on benchmark {benchmark!r}: {_how(benchmark, 'MODEL')}")
        if len(listing) > 1:
            several = ", ".join(listing)
            raise InputError(f"several judges have listed goals on benchmark {benchmark!r}: name one of {several}")
        return listing[0]
    if name in listing:
        return name
    by_model = [one for one in listing if store.judges.judge(connection, one).model == name]
    if len(by_model) == 1:
        return by_model[0]
    if by_model:
        raise InputError(f"several judges ask {name!r} for goals: name one of {', '.join(by_model)}")
    known = {judge.name: judge.model for judge in store.judges.judges(connection)}
    raise InputError(
        f"judge {name!r} has listed no goals on benchmark {benchmark!r}: {_how(benchmark, known.get(name, name))}"
    )


def _how(benchmark: str, model: str) -> str:
    return f"have it do so by 'judgebench run --benchmark {benchmark} --judge {model} --template {TEMPLATE}'"


def _causes(connection: Connection, name: str) -> tuple[str, ...]:
    """The names of the judge's causes, in order; none where its template is not what it was."""
    try:
        listing = engine.judges.template_of(store.judges.judge(connection, name)).reply.listing
    except (InputError, UnknownName):
        return ()
    return listing.taxonomy.names if listing and listing.taxonomy else ()


@dataclass(frozen=True, slots=True)
class _Counts:
    """Of one dialogue, means over its lists."""

    goals: float
    reached: float
    outside: float


class _Lists:
    """The lists of goals by dialogue."""

    def __init__(self, readings: Sequence[GoalReading]) -> None:
        self.by_dialogue: dict[_Dialogue, list[tuple[Goal, ...]]] = defaultdict(list)
        self._about = {_dialogue(reading): reading for reading in readings}
        for reading in sorted(readings, key=lambda reading: reading.repeat):
            if reading.goals:
                self.by_dialogue[_dialogue(reading)].append(reading.goals)
        self._counts = {dialogue: _counts(lists) for dialogue, lists in self.by_dialogue.items()}
        codes: dict[str, int] = {}
        self._cluster = {d: codes.setdefault(d[0], len(codes)) for d in sorted(self._about)}

    @property
    def models(self) -> list[str]:
        return sorted({model for _, model, _ in self._about})

    def turns_of(self, dialogue: _Dialogue) -> int:
        return self._about[dialogue].turns

    def clusters(self, dialogues: Sequence[_Dialogue]) -> NDArray[np.int64]:
        return np.array([self._cluster[dialogue] for dialogue in dialogues], dtype=np.int64)

    def rate(self, name: str, chosen: Callable[[_Dialogue], bool], level: float) -> GoalRate:
        dialogues = [dialogue for dialogue in self._counts if chosen(dialogue)]
        counts = [self._counts[dialogue] for dialogue in dialogues]
        reached, within = _column(count.reached for count in counts), _column(count.goals for count in counts)
        return GoalRate(
            name=name,
            estimate=goal_share(reached, within, self.clusters(dialogues), level=level),
            goals=float(within.sum()),
            reached=float(reached.sum()),
            out_of_scope=float(sum(count.outside for count in counts)),
            dialogues=len(dialogues),
            unread=sum(chosen(dialogue) for dialogue in self._about if dialogue not in self._counts),
        )

    def by_category(self, level: float) -> Iterable[GoalRate]:
        names = sorted({reading.category or "" for reading in self._about.values()})
        for name in names if any(names) else ():
            yield self.rate(name, lambda d, name=name: (self._about[d].category or "") == name, level)  # type: ignore[misc]  # mypy infers no default of a lambda

    def causes(self, order: Sequence[str], level: float) -> Iterable[FailureShare]:
        every = {goal.cause for lists in self.by_dialogue.values() for goals in lists for goal in goals if goal.cause}
        names = (*order, *sorted(every - set(order)))
        return (self._failing(name, lambda goal, name=name: goal.cause == name, level) for name in names)  # type: ignore[misc]  # mypy infers no default of a lambda

    def turns(self, level: float) -> Iterable[FailureShare]:
        failed = (goal.failed_at for lists in self.by_dialogue.values() for goals in lists for goal in goals)
        numbers = sorted({turn for turn in failed if turn is not None})
        return (self._failing(str(turn), lambda goal, turn=turn: goal.failed_at == turn, level) for turn in numbers)  # type: ignore[misc]  # mypy infers no default of a lambda

    def _failing(self, name: str, chosen: Callable[[Goal], bool], level: float) -> FailureShare:
        """Of all failures the share of those that are chosen."""
        dialogues = list(self._counts)
        failures = [self._mean(dialogue, lambda goal: goal.reached == "no") for dialogue in dialogues]
        mine = [self._mean(dialogue, lambda goal: goal.reached == "no" and chosen(goal)) for dialogue in dialogues]
        estimate = goal_share(_column(mine), _column(failures), self.clusters(dialogues), level=level)
        return FailureShare(name, estimate, float(sum(mine)))

    def _mean(self, dialogue: _Dialogue, chosen: Callable[[Goal], bool]) -> float:
        lists = self.by_dialogue[dialogue]
        return sum(chosen(goal) for goals in lists for goal in goals) / len(lists)

    def differences(self, baseline: str | None, level: float) -> Iterable[RateDifference]:
        """Samples of a model are added up."""
        if baseline is None:
            return
        sides = {model: self._by_instruction(model) for model in self.models}
        for new in (model for model in self.models if model != baseline):
            shared = sorted(sides[baseline].keys() & sides[new].keys())
            if not shared:
                reason = "no dialogue has goals of both"
                yield RateDifference(baseline, new, unidentified(reason, level=level), 0)
                continue
            columns = [
                (_column(sides[side][key][0] for key in shared), _column(sides[side][key][1] for key in shared))
                for side in (baseline, new)
            ]
            estimate = goal_difference(columns[0], columns[1], np.arange(len(shared)), level=level)
            yield RateDifference(baseline, new, estimate, len(shared))

    def _by_instruction(self, model: str) -> dict[str, tuple[float, float]]:
        sums: dict[str, tuple[float, float]] = {}
        for (key, name, _), count in self._counts.items():
            if name == model:
                reached, within = sums.get(key, (0.0, 0.0))
                sums[key] = (reached + count.reached, within + count.goals)
        return sums


def _dialogue(reading: GoalReading) -> _Dialogue:
    return reading.instruction, reading.model, reading.sample


def _counts(lists: Sequence[tuple[Goal, ...]]) -> _Counts:
    by = Counter(goal.reached for goals in lists for goal in goals)
    n = len(lists)
    return _Counts((by["yes"] + by["no"]) / n, by["yes"] / n, by["out-of-scope"] / n)


def _column(values: Iterable[float]) -> NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)


_Pair = tuple[_Dialogue, tuple[Goal, ...], tuple[Goal, ...]]


def _between_repeats(lists: _Lists, rng: np.random.Generator, level: float) -> ListAgreement | None:
    pairs = [
        (dialogue, one, other)
        for dialogue, several in lists.by_dialogue.items()
        for one, other in combinations(several, 2)
    ]
    return _list_agreement("repeats", pairs, lists, rng, level) if pairs else None


def _with_people(
    lists: _Lists, labels: Mapping[str, Mapping[_Dialogue, GoalLabel]], rng: np.random.Generator, level: float
) -> Iterable[ListAgreement]:
    for annotator, given in sorted(labels.items()):
        pairs = [
            (dialogue, label.goals, one)
            for dialogue, label in given.items()
            if label.goals
            for one in lists.by_dialogue[dialogue]
        ]
        if pairs:
            yield _list_agreement(annotator, pairs, lists, rng, level)


def _list_agreement(
    between: str, pairs: Sequence[_Pair], lists: _Lists, rng: np.random.Generator, level: float
) -> ListAgreement:
    observed, chance, same, unmatched = [], [], [], 0
    clusters = lists.clusters([dialogue for dialogue, *_ in pairs])
    for (dialogue, one, other), cluster in zip(pairs, clusters, strict=True):
        turns = [[goal.turns for goal in side] for side in (one, other)]
        observed.append(align(turns[0], turns[1]).agreement)
        chance.append(chance_alignment(turns[0], turns[1], lists.turns_of(dialogue), rng, _DRAWS))
        matched = _matched(one, other)
        same += [(int(cluster), a, b) for a, b in matched]
        unmatched += len(one) + len(other) - 2 * len(matched)
    reached = np.array([[_CODES[a.reached], _CODES[b.reached]] for _, a, b in same]).reshape(-1, 2)
    of = np.array([cluster for cluster, *_ in same], dtype=np.int64)
    failed = [(cluster, a.cause, b.cause) for cluster, a, b in same if a.reached == b.reached == "no"]
    names = sorted({str(cause) for _, *both in failed for cause in both})
    causes = np.array([[names.index(str(cause)) for cause in both] for _, *both in failed], dtype=float).reshape(-1, 2)
    return ListAgreement(
        between=between,
        dialogues=len({dialogue for dialogue, *_ in pairs}),
        pairs=len(pairs),
        segments=ratio_beyond_chance(_column(observed), _column(chance), clusters, level=level),
        observed=float(np.mean(observed)) if observed else None,
        chance=float(np.mean(chance)) if chance else None,
        success=_kappa(reached, of, rng, level),
        success_alike=share_alike(reached, of, level=level) if len(of) else unidentified("no goals match", level=level),
        causes=_kappa(causes, np.array([cluster for cluster, *_ in failed], dtype=np.int64), rng, level),
        matched=len(same),
        unmatched=unmatched,
    )


def _matched(one: Sequence[Goal], other: Sequence[Goal]) -> list[tuple[Goal, Goal]]:
    """Those of one declared goal, and of the others those whose turns are about the same."""
    declared = [(a, b) for a, b in product(one, other) if a.declared is not None and a.declared == b.declared]
    known = {id(goal) for pair in declared for goal in pair}
    left, right = ([goal for goal in side if id(goal) not in known] for side in (one, other))
    if not left or not right:
        return declared
    aligned = align([goal.turns for goal in left], [goal.turns for goal in right])
    return declared + [(left[i], right[j]) for i, j, index in aligned.pairs if index >= _NEAR]


def _kappa(ratings: NDArray[np.float64], clusters: Any, rng: np.random.Generator, level: float) -> Estimate:
    if not len(ratings):
        return unidentified("no goals match of which both say this", level=level)
    return agreement(cohen_kappa, ratings, clusters, rng=rng, level=level)


def _labelled(
    labels: Sequence[GoalLabel], lists: _Lists, ids: Mapping[str, Sequence[str]]
) -> dict[str, dict[_Dialogue, GoalLabel]]:
    """By annotator and dialogue, those on dialogues of which there is a list. Raises InputError."""
    keys = {name: key for key, names in ids.items() for name in names}
    matching: dict[str, dict[_Dialogue, GoalLabel]] = defaultdict(dict)
    for label in labels:
        dialogue = (keys.get(label.instruction, label.instruction), label.model, label.sample)
        if dialogue not in lists.by_dialogue:
            continue
        turns = lists.turns_of(dialogue)
        if any(max(*goal.turns, goal.failed_at or 1) > turns for goal in label.goals):
            raise InputError(f"{label.place}: a goal has a turn that the dialogue lacks, which has {turns}")
        matching[label.annotator][dialogue] = label
    return matching


def _successes(
    lists: _Lists, labels: Mapping[str, Mapping[_Dialogue, GoalLabel]], rng: np.random.Generator, level: float
) -> Iterable[SuccessAgreement]:
    for annotator, given in sorted(labels.items()):
        rows = [
            (dialogue, float(label.succeeded), float(judged))
            for dialogue, label in given.items()
            if label.succeeded is not None and (judged := _succeeded(lists.by_dialogue[dialogue])) is not None
        ]
        if rows:
            ratings = np.array([[one, other] for _, one, other in rows])
            clusters = lists.clusters([dialogue for dialogue, *_ in rows])
            kappa = agreement(cohen_kappa, ratings, clusters, rng=rng, level=level)
            yield SuccessAgreement(annotator, share_alike(ratings, clusters, level=level), kappa, len(rows))


def _succeeded(lists: Sequence[tuple[Goal, ...]]) -> bool | None:
    """By the first list; None where it has no goal within scope."""
    within = [goal for goal in lists[0] if goal.reached != "out-of-scope"]
    return all(goal.reached == "yes" for goal in within) if within else None
