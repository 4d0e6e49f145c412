"""judgebench db."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.database import Database, migrate
from tests.cli.conftest import Invoke, Result
from tests.store.old_database import build, engine_of


def test_a_database_is_checked_saved_and_copied(submitted: Invoke, tmp_path: Path) -> None:
    rows = submitted("db", "check", "--format", "json").json["rows"]
    assert rows["outputs"] == 12
    assert submitted("db", "check").out.splitlines()[-1] == "no problem found"
    assert submitted("db", "backup", tmp_path / "saved.db").out == f"saved as {tmp_path / 'saved.db'}\n"
    assert submitted("db", "backup", tmp_path / "saved.db").code == 2
    assert submitted("db", "copy", tmp_path / "copied.db").code == 0
    for number, name in enumerate(("saved.db", "copied.db")):  # the copy's log holds that the backup was made
        held = submitted("--db", tmp_path / name, "db", "check", "--format", "json").json["rows"]
        assert held == rows | {"events": rows["events"] + number}


def test_a_copy_says_that_its_tokens_are_revoked(submitted: Invoke, tmp_path: Path) -> None:
    assert "token" not in submitted("db", "copy", tmp_path / "first.db").out
    assert submitted("tokens", "create", "ci", "--role", "viewer").code == 0
    assert "all tokens of the API are revoked there" in submitted("db", "copy", tmp_path / "second.db").out
    there = ("--db", tmp_path / "second.db")
    assert submitted(*there, "tokens", "list", "--format", "json").json[0]["state"] == "revoked"
    assert submitted("tokens", "list", "--format", "json").json[0]["state"] == "valid"
    revoked = submitted(*there, "db", "events", "--action", "revoked", "--format", "json").json
    assert [(event["name"], event["details"]) for event in revoked] == [("second.db", {"tokens": ["ci"]})]
    assert submitted(*there, "db", "copy", tmp_path / "third.db").code == 0
    third = ("--db", tmp_path / "third.db", "db", "events", "--action", "revoked", "--format", "json")
    assert len(submitted(*third).json) == 1  # the copied one: there was nothing left to revoke


def test_upgrading_makes_a_database_and_leaves_one_that_is_there(invoke: Invoke, tmp_path: Path) -> None:
    first = invoke("db", "upgrade")
    assert first.code == 0
    assert ": schema " in first.out
    assert (tmp_path / "judgebench.db").exists()
    assert invoke("db", "upgrade").out == first.out
    assert invoke("benchmarks", "--format", "json").json == []


@pytest.mark.slow
def test_what_is_missing_is_a_problem(submitted: Invoke, tmp_path: Path) -> None:
    run = ("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs", "--limit", "2")
    assert submitted(*run).code == 0
    with Database(str(tmp_path / "judgebench.db")).write() as connection:
        connection.execute(sa.delete(t.verdicts).where(t.verdicts.c.id == 3))
    checked = submitted("db", "check")
    assert checked.code == 1
    assert "benchmark 'bench', judge 'scripted:coin': 1 of 12 planned trials have no verdict there" in checked.out
    assert submitted(*run).code == 0
    assert "no verdict there" not in submitted("db", "check").out


def test_an_upgrade_is_told_once_whoever_opens_the_database(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    build(str(path), "0007")
    first, second = (invoke("--db", path, "benchmarks") for _ in range(2))
    assert "from schema 0007 to" in first.err
    assert "older versions of judgebench no longer open it" in first.err
    assert "schema" not in first.out + second.err


def test_of_two_databases_each_is_told_to_have_been_upgraded(invoke: Invoke, tmp_path: Path) -> None:
    here, there, empty = (tmp_path / name for name in ("here.db", "there.db", "empty.db"))
    build(str(here), "0007")
    for path in (there, empty):
        engine = engine_of(str(path))
        with engine.begin() as connection:
            migrate(connection, "0007")
        engine.dispose()

    merged = invoke("--db", here, "db", "merge", there, "--format", "json")
    assert _told_upgraded(merged) == [str(here), str(there)]
    assert [one["source"] for one in merged.json] == [str(there)]
    copied = invoke("--db", here, "db", "copy", empty)
    assert copied.code == 0
    assert _told_upgraded(copied) == [str(empty)]


def _told_upgraded(result: Result) -> list[str]:
    """The databases that it says of."""
    return re.findall(r"upgraded (\S+) from schema 0007 to \d{4}: older versions", result.err)
