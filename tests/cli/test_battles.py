"""judgebench battles."""

import csv
import io
from pathlib import Path

import pytest

from judgebench.store.database import Database
from tests import mixed
from tests.cli.conftest import Invoke
from tests.filling import judged_samples, sampled


def test_battles_are_counted_and_filtered(judged: Invoke) -> None:
    where = ("battles", "--benchmark", "bench")
    listed = judged(*where, "--format", "json").json
    assert (listed["total"], len(listed["battles"])) == (12, 12)
    between = judged(*where, "--model", "alpha", "--model", "beta", "--format", "json").json
    assert {(row["model_a"], row["model_b"]) for row in between["battles"]} == {("alpha", "beta")}
    inconsistent = judged(*where, "--judge", "scripted:always-first", "--inconsistent", "--format", "json").json
    assert inconsistent["total"] == 12
    assert judged(*where, "--text", "Question 3?", "--format", "json").json["total"] == 3
    key = listed["battles"][0]["instruction"]
    on_it = judged(*where, "--instruction", key, "--model", "alpha", "--format", "json").json["battles"]
    assert on_it == [row for row in listed["battles"] if row["instruction"] == key and "alpha" in row.values()]
    assert judged(*where, "--instruction", "none", "--format", "json").json["total"] == 0
    page = judged(*where, "--limit", "5", "--offset", "10").out.splitlines()
    assert page[-1] == "2 of 12 battles"
    assert judged(*where, "--judge", "nobody").code == 2


def test_values_that_no_database_holds_are_refused_in_one_sentence(judged: Invoke) -> None:
    for option in ("--limit", "--offset"):
        assert judged("battles", "--benchmark", "bench", option, str(10**22)).code == 2
    assert judged("leaderboard", "--benchmark", "bench", "--interval", "bootstrap", "--seed", "-1").code == 2
    for options in (("--benchmark", "\udcff"), ("--benchmark", "bench", "--text", "\udcff")):
        shown = judged("battles", *options)
        assert (shown.code, shown.err.count("\n")) == (2, 1)


@pytest.fixture
def everything(invoke: Invoke) -> Invoke:
    database = Database("judgebench.db", create=True)
    mixed.filled(database)
    database.close()
    return invoke


def test_a_battle_in_full_shows_who_said_what_in_its_place(everything: Invoke) -> None:
    where = ("battles", "--benchmark", mixed.BENCHMARK, "--text", "error 500", "--full")
    shown = everything(*where)
    words = (
        *("[book_leave]", "[system]", "Never ask back.", "Book leave.", "--- A alpha", "Let me try.", '{"days": 3}'),
        *("[result of call 1 (book_leave), an error: 500]", "--- B beta", '{"days": 4}', "And my payslip?", "1 of 1"),
    )
    places = [shown.out.index(each) for each in words]
    assert places == sorted(places)
    assert "secret thought" not in shown.out
    assert "[reasoning, not shown to the judge: 14 characters]" in shown.out
    [battle] = everything(*where, "--format", "json").json["battles"]
    [conversation] = battle["conversations"]
    assert [message["role"] for message in conversation["passages"][0]["asked"]] == ["tools", "system", "user"]
    assert [verdict["order"] for verdict in battle["verdicts"]] == ["AB", "BA"]


def test_samples_are_numbered(everything: Invoke) -> None:
    shown = everything("battles", "--benchmark", mixed.BENCHMARK, "--category", "samples", "--full").out
    assert (
        shown.index("--- A alpha, sample 1")
        < shown.index("--- A alpha, sample 3")
        < shown.index("--- B beta, sample 1")
    )
    assert shown.count("Name a number between one and ten.") == 1
    assert "samples" in shown


def test_battles_are_rows_of_csv(judged: Invoke) -> None:
    where = ("battles", "--benchmark", "bench", "--limit", "3")
    rows = list(csv.DictReader(io.StringIO(judged(*where, "--format", "csv").out)))
    listed = judged(*where, "--format", "json").json["battles"]
    assert [row["instruction"] for row in rows] == [row["instruction"] for row in listed]
    assert {*rows[0]} == {*listed[0]}
    refused = judged(*where, "--format", "csv", "--full")
    assert refused.code == 2
    assert "--full" in refused.err


def test_battles_as_a_page_hold_no_markup_of_others(everything: Invoke, tmp_path: Path) -> None:
    page = tmp_path / "battles.html"
    assert everything("battles", "--benchmark", mixed.BENCHMARK, "--html", page).code == 0
    text = page.read_text()
    for words in ("call 1: book_leave", "SHA-256", "Sample 3", "not shown to the judge", "says red"):
        assert words in text
    assert "<script" not in text


def test_a_battle_in_full_has_the_verdicts_of_the_judge_that_was_named(invoke: Invoke, tmp_path: Path) -> None:
    database = Database("judgebench.db", create=True)
    sampled(database)
    judged_samples(database, "careful")
    judged_samples(database, "hasty", fair=False)
    database.close()
    page = tmp_path / "battles.html"
    shown = invoke("battles", "--benchmark", "bench", "--judge", "hasty", "--full", "--html", page).out
    for text in (shown, page.read_text()):
        assert "hasty" in text
        assert "careful" not in text
