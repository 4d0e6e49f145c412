"""What was made last of a database is kept until anything is stored there, and never of what is not yet stored."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from judgebench import store
from judgebench.services.scope import Scope, scoped_verdicts
from judgebench.store.database import Database
from tests import kinds


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        yield database


def test_it_is_made_again_when_something_was_stored_or_something_else_is_asked_for(judged: Database) -> None:
    last, made = store.transfer.Last[int](), iter(range(10))

    def of(name: str) -> int:
        with judged.read() as connection:
            return last.of(connection, name, lambda: next(made))

    assert [of("one"), of("one"), of("two"), of("one")] == [0, 0, 1, 2]
    with judged.write() as connection:
        store.benchmarks.add_benchmark(connection, "another")
        assert [last.of(connection, "one", lambda: next(made)) for _ in range(2)] == [3, 4]
    assert [of("one"), of("one")] == [5, 5]


def test_verdicts_of_a_scope_are_read_once(judged: Database) -> None:
    def table(scope: Scope) -> object:
        with judged.read() as connection:
            return scoped_verdicts(connection, "bench", scope)

    known = table(Scope())
    assert table(Scope()) is known
    assert table(Scope(with_flagged=True)) is known  # nothing is flagged
    assert table(Scope(all_judges=True)) is not known
