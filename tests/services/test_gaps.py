"""Trials that a study planned and that have no verdict are seen, and closed by running it again."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import engine
from judgebench.engine.batches import ingest_files
from judgebench.judging.templates import Template
from judgebench.records import Status
from judgebench.services.audits.integrity import integrity
from judgebench.services.audits.registry import Asking, IntegrityAudit
from judgebench.services.gaps import Gap, GapReport, find_gaps
from judgebench.spec import Study, make
from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.counting import PAIRWISE, POINTWISE, answered, counting, fill, run, study
from tests.filling import asked


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What another benchmark has an answer to counts as answered, and is stored nowhere else; undo it to go on."""
    monkeypatch.setattr(VerdictWriter, "take_over", lambda self, connection, keys: dict.fromkeys(keys, Status.OK))
    return monkeypatch


@pytest.mark.slow
@pytest.mark.parametrize("template", [PAIRWISE, POINTWISE, "pairwise/three-way-reference"])
def test_what_another_benchmark_was_asked_about_is_missing_until_the_study_runs_again(
    database: Database, as_before: pytest.MonkeyPatch, template: str
) -> None:
    fill(database, "dev", asked(20, reference="42"))
    fill(database, "fullset", asked(45, reference="42"))
    judge, resolved = counting(template)
    for name in ("dev", "fullset"):
        run(database, resolved, name)
    as_before.undo()
    with database.write() as connection:
        connection.execute(sa.update(t.judges).values(shows=None) if template == PAIRWISE else sa.select(1))
    report = find_gaps(database)
    assert report.gaps == (Gap("fullset", "judge", 90, 40, 0),)
    assert find_gaps(database, "dev").gaps == ()
    audit = integrity(database, IntegrityAudit(benchmark="fullset", round_trip=False), Asking({}))
    assert audit.failures == tuple(map(str, report.gaps))
    assert "40 of 90 planned trials have no verdict there" in audit.failures[0]
    calls = judge.calls
    assert run(database, resolved, "fullset").tally.taken_over == 40
    assert judge.calls == calls
    assert find_gaps(database).gaps == ()
    closed = integrity(database, IntegrityAudit(benchmark="fullset", round_trip=False), Asking({}))
    assert (closed.failures, closed.findings, closed.passed) == ((), (), True)


def test_a_database_from_before_is_read_by_the_keys_that_it_has(
    database: Database, as_before: pytest.MonkeyPatch
) -> None:
    fill(database, "dev", asked(2, reference="42"))
    fill(database, "fullset", [*asked(1, reference="42"), *asked(3, reference="43")[1:]])
    _, resolved = counting("pointwise/mt-bench-reference")
    as_before.setattr(engine.plan, "_make_keys_current", lambda database, resolved: None)
    as_before.setattr(Template, "shows", ())
    for name in ("dev", "fullset"):
        run(database, resolved, name)
    as_before.undo()
    with database.write() as connection:
        connection.execute(sa.update(t.judges).values(shows=None))
    assert find_gaps(database).gaps == (Gap("fullset", "judge", 6, 2, 2),)
    with database.read() as connection:
        assert connection.scalar(sa.select(t.judges.c.shows)) is None
    engine.plan.estimate(database, study(resolved, "fullset"), resolved)  # makes the keys anew
    assert find_gaps(database).gaps == (Gap("fullset", "judge", 6, 2, 2),)
    assert run(database, resolved, "fullset").tally.taken_over == 2
    assert find_gaps(database) == GapReport((), ())


def test_lost_verdicts_are_told_from_outputs_that_came_later(database: Database) -> None:
    fill(database, "bench", asked(5))
    _, resolved = counting(PAIRWISE)
    run(database, resolved, "bench")
    fill(database, "bench", asked(6), "abc")
    assert find_gaps(database).gaps == ()
    assert find_gaps(database).notes == (
        "benchmark 'bench', judge 'judge': 26 trials are about outputs that came after a run",
    )
    run(database, resolved, "bench")
    assert find_gaps(database) == find_gaps(database, "bench")
    assert find_gaps(database).notes == ()
    with database.write() as connection:
        connection.execute(sa.delete(t.verdicts).where(t.verdicts.c.id.in_([3, 36])))
    gap = Gap("bench", "judge", 36, 0, 2)
    assert find_gaps(database).gaps == (gap,)
    assert str(gap).endswith("2 that no benchmark has: run it again, which asks them")


def test_a_study_that_cannot_be_planned_again_is_said(database: Database) -> None:
    fill(database, "bench", asked(2))
    _, resolved = counting(PAIRWISE)
    run(database, resolved, "bench")
    with database.write() as connection:
        connection.execute(sa.update(t.judges).values(template_digest="0" * 32))
    report = find_gaps(database)
    assert report.gaps == ()
    assert "a run was not planned again: template pairwise/two-way.v1 has changed since" in report.notes[0]
    with database.write() as connection:
        connection.execute(sa.update(t.runs).values(specification='{"design": "adaptive"}'))
    assert find_gaps(database).notes == ("adaptive runs choose as they go, and are not planned again: 1",)


def test_what_a_closed_batch_left_out_is_missing(
    database: Database, tmp_path: Path, as_before: pytest.MonkeyPatch
) -> None:
    fill(database, "one", asked(2))
    fill(database, "other", asked(4))
    judge = {"model": "gpt", "url": "http://127.0.0.1:9/v1", "template": "pairwise/three-way"}
    studies = {
        name: make(Study, {"benchmark": name, "judge": judge, "all_pairs": True}, where="") for name in ("one", "other")
    }
    for name, wanted in studies.items():
        path = tmp_path / f"{name}.jsonl"
        engine.batches.export(database, wanted, path)
        assert find_gaps(database).gaps == ()
        ingest_files(database, [answered(path)])
    as_before.undo()
    assert find_gaps(database).gaps == (Gap("other", "gpt@three-way.v1", 8, 4, 0),)
    assert engine.batches.export(database, studies["other"], tmp_path / "more.jsonl").taken_over == 4
    assert find_gaps(database).gaps == ()
