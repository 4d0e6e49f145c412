"""Ids that others gave: several of one instruction, one of several, and what becomes of them."""

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from judgebench import services, store
from judgebench.records import Instruction
from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.transfer import backup, copy

ASKED = [Instruction(("q",), ids=("81", "u1")), Instruction(("r",), ids=("81",)), Instruction(("s",))]


def fill(database: Database) -> None:
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "b")
        store.benchmarks.add_instructions(connection, benchmark, ASKED)


def stored(database: Database) -> list[tuple[str, ...]]:
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "b")
        read = store.benchmarks.instructions(connection, benchmark)
        again = [store.benchmarks.instruction(connection, place).ids for place in range(1, 4)]
        paged = [row.instruction.ids for row in store.benchmarks.answered_instructions(connection, benchmark, [])]
    assert [instruction.ids for instruction in read] == again == paged
    return paged


def test_ids_are_read_with_their_instructions(database: Database) -> None:
    fill(database)
    assert stored(database) == [("81", "u1"), ("81",), ()]


def test_a_known_instruction_gets_further_ids_and_keeps_its_own(database: Database) -> None:
    fill(database)
    fill(database)
    with database.write() as connection:
        more = [replace(ASKED[0], ids=("u1", "z")), replace(ASKED[2], ids=("w",)), replace(ASKED[2], ids=("v",))]
        assert store.benchmarks.add_instructions(connection, 1, more).new == 0
    assert stored(database) == [("81", "u1", "z"), ("81",), ("v", "w")]


def test_ids_are_counted_once(database: Database) -> None:
    fill(database)
    with database.write() as connection:
        assert store.external_ids.add(connection, {1: ["81", "new", "new"], 3: ()}) == 1
        assert store.external_ids.of_benchmark(connection, 1) == {
            ASKED[0].key: ("81", "new", "u1"),
            ASKED[1].key: ("81",),
        }


def test_copies_and_backups_have_them(tmp_path: Path, database: Database) -> None:
    fill(database)
    backup(database, tmp_path / "backup.db")
    copy(database, str(tmp_path / "copy.db"))
    for name in ("backup.db", "copy.db"):
        assert stored(Database(str(tmp_path / name))) == [("81", "u1"), ("81",), ()]


def test_they_go_with_their_benchmark(database: Database) -> None:
    fill(database)
    services.upkeep.delete(database, "benchmark", "b", yes=True)
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.external_ids)) == 0
