"""Judges of steps: what is planted in solutions is found by a judge that reads it, and told at every door."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judgebench
from judgebench import services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.records import Status
from judgebench.resources import folder
from judgebench.services.imports import ImportOptions
from judgebench.show import html, steps
from judgebench.store.database import Database
from tests.engine.test_reask import enforced
from tests.fault_server import FaultServer, Reply, Request
from tests.formats.writing import write_rows

FENCED = re.compile(r"(?ms)^<<< begin step (\d+) ([0-9a-f]{16})\n(.*?)\nend step \1 \2 >>>$")


def solutions(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Rows of ProcessBench: sums step by step, two in three with a wrong one, by two models."""
    rng, rows = random.Random(seed), []
    for number in range(count):
        total, first, listed = 0, rng.choice([-1, *range(5), *range(5)]), []
        for step in range(rng.randint(5, 8)):
            more = rng.randint(1, 9)
            told = total + more + (step == first)
            listed.append(f"{total} + {more} = {told}")
            total = told
        about = {"id": f"part{number % 2}-{number}", "generator": f"m{number % 2}", "final_answer_correct": first < 0}
        rows.append(about | {"problem": f"Sum {number}?", "steps": listed, "label": first})
    return rows


def is_right(step: str) -> bool:
    one, other, total = map(int, re.findall(r"\d+", step))
    return one + other == total


def adder(messages: list[dict[str, str]]) -> str:
    """Adds up, and calls a step bad whose sum is wrong."""
    texts = [text for _, _, text in FENCED.findall(messages[-1]["content"])]
    ratings = ["good" if is_right(text) else "bad" for text in texts]
    first = next((at for at, rating in enumerate(ratings, 1) if rating == "bad"), None)
    listed = [
        {"step": at, "why": text, "verdict": rating}
        for at, (text, rating) in enumerate(zip(texts, ratings, strict=True), 1)
    ]
    return json.dumps({"steps": listed, "first_error": first})


@pytest.fixture
def judged(database: Database, tmp_path: Path) -> Database:
    services.imports.import_file(database, write_rows(tmp_path / "bench.jsonl", solutions(40)), benchmark="bench")
    judgebench.run(
        database, benchmark="bench", judge=adder, judge_name="adder", judge_version="1", template="pointwise/steps"
    )
    return database


def test_a_judge_that_reads_the_plant_finds_it_exactly(judged: Database) -> None:
    report = judgebench.steps(judged, benchmark="bench", judge="adder")
    planted = {row["problem"]: (row["label"] + 1 or None, row["steps"]) for row in solutions(40)}
    assert len(report.readings) == 40
    for reading in report.readings:
        first, listed = planted[reading.instruction.text]
        assert reading.first_error == first
        assert [step.text.rstrip() for step in reading.steps] == listed
        assert [step.rating == "bad" for step in reading.steps] == [not is_right(text) for text in listed]
        assert reading.score == (first is None)
    labels = report.whole.labels
    assert labels is not None
    assert (labels.process_score.value, labels.prm_score.value, labels.first_error.value) == (1, 1, 1)
    assert labels.with_error + labels.without_error == 40
    assert all(known.lower is not None for known in (labels.process_score, labels.negative_f1, labels.no_error))
    assert [part.name for part in report.models] == ["m0", "m1"]
    assert [part.name for part in report.categories] == ["part0", "part1"]


def test_a_judge_that_knows_nothing_is_told_from_one_that_reads(judged: Database) -> None:
    judgebench.run(judged, benchmark="bench", judge="scripted:all-good", judge_name="idle", template="pointwise/steps")
    with pytest.raises(InputError, match="several judges did \\(adder, idle\\)"):
        judgebench.steps(judged, benchmark="bench")
    labels = judgebench.steps(judged, benchmark="bench", judge="idle").whole.labels
    assert labels is not None
    assert (labels.process_score.value, labels.no_error.value, labels.negative_f1.value) == (0, 1, 0)


def test_every_door_tells_steps(judged: Database) -> None:
    report = judgebench.steps(judged, benchmark="bench", annotator="processbench")
    assert any("labels by processbench" in line for line in steps.sentences(report))
    rows = list(steps.rows(report.readings))
    assert set(rows[0]) == set(steps.COLUMNS)
    assert json.loads(json.dumps(steps.document(report)))["whole"]["labels"]["prm_score"]["value"] == 1
    page = html.steps_page(report)
    assert "✗" in page
    assert "✓ 1. good" in page
    with pytest.raises(UnknownName):
        judgebench.steps(judged, benchmark="bench", annotator="nobody")


def test_places_are_marked_and_told(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "bench.jsonl", solutions(6)), benchmark="bench")

    def editor(messages: list[dict[str, str]]) -> str:
        wrong = {text for text in re.findall(r"^\d+ \+ \d+ = \d+", messages[-1]["content"], re.M) if not is_right(text)}
        return json.dumps(
            {"spans": [{"quote": text, "kind": "wrong-step", "why": "<b>no</b>"} for text in sorted(wrong)]}
        )

    judgebench.run(
        database, benchmark="bench", judge=editor, judge_name="editor", judge_version="1", template="pointwise/spans"
    )
    report = judgebench.steps(database, benchmark="bench")
    wrong = sum(not is_right(step) for row in solutions(6) for step in row["steps"])
    assert (report.protocol, report.whole.faults) == ("spans", {"wrong-step": wrong})
    page = html.steps_page(report)
    assert page.count("<mark") == wrong
    assert "<b>" not in page


def test_what_breaks_a_rule_is_counted_and_asked_again(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "bench.jsonl", solutions(4)), benchmark="bench")

    def hasty(messages: Sequence[dict[str, str]]) -> str:
        return adder([dict(message) for message in messages]).replace('"step": 1,', '"step": 2,')

    run = judgebench.run(
        database, benchmark="bench", judge=hasty, judge_name="hasty", judge_version="1", template="pointwise/steps"
    )
    assert run.tally.ended == {Status.UNPARSED: 4}
    with pytest.raises(StatisticsError, match=r"has no verdict on steps .*: unparsed \(4\)"):
        judgebench.steps(database, benchmark="bench", judge="hasty")


def test_an_empty_output_is_not_asked_about(database: Database, tmp_path: Path) -> None:
    rows = [{"instruction": "One?", "output": text, "model": name} for name, text in (("a", " "), ("b", "1 + 1 = 2"))]
    services.imports.import_file(database, write_rows(tmp_path / "o.jsonl", rows), benchmark="bench")
    run = judgebench.run(
        database, benchmark="bench", judge=adder, judge_name="adder", judge_version="1", template="pointwise/steps"
    )
    assert (run.tally.ended, run.calls) == ({Status.OK: 1, Status.FAILED: 1}, 1)


@pytest.mark.parametrize("ending", ["", "\n"])  # a whole step, its end included, is the very place of a label
def test_a_judge_of_places_that_finds_every_fault_agrees_with_the_labels(
    database: Database, tmp_path: Path, ending: str
) -> None:
    path = write_rows(tmp_path / "bench.jsonl", solutions(40))
    services.imports.import_file(database, path, benchmark="bench")

    def finder(messages: list[dict[str, str]]) -> str:
        text = messages[-1]["content"]
        wrong = dict.fromkeys(one for one in re.findall(r"\d+ \+ \d+ = \d+", text) if not is_right(one))
        quotes = [one + ending if one + ending in text else one for one in wrong]
        return json.dumps({"spans": [{"quote": quote, "nth": 1, "kind": "wrong-step"} for quote in quotes]})

    judgebench.run(
        database, benchmark="bench", judge=finder, judge_name="finder", judge_version="1", template="pointwise/spans"
    )
    report = judgebench.steps(database, benchmark="bench", judge="finder")
    labels, planted = report.whole.labels, solutions(40)
    assert labels is not None
    assert report.annotators == ("processbench",)
    assert labels.outputs == 40
    assert labels.with_error == sum(row["label"] >= 0 for row in planted)
    assert (labels.process_score.value, labels.prm_score.value, labels.accuracy.value) == (1, 1, 1)


def test_a_server_on_loopback_is_asked_again_where_it_broke_a_rule(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "bench.jsonl", solutions(10)), benchmark="bench")

    def server(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": [{"id": "judge"}]})
        if len(request.json["messages"]) < 2:  # whether it enforces a form
            return enforced(request) or Reply.chat("?")
        told = adder([{"content": request.json["messages"][1]["content"]}])
        is_second = "response_format" in request.json
        return Reply.chat(told if is_second else told.replace('"first_error": ', '"first_error": 1'))

    with FaultServer(server) as there:
        judge = {"model": "judge", "url": there.url, "template": "pointwise/steps"}
        run = judgebench.run(database, benchmark="bench", judge=judge, reask=True)
    assert run.tally.ended == {Status.OK: 10}
    labels = judgebench.steps(database, benchmark="bench").whole.labels
    assert labels is not None
    assert (labels.first_error.value, labels.accuracy.value) == (1, 1)


BARE = {"instruction": "One?", "output": "abc\ndef\nghi\njkl", "model": "m"}
CUT = BARE | {"output_steps": "[4,8,15]"}


def finding(messages: list[dict[str, str]]) -> str:
    return json.dumps({"spans": [{"quote": "def", "kind": "wrong-step"}]})


def good(messages: list[dict[str, str]]) -> str:
    texts = FENCED.findall(messages[-1]["content"])
    steps = [{"step": at, "why": "", "verdict": "good"} for at in range(1, len(texts) + 1)]
    return json.dumps({"steps": steps, "first_error": None})


@pytest.mark.slow
@pytest.mark.parametrize(("template", "judge"), [("pointwise/steps", good), ("pointwise/spans", finding)])
def test_steps_of_a_judged_output_stand_at_every_door(
    database: Database, tmp_path: Path, template: str, judge: Any
) -> None:
    bare, cut = (write_rows(tmp_path / f"{name}.jsonl", [row]) for name, row in (("bare", BARE), ("cut", CUT)))
    services.imports.import_file(database, bare, benchmark="bench")
    asked = {"judge": judge, "judge_name": "j", "judge_version": "1", "template": template}
    judgebench.run(database, benchmark="bench", **asked)
    before = judgebench.steps(database, benchmark="bench")
    why = r"line 1, field 'output_steps': judge 'j' judged this output of model 'm' in other steps"
    for change in (
        lambda: services.imports.import_file(database, cut, benchmark="bench"),
        lambda: judgebench.submit(database, str(cut), benchmark="bench", model="m"),
    ):
        with pytest.raises(InputError, match=why):
            change()
    assert judgebench.steps(database, benchmark="bench") == before
    other = Database(str(tmp_path / "other.db"), create=True)
    services.imports.import_file(other, cut, benchmark="bench")
    judgebench.run(other, benchmark="bench", **asked)
    with pytest.raises(InputError, match=r"other steps here than where it was judged|reads otherwise here"):
        services.merging.merge(database, str(tmp_path / "other.db"))
    assert judgebench.steps(database, benchmark="bench") == before
    again = services.imports.import_file(other, cut, benchmark="bench")
    assert (again.new, again.known) == (0, 1)


def test_readings_of_other_steps_are_left_out_and_counted(database: Database, tmp_path: Path) -> None:
    other = Database(str(tmp_path / "other.db"), create=True)
    rows = [CUT, BARE | {"instruction": "Two?"}]
    services.imports.import_file(other, write_rows(tmp_path / "o.jsonl", rows), benchmark="bench")
    judgebench.run(other, benchmark="bench", judge=good, judge_name="j", judge_version="1", template="pointwise/steps")
    services.exports.export(other, "verdicts", tmp_path / "v.jsonl", benchmark="bench")
    told = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    silent = [{name: value for name, value in row.items() if name != "output_a_steps"} for row in told]
    services.imports.import_file(database, write_rows(tmp_path / "s.jsonl", silent), benchmark="bench")
    report = judgebench.steps(database, benchmark="bench", judge="j")
    assert (report.elsewhere, report.whole.readings) == (1, 1)
    assert "left out: 1 reading of other steps than the output has" in steps.sentences(report)
    assert steps.document(report)["elsewhere"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("template", "judge"), [("pointwise/steps", good), ("pointwise/spans", finding)])
def test_verdicts_say_how_the_output_was_cut(database: Database, tmp_path: Path, template: str, judge: Any) -> None:
    other = Database(str(tmp_path / "other.db"), create=True)
    services.imports.import_file(other, write_rows(tmp_path / "cut.jsonl", [CUT]), benchmark="bench")
    judgebench.run(other, benchmark="bench", judge=judge, judge_name="j", judge_version="1", template=template)
    services.exports.export(other, "verdicts", tmp_path / "v.jsonl", benchmark="bench")
    [row] = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert row["output_a_steps"] == "[4, 8, 15]"
    services.imports.import_file(database, tmp_path / "v.jsonl", benchmark="bench")
    assert judgebench.steps(database, benchmark="bench") == judgebench.steps(other, benchmark="bench")
    again = services.imports.import_file(database, tmp_path / "v.jsonl", benchmark="bench")
    assert (again.new, again.known, again.contradicting) == (0, 1, 0)
    with Database(str(tmp_path / "bare.db"), create=True).write():
        pass
    bare = Database(str(tmp_path / "bare.db"))
    services.imports.import_file(bare, write_rows(tmp_path / "bare.jsonl", [CUT]), benchmark="bench")
    default = write_rows(tmp_path / "default.jsonl", [row | {"output_a_steps": "[4, 8, 12, 15]"}])
    with pytest.raises(InputError, match=r"line 1, field 'output_a_steps': .* has other steps here"):
        services.imports.import_file(bare, default, benchmark="bench")
    for wrong in ("[4, 4, 15]", "[4, 8]", "[0, 15]", '["a"]', "{}", "[]", "[true, 15]"):
        refused = write_rows(tmp_path / "wrong.jsonl", [row | {"output_a_steps": wrong}])
        with pytest.raises(InputError, match="field 'output_a_steps'"):
            services.imports.import_file(database, refused, benchmark="bench")


@pytest.mark.parametrize("template", ["pointwise/spans", "custom"])
def test_an_output_without_a_fault_is_given_no_other_steps(database: Database, tmp_path: Path, template: str) -> None:
    bare, cut = (write_rows(tmp_path / f"{name}.jsonl", [row]) for name, row in (("bare", BARE), ("cut", CUT)))
    if template == "custom":
        own = tmp_path / "spans.v1.md"
        own.write_text((folder("prompts") / "pointwise" / "spans.v1.md").read_text() + "\nBe brief.\n")
        faulty = write_rows(tmp_path / "more.jsonl", [BARE | {"instruction": "Two?"}])
        services.imports.import_file(database, faulty, benchmark="bench")
    services.imports.import_file(database, bare, benchmark="bench", options=ImportOptions(extend=True))

    def judge(messages: list[dict[str, str]]) -> str:
        return finding(messages) if "Two?" in messages[-1]["content"] else json.dumps({"spans": []})

    how = {"judge_name": "j", "judge_version": "1"} | {"template": template if template != "custom" else str(own)}
    judgebench.run(database, benchmark="bench", judge=judge, **how)
    with pytest.raises(InputError, match=r"judge 'j' judged this output of model 'm' in other steps"):
        services.imports.import_file(database, cut, benchmark="bench")


def test_a_verdict_that_lists_something_else_is_told_as_contradicting(database: Database, tmp_path: Path) -> None:
    services.imports.import_file(database, write_rows(tmp_path / "bare.jsonl", [BARE]), benchmark="bench")
    how = {"judge_name": "j", "judge_version": "1", "template": "pointwise/steps"}
    judgebench.run(database, benchmark="bench", judge=good, **how)
    judgebench.run(database, benchmark="bench", judge="scripted:goals", template="pointwise/goals")
    services.exports.export(database, "verdicts", tmp_path / "v.jsonl", benchmark="bench")
    told = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    before = judgebench.verdicts(database, benchmark="bench")
    assert [len(goals) for goals in before["goals"]] == [0, 1]
    assert [len(spans) for spans in before["spans"]] == [4, 0]
    assert before["spans"][0][0]["rating"] == "good"
    for column, old, new in (
        ("verdict_spans", '"rating":"good"', '"rating":"neutral"'),
        ("verdict_goals", '"goal":"', '"goal":"not '),
    ):
        [row] = [row for row in told if row[column]]
        assert old in row[column]
        changed = write_rows(tmp_path / "changed.jsonl", [row | {column: row[column].replace(old, new)}])
        report = services.imports.import_file(database, changed, benchmark="bench")
        assert (report.new, report.known, report.contradicting) == (0, 1, 1), column
        silent = write_rows(tmp_path / "silent.jsonl", [row | {column: None}])
        assert services.imports.import_file(database, silent, benchmark="bench").contradicting == 0
    pd.testing.assert_frame_equal(judgebench.verdicts(database, benchmark="bench"), before)
