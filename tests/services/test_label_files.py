"""Files of labels are stored a part at a time, all or nothing, and storing again adds nothing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import services
from judgebench.engine.plan import plan
from judgebench.errors import InputError
from judgebench.records import Order
from judgebench.services import label_files
from judgebench.services.imports import ImportOptions, ImportReport, import_file
from judgebench.spec import Study, make
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.growth import grows_in_proportion


def vote(number: int, prompt: str, first: str, second: str, winner: str = "model_a", **more: Any) -> dict[str, Any]:
    talks = [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}] for reply in (first, second)
    ]
    sides = {"conversation_a": talks[0], "conversation_b": talks[1], "model_a": "zeta", "model_b": "alpha"}
    return {"id": f"v{number}", "winner": winner, "evaluation_session_id": "s", **sides, **more}


def written(folder: Path, rows: list[dict[str, Any]], name: str = "votes.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def stored(database: Database, folder: Path, rows: list[dict[str, Any]], **more: Any) -> ImportReport:
    return import_file(database, written(folder, rows), benchmark="arena", options=ImportOptions(audit=False, **more))


def test_many_outputs_to_one_prompt_are_samples(database: Database, tmp_path: Path) -> None:
    rows = [vote(1, "hi", "yo", "hey"), vote(2, "hi", "hello", "hey", "model_b"), vote(3, "hi ", "yo", "hi", "tie")]
    report = stored(database, tmp_path, rows)
    assert (report.new, report.instructions, report.outputs, report.messages.samples) == (3, 1, 4, 2)
    labels = services.labels.human_labels(database, "arena")
    assert [label.samples for label in labels] == [(0, 0), (0, 1), (1, 0)]  # alpha's, zeta's
    assert [label.preference for label in labels] == [0.0, 1.0, 0.5]
    assert {label.order for label in labels} == {Order.BA}
    assert {label.source for label in labels} == {"votes.jsonl"}


def test_votes_of_nobody_known_all_count(database: Database, tmp_path: Path) -> None:
    winners = ["model_a", "model_a", "model_b", "both_bad", "tie"]
    rows = [vote(number, "hi", "yo", "hey", winner) for number, winner in enumerate(winners)]
    report = stored(database, tmp_path, [*rows, rows[0]])
    assert (report.new, report.known, report.duplicate) == (5, 0, 1)
    labels = services.labels.human_labels(database, "arena")
    assert [label.annotator for label in labels] == ["votes", *(f"votes ({number})" for number in range(2, 6))]
    assert Counter((label.preference, label.both_bad) for label in labels) == Counter(
        {(0.0, False): 2, (1.0, False): 1, (0.5, True): 1, (0.5, False): 1}
    )
    assert not check(database).problems


def test_storing_again_adds_nothing_in_whatever_order(database: Database, tmp_path: Path) -> None:
    rows = [vote(number, f"q{number % 3}", "yo", f"hey {number % 2}", "model_a") for number in range(12)]
    first = stored(database, tmp_path, rows)
    again = stored(database, tmp_path, rows[::-1])
    assert (first.new, again.new, again.known, again.outputs, again.instructions) == (12, 0, 12, 0, 0)
    more = stored(database, tmp_path, [*rows, vote(99, "q0", "yo", "hey 0")])
    assert (more.new, more.known) == (1, 12)


def test_a_voter_with_a_name_says_one_thing_about_a_pair(database: Database, tmp_path: Path) -> None:
    rows = [vote(1, "hi", "yo", "hey", winner, judge="ann") for winner in ("model_a", "model_a", "model_b")]
    report = stored(database, tmp_path, rows)
    assert (report.new, report.duplicate, report.contradicting) == (1, 1, 1)


def test_an_error_in_a_late_part_leaves_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_files, "_TOGETHER", 4)
    rows = [vote(number, f"q{number}", "x", "y") for number in range(10)]
    with pytest.raises(InputError, match="line 10, field 'winner'"):
        stored(database, tmp_path, [*rows[:9], rows[9] | {"winner": "?"}])
    with pytest.raises(InputError, match="model name"):
        stored(database, tmp_path, [*rows[:9], rows[9] | {"model_b": "a\u200bb"}])
    assert services.benchmarks.benchmarks(database) == []
    assert check(database).rows["outputs"] == 0


def test_parts_know_what_earlier_parts_brought(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [vote(number, f"q{number % 4}", f"x{number % 3}", "y") for number in range(40)]
    monkeypatch.setattr(label_files, "_TOGETHER", 7)
    report = stored(database, tmp_path, rows)
    assert (report.new, report.instructions, report.outputs) == (40, 4, 16)
    with database.read() as connection:
        samples = connection.execute(sa.select(tables.outputs.c.sample, sa.func.count()).group_by("sample")).all()
    assert sorted(tuple(row) for row in samples) == [(0, 8), (1, 4), (2, 4)]


def test_of_a_benchmark_that_is_there_only_its_outputs_count(database: Database, tmp_path: Path) -> None:
    stored(database, tmp_path, [vote(1, "hi", "yo", "hey")])
    rows = [vote(1, "hi", "yo", "hey"), vote(2, "hi", "other", "hey"), vote(3, "new", "yo", "hey")]
    report = stored(database, tmp_path, rows)
    assert (report.new, report.known, report.without_output) == (0, 1, 2)
    report = stored(database, tmp_path, rows, extend=True)
    assert (report.new, report.known, report.outputs, report.instructions) == (2, 1, 3, 1)


def test_what_only_names_tell_is_stored_once_and_never_judged(database: Database, tmp_path: Path) -> None:
    rows = [{"model_a": "m", "model_b": "n", "winner": winner} for winner in ("model_a", "model_a", "tie")]
    report = stored(database, tmp_path, rows)
    assert (report.new, report.instructions, report.outputs) == (3, 1, 2)
    assert report.unkept == {"texts of prompts and outputs, which the file does not hold": 3}
    assert stored(database, tmp_path, rows).known == 3
    judge = {"model": "scripted:coin", "template": "pairwise/three-way"}
    study = make(Study, {"benchmark": "arena", "judge": judge, "all_pairs": True}, where="test")
    with pytest.raises(InputError, match="of 2 outputs of 'arena' only the model is known"):
        plan(database, study)


@pytest.mark.slow  # it imports some thousand votes several times
def test_work_grows_with_the_votes(tmp_path: Path) -> None:
    def work(count: int) -> None:
        rows = [vote(number, "hi", f"yo {number}", f"hey {number % 7}") for number in range(count)]
        database = Database(str(tmp_path / f"{count}-{len(list(tmp_path.iterdir()))}.db"), create=True)
        stored(database, tmp_path, rows)
        stored(database, tmp_path, rows)
        database.close()

    assert grows_in_proportion(work, 1600)
