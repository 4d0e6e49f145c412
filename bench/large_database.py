"""Makes a large database, for measuring how pages and commands take to one.

    python -m bench.large_database FILE [--models 200] [--verdicts 1000000] [--instructions 805] [--baseline] [--seed 0]

Models differ in strength and in the length of their outputs (log-normal, some 1,000 characters), every fifth has a
declared family. Two judges read them, the first gives seven verdicts in ten; both lean a little to the longer output
and to the first place, and one trial in 200 fails. Battles are of two models drawn at random, in both orders; with
``--baseline`` of every model with the first one. 4,000 of them have a person's label. No text is anybody's.
"""

import argparse
import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from judgebench import store
from judgebench.keys import content_key
from judgebench.records import (
    Completion,
    HumanLabel,
    Instruction,
    Judge,
    Lineage,
    Model,
    Order,
    Output,
    Source,
    Status,
    TrialResult,
    Verdict,
)
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter

BENCHMARK = "large"
_CATEGORIES = ("coding", "extraction", "knowledge", "mathematics", "roleplay", "writing")
_WORDS = ("the", "reply", "answers", "what", "was", "asked", "in", "fewer", "words", "and", "adds", "a", "reason")
_SHARES = {"judge-1": 0.7, "judge-2": 0.3}  # of all verdicts
_BATCH = 10_000
_LABELS = 4_000
_FAILED = Verdict(Status.UNPARSED, Source.NONE, None, parser="1")


@dataclass(frozen=True, slots=True)
class World:
    """What there is to be judged."""

    models: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    strength: np.ndarray  # (models,) log-odds
    lengths: np.ndarray  # (instructions, models) characters
    baseline: bool  # every battle is with the first model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--verdicts", type=int, default=1_000_000)
    parser.add_argument("--instructions", type=int, default=805)
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.file.exists():
        raise SystemExit(f"{args.file} is there already")
    with closing(Database(str(args.file), create=True)) as database:
        fill(database, args.models, args.instructions, args.verdicts, baseline=args.baseline, seed=args.seed)


def fill(
    database: Database, models: int, instructions: int, verdicts: int, *, baseline: bool = False, seed: int = 0
) -> None:
    """Into an empty database, a benchmark ``BENCHMARK``."""
    rng = np.random.default_rng(seed)
    world = World(
        tuple(f"model-{number:03}" for number in range(models)),
        tuple(
            Instruction((f"What is the answer to question {number}?",), _CATEGORIES[number % len(_CATEGORIES)])
            for number in range(instructions)
        ),
        rng.normal(0, 1, models),
        np.exp(rng.normal(6.5, 0.6, (instructions, models)) + rng.normal(0, 0.3, models)).astype(int).clip(20, 8000),
        baseline,
    )
    _add_outputs(database, world, rng)
    for name, share in _SHARES.items():
        _judge(database, world, name, round(share * verdicts), rng)
    _label(database, world, rng)


def _add_outputs(database: Database, world: World, rng: np.random.Generator) -> None:
    text = " ".join(rng.choice(_WORDS, 4000))
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, BENCHMARK)
        store.benchmarks.add_instructions(connection, benchmark, world.instructions)
        for number, name in enumerate(world.models):
            family = Lineage(f"family-{number % 7}") if number % 5 == 0 else Lineage()
            store.models.add_model(connection, Model(name, family))
        for row, instruction in zip(world.lengths, world.instructions, strict=True):
            outputs = [
                Output(instruction.key, name, f"**{name}** {text[: int(length)]}")
                for name, length in zip(world.models, row, strict=True)
            ]
            store.models.add_outputs(connection, benchmark, outputs)


def _pairs(world: World, rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """An instruction and two models of which the first sorts first, none of them twice."""
    n, k = len(world.instructions), len(world.models)
    if world.baseline:
        yield from ((at, 0, other) for at, other in itertools.product(range(n), range(1, k)))
        return
    places = np.array(list(itertools.combinations(range(k), 2)))
    for drawn in rng.permutation(n * len(places)):
        at, pair = divmod(int(drawn), len(places))
        first, second = places[pair].tolist()
        yield at, first, second


def _judge(database: Database, world: World, name: str, verdicts: int, rng: np.random.Generator) -> None:
    with database.write() as connection:
        judge = Judge(name, f"{name}-70b", "pairwise/two-way.v1", "0" * 32, {})
        writer = VerdictWriter(
            connection,
            store.runs.start_run(
                connection,
                benchmark_id=store.benchmarks.benchmark_id(connection, BENCHMARK),
                judge_id=store.judges.add_judge(connection, judge),
                kind="run",
                specification={},
            ),
        )
    trials = itertools.islice(_trials(world, name, rng), verdicts)
    while batch := list(itertools.islice(trials, _BATCH)):
        with database.write() as connection:
            writer.add(connection, batch)


def _trials(world: World, judge: str, rng: np.random.Generator) -> Iterator[TrialResult]:
    """In both orders, and again once all were given."""
    for repeat in itertools.count():
        for at, a, b in _pairs(world, rng):
            key = world.instructions[at].key
            longer = np.log(world.lengths[at, a] / world.lengths[at, b])
            for order in (Order.AB, Order.BA):
                place = 0.2 if order is Order.AB else -0.2
                odds = world.strength[a] - world.strength[b] + 0.4 * longer + place
                prefers = float(rng.random() < 1 / (1 + np.exp(-odds)))
                verdict = Verdict(Status.OK, Source.LABEL, prefers, label="A" if prefers else "B", parser="1")
                yield TrialResult(
                    content_key(BENCHMARK, judge, at, a, b, str(order), repeat),
                    *(key, world.models[a], world.models[b], order, repeat),
                    *(_FAILED if rng.random() < 1 / 200 else verdict,),
                    Completion("It is clearer.", None, "stop", None, judge, 700, 4, 0.0004, float(rng.exponential())),
                )


def _label(database: Database, world: World, rng: np.random.Generator) -> None:
    labels = []
    for number, (at, a, b) in enumerate(itertools.islice(_pairs(world, rng), _LABELS)):
        odds = world.strength[a] - world.strength[b]
        prefers = float(rng.random() < 1 / (1 + np.exp(-odds)))
        names = world.models[a], world.models[b]
        labels.append(HumanLabel(f"person-{number % 10}", world.instructions[at].key, *names, prefers))
    with database.write() as connection:
        store.labels.add_labels(connection, store.benchmarks.benchmark_id(connection, BENCHMARK), labels)


if __name__ == "__main__":
    main()
