"""A database that has everything that a board must say: what was left out, pooled, flagged and not audited."""

from collections.abc import Sequence
from itertools import combinations

from judgebench import store
from judgebench.audits import SUBMISSIONS
from judgebench.records import Battle, Judge, Order, Output, Trial
from judgebench.store.audits import Subject, add_audit
from judgebench.store.database import Database
from tests.factories import failed, instruction, ok, result
from tests.filling import judging, submitted

BENCHMARK = "bench"
MAIN = Judge("main judge", "gpt", "pairwise/two-way.v1", "0" * 32, {"temperature": 0})
OTHER = Judge("other judge", "gpt", "pairwise/two-way.v1", "0" * 32, {"temperature": 1})
MODELS = ("base", "best", "cheat", "far", "near", "short", "unjudged")
INSTRUCTIONS, OF_SHORT = 24, 12


def preference(number: int, a: str, b: str) -> float:
    """How much better A is judged, some luck included."""
    strength = {"best": 3, "base": 2, "near": 2, "far": 1, "short": 1, "cheat": 9}
    if number % 7 == 3:
        return 0.5
    return float((strength[a] >= strength[b]) != (number % 5 == 0))


def everything(path: str) -> None:
    """Failures, a model that was not judged, one that never met the base, one on half of the instructions, two judges,
    a flagged model that wins, and outputs that nobody audited."""
    database = Database(path, create=True)
    fill(database)
    database.close()


def fill(database: Database, flagged: Sequence[str] = ("cheat",)) -> None:
    """See ``everything``; other models may be ``flagged``."""
    asked = [instruction(number, "even" if number % 2 == 0 else "odd") for number in range(INSTRUCTIONS)]
    submitted(database, asked, MODELS, lambda model, number: f"{model} says {number}")
    _judge(database, MAIN, INSTRUCTIONS)
    _judge(database, OTHER, 3)
    audited(database, [model for model in MODELS if model != "near"], flagged)


def _judge(database: Database, judge: Judge, instructions: int) -> None:
    verdicts = judging(database, judge)
    rows = []
    for number in range(instructions):
        for pair in combinations(sorted(set(MODELS) - {"unjudged"}), 2):
            if set(pair) == {"base", "far"} or ("short" in pair and number >= OF_SHORT):
                continue
            sides = [Output(instruction(number).key, model, f"{model} says {number}") for model in pair]
            trial = Trial(judge.digest, Battle.of(instruction(number), *sides), Order.AB)
            lost = judge is MAIN and number == 1 and pair == ("base", "best")
            verdict = failed() if lost else ok(preference(number, *pair))
            rows.append(result(trial, verdict, reply=None if lost else "A"))
    with database.write() as connection:
        verdicts.add(connection, rows)


def audited(database: Database, models: Sequence[str], flagged: Sequence[str]) -> None:
    """Keep a submission audit of each model, with a severe finding for those flagged."""
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, BENCHMARK)
        for model in models:
            finding = {"model": model, "severity": "high", "rule": "constant-output"}
            findings = [finding | {"value": 1.0, "lower": 0.9, "upper": 1.0}] if model in flagged else []
            document = {"audit": SUBMISSIONS, "findings": findings}
            add_audit(
                connection, Subject(SUBMISSIONS, benchmark_id, model=model), passed=not findings, document=document
            )
