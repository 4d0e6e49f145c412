"""What people say about battles: a vote stored, labels listed, and which pair to ask about next."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np

from judgebench import store
from judgebench.bias.human_agreement import human_agreement
from judgebench.errors import InputError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.records import OVERALL, HumanLabel, Instruction, Output, check_name, check_question
from judgebench.stats.agreement import outcomes
from judgebench.stats.sparse_ratings import SparseRatings
from judgebench.stats.vote_goals import VoteGoal, next_goal
from judgebench.store import labels
from judgebench.store.database import Connection, Database, Stored

Compared = tuple[str, tuple[str, int], tuple[str, int]]  # instruction's key, model and sample of either output, by name
_POOL = 8  # pairs of which the one that judges are least sure of is asked


def vote(database: Database, benchmark: str, label: HumanLabel) -> bool:
    """Store one person's label; False where the very same was stored before.

    ``HumanLabel.of`` makes one from what was shown first and second.
    Raises UnknownName for a benchmark, instruction or output that is not there, InputError for an unusable label, and
    Conflict where this person has said something else about the pair.
    """
    return add_labels(database, benchmark, [label]).new == 1


def add_labels(database: Database, benchmark: str, given: Sequence[HumanLabel]) -> Stored:
    """Store labels on outputs that the benchmark has, all or none. Raises as ``vote`` does."""
    for label in given:
        _check(label)
    with database.write() as connection:
        stored = labels.add_labels(connection, store.benchmarks.benchmark_id(connection, benchmark), given)
        if stored.new:
            annotators = sorted({label.annotator for label in given})
            about = {"labels": stored.new, "annotators": annotators}
            store.events.record(connection, store.events.VOTED, "benchmark", benchmark, about)
    return stored


def _check(label: HumanLabel) -> None:
    check_name("annotator", label.annotator)
    check_question(label.question)
    if not label.model_a < label.model_b:
        raise InputError(
            f"a label's models stand in the order of their names, {label.model_b!r} before {label.model_a!r}: "
            "make it by HumanLabel.of"
        )
    if not math.isfinite(label.preference) or not 0 <= label.preference <= 1:
        raise InputError(f"a label's preference lies in [0, 1], not {label.preference}")
    if label.both_bad and label.preference != 0.5:
        raise InputError("both outputs are bad only where neither is preferred: preference 0.5")


@dataclass(frozen=True, slots=True)
class PairToLabel:
    """Two outputs for a person to compare, in the order to show them. Do not show the models' names."""

    instruction: Instruction
    first: Output
    second: Output
    sizes: Mapping[str, int] = field(default_factory=dict)  # bytes of the files that their messages hold, by digest

    @property
    def compared(self) -> Compared:
        """What tells it from other pairs, whichever output is shown first."""
        return _compared(self.first, self.second)


def _compared(one: Output, other: Output) -> Compared:
    a, b = sorted((output.model, output.sample) for output in (one, other))
    return one.instruction, a, b


def human_labels(
    database: Database,
    benchmark: str,
    *,
    annotator: str | None = None,
    category: str | None = None,
    question: str = OVERALL,
) -> list[HumanLabel]:
    """The labels on a benchmark and question, in the order they were stored. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, (), category)
        questions = labels.questions(connection, benchmark_id)
        if question not in (OVERALL, *questions):
            raise UnknownName("question", question, sorted(questions))
        known = labels.annotators(connection, benchmark_id, question)
        if annotator is not None and annotator not in known:
            raise UnknownName("annotator", annotator, known)
        return list(labels.labels(connection, benchmark_id, annotator=annotator, category=category, question=question))


def questions(database: Database, benchmark: str) -> dict[str, int]:
    """How many labels there are on each question that people were asked, OVERALL first. Raises UnknownName."""
    with database.read() as connection:
        return labels.questions(connection, store.benchmarks.benchmark_id(connection, benchmark))


def to_label(
    database: Database,
    benchmark: str,
    annotator: str,
    *,
    limit: int = 1,
    seed: int | None = None,
    skipped: Sequence[Compared] = (),
) -> list[PairToLabel]:
    """Pairs that ``annotator`` has not labelled, one an instruction, those least labelled first and else at random.

    Only pairs that some judge has judged, so that every label can be compared with a verdict; pairs of identical
    outputs are left out. Which output comes first is drawn anew each time. Those ``skipped`` come last, in their order.
    Raises UnknownName.
    """
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        counts = labels.counts_by_instruction(connection, annotator)
        places = labels.unlabelled(connection, benchmark_id, annotator)
        rng.shuffle(places)
        places.sort(key=lambda place: counts.get(place, 0))  # those that are alike stay in random order
        of_skipped = store.benchmarks.instruction_ids(connection, benchmark_id, [key for key, *_ in skipped])
        fresh = (_one_pair(connection, place, annotator, rng, without=skipped) for place in places)
        later = (
            _one_pair(connection, of_skipped[pair[0]], annotator, rng, only=pair)
            for pair in skipped
            if pair[0] in of_skipped
        )
        return list(islice(chain.from_iterable(chain(fresh, later)), limit))


def _one_pair(
    connection: Connection,
    place: int,
    annotator: str,
    rng: random.Random,
    *,
    without: Sequence[Compared] = (),
    only: Compared | None = None,
) -> list[PairToLabel]:
    """A pair on this instruction that is left to label; empty where there is none."""
    left = labels.unlabelled_pairs(connection, place, annotator)
    rng.shuffle(left)
    pairs = ([one, other] for one, other in left if only in (None, _compared(one, other)))
    fresh = (pair for pair in pairs if _compared(*pair) not in without)
    pair = next(([one, other] for one, other in fresh if one.digest != other.digest), None)
    if pair is None:
        return []
    rng.shuffle(pair)
    instruction = store.benchmarks.instruction(connection, place)
    first, second = pair
    return [PairToLabel(instruction, first, second, store.battles.file_sizes(connection, instruction, pair))]


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one voter on a benchmark."""

    mine: int  # votes
    all: int  # votes of everybody
    pairs: int  # that judges have judged
    agreement: Estimate  # share of one's votes that name the winner of the judges' mean, or a tie with them
    goal: VoteGoal | None  # the next number of such votes that is worth waiting for


def next_pair(
    database: Database, benchmark: str, annotator: str, *, seed: int | None = None, skipped: Sequence[Compared] = ()
) -> PairToLabel | None:
    """The pair that teaches most: of a few drawn as ``to_label`` draws, the one that judges are least sure of.

    Drawing first keeps votes spread over instructions and models. Where all that is left was ``skipped``, the first of
    these. None when nothing is left. Raises UnknownName.
    """
    drawn = to_label(database, benchmark, annotator, limit=_POOL, seed=seed, skipped=skipped)
    pairs = [pair for pair in drawn if pair.compared not in skipped] or drawn[:1]
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        doubts = [_doubt(connection, benchmark_id, pair) for pair in pairs]
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)  # noqa: S311  # it breaks ties, it keeps no secret
    best = max(order, key=lambda at: doubts[at], default=None)
    return None if best is None else pairs[best]


def _doubt(connection: Connection, benchmark_id: int, pair: PairToLabel) -> float:
    """How near the judges' mean preference is to a tie, in [0, 1]; contradictory verdicts are near one."""
    a, b = sorted((pair.first.model, pair.second.model))
    mean = store.battles.mean_preference(connection, benchmark_id, pair.instruction.key, (a, b))
    return 1.0 if mean is None else 1.0 - 2.0 * abs(mean - 0.5)


def progress(database: Database, benchmark: str, annotator: str, *, level: float = 0.95) -> Progress:
    """``level``: of the interval of the agreement. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        mine = labels.beside_judges(connection, benchmark_id, annotator)
        pairs, known = store.battles.count(connection, benchmark_id), _agreement(mine, level)
        return Progress(
            mine=len(mine),
            all=sum(labels.annotators(connection, benchmark_id).values()),
            pairs=pairs,
            agreement=known,
            goal=next_goal(known, pairs - len(mine) + (known.n or 0)),
        )


def _agreement(given: Sequence[labels.ComparedLabel], level: float) -> Estimate:
    """Human agreement of one person with the mean of all judges' verdicts on the very outputs."""
    known = [(label.instruction, label.preference, label.judged) for label in given if label.judged is not None]
    if not known:
        return unidentified("no vote on a battle that a judge has a preference on yet", level=level)
    rated = outcomes(np.array([(mine, judged) for _, mine, judged in known], dtype=np.float64))
    instruction = np.array([instruction for instruction, _, _ in known])
    return human_agreement(rated[:, 1], SparseRatings.of(rated[:, :1]), instruction, level=level)
