"""What replies cost by model: arrays, a block of verdicts at a time, say what one join of all tables says."""

import random

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.keys import content_key
from judgebench.records import Completion, Judge, Order, TrialResult
from judgebench.store import costs, schema
from judgebench.store.database import Connection, Database
from tests.factories import JUDGE, failed, instruction, ok
from tests.filling import judging, submitted

MODELS = ("alpha", "beta", "gamma")
OTHER = Judge("other", "gpt", "pairwise/two-way.v1", "1" * 32, {})
_BLOCK = 16


def replies(judge: str, benchmark: str, rng: random.Random) -> list[TrialResult]:
    """Of pairwise and pointwise trials, some without a price, some failed at first or in the end."""
    results = []
    for number in range(40):
        a, b = sorted(rng.sample(MODELS, 2))
        alone = rng.random() < 0.3
        price = rng.choice((None, 0.0, 0.1, rng.random()))
        about = (instruction(number % 6).key, a, None if alone else b, None if alone else Order.AB)
        verdict = failed() if rng.random() < 0.2 else ok(1.0)
        first = (failed(), Completion("?", cost_usd=0.25)) if rng.random() < 0.3 else None
        key = content_key(judge, benchmark, number)
        results.append(TrialResult(key, *about, 0, verdict, Completion("A", cost_usd=price), first))
    return results


@pytest.fixture
def spent(database: Database) -> Database:
    rng = random.Random(0)
    asked = [instruction(number, category=(None, "c", "d")[number % 3]) for number in range(6)]
    for benchmark in ("one", "two"):
        submitted(database, asked, MODELS, lambda model, number: f"{model} {number}", benchmark=benchmark)
        for judge in (JUDGE, OTHER):
            writer = judging(database, judge, benchmark=benchmark)
            results = replies(judge.name, benchmark, rng)
            for _ in range(2):  # what failed is asked again
                with database.write() as connection:
                    writer.add(connection, results)
    return database


def joined(
    connection: Connection, benchmark: str, judges: tuple[str, ...], category: str | None
) -> dict[str, float | None]:
    v, o, c = schema.verdicts.c, schema.outputs.c, schema.completions.c
    query = (
        sa.select(schema.models.c.name, sa.func.sum(c.cost_usd))
        .select_from(schema.completions)
        .join(schema.verdicts, v.completion_id == c.id)
        .join(schema.instructions, schema.instructions.c.id == v.instruction_id)
        .join(schema.benchmarks, schema.benchmarks.c.id == schema.instructions.c.benchmark_id)
        .join(schema.judges, schema.judges.c.id == v.judge_id)
        .join(schema.outputs, (o.id == v.output_a_id) | (o.id == v.output_b_id))
        .join(schema.models, schema.models.c.id == o.model_id)
        .where(schema.benchmarks.c.name == benchmark, v.completion_id == v.id, c.cost_usd.is_not(None))
        .group_by(schema.models.c.name)
    )
    query = query if category is None else query.where(schema.instructions.c.category == category)
    query = query.where(schema.judges.c.name.in_(judges)) if judges else query
    return {row[0]: row[1] for row in connection.execute(query)}


@pytest.mark.slow
@pytest.mark.parametrize("judges", [(), ("judge",), ("judge", "other")])
@pytest.mark.parametrize("category", [None, "c"])
def test_they_are_the_sums_of_one_join(
    spent: Database, monkeypatch: pytest.MonkeyPatch, judges: tuple[str, ...], category: str | None
) -> None:
    monkeypatch.setattr(costs, "BLOCK", _BLOCK)
    with spent.read() as connection:
        for benchmark in ("one", "two"):
            known = joined(connection, benchmark, judges, category)
            chosen = store.benchmarks.benchmark_id(connection, benchmark)
            for _ in range(2):  # read, and kept
                read = store.costs.costs(connection, chosen, judges=judges, category=category)
                assert read == pytest.approx(known, rel=1e-12)
            assert len(known) == len(MODELS)


def test_full_blocks_are_read_once(spent: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "BLOCK", _BLOCK)
    read: list[int] = []
    sums = costs._Outputs.sums
    monkeypatch.setattr(costs._Outputs, "sums", lambda *given: (read.append(given[2]), sums(*given))[1])
    for _ in range(2):
        with spent.read() as connection:
            store.costs.costs(connection, 1)
    newest = max(read)
    assert read == [*range(newest + 1), newest]
