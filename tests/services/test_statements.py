"""What a page reads takes as many statements whatever the number of models: nothing asks model by model."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import services
from judgebench.leaderboard import Choices
from judgebench.services.scope import Scope
from judgebench.store.battles import BattleFilter
from judgebench.store.database import Database
from tests.factories import ok, result, trial
from tests.filling import filled

B, JUDGE, SCOPE = "bench", "judge", Scope()
READS: dict[str, Callable[[Database], object]] = {
    "benchmarks": services.benchmarks.benchmarks,
    "leaderboard": lambda d: services.leaderboards.leaderboard(d, B),
    "beside": lambda d: services.leaderboards.beside(d, B, services.leaderboards.leaderboard(d, B)),
    "moves": lambda d: services.bias.moves(d, B, ("length",)),
    "matrix": lambda d: services.leaderboards.matrix(d, B),
    "profile": lambda d: services.profiles.profile(d, B, "model-0", choices=Choices()),
    "compare": lambda d: services.profiles.compare(d, B, "model-0", "model-1"),
    "battles": lambda d: services.battles.battles(d, B, BattleFilter(), limit=5, offset=0),
    "bias": lambda d: services.bias.bias(d, B),
    "agreement": lambda d: services.agreement.agreement(d, B),
    "card": lambda d: services.cards.card(d, JUDGE, benchmark=B),
    "audits": lambda d: services.audits.results.audits(d, B),
    "runs": services.benchmarks.runs,
}


def judged(path: Path, models: int) -> Database:
    """Every model's submission is audited, and every two models met in both orders."""
    names = [f"model-{number}" for number in range(models)]
    database = Database(str(path), create=True)
    writer = filled(database, instructions=4, models=tuple(names))
    pairs = [(a, b) for a in names for b in names if a < b]
    trials = [trial(number, a=a, b=b) for number in range(4) for a, b in pairs]
    with database.write() as connection:
        writer.add(connection, [result(one, ok(float(place % 3) / 2)) for place, one in enumerate(trials)])
    services.audits.submissions.audit_stored(database, B, names)
    return database


def statements(database: Database, read: Callable[[Database], object]) -> int:
    asked: list[str] = []
    note = lambda _c, _u, statement, *_: asked.append(statement)  # noqa: E731  # it is removed by its name
    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        read(database)
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    return len(asked)


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> "list[Database]":
    folder = tmp_path_factory.mktemp("statements")
    return [judged(folder / f"{models}.db", models) for models in (3, 12)]


@pytest.mark.parametrize("name", READS)
def test_as_many_statements_for_few_models_as_for_many(name: str, sizes: list[Database]) -> None:
    few, many = (statements(database, READS[name]) for database in sizes)
    assert many <= few
    assert few < 80  # a card makes all of its judge's report of bias, which the page of that then has
