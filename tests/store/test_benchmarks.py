"""Benchmarks by name, and their instructions."""

import pytest

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import filled


def test_unknown_names_come_with_the_nearest(database: Database) -> None:
    filled(database)
    with database.read() as connection, pytest.raises(UnknownName, match="did you mean 'bench'"):
        store.benchmarks.benchmark_id(connection, "bnch")


def test_the_stages_of_audits_are_not_listed_among_benchmarks(database: Database) -> None:
    with database.write() as connection:
        stage = store.benchmarks.add_benchmark(connection, f"{store.benchmarks.STAGE}bench/1a2b")
        store.benchmarks.add_benchmark(connection, "bench")
    with database.read() as connection:
        assert store.benchmarks.benchmark_names(connection) == ["bench"]
        assert store.benchmarks.benchmark_id(connection, f"{store.benchmarks.STAGE}bench/1a2b") == stage
        with pytest.raises(UnknownName) as caught:
            store.benchmarks.benchmark_id(connection, "bunch")
    assert store.benchmarks.STAGE not in str(caught.value)


def test_instructions_come_page_by_page_with_their_outputs(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(database, instructions=7)
    with database.read() as connection:
        at_once = list(store.benchmarks.answered_instructions(connection, 1, ["beta"]))
    assert [answered.outputs["beta"].text for answered in at_once] == [f"beta says {number}" for number in range(7)]
    monkeypatch.setattr(store.benchmarks, "_PAGE", 2)
    assert list(store.benchmarks.answered_instructions(database, 1, ["beta"])) == at_once
    assert list(store.benchmarks.answered_instructions(database, 1, ["beta"], limit=3)) == at_once[:3]
    assert list(store.benchmarks.answered_instructions(database, 1, ["beta"], after=at_once[4].id)) == at_once[5:]
    odd = list(store.benchmarks.answered_instructions(database, 1, (), category="c1"))
    assert [answered.instruction for answered in odd] == [answered.instruction for answered in at_once[1::2]]
    assert not any(answered.outputs for answered in odd)


def test_no_snapshot_is_held_between_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(database, instructions=2)
    monkeypatch.setattr(store.benchmarks, "_PAGE", 1)
    stream = store.benchmarks.answered_instructions(database, 1, ())
    next(stream)
    with database.write() as connection:
        store.benchmarks.add_instructions(connection, 1, [instruction(5)])
    assert len(list(stream)) == 2


def test_who_has_answered_what(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        store.benchmarks.add_instructions(connection, 1, [instruction(5)])
    with database.read() as connection:
        present = list(store.benchmarks.presence(connection, 1, ["beta"]))
        assert [counts for _, counts in present] == [{"beta": 1}, {"beta": 1}, {"beta": 1}, {}]
        assert present[3][0] == instruction(5).key
        assert store.benchmarks.instruction_places(connection, 1, category="c1") == [2]
        assert store.benchmarks.instruction(connection, 4) == instruction(5)
        assert store.benchmarks.count(connection, 1) == 4
        assert store.benchmarks.categories(connection, 1) == ["c0", "c1"]
        assert store.benchmarks.instruction_ids(connection, 1, [instruction(5).key]) == {instruction(5).key: 4}
