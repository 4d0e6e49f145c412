"""Rows by a list of keys: all of them, on either engine, and by an index."""

from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from judgebench import store
from judgebench.errors import InputError
from judgebench.records import Model
from judgebench.store import schema
from judgebench.store.among import among, rows_among
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests import postgres
from tests.factories import JUDGE, battle, ok, result, trial
from tests.filling import filled


def test_rows_are_found_by_numbers_and_by_texts_however_many(database: Database) -> None:
    filled(database, 1200)
    i = schema.instructions.c
    with database.read() as connection:
        keys = {row.id: row.key for row in connection.execute(sa.select(i.id, i.key))}
        chosen = sorted(keys)[::2]
        by_id = rows_among(connection, sa.select(i.id).where(among(i.id)), [*chosen, -1, 1 << 40])
        by_key = rows_among(
            connection, sa.select(i.id).where(among(i.key)), [*(keys[each] for each in chosen), "no key"]
        )
        assert sorted(row.id for row in by_id) == sorted(row.id for row in by_key) == chosen
        assert list(rows_among(connection, sa.select(i.id).where(among(i.id)), [])) == []


def test_a_list_of_keys_is_looked_up_in_an_index_while_tables_fill(postgres_server: str) -> None:
    """PostgreSQL, without statistics of rows that came since, would read all of a table for each list."""
    database = Database(postgres.fresh(postgres_server), create=True)
    battles = [battle(number) for number in range(6000)]
    results = [result(trial(number), ok(1.0)) for number in range(6000)]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        for model in ("alpha", "beta"):
            store.models.add_model(connection, Model(model))
        judge = store.judges.add_judge(connection, JUDGE)
        run = store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge, kind="run", specification={})
        verdicts = VerdictWriter(connection, run)
        for start in range(0, 6000, 500):
            new = battles[start : start + 500]
            store.benchmarks.add_instructions(connection, benchmark, [each.instruction for each in new])
            store.models.add_outputs(connection, benchmark, [output for each in new for output in (each.a, each.b)])
            verdicts.add(connection, results[start : start + 500])
        rows_read = sa.text("SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 1000")
        assert connection.execute(rows_read).all() == []
    database.close()


def test_sqlite_looks_for_each_key_in_an_index(tmp_path: Path) -> None:
    database = Database(f"{tmp_path}/some.db", create=True)
    for column in (schema.verdicts.c.trial_key, schema.verdicts.c.id, schema.instructions.c.id):
        query = sa.select(column).where(among(column)).compile(database.engine)
        with database.read() as connection:
            steps = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ("[]",))]
        assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step], steps
    database.close()


def test_a_text_that_no_column_holds_is_found_nowhere(database: Database) -> None:
    filled(database, 1)
    names = sa.select(schema.models.c.name).where(among(schema.models.c.name))
    with database.read() as connection:
        assert list(rows_among(connection, names, ['"', "\\", "\n[", "{}", "%", "'; --", "\U0001f600"])) == []
    for name in ("\ud800", "a\0b"):
        with suppress(InputError), database.read() as connection:  # as each engine takes it
            assert list(rows_among(connection, names, [name])) == []
