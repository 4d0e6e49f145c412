"""judgebench card."""

import json
from contextlib import closing
from pathlib import Path

from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.kinds import KINDS


def test_a_card_as_one_file(judged: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "card.html"
    assert judged("card", "--judge", "scripted:coin", "--html", path).code == 0
    text = path.read_text()
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "scripted:coin on bench" in text


def test_cards_beside_each_other(judged: Invoke) -> None:
    twice = judged("card", "--judge", "scripted:coin", "--judge", "scripted:coin")
    assert twice.code == 0
    assert twice.out.count("scripted:coin on bench: Overall") == 2
    cards = json.loads(judged("card", "--judge", "scripted:coin", "--judge", "scripted:coin", "--format", "json").out)
    one = json.loads(judged("card", "--judge", "scripted:coin", "--format", "json").out)
    assert cards == {"cards": [one, one]}
    assert "people" in one["overall"]["lacking"]


def test_what_has_too_little_data_comes_with_a_command(judged: Invoke) -> None:
    out = judged("card", "--judge", "scripted:coin").out
    assert "null models: not audited" in out
    assert "judgebench audit null-models --benchmark bench --judge scripted:coin" in out
    assert "--judge JUDGE" not in out


def test_the_card_of_a_judge_whose_trials_all_failed(invoke: Invoke, tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        KINDS["failed pairwise"](database)
    out = invoke("card", "--judge", "judge", "--html", tmp_path / "card.html").out
    page = (tmp_path / "card.html").read_text()
    for text in (out, page):
        assert "No verdict that could count of judge." in text
        assert "Trials without a verdict" in text
        assert "36 unparsed: the reply is empty" in text
        assert "no trial has a verdict (36 unparsed)" in text
        assert "--redo unparsed,truncated,refused" in text
    document = invoke("card", "--judge", "judge", "--format", "json").json
    assert document["failures"] == [{"status": "unparsed", "reason": "the reply is empty", "trials": 36}]


def test_files_that_cannot_be_written(judged: Invoke, tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "file", tmp_path):
        for command in (("card", "--html", path), ("labels", "queue", "--benchmark", "bench", "--out", path)):
            done = judged(*command, "--judge", "scripted:coin")
            assert (done.code, done.out) == (2, "")
            assert "cannot be written" in done.err


def test_names_that_are_not_there(judged: Invoke) -> None:
    for command in (("bias", "--benchmark", "b"), ("card", "--judge", "nobody"), ("agreement", "--benchmark", "b")):
        done = judged(*command)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("judgebench: unknown")
    assert judged("bias", "--benchmark", "bench", "--judge", "nobody").code == 2
    assert judged("card", "--judge", "scripted:coin", "--benchmark", "other").code == 2
