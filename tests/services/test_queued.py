"""What a worker would refuse when it starts it is refused before it is queued, and leaves nothing behind."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import engine, services
from judgebench.errors import Conflict, InputError
from judgebench.services.jobs import Job
from judgebench.spec import JudgeSpec, Study
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import judged, submitted

URL = "http://127.0.0.1:9/v1"
KNOWN = JudgeSpec(model="m", name="known", url=URL)
NEW = JudgeSpec(model="new", name="new", url=URL)


@pytest.fixture
def bench(database: Database) -> Database:
    judged(database)
    services.judges.add_judge(database, KNOWN)
    return database


def rows(database: Database) -> list[int]:
    tables = (t.judges, t.judge_addresses, t.runs, t.models, t.generators, t.jobs, t.events)
    with database.read() as connection:
        return [connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (KNOWN.model_copy(update={"name": "another"}), "this very judge is stored under the name 'known'"),
        (KNOWN.model_copy(update={"model": "other"}), "judge 'known' is stored with model m"),
        (KNOWN.model_copy(update={"settings": {"seed": 1}}), "judge 'known' is stored with model m"),
        (KNOWN.model_copy(update={"url": "http://127.0.0.1:10/v1"}), "is another address"),
        (KNOWN.model_copy(update={"template": "pairwise/none"}), "none"),
        (KNOWN.model_copy(update={"name": "new", "price": "dear", "settings": {"seed": 2}}), "dear"),
        (JudgeSpec(model="m", name="new", settings={"seed": 2}), "url"),
    ],
)
def test_a_run_that_could_not_be_started_is_not_queued(bench: Database, judge: JudgeSpec, words: str) -> None:
    before, study = rows(bench), Study(benchmark="bench", judge=judge, all_pairs=True)
    with pytest.raises(InputError, match=words):
        services.jobs.queue_run(bench, study, engine.plan.estimate(bench, study))
    assert rows(bench) == before


def test_what_can_be_started_is_queued_and_nothing_else_is_written(bench: Database) -> None:
    before = rows(bench)
    judgebench.queue_run(bench, benchmark="bench", judge="m", judge_url=URL, judge_name="known", all_pairs=True)
    assert [now - then for now, then in zip(rows(bench), before, strict=True)] == [0, 0, 0, 0, 0, 1, 1]


def test_an_audit_whose_judge_could_not_be_stored_is_not_queued(bench: Database) -> None:
    given: dict[str, Any] = {"benchmark": "bench", "judge": KNOWN.model_copy(update={"name": "another"})}
    before = rows(bench)
    settings = services.audits.registry.named("null-models").fill(given)
    estimate = services.audits.estimates.estimate(bench, settings)
    with pytest.raises(Conflict, match="this very judge is stored under the name 'known'"):
        services.jobs.queue_audit(bench, "null-models", given, estimate)
    assert rows(bench) == before


@pytest.mark.parametrize(("model", "words"), [("alpha", "alpha"), ("a\nb", "name")])
def test_outputs_of_a_model_that_was_submitted_are_not_collected(bench: Database, model: str, words: str) -> None:
    before = rows(bench)
    with pytest.raises(InputError, match=words):
        judgebench.queue_answer(bench, benchmark="bench", model="m", model_url=URL, model_name=model)
    assert rows(bench) == before


def queued(database: Database, kind: str) -> Job:
    """A run, an audit or a collection of outputs."""
    if kind == "run":
        study = Study(benchmark="bench", judge=NEW, models=("alpha", "beta"), all_pairs=True)
        return services.jobs.queue_run(database, study, engine.plan.estimate(database, study))
    if kind == "answer":
        return judgebench.queue_answer(database, benchmark="bench", model="m", model_url=URL, model_name="new")
    given = {"benchmark": "bench", "judge": NEW, "baseline": "beta"}
    return judgebench.queue_audit(database, services.audits.registry.named("null-models").fill(given))


def take_name(database: Database) -> None:
    services.judges.add_judge(database, NEW.model_copy(update={"model": "other"}))


def submit_outputs(database: Database) -> None:
    submitted(database, [instruction(0)], ["new"], lambda model, _: f"{model} wrote this itself")


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("run", take_name, "judge 'new' is stored with model other"),
        ("audit", take_name, "judge 'new' is stored with model other"),
        ("answer", submit_outputs, "new"),
    ],
)
def test_a_job_that_could_not_be_started_any_more_is_not_resumed(
    bench: Database, kind: str, change: Callable[[Database], None], words: str
) -> None:
    job = queued(bench, kind)
    services.jobs.stop(bench, job.id)
    change(bench)
    before = rows(bench)
    with pytest.raises(InputError, match=words):
        services.jobs.resume(bench, job.id)
    assert (rows(bench), services.jobs.job(bench, job.id).state) == (before, "stopped")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "audit", "answer"])
def test_what_can_be_started_is_resumed_and_nothing_else_is_written(bench: Database, kind: str) -> None:
    job = queued(bench, kind)
    services.jobs.stop(bench, job.id)
    before = rows(bench)
    assert services.jobs.resume(bench, job.id).state == "queued"
    assert [now - then for now, then in zip(rows(bench), before, strict=True)] == [0, 0, 0, 0, 0, 0, 1]


def _queue(database: Database, judge: JudgeSpec, **more: Any) -> Job:
    study = Study(benchmark="bench", judge=judge, **({"all_pairs": True} | more))
    return services.jobs.queue_run(database, study, engine.plan.estimate(database, study))


def test_one_judge_under_several_names_is_refused_while_nobody_has_begun(bench: Database) -> None:
    """Nothing is stored of a judge before its first job begins: only the queue can tell."""
    first = _queue(bench, NEW)
    renamed = NEW.model_copy(update={"name": "newer"})
    before = rows(bench)
    with pytest.raises(Conflict, match=f"this very judge is queued under the name 'new', job {first.id}: use that"):
        _queue(bench, renamed)
    for changed in ({"settings": {"seed": 1}}, {"template": "pairwise/three-way"}, {"model": "other"}):
        with pytest.raises(Conflict, match=f"judge 'new' with other settings, .* is queued as job {first.id}"):
            _queue(bench, NEW.model_copy(update=changed))
    given: dict[str, Any] = {"benchmark": "bench", "judge": renamed}
    settings = services.audits.registry.named("null-models").fill(given)
    with pytest.raises(Conflict, match="is queued under the name 'new'"):
        services.jobs.queue_audit(bench, "null-models", given, services.audits.estimates.estimate(bench, settings))
    assert rows(bench) == before
    _queue(
        bench, NEW.model_copy(update={"name": "newest", "url": "http://127.0.0.1:10/v1"})
    )  # perhaps another of that name
    _queue(bench, NEW.model_copy(update={"name": "seeded", "settings": {"seed": 1}}))
    services.jobs.stop(bench, first.id)
    second = _queue(bench, renamed)
    with pytest.raises(Conflict, match=f"is queued under the name 'newer', job {second.id}"):
        services.jobs.resume(bench, first.id)


def test_a_judge_of_this_process_under_several_names_is_refused_too(bench: Database) -> None:
    _queue(bench, JudgeSpec(model="scripted:coin", name="one"))
    with pytest.raises(Conflict, match="this very judge is queued under the name 'one'"):
        _queue(bench, JudgeSpec(model="scripted:coin", name="two"))


def test_an_estimate_says_already_that_a_judge_has_another_name(bench: Database) -> None:
    study = Study(benchmark="bench", judge=KNOWN.model_copy(update={"name": "another"}), all_pairs=True)
    with pytest.raises(Conflict, match="this very judge is stored under the name 'known': use that name"):
        engine.plan.estimate(bench, study)
