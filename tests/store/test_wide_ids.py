"""Ids beyond 2,147,483,647 go the whole way: written, sealed, ranked, listed, copied and saved, on both engines."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from judgebench import services, store
from judgebench.leaderboard import Choices
from judgebench.records import Order
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import backup, check, copy
from tests import postgres
from tests.factories import instruction, ok, result, trial
from tests.filling import every_column, filled, judging

WIDE = (1 << 31) - 4  # ids of verdicts pass the limit soon
_KEPT = {"verdict_blocks", "events"}


@pytest.fixture(autouse=True)
def few_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.blocks, "BLOCK", 1 << 30)


def _shift(database: Database, by: int) -> None:
    """Add to every id; constraints between tables are held again in the end."""
    with database._changing() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in tables.metadata.sorted_tables:
            ids = [c for c in table.columns if c.foreign_keys or (c.primary_key and c.name == "id")]
            if table.name not in _KEPT and ids:
                connection.execute(sa.update(table).values({column.name: column + by for column in ids}))
                if not database.is_sqlite and table.autoincrement_column is not None:
                    sequence = f"pg_get_serial_sequence('{table}', 'id')"
                    connection.exec_driver_sql(f"SELECT setval({sequence}, max(id)) FROM {table} HAVING max(id) > 0")


def _judged(database: Database, *, by: int) -> None:
    """The same verdicts, most of them written when ids had been shifted."""
    first = filled(database, instructions=4)
    with database.write() as connection:
        first.add(connection, [result(trial(0, order), ok(1.0)) for order in Order])
    if by:
        _shift(database, by)
    second = judging(database)
    with database.write() as connection:
        second.add(connection, [result(trial(number, order), ok(0.25)) for number in (1, 2, 3) for order in Order])


def _columns(database: Database) -> dict[str, np.ndarray]:
    with database.read() as connection:
        return every_column(connection)


def _ended(database: Database) -> list[object]:
    with database.read() as connection:
        return [summary.ended for summary in store.runs.runs(connection)]


def _battles(database: Database) -> list[store.battles.BattleSummary]:
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        return store.battles.page(connection, benchmark, store.battles.BattleFilter(), {}, at=slice(0, 10))[0]


def _style(database: Database) -> dict[str, list[list[float]]]:
    keys = [instruction(number).key for number in range(4)]
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        counts = store.arrays.style_counts(connection, benchmark, models=["alpha", "beta"], instructions=keys)
    return {name: values.tolist() for name, values in counts.items()}


@pytest.mark.slow
def test_the_whole_way(database: Database, tmp_path: Path, postgres_server: str) -> None:
    plain = Database(str(tmp_path / "plain.db"), create=True)
    _judged(plain, by=0)
    _judged(database, by=WIDE)
    narrow, wide = _columns(plain), _columns(database)
    assert wide["id"].tolist() == [WIDE + number for number in range(1, 9)]
    for name in ("id", "instruction", "judge", "model_a", "model_b"):
        assert (wide[name] - narrow[name]).tolist() == [WIDE] * 8
    for name in ("order", "status", "preference", "length_a"):
        assert wide[name].tolist() == narrow[name].tolist()
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.verdict_blocks)) == 2
    assert check(database).problems == (f"{WIDE:,} verdicts are missing: their ids have gaps",)
    boards = [services.leaderboards.leaderboard(db, "bench", choices=Choices()) for db in (plain, database)]
    assert boards[0] == boards[1]
    for read in (_ended, _style, _battles):
        assert read(plain) == read(database)
    assert len(_battles(database)) == 4
    for address in (str(tmp_path / "copy.db"), postgres.fresh(postgres_server)):
        copy(database, address)
        copied = Database(address)
        assert {name: values.tolist() for name, values in _columns(copied).items()} == {
            name: values.tolist() for name, values in wide.items()
        }
        with copied.write() as connection:
            assert store.benchmarks.add_benchmark(connection, "new") == WIDE + 2
        copied.close()
    backup(database, tmp_path / "saved.db")
    saved = Database(str(tmp_path / "saved.db"))
    assert _columns(saved)["id"].tolist() == wide["id"].tolist()
    saved.close()
    plain.close()
