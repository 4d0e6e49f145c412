"""Benchmarks with equal questions: each has all its verdicts, and nothing is asked twice unless the judge sees more."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import engine, services, store
from judgebench.conversations import Conversation, Message, Text
from judgebench.engine.batches import ingest_files
from judgebench.errors import Conflict, InputError
from judgebench.records import Instruction, Model, Output, Status
from judgebench.services.imports import import_file
from judgebench.spec import Study, make
from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.transfer import check, copy
from tests.counting import PAIRWISE, POINTWISE, answered, counting, fill, run, study
from tests.filling import asked, every_column


def rows(database: Database, benchmark: str) -> list[Any]:
    """The benchmark's verdicts in force, in the order of their keys."""
    with database.read() as connection:
        v, i = store.verdicts.in_force(connection).c, t.instructions.c
        place = store.benchmarks.benchmark_id(connection, benchmark)
        query = sa.select(v.id, v.trial_key, v.status, v.preference, v.score, v.completion_id, v.revision)
        query = query.join(t.instructions, i.id == v.instruction_id).where(i.benchmark_id == place)
        return list(connection.execute(query.order_by(v.trial_key)).all())


@pytest.mark.slow
@pytest.mark.parametrize(("template", "each"), [(PAIRWISE, 2), (POINTWISE, 2)])
def test_what_another_benchmark_knows_is_taken_over(database: Database, template: str, each: int) -> None:
    fill(database, "dev", asked(20))
    fill(database, "fullset", asked(45))
    judge, resolved = counting(template)
    assert run(database, resolved, "dev").calls == 20 * each
    estimate = engine.plan.estimate(database, study(resolved, "fullset"), resolved)
    assert (estimate.answered, estimate.taken_over, estimate.calls) == (0, 20 * each, 25 * each)
    assert len(rows(database, "fullset")) == 0
    report = run(database, resolved, "fullset")
    assert (judge.calls, report.calls) == (45 * each, 25 * each)
    assert report.tally.taken_over == 20 * each
    assert report.tally.ended == {Status.OK: 45 * each}
    assert report.tally.cost_usd == 25.0 * each
    assert len(rows(database, "fullset")) == 45 * each
    assert len(rows(database, "dev")) == 20 * each
    board = services.leaderboards.leaderboard(
        database, "fullset", choices=None if template == PAIRWISE else services.leaderboards.Choices(method="score")
    )
    counts = {row.battles or row.outputs for row in board.rows}
    assert (counts, board.left_out) == ({45}, {})
    again = run(database, resolved, "fullset")
    assert (judge.calls, again.tally.taken_over) == (45 * each, 0)
    assert check(database).problems == ()
    with database.read() as connection:
        by_benchmark = [store.costs.costs(connection, number) for number in (1, 2)]
        runs = store.runs.runs(connection)
    assert [sum(costs.values()) for costs in by_benchmark] == ([80.0, 100.0] if template == PAIRWISE else [40.0, 50.0])
    assert [row.cost_usd for row in runs] == [None, 25.0 * each, 20.0 * each]
    assert [sum(row.ended.values()) for row in runs] == [0, 45 * each, 20 * each]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "field", "values"),
    [
        ("pairwise/three-way-reference", "reference", ("41", "42")),
        ("pointwise/mt-bench-reference", "reference", ("41", "42")),
        ("pairwise/wildbench-reward", "checklist", (("Is it short?",), ("Is it long?",))),
        ("pointwise/checklist", "checklist", (("Is it short?",), ("Is it long?",))),
    ],
)
def test_what_the_judge_is_shown_beside_the_question_is_asked_again(
    database: Database, template: str, field: str, values: tuple[Any, Any]
) -> None:
    one, other = ([Instruction(("What?",), **{field: value})] for value in values)
    fill(database, "one", one)
    fill(database, "other", other)
    fill(database, "one more", one)
    judge, resolved = counting(template)
    assert run(database, resolved, "one").tally.planned == 2
    assert run(database, resolved, "other").tally.taken_over == 0
    assert judge.calls == 4
    assert len({*judge.questions}) == 4
    assert run(database, resolved, "one more").tally.taken_over == 2
    plain, plain_resolved = counting(template.partition("/")[0] + ("/two-way" if "pair" in template else "/mt-bench"))
    plain_resolved = replace(plain_resolved, judge=replace(plain_resolved.judge, name="plain"))
    assert [run(database, plain_resolved, name).tally.taken_over for name in ("one", "other")] == [0, 2]
    assert (judge.calls, plain.calls) == (4, 2)


def test_what_failed_is_asked_again_for_each_and_read_again_for_each(database: Database) -> None:
    for name in ("one", "other"):
        fill(database, name, asked(2))
    judge, resolved = counting(PAIRWISE, 0, 4)
    assert run(database, resolved, "one").tally.ended == {Status.FAILED: 1, Status.OK: 3}
    report = run(database, resolved, "other")
    assert (report.tally.ended, report.tally.taken_over) == ({Status.FAILED: 1, Status.OK: 3}, 3)
    assert run(database, resolved, "other").tally.ended == {Status.OK: 4}
    assert judge.calls == 6
    report = run(database, resolved, "one")
    assert (report.tally.taken_over, judge.calls) == (1, 6)
    assert {row.revision for row in rows(database, "one")} == {0, 1}
    assert [row[1:6] for row in rows(database, "one")] == [row[1:6] for row in rows(database, "other")]
    with database.write() as connection:
        connection.execute(sa.update(t.verdicts).values(parser="0"))
    assert engine.run.reparse(database, "judge") == (8, 0)
    assert engine.run.reparse(database, "judge") == (0, 0)
    assert {row.revision for row in rows(database, "one")} == {1, 2}
    with database.read() as connection:
        counted = [store.verdicts.count(connection, benchmark) for benchmark in (1, 2)]
        assert counted == [4, 4]
        assert len(every_column(connection)["id"]) == 8


def test_a_batch_takes_over_and_awaits_what_another_benchmark_awaits(database: Database, tmp_path: Path) -> None:
    fill(database, "one", asked(2))
    fill(database, "other", asked(4))
    spec = {"model": "gpt", "url": "http://127.0.0.1:9/v1", "template": "pairwise/three-way"}
    studies = [
        make(Study, {"benchmark": name, "judge": spec, "all_pairs": True}, where="") for name in ("one", "other")
    ]
    engine.batches.export(database, studies[0], tmp_path / "one.jsonl")
    report = engine.batches.export(database, studies[1].model_copy(update={"limit": 3}), tmp_path / "other.jsonl")
    assert (report.awaited, report.exported) == (4, 2)
    ingest_files(database, [answered(tmp_path / "one.jsonl")])
    report = engine.batches.export(database, studies[1], tmp_path / "more.jsonl")
    assert (report.planned, report.taken_over, report.awaited, report.exported) == (8, 4, 2, 2)
    ingest_files(database, [answered(tmp_path / "other.jsonl"), answered(tmp_path / "more.jsonl")])
    assert [len(rows(database, name)) for name in ("one", "other")] == [4, 8]
    assert engine.batches.export(database, studies[1], tmp_path / "last.jsonl").answered == 8


@pytest.mark.slow
def test_an_adaptive_study_takes_over(database: Database) -> None:
    fill(database, "one", asked(20))
    fill(database, "other", asked(40))
    judge, resolved = counting(PAIRWISE)
    run(database, resolved, "one")
    asked_once = judge.calls
    wanted = study(resolved, "other", all_pairs=False, design="adaptive", better=("a", "b"), budget=80)
    settled = engine.adaptive.settle(database, wanted, environment={}, judge=resolved)
    assert settled.run.tally.taken_over == 40
    assert judge.calls - asked_once == 80 - 40
    assert len(rows(database, "other")) == 80


@pytest.mark.slow
@pytest.mark.parametrize("template", [PAIRWISE, POINTWISE, "pairwise/three-way-reference"])
def test_one_file_of_verdicts_is_stored_under_both_names(database: Database, tmp_path: Path, template: str) -> None:
    fill(database, "bench", asked(3, reference="42"))
    _, resolved = counting(template)
    run(database, resolved, "bench")
    path = tmp_path / "verdicts.jsonl"
    services.exports.export(database, "verdicts", path, benchmark="bench")
    assert import_file(database, path, benchmark="bench").new == 0
    copied = import_file(database, path, benchmark="imported")
    assert (copied.new, copied.known) == (6, 0)
    assert import_file(database, path, benchmark="imported").new == 0
    assert [row[1:5] for row in rows(database, "imported")] == [row[1:5] for row in rows(database, "bench")]
    other = Database(str(tmp_path / "other.db"), create=True)
    assert [import_file(other, path, benchmark=name).new for name in ("a set", "its twin")] == [6, 6]
    judge, resolved = counting(template)
    assert run(other, resolved, "its twin").tally.ended == {Status.OK: 6}
    assert judge.calls == 0


def old(database: Database) -> None:
    """As before keys held what is shown: no judge says what they hold, and they are as of a template without it."""
    with database.write() as connection:
        names = {row.id: row for row in connection.execute(sa.select(t.judges))}
        for judge_id, row in names.items():
            judge = store.judges.judge(connection, row.name)
            store.trial_keys.make_current(connection, judge, ())
            connection.execute(sa.update(t.judges).where(t.judges.c.id == judge_id).values(shows=None))
        connection.execute(sa.update(t.batch_trials).values(sent_key=None))


@pytest.mark.slow
@pytest.mark.parametrize("template", ["pairwise/three-way-reference", "pointwise/mt-bench-reference", PAIRWISE])
def test_a_database_from_before_is_asked_nothing_again(database: Database, tmp_path: Path, template: str) -> None:
    fill(database, "bench", asked(60, reference="42"))
    judge, resolved = counting(template, 3)
    run(database, resolved, "bench")
    run(database, resolved, "bench")
    before = rows(database, "bench")
    old(database)
    assert (rows(database, "bench") == before) == (template == PAIRWISE)
    estimate = engine.plan.estimate(database, study(resolved, "bench"), resolved)
    assert (estimate.answered, estimate.calls) == (120, 0)
    assert rows(database, "bench") == before
    calls = judge.calls
    assert run(database, resolved, "bench").tally.ended == {Status.OK: 120}
    assert judge.calls == calls
    copy(database, str(tmp_path / "copy.db"))
    copied = Database(str(tmp_path / "copy.db"))
    assert run(copied, resolved, "bench").tally.ended == {Status.OK: 120}
    assert judge.calls == calls


def test_a_batch_that_was_out_when_keys_changed_finds_its_trials(database: Database, tmp_path: Path) -> None:
    fill(database, "bench", asked(3, reference="42"))
    spec = {"model": "gpt", "url": "http://127.0.0.1:9/v1", "template": "pairwise/three-way-reference"}
    wanted = make(Study, {"benchmark": "bench", "judge": spec, "all_pairs": True}, where="")
    path = tmp_path / "b.jsonl"
    engine.batches.export(database, wanted, path)
    old(database)
    with database.read() as connection:
        old_keys = dict(connection.execute(sa.select(t.batch_trials.c.id, t.batch_trials.c.trial_key)).all())
    results = answered(path)
    lines = results.read_text().splitlines()
    sent = [json.loads(line) for line in lines]
    for at, line in enumerate(sent, 1):
        line["custom_id"] = line["custom_id"].partition(".")[0] + "." + old_keys[at]
    results.write_text("".join(json.dumps(line) + "\n" for line in sent))
    assert engine.batches.export(database, wanted, tmp_path / "c.jsonl").awaited == 6
    assert ingest_files(database, [results]).new == 6
    assert ingest_files(database, [results]).known == 6
    report = engine.batches.export(database, wanted, tmp_path / "c.jsonl")
    assert (report.answered, report.awaited, report.exported) == (6, 0, 0)
    with database.read() as connection:
        assert [batch.state for batch in store.runs.batches(connection)] == ["closed"]


def sampled(database: Database, benchmark: str, counts: Mapping[str, int], instructions: int) -> None:
    """So many outputs of each model to each instruction."""
    with database.write() as connection:
        place = store.benchmarks.add_benchmark(connection, benchmark)
        store.benchmarks.add_instructions(connection, place, asked(instructions))
        for model in counts:
            store.models.add_model(connection, Model(model))
        outputs = [
            Output(question.key, model, f"{model} {sample}", sample=sample)
            for question in asked(instructions)
            for model, count in counts.items()
            for sample in range(count)
        ]
        store.models.add_outputs(connection, place, outputs)


@pytest.mark.parametrize(("template", "trials"), [(PAIRWISE, 3 * 2 * (3 + 2 + 3)), (POINTWISE, 3 * (3 + 2 + 1))])
def test_every_sample_is_judged_and_shared(database: Database, template: str, trials: int) -> None:
    for name in ("one", "other"):
        sampled(database, name, {"a": 3, "b": 2, "c": 1}, 3)
    judge, resolved = counting(template)
    planned = engine.plan.plan(database, study(resolved, "one"), resolved)
    assert planned.trials == trials
    assert (run(database, resolved, "one").tally.ended, judge.calls) == ({Status.OK: trials}, trials)
    assert run(database, resolved, "other").tally.taken_over == trials
    with database.read() as connection:
        for benchmark in (1, 2):
            judged = [row.trial for row in store.battles.judged_trials(connection, benchmark)]
            assert sorted(trial.key for trial in judged if trial) == [row.trial_key for row in rows(database, "one")]
        v, o = t.verdicts.c, t.outputs.c
        sides = sa.select(o.sample).join(t.verdicts, v.output_a_id == o.id).where(v.instruction_id == 1)
        assert {*connection.scalars(sides)} == {0, 1, 2}
    choices = services.leaderboards.Choices(method="score") if template == POINTWISE else None
    board = services.leaderboards.leaderboard(database, "one", choices=choices)
    counts = {row.model: row.battles or row.outputs for row in board.rows}
    assert counts == ({"a": 6, "b": 6, "c": 6} if template == PAIRWISE else {"a": 9, "b": 6, "c": 3})


def test_samples_are_exported_and_imported_with_their_verdicts(database: Database, tmp_path: Path) -> None:
    sampled(database, "bench", {"a": 3, "b": 2}, 2)
    judge, resolved = counting(PAIRWISE)
    run(database, resolved, "bench")
    services.exports.export(database, "verdicts", tmp_path / "v.jsonl", benchmark="bench")
    assert import_file(database, tmp_path / "v.jsonl", benchmark="bench").new == 0
    assert import_file(database, tmp_path / "v.jsonl", benchmark="twin").new == 12
    assert run(database, resolved, "twin").tally.ended == {Status.OK: 12}
    assert judge.calls == 12


@pytest.mark.slow
@pytest.mark.parametrize("template", [PAIRWISE, POINTWISE, "pairwise/three-way-reference"])
def test_verdicts_by_a_template_that_is_not_here_are_known_when_it_is(
    database: Database, tmp_path: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then two references are never taken for one."""
    fill(database, "bench", asked(3, reference="42"))
    judge, resolved = counting(template)
    run(database, resolved, "bench")
    path, other_reference = tmp_path / "verdicts.jsonl", tmp_path / "other.jsonl"
    services.exports.export(database, "verdicts", path, benchmark="bench")
    other_reference.write_text(path.read_text().replace('"42"', '"43"'))

    def gone(name: str) -> None:
        raise InputError("it is not here")

    elsewhere = Database(str(tmp_path / "elsewhere.db"), create=True)
    monkeypatch.setattr(services.imports, "load_template", gone)
    assert import_file(elsewhere, path, benchmark="first").new == 6
    assert import_file(elsewhere, other_reference, benchmark="second").new == 6
    assert not {row.trial_key for row in rows(elsewhere, "first")} & {
        row.trial_key for row in rows(elsewhere, "second")
    }
    monkeypatch.undo()
    for file, name in ((path, "first"), (other_reference, "second")):
        assert run(elsewhere, resolved, name).tally.ended == {Status.OK: 6}
        assert import_file(elsewhere, file, benchmark=name).new == 0
    assert judge.calls == 6
    assert check(elsewhere).problems == ()


def test_no_file_is_opened_because_a_verdict_names_it(database: Database, tmp_path: Path) -> None:
    fill(database, "bench", asked(1))
    _, resolved = counting(PAIRWISE)
    run(database, resolved, "bench")
    path, named = tmp_path / "verdicts.jsonl", tmp_path / "own.md"
    services.exports.export(database, "verdicts", path, benchmark="bench")
    named.symlink_to(tmp_path / "nowhere")
    rows_ = [json.loads(line) | {"template": str(named), "judge": "other"} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows_))
    assert import_file(database, path, benchmark="bench").new == 2


@pytest.mark.parametrize("template", [PAIRWISE, "pairwise/three-way-reference"])
def test_verdicts_about_another_reference_are_refused(database: Database, tmp_path: Path, template: str) -> None:
    fill(database, "one", asked(3, reference="42"))
    fill(database, "two", [*asked(2, reference="42"), *asked(3, reference="43")[2:]])
    fill(database, "three", asked(3, reference="42", checklist=("Is it?",)))
    _, resolved = counting(template)
    run(database, resolved, "one")
    path = tmp_path / "verdicts.jsonl"
    services.exports.export(database, "verdicts", path, benchmark="one")
    assert import_file(database, path, benchmark="three").new == 6
    if template == PAIRWISE:  # it shows no reference
        assert import_file(database, path, benchmark="two").new == 6
        return
    with pytest.raises(Conflict, match=r"verdicts.jsonl, line 5, field 'reference': judge 'judge' was shown another"):
        import_file(database, path, benchmark="two")
    assert rows(database, "two") == []


@pytest.mark.parametrize("full", [False, True])
def test_white_space_of_an_instruction_that_the_judge_sees_is_asked_again(database: Database, full: bool) -> None:
    for name, text in (("one", "if x:\n  a\nb"), ("two", "if x:\n  a\n  b"), ("three", "if x:\n  a\nb")):
        messages = Conversation((Message("system", (Text(text),)), Message("user", (Text("q"),))))
        fill(database, name, [Instruction(("q",), full=messages) if full else Instruction((text,))])
    judge, resolved = counting(PAIRWISE)
    run(database, resolved, "one")
    assert engine.plan.estimate(database, study(resolved, "two"), resolved).calls == 2
    assert run(database, resolved, "two").tally.taken_over == 0
    assert run(database, resolved, "three").tally.taken_over == 2
    with database.read() as connection:
        texts = [row.text for row in connection.execute(sa.select(t.completions.c.text))]
    assert (judge.calls, len(texts)) == (4, 4)
    assert [row.completion_id for row in rows(database, "three")] == [
        row.completion_id for row in rows(database, "one")
    ]
