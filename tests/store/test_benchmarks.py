"""Benchmarks by name, and their instructions."""

import pytest

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.store.database import Database
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
