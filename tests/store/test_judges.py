"""A judge never changes under its name; where it is reached may, and it may be reached at several addresses."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import Conflict, DatabaseError
from judgebench.records import Judge
from judgebench.store.database import Database
from judgebench.store.judges import JudgeAddress
from judgebench.store.schema import judge_addresses
from tests.factories import JUDGE
from tests.filling import filled


def test_a_judge_under_the_same_name_never_changes(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        store.judges.add_judge(connection, JUDGE)
        hotter = Judge(JUDGE.name, JUDGE.model, JUDGE.template, JUDGE.template_digest, {"temperature": 1})
        with pytest.raises(Conflict, match="another judge"):
            store.judges.add_judge(connection, hotter)
        with pytest.raises(Conflict, match=r"stored with model .*, not another, .*judges add"):
            store.judges.add_judge(connection, replace(JUDGE, model="another"))
        renamed = Judge("other", JUDGE.model, JUDGE.template, JUDGE.template_digest, JUDGE.settings)
        with pytest.raises(Conflict, match="'judge'"):
            store.judges.add_judge(connection, renamed)


def test_addresses_of_a_judge_stand_beside_each_other(database: Database) -> None:
    filled(database)
    connection_of_all = {"headers_env": {"X-Gateway": "GATEWAY"}}
    urls = ("http://one:8000/v1", "http://two:8000/v1")
    one, two = (JudgeAddress(url, "KEY", None, "1,2", connection_of_all) for url in urls)
    with database.write() as connection:
        for address in (one, two):
            store.judges.add_address(connection, 1, address)
    with database.read() as connection:
        assert store.judges.addresses(connection) == {"judge": (one, two)}
    newer = JudgeAddress("HTTP://ONE:8000/v1/", None, "mine.md", None)  # the same place
    with database.write() as connection:
        store.judges.add_address(connection, 1, newer)
        assert store.judges.addresses(connection) == {"judge": (two, newer)}
        assert not store.judges.remove_address(connection, 1, "http://three:8000/v1")
        assert store.judges.remove_address(connection, 1, "http://one:8000")
        assert store.judges.addresses(connection) == {"judge": (two,)}
        here = JudgeAddress(None, None, None, None)
        store.judges.add_address(connection, 1, here)
        assert store.judges.addresses(connection) == {"judge": (here,)}


def test_an_address_of_a_judge_is_stored_once(database: Database) -> None:
    filled(database)
    rows = [{"judge_id": 1, "url": url, "key_env": None} for url in ("http://one", "http://two", None)]
    with database.write() as connection:
        connection.execute(sa.insert(judge_addresses), rows)
    for row in rows:
        with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
            connection.execute(sa.insert(judge_addresses).values(row))


def test_only_imported_judges_are_told_apart(database: Database) -> None:
    filled(database)
    others = [replace(JUDGE, name=name, model=name) for name in ("imported", "added")]
    with database.write() as connection:
        imported, added = (store.judges.add_judge(connection, judge) for judge in others)
        store.runs.start_run(connection, benchmark_id=1, judge_id=imported, kind="import", specification={})
        store.judges.add_address(connection, added, JudgeAddress("http://one", None, None, None))
    with database.read() as connection:
        names = [judge.name for judge in store.judges.judges(connection)]
        assert names == ["added", "imported", "judge"]
        assert store.judges.only_imported(connection, names) == {"imported"}
        assert [judge.name for judge in store.judges.judges(connection, 1)] == ["imported", "judge"]
