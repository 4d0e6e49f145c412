"""What tables have in common: a span is checked alike wherever it is stored, and threads share what a module names."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pkgutil import walk_packages
from threading import Barrier

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import DatabaseError
from judgebench.store import schema
from judgebench.store.columns import metadata, shared
from judgebench.store.database import Database
from tests.filling import filled


def test_every_table_is_in_the_one_metadata() -> None:
    assert schema.metadata is metadata


@pytest.mark.parametrize(
    "values", [{"start": 3, "stop": 3}, {"start": -1}, {"rating": "fine"}, {"rating": None, "kind": None}]
)
def test_a_span_that_is_none_cannot_be_stored(database: Database, values: dict[str, object]) -> None:
    filled(database)
    good = {"start": 0, "stop": 3, "rating": "bad", "number": 0}
    about = {"output_id": 1, "annotator": "ann", "source": "f", "created_at": "2026"}
    with database.write() as connection:
        connection.execute(sa.insert(schema.marks).values(**good, **about))
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(sa.insert(schema.marks).values(**(good | {"number": 1} | values), **about))


def test_whatever_a_module_names_for_all_threads_is_shared() -> None:
    """Of every one whose columns are made when they are first asked for."""
    for module in walk_packages(store.__path__, f"{store.__name__}."):
        for name, table in vars(import_module(module.name)).items():
            if isinstance(table, sa.FromClause):
                assert _has_columns(table), f"{module.name}.{name}: make it by judgebench.store.columns.shared"


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads that take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
def test_threads_may_use_for_the_first_time_at_once_what_is_shared() -> None:
    threads = 8
    assert not _has_columns(schema.verdicts.alias("another"))
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(50):
            newer, at_once = shared(schema.verdicts.alias("newer")), Barrier(threads)
            texts = [pool.submit(_joined, newer, at_once) for _ in range(threads)]
            assert len({text.result() for text in texts}) == 1


def _joined(newer: sa.FromClause, at_once: Barrier) -> str:
    at_once.wait()
    v = schema.verdicts.c
    return str(sa.select(v.id).join(newer, newer.c.trial_key == v.trial_key).where(newer.c.revision > v.revision))


def _has_columns(table: sa.FromClause) -> bool:
    return "_columns" in vars(table)
