"""Whole databases are copied and backed up without a loss."""

import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import Conflict, DatabaseError, InputError
from judgebench.records import Judge
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import backup, check, copy
from tests import postgres
from tests.factories import ok, result, trial
from tests.filling import crammed, filled, lose


def _rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key, *table.columns))
            ]
            for table in tables.metadata.sorted_tables
        }


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_copy_holds_every_row_of_every_table_and_goes_on(
    database: Database, engine: str, tmp_path: Path, postgres_server: str
) -> None:
    crammed(database)
    target = str(tmp_path / "copy.db") if engine == "sqlite" else postgres.fresh(postgres_server)
    counts = copy(database, target)
    assert counts == check(database).rows
    assert min(counts.values()) > 0
    copied = Database(target)
    assert _rows(copied) == _rows(database)
    with pytest.raises(Conflict, match="not empty"):
        copy(copied, target)
    with database.read() as one, copied.read() as other:
        assert store.transfer.digests(one) == store.transfer.digests(other)
    with copied.write() as connection:
        for name in ("benchmarks", "events", "blobs"):  # what is added goes on behind what was copied
            table = tables.metadata.tables[name]
            newest = connection.execute(sa.select(table).order_by(table.c.id.desc())).first()
            assert newest is not None
            values = {key: value for key, value in newest._mapping.items() if key != "id"}
            values |= {key: "e" * 64 for key in ("name", "digest") if key in values}
            assert connection.scalar(sa.insert(table).values(values).returning(table.c.id)) == newest.id + 1
    copied.close()


def _rules(database: Database) -> dict[str, list[str]]:
    """References and indexes of every table."""
    with database.read() as connection:
        inspector = sa.inspect(connection)
        return {
            table.name: sorted(
                [str(reference) for reference in inspector.get_foreign_keys(table.name)]
                + [
                    str({**index, "dialect_options": [*map(str, index.get("dialect_options", {}).values())]})
                    for index in inspector.get_indexes(table.name)
                ]
            )
            for table in tables.metadata.sorted_tables
        }


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_copy_has_the_rules_of_a_new_database(
    database: Database, engine: str, tmp_path: Path, postgres_server: str
) -> None:
    crammed(database)
    addresses = [
        str(tmp_path / f"{name}.db") if engine == "sqlite" else postgres.fresh(postgres_server)
        for name in ("copy", "new")
    ]
    copy(database, addresses[0])
    copied, new = (Database(address, create=True) for address in addresses)
    assert any(_rules(new).values())
    assert _rules(copied) == _rules(new)
    assert check(copied).problems == check(database).problems
    for opened in (copied, new):
        opened.close()


def test_a_copy_of_rows_that_refer_to_none_is_refused_whole(
    database: Database, tmp_path: Path, postgres_server: str
) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL lets nobody make such a row")
    crammed(database)
    lose(database, "judges")
    for address in (str(tmp_path / "copy.db"), postgres.fresh(postgres_server)):
        with pytest.raises(DatabaseError):
            copy(database, address)
        target = Database(address)
        with target.read() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(tables.verdicts)) == 0
        target.close()


def test_a_backup_holds_every_row_and_refuses_the_same(database: Database, tmp_path: Path) -> None:
    crammed(database)
    backup(database, tmp_path / "saved.db")
    saved = Database(str(tmp_path / "saved.db"))
    assert _rows(saved) == _rows(database)
    with pytest.raises(DatabaseError, match="append-only"), saved.write() as connection:
        connection.execute(sa.delete(tables.metadata.tables["events"]))
    saved.close()


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    source = Database(str(tmp_path / "one.db"), create=True)
    filled(source)
    backup(source, tmp_path / "saved.db")
    assert check(Database(str(tmp_path / "saved.db"))) == check(source)
    with pytest.raises(InputError, match="exists"):
        backup(source, tmp_path / "saved.db")


def test_the_version_moves_with_every_write_and_a_digest_with_every_row(database: Database) -> None:
    def state() -> tuple[tuple[int, ...], str]:
        with database.read() as connection:
            return store.transfer.version(connection), store.transfer.digests(connection)["verdicts"]

    verdicts = filled(database)
    before = state()
    assert state() == before
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(1.0))])
    assert state()[0] != before[0]
    assert state()[1] != before[1]


_CHANGES = {
    "a lineage": "UPDATE models SET family = 'llama' WHERE id = 1",
    "a name": "UPDATE benchmarks SET name = 'other'",
    "what is shown": """UPDATE judges SET shows = '[\"reference\"]'""",
    "an address": "UPDATE judge_addresses SET price = '1,2' WHERE id = 1",
    "an end": "UPDATE runs SET finished_at = 'now'",
    "a batch": "UPDATE batches SET closed_at = 'now'",
    "an event": "INSERT INTO events (at, actor, action, kind, name, details) VALUES ('n', 'a', 'b', 'c', 'd', '{}')",
    "an id": "INSERT INTO external_ids (instruction_id, name, value) VALUES (1, 'uid', '7')",
}


@pytest.mark.slow
@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES)
def test_the_version_moves_with_whatever_is_shown(database: Database, change: str) -> None:
    crammed(database)
    with database.read() as connection:
        before = store.transfer.version(connection)
    with database.write() as connection:
        connection.execute(sa.text(change))
    with database.read() as connection:
        assert store.transfer.version(connection) != before


_DAMAGE = {
    "3 verdicts are missing": "DELETE FROM verdicts WHERE id BETWEEN 2 AND 4",
    "1 verdicts are of another judge than their run": "UPDATE verdicts SET judge_id = 2 WHERE id = 4",
    "1 verdicts name an output to another instruction": "UPDATE verdicts SET output_a_id = 3 WHERE id = 2",
    "1 human_labels name an output to another instruction": "UPDATE human_labels SET output_b_id = 4 WHERE id = 1",
    "1 blob_uses name an output to another instruction": "UPDATE blob_uses SET instruction_id = 2 WHERE id = 1",
    "1 external_ids name an output to another instruction": "UPDATE external_ids SET instruction_id = 2 WHERE id = 1",
    "1 batch_trials name an output to another instruction": "UPDATE batch_trials SET output_a_id = 3",
    "outputs, row 1: its messages cannot be read": "UPDATE outputs SET messages = '{' WHERE id = 1",
    "instructions, row 1: its messages cannot be read": "UPDATE instructions SET messages = '[]' WHERE id = 1",
    "outputs, row 1: its file dd is missing": 'UPDATE outputs SET messages = \'{"segments": [[1, [{"role": '
    '"assistant", "parts": [{"k": "m", "kind": "image", "digest": "dd"}]}]]]}\' WHERE id = 1',
    "is not what it was": f"UPDATE blobs SET digest = '{'0' * 64}'",
}


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "damage"), _DAMAGE.items(), ids=_DAMAGE)
def test_a_check_finds_what_no_constraint_holds(database: Database, problem: str, damage: str) -> None:
    crammed(database)
    with database.write() as connection:
        connection.execute(sa.text("DELETE FROM verdict_blocks"))
        store.judges.add_judge(connection, Judge("other", "gpt", "pairwise/two-way.v1", "1" * 32, {}))
    assert check(database).problems == ()
    with database.write() as connection:
        connection.execute(sa.text(damage))
    assert any(problem in line for line in check(database).problems)


def test_a_check_lists_rows_that_refer_to_none(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    crammed(database)
    lose(database, "completions", "human_labels")
    lose(database, "instructions", "runs")
    problems = check(database).problems
    assert any("refers to a missing row of instructions" in line for line in problems)
    assert any("verdicts have lost their completions" in line for line in problems)
    database.close()


@pytest.mark.usefixtures("migrating")  # for a file with pages of every age
def test_a_damaged_file_is_told_from_a_saved_one(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    filled(database)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE filler (text)")
        connection.exec_driver_sql("INSERT INTO filler VALUES (?)", [("x" * 900,)] * 400)
    database.close()
    path = tmp_path / "judgebench.db"
    rng, content = random.Random(1), bytearray(path.read_bytes())
    for _ in range(60):
        place = rng.randrange(len(content) // 2, len(content) - 500)
        content[place : place + 500] = rng.randbytes(500)
    path.write_bytes(content)
    damaged = Database(str(path))
    report = check(damaged)
    assert report.rows == {}
    assert report.problems
    assert all(problem.startswith("the file is damaged, restore a backup: ") for problem in report.problems)
    with pytest.raises(DatabaseError, match="is damaged, so that nothing was saved"):
        backup(damaged, tmp_path / "saved.db")
    assert not list(tmp_path.glob("saved*"))


def test_a_backup_that_cannot_be_written_blames_its_own_place(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    with pytest.raises(InputError, match=r"none/saved\.db: cannot be written"):
        backup(database, tmp_path / "none" / "saved.db")
