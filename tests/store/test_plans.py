"""That SQLite seeks in an index where one tells enough, and that PostgreSQL plans for the tables as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import services, store
from judgebench.store.database import Database
from judgebench.store.verdicts import in_force, revisions
from tests import postgres
from tests.filling import every_column, filled


@pytest.fixture
def plans(tmp_path: Path) -> Callable[[Callable[[Database, sa.Connection], object]], str]:
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    filled(database)

    def run(ask: Callable[[Database, sa.Connection], object]) -> str:
        """The plans of all statements that ``ask`` executes."""
        asked: list[tuple[str, Any]] = []
        with database.read() as connection:
            note = lambda _c, _u, statement, parameters, *_: asked.append((statement, parameters))  # noqa: E731
            sa.event.listen(connection.engine, "before_cursor_execute", note)
            ask(database, connection)
            sa.event.remove(connection.engine, "before_cursor_execute", note)
            steps = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given) for text, given in asked]
            return "\n".join(row.detail for step in steps for row in step)

    return run


def test_whether_anything_was_revised_is_seen_in_the_index_of_revisions(plans: Any) -> None:
    for ask in (lambda _, connection: in_force(connection), lambda _, connection: every_column(connection)):
        assert "USING INDEX ix_verdicts_revised" in plans(ask)


def test_battles_are_listed_and_counted_from_their_index_alone(plans: Any) -> None:
    found = plans(lambda database, _: services.battles.battles(database, "bench", store.battles.BattleFilter()))
    assert found.count("SEARCH verdicts USING COVERING INDEX ix_verdicts_battle") == 2
    assert "SCAN verdicts" not in found


def test_which_trials_were_revised_is_read_in_the_index_of_revisions(
    plans: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.verdicts, "any_revised", lambda connection: True)
    pair = ("alpha", "beta")
    for ask in (
        lambda _, connection: store.battles.mean_preference(connection, 1, "key", pair),
        lambda _, connection: list(store.battles.trials_between(connection, 1, "key", pair)),
        lambda _, connection: store.verdicts.count(connection, 1),
    ):
        found = plans(ask)
        assert "USING INDEX ix_verdicts_revised" in found
        assert "SCAN newer USING COVERING INDEX" not in found


def test_no_plan_of_an_empty_table_outlives_it(postgres_server: str) -> None:
    """PostgreSQL would go through all verdicts for each batch of a run that began on an empty database."""
    database = Database(postgres.fresh(postgres_server), create=True)
    with database.read() as connection:
        for _ in range(20):
            assert not revisions(connection, 1, ["0" * 32, "1" * 32])
        assert connection.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements")) == 0
    database.close()


def test_whether_anybody_has_samples_is_seen_in_their_index(plans: Any) -> None:
    found = plans(lambda database, _: services.battles.battles(database, "bench", store.battles.BattleFilter()))
    assert "ix_outputs_sampled" in found
    assert "SCAN outputs USING COVERING INDEX uq_outputs" not in found
