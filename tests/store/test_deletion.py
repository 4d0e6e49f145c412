"""What is deleted leaves nothing behind: no row that belongs to it, in whichever table, and no text of it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import engine, services, store
from judgebench.conversations import Blob
from judgebench.errors import Conflict, UnknownName
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import HumanLabel, JobState, Order, Source, Status, Verdict
from judgebench.store import schema as t
from judgebench.store.database import Connection, Database
from judgebench.store.runs import BatchTrial
from judgebench.store.transfer import check, copy, digests
from tests.factories import JUDGE, failed, instruction, ok, result, trial
from tests.filling import filled, judging, submitted

LONG_AGO, FAR_OFF = "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"
NOT_OF_THESE = {
    "api_tokens",
    "events",
    "idempotency_keys",
    "verdict_blocks",
}  # what belongs to no benchmark, model, judge or run
PICTURE, SOUND = Blob("image/png", b"\0one"), Blob("audio/wav", b"two")


def _insert(connection: Connection, table: str, **values: Any) -> None:
    connection.execute(sa.insert(t.metadata.tables[table]).values(**values))


def everything(database: Database) -> None:
    """Two benchmarks of the models alpha and beta, and gamma in the second; rows in every table."""
    verdicts = filled(database)
    submitted(
        database,
        [instruction(number) for number in (0, 7, 8)],
        ("alpha", "beta", "gamma"),
        lambda model, number: f"{model} says {number}",
        benchmark="other",
    )
    submitted(database, [instruction(0)], ("audit:part@1",), lambda *_: "beta says 0", benchmark="audit:bench/1")
    with database.write() as connection:
        trials = [trial(number, order) for number in range(3) for order in Order]
        outputs = store.benchmarks.stored_outputs(connection, 1, [each.battle.instruction.key for each in trials])
        asked = [BatchTrial.of(each) for each in trials]
        store.runs.add_batch(connection, name="one", run_id=1, digest="0" * 64, trials=asked, outputs=outputs)
        verdicts.add(connection, [result(each, ok(0.75)) for each in trials[:4]])
        verdicts.add(connection, [result(trials[4], failed(), reply=None)])
        _about_verdicts(connection)
    for benchmark in ("bench", "other"):
        again = judging(database, benchmark=benchmark)
        with database.write() as connection:
            again.take_over(connection, [trials[0].key])
            again.add(connection, [result(trials[4], ok(1.0))] if benchmark == "bench" else [])
    for number in (0, 2):
        label = HumanLabel.of("ann", instruction(number).key, first="alpha", second="beta", preference=1.0)
        services.labels.vote(database, "bench", label)
    with database.write() as connection:
        _about_the_rest(connection)


def _about_verdicts(connection: Connection) -> None:
    _insert(connection, "verdict_criteria", verdict_id=1, number=0, name="clear", weight=1.0)
    _insert(connection, "verdict_spans", verdict_id=2, number=0, start=0, stop=2, rating="good")
    _insert(connection, "verdict_goals", verdict_id=3, number=0, goal="x", turns="[1]", reached="yes")


def _about_the_rest(connection: Connection) -> None:
    _insert(
        connection,
        *("marks",),
        **{"output_id": 2, "annotator": "ann", "number": 0, "start": 0, "stop": 1, "rating": "bad", "source": "f"},
        created_at=LONG_AGO,
    )
    _insert(connection, "generators", model_id=2, served_model="b", settings="{}", created_at=LONG_AGO)
    _insert(connection, "generator_addresses", generator_id=1, url="http://127.0.0.1:1/v1")
    _insert(connection, "answers", id=2, generator_id=1, status="ok", created_at=LONG_AGO)
    _insert(connection, "external_ids", instruction_id=1, name="uid", value="1")
    _insert(connection, "external_ids", instruction_id=1, output_id=2, name="uid", value="2")
    store.blobs.add(connection, {PICTURE.digest: PICTURE, SOUND.digest: SOUND})
    store.blobs.use(connection, [(PICTURE.digest, 1, 1), (PICTURE.digest, 1, 2), (SOUND.digest, 1, 2)])
    _insert(connection, "judge_addresses", judge_id=1, url="http://127.0.0.1:1/v1")
    audit: dict[str, Any] = {"benchmark_id": 1, "extent": 1, "passed": True, "high": 0, "version": "1"}
    audit |= {"created_at": LONG_AGO, "document": '{"baseline": "beta", "findings": []}'}
    _insert(connection, "audits", kind="null-models", judge_digest=JUDGE.digest, **audit)
    _insert(connection, "audits", kind="submissions", model_id=2, **audit)
    _insert(connection, "audits", kind="integrity", **(audit | {"document": "{}"}))
    for benchmark, baseline in ((1, 2), (2, 3)):
        _insert(connection, "standing_boards", benchmark_id=benchmark, judge_id=1, baseline_id=baseline, changed_at="")
        for model in (1, 2):
            _insert(connection, "standing_models", benchmark_id=benchmark, model_id=model)
    _insert(connection, "claims", trial_key="k", run_id=1, holder="h", expires_at=LONG_AGO)
    for benchmark in ("bench", "other"):
        asked = {"study": {"benchmark": benchmark, "judge": {"model": "m", "name": "judge"}, "models": ["beta"]}}
        number = store.jobs.add(connection, _request(benchmark, asked), "a")
        store.jobs.end(connection, number, JobState.STOPPED, "")


def _request(benchmark: str, asked: dict[str, Any]) -> store.jobs.Request:
    about: dict[str, Any] = {"kind": "run", "benchmark": benchmark, "subject": "judge", "specification": asked}
    about |= {"variables": (), "work_key": benchmark, "planned": 1, "answered": 0, "cost_usd": None}
    return store.jobs.Request(**about)


@pytest.fixture
def full(database: Database) -> Database:
    everything(database)
    counts = check(database).rows
    assert {name for name, rows in counts.items() if not rows} <= NOT_OF_THESE, "fill a new table here as well"
    assert check(database).problems == ()
    return database


def orphans(connection: Connection) -> Iterator[str]:
    """Every row that refers to none, by foreign keys and by what the schema cannot say."""
    for table in t.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            parents = sa.select(key.column).where(key.column == key.parent).correlate(table)
            alias = key.column.table.alias()
            parents = sa.select(alias.c[key.column.name]).where(alias.c[key.column.name] == key.parent)
            lost = sa.select(sa.func.count()).select_from(table).where(key.parent.is_not(None), ~parents.exists())
            yield from [f"{key.parent} of {table.name}"] * (connection.scalar(lost) or 0)
    a, c, u = t.audits.c, t.completions.c, t.blob_uses.c
    soft = {
        "audits of judges": sa.select(a.id).where(
            a.judge_digest.is_not(None), a.judge_digest.not_in(sa.select(t.judges.c.digest))
        ),
        "completions": sa.select(c.id).where(c.id.not_in(sa.select(t.verdicts.c.id))),
        "completions of others": sa.select(c.id).where(
            c.id.not_in(sa.select(t.verdicts.c.completion_id).where(t.verdicts.c.completion_id.is_not(None)))
        ),
        "blobs": sa.select(t.blobs.c.id).where(t.blobs.c.id.not_in(sa.select(u.blob_id))),
    }
    for what, query in soft.items():
        yield from [what] * len(connection.execute(query).all())


THINGS = [("benchmark", "bench"), ("benchmark", "other"), ("model", "alpha"), ("model", "beta"), ("model", "gamma")]
THINGS += [("judge", "judge"), ("run", "1"), ("run", "2"), ("run", "3")]


@pytest.mark.slow
@pytest.mark.parametrize(("what", "name"), THINGS)
def test_nothing_is_left_of_what_is_deleted(full: Database, what: Any, name: str) -> None:
    with full.read() as connection:
        before = digests(connection)
    told = judgebench.delete(full, what=what, name=name)
    with full.read() as connection:
        assert digests(connection) == before, "saying what would go changes nothing"
    done = judgebench.delete(full, what=what, name=name, yes=True)
    assert (told.rows, told.losses, told.done) == (done.rows, done.losses, False)
    assert done.done
    with full.read() as connection:
        assert list(orphans(connection)) == []
        (event,) = store.events.events(connection, actions=[store.events.DELETED])
    assert (event.actor, event.action, event.kind, event.name) == (full.actor, "deleted", what, name)
    assert event.details["rows"] == done.rows
    assert check(full).problems == ()
    with pytest.raises(UnknownName, match="it was deleted on" if what != "run" else "unknown run"):
        judgebench.delete(full, what=what, name=name, yes=True)


def test_a_deletion_says_what_rankings_lose(full: Database) -> None:
    change = judgebench.delete(full, what="model", name="beta")
    assert [astuple(loss) for loss in change.losses] == [("bench", 1, 2, 5, 5), ("other", 1, 3, 1, 1)]
    assert change.rows["outputs"] == 7, "six, and what an audit entered of them"


def test_rankings_lose_what_counted_in_them_and_not_what_was_stored(database: Database) -> None:
    trials = [trial(number) for number in range(3)]
    writers = [filled(database), judging(database), judging(database)]
    answers = [[ok(0.75), failed(), failed()], [failed(), ok(0.25)], [ok(1.0)]]
    for writer, verdicts, asked in zip(writers, answers, (trials, trials[1:], trials[1:2]), strict=True):
        with database.write() as connection:
            writer.add(connection, [result(each, verdict) for each, verdict in zip(asked, verdicts, strict=True)])
    for run, lost, of in (("1", 1, 3), ("2", 1, 3), ("3", 1, 3), ("2", 1, 3)):
        (loss,) = judgebench.delete(database, what="run", name=run).losses
        assert (loss.verdicts, loss.of_verdicts) == (lost, of), run
    judgebench.delete(database, what="run", name="2", yes=True)
    (loss,) = judgebench.delete(database, what="run", name="3").losses
    assert (loss.verdicts, loss.of_verdicts) == (1, 2)
    assert judgebench.rank(database, benchmark="bench", method="bradley-terry").battles.sum() == 2 * 2
    (loss,) = judgebench.delete(database, what="model", name="beta").losses
    assert (loss.verdicts, loss.of_verdicts) == (2, 2)


@pytest.mark.slow
def test_everything_in_turn_leaves_an_empty_database(full: Database) -> None:
    for what, name in (("run", "2"), ("model", "gamma"), ("benchmark", "bench"), ("benchmark", "other")):
        judgebench.delete(full, what=what, name=name, yes=True)
        assert check(full).problems == ()
    left = {name for name, rows in check(full).rows.items() if rows}
    assert left == {"events", "judges", "judge_addresses"}, "a judge that has an address was added by somebody"
    judgebench.delete(full, what="judge", name="judge", yes=True)
    assert {name for name, rows in check(full).rows.items() if rows} == {"events"}


def test_a_reply_that_another_benchmark_took_over_stays_with_it(full: Database) -> None:
    with full.read() as connection:
        reply = connection.execute(sa.select(t.completions).where(t.completions.c.id == 1)).one()
    judgebench.delete(full, what="benchmark", name="bench", yes=True)
    with full.read() as connection:
        (left,) = connection.execute(sa.select(t.completions)).all()
        assert connection.scalar(sa.select(t.verdicts.c.completion_id)) == left.id
    assert left[1:] == reply[1:]


def test_a_benchmark_whose_name_begins_like_a_stage_in_capitals_is_none(database: Database) -> None:
    for benchmark in ("AUDIT:mine", "bench"):
        submitted(database, [instruction(0)], ("alpha", "beta"), lambda *_: "the same", benchmark=benchmark)
    change = judgebench.delete(database, what="model", name="alpha", yes=True)
    assert [loss.benchmark for loss in change.losses] == ["AUDIT:mine", "bench"]
    assert [row.name for row in judgebench.benchmarks(database).itertuples(index=False)] == ["AUDIT:mine", "bench"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a\\b", "it's", 'so "called"', 'it\'s "x"', "é"])
def test_audits_go_that_quote_the_name(database: Database, name: str) -> None:
    filled(database, models=("alpha", "beta", name))
    document = {"findings": [{"severity": "low", "message": f"model {name!r} is odd"}]}
    with database.write() as connection:
        subject = store.audits.Subject("integrity", 1)
        store.audits.add_audit(connection, subject, passed=True, document=document)
    assert judgebench.delete(database, what="model", name=name, yes=True).rows["audits"] == 1


def test_revisions_follow_each_other_again(full: Database) -> None:
    """A trial that failed in the first run and was answered in the second is answered once the first is gone."""
    key = trial(2).key
    judgebench.delete(full, what="run", name="1", yes=True)
    with full.read() as connection:
        assert store.verdicts.revisions(connection, 1, [key]) == {key: (0, Status.OK)}
        assert store.verdicts.count(connection, 1) == 1


@pytest.mark.slow
def test_the_writer_counts_on_and_a_copy_is_as_sound(full: Database, tmp_path: Path) -> None:
    judgebench.delete(full, what="model", name="gamma", yes=True)
    judgebench.delete(full, what="run", name="1", yes=True)
    with full.write() as connection:
        connection.execute(sa.delete(t.verdict_blocks))
    writer = judging(full)
    with full.write() as connection:
        writer.add(connection, [result(trial(1), ok(0.25))])
    copy(full, str(tmp_path / "copy.db"))
    assert check(full).problems == check(Database(str(tmp_path / "copy.db"))).problems == ()
    with full.write() as connection:
        connection.execute(
            sa.delete(t.verdicts).where(t.verdicts.c.id == sa.select(sa.func.min(t.verdicts.c.id)).scalar_subquery())
        )
    assert "1 verdict is missing: their ids have gaps" in check(full).problems
    judgebench.delete(full, what="benchmark", name="other", yes=True)
    assert "1 verdict is missing: their ids have gaps" in check(full).problems, "a deletion hides no loss"


def test_no_text_of_it_is_left_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "judgebench.db"
    database = Database(str(path), create=True)
    everything(database)
    database.close()

    def holds(text: bytes) -> bool:
        return any(text in file.read_bytes() for file in tmp_path.iterdir())

    assert holds(b"beta says 1")
    database = Database(str(path))
    judgebench.delete(database, what="model", name="beta", yes=True)
    assert not holds(b"beta says")  # while it is open
    assert holds(b"alpha says 1")


def test_no_text_of_it_is_left_in_what_the_planner_remembers(full: Database) -> None:
    if full.is_sqlite:
        pytest.skip("SQLite remembers no texts of columns")

    def remembered() -> str:
        with full.read() as connection:
            query = "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname = current_schema()"
            return str(connection.execute(sa.text(query)).all())

    with full.write() as connection:
        connection.execute(sa.text(f"ANALYZE {', '.join(t.metadata.tables)}"))  # not those of other tests
    assert "beta says" in remembered()
    judgebench.delete(full, what="model", name="beta", yes=True)
    assert "beta says" not in remembered()
    assert "alpha says" in remembered()


@pytest.mark.slow
def test_what_cannot_be_wiped_now_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "judgebench.db")
    database = Database(path, create=True)
    everything(database)
    with Database(path).read() as connection:
        connection.execute(sa.select(t.models)).all()
        change = judgebench.delete(database, what="model", name="beta", yes=True)
    assert change.done
    assert "judgebench db compact" in change.notes[-1]
    database.compact()
    assert b"beta says" not in Path(path).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("at", [3, 12])
def test_a_deletion_that_is_killed_has_changed_nothing(full: Database, address: str, at: int) -> None:
    with full.read() as connection:
        before = digests(connection)
    full.close()
    code = f"""
import os, judgebench
from judgebench.store.database import Database
from judgebench.store.deletion import Going
plain, left = Going._delete_from, [{at}]
def killed(self, table):
    plain(self, table)
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), 9)
Going._delete_from = killed
judgebench.delete(Database({address!r}), what="model", name="beta", yes=True)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with full.read() as connection:
        assert digests(connection) == before
    judgebench.delete(full, what="model", name="beta", yes=True)
    assert check(full).problems == ()


@pytest.mark.slow
def test_what_a_run_holds_is_not_deleted_and_not_renamed(full: Database) -> None:
    with full.write() as connection:
        connection.execute(sa.update(t.metadata.tables["claims"]).values(expires_at=FAR_OFF))
    for what, name in (("benchmark", "bench"), ("model", "beta"), ("judge", "judge"), ("run", "1")):
        assert not judgebench.delete(full, what=what, name=name).done
        with pytest.raises(Conflict, match="a run that goes on holds trials of"):
            judgebench.delete(full, what=what, name=name, yes=True)
    for what, name in (("benchmark", "bench"), ("model", "beta"), ("judge", "judge")):
        with pytest.raises(Conflict, match="a run that goes on holds trials of"):
            judgebench.rename(full, what=what, name=name, new="new", yes=True)
    assert judgebench.delete(full, what="run", name="3", yes=True).done
    assert judgebench.rename(full, what="model", name="gamma", new="new", yes=True).done


def test_replies_that_wait_to_be_stored_come_first(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    everything(database)
    (tmp_path / "judgebench.db.unstored").write_text("{}")
    with pytest.raises(Conflict, match="replies that could not be stored wait in"):
        judgebench.delete(database, what="model", name="gamma", yes=True)


class TestAWriterThatGoesOn:
    """It ends by one line where what it is about is gone, and goes on where something else is."""

    @pytest.mark.slow
    def test_what_it_is_about_is_gone(self, database: Database) -> None:
        verdicts = filled(database, models=("alpha", "beta", "gamma"))
        asked = [trial(0), trial(0, a="alpha", b="gamma")]
        with database.write() as connection:
            verdicts.add(connection, [result(asked[0], ok(1.0))])
        judgebench.delete(database, what="model", name="gamma", yes=True)
        with database.write() as connection:
            verdicts.add(connection, [result(trial(1), ok(1.0))])
        with (
            pytest.raises(Conflict, match="model 'gamma' has no output to instruction"),
            database.write() as connection,
        ):
            verdicts.add(connection, [result(asked[1], ok(1.0))])
        judgebench.delete(database, what="benchmark", name="bench", yes=True)
        with pytest.raises(Conflict, match="the run was deleted while it went on"), database.write() as connection:
            verdicts.add(connection, [result(trial(2), ok(1.0))])

    def test_another_run_has_its_number_now(self, database: Database) -> None:
        verdicts = filled(database)
        judgebench.delete(database, what="run", name="1", yes=True)
        another = judging(database)
        with database.write() as connection:
            another.add(connection, [result(trial(0), ok(1.0))])
        with pytest.raises(Conflict, match="the run was deleted while it went on"), database.write() as connection:
            verdicts.add(connection, [result(trial(1), ok(1.0))])

    def test_a_renamed_model(self, database: Database) -> None:
        verdicts = filled(database)
        with database.write() as connection:
            verdicts.add(connection, [result(trial(0), ok(1.0))])
        judgebench.rename(database, what="model", name="beta", new="new", yes=True)
        with pytest.raises(Conflict, match="model 'beta' has no output"), database.write() as connection:
            verdicts.add(connection, [result(trial(1), ok(1.0))])

    def test_counts_of_runs_are_not_remembered_beyond_a_deletion(self, full: Database) -> None:
        with full.read() as connection:
            assert sum(store.runs.runs(connection)[-1].ended.values()) == 5
        judgebench.delete(full, what="model", name="beta", yes=True)
        with full.read() as connection:
            assert store.runs.runs(connection) == []


def test_a_reply_read_again_meanwhile_is_left_to_the_next_page(full: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of verdicts that were deleted may be another's by the time a parser is done."""
    with full.write() as connection:
        connection.execute(sa.update(t.verdicts).values(parser="0"))
    monkeypatch.setattr(engine.run, "template_of", lambda judge: None)
    deleted = []

    def parse(*_: Any) -> Verdict:
        if not deleted:
            deleted.append(judgebench.delete(full, what="benchmark", name="bench", yes=True))
        return Verdict(Status.OK, Source.LABEL, 1.0, parser=PARSER_VERSION)

    monkeypatch.setattr(engine.run, "parse", parse)
    assert engine.run.reparse(full, "judge")[0] == 1
    assert check(full).problems == ()
