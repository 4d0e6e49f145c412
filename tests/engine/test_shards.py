"""Parts of a study, each asked by a process of its own, are the study: together all of it, and no trial twice."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from judgebench import engine, services, store
from judgebench.errors import DatabaseError, InputError
from judgebench.records import Completion, Judge, Source, Status, Verdict
from judgebench.spec import Study, load_template, make, make_generation
from judgebench.spec.shards import Shard
from judgebench.store import schema as tables
from judgebench.store.database import Connection, Database
from judgebench.store.transfer import check, copy
from tests.filling import asked, stored, submitted

MODELS = ["m1", "m2", "m3"]


def study(**fields: Any) -> Study:
    judge = {"model": "scripted:coin"}
    return make(Study, {"benchmark": "bench", "judge": judge, "all_pairs": True} | fields, where="test")


def planned(database: Database, **fields: Any) -> list[str]:
    plan = engine.plan.plan(database, study(**fields))
    keys = [trial.key for trial in engine.plan.planned_trials(database, plan)]
    assert len(keys) == plan.trials
    return keys


@given(st.integers(1, 12), st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), max_size=30))
def test_every_instruction_is_in_one_part(parts: int, keys: list[str]) -> None:
    for key in keys:
        assert sum(Shard(number, parts).holds(key) for number in range(1, parts + 1)) == 1


@pytest.mark.parametrize("fields", [{}, {"limit": 17}, {"category": "c1"}, {"repeats": 2, "orders": "random"}])
def test_the_parts_are_the_plan(database: Database, fields: dict[str, Any]) -> None:
    stored(database, asked(30), MODELS)
    whole = planned(database, **fields)
    parts = [planned(database, shard=f"{number}/4", **fields) for number in (1, 2, 3, 4)]
    assert sorted(key for part in parts for key in part) == sorted(whole)
    assert engine.plan.estimate(database, study(shard="1/4", **fields)).calls == len(parts[0])


def test_a_part_is_the_same_whichever_way_instructions_came(tmp_path: Path) -> None:
    instructions = asked(20)
    shuffled = random.Random(3).sample(instructions, len(instructions))
    keys = []
    for name, order in (("one.db", instructions), ("other.db", shuffled)):
        with_order = Database(str(tmp_path / name), create=True)
        stored(with_order, order, MODELS)
        plan = engine.plan.plan(with_order, study(shard="2/3"))
        keys.append({trial.key for trial in engine.plan.planned_trials(with_order, plan)})
    assert keys[0] == keys[1] != set()


def test_a_part_ends_by_itself(database: Database) -> None:
    stored(database, asked(12), MODELS)
    ended = [engine.run.run(database, study(shard=(number, 3)), environment={}) for number in (1, 2, 3)]
    assert [report.tally.pending for report in ended] == [0, 0, 0]
    assert sum(report.tally.planned for report in ended) == len(planned(database)) == 72
    runs = services.benchmarks.runs(database)
    assert [str(run.shard) for run in runs] == ["3/3", "2/3", "1/3"]
    assert all(run.finished_at for run in runs)
    assert not services.gaps.find_gaps(database).gaps


def test_a_part_may_be_empty(database: Database) -> None:
    stored(database, asked(1), MODELS)
    sizes = [len(planned(database, shard=f"{number}/2")) for number in (1, 2)]
    assert sorted(sizes) == [0, 6]
    for number in (1, 2):
        assert engine.run.run(database, study(shard=f"{number}/2"), environment={}).tally.pending == 0


def test_outputs_are_collected_in_parts(database: Database) -> None:
    stored(database, asked(10), [])
    for number in (1, 2):
        fields = {"benchmark": "bench", "model": "echo", "generator": {"model": "scripted:echo"}}
        generation = make_generation(fields | {"shard": f"{number}/2"}, where="test")
        report = engine.answer.answer(database, generation, environment={})
        assert report.tally.pending == 0
    with database.read() as connection:
        assert all(counts == {"echo": 1} for _, counts in store.benchmarks.presence(connection, 1, ["echo"]))


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", (2, 1), "1/99999"])
def test_what_is_no_part_is_refused(shard: Any) -> None:
    with pytest.raises(InputError, match=r"shard: .*(1/3|parts are counted)"):
        study(shard=shard)


def test_an_adaptive_design_has_no_parts() -> None:
    with pytest.raises(InputError, match="shard belong"):
        study(shard="1/2", design="adaptive", budget=5, all_pairs=False)


class TestMerging:
    @pytest.fixture
    def parts(self, database: Database, tmp_path: Path) -> list[str]:
        """Three copies of the database, of which each has judged a part."""
        stored(database, asked(12), MODELS)
        addresses = [str(tmp_path / f"part{number}.db") for number in (1, 2, 3)]
        for number, address in enumerate(addresses, start=1):
            copy(database, address)
            engine.run.run(Database(address), study(shard=(number, 3)), environment={})
        return addresses

    def test_merged_parts_are_the_study(self, database: Database, parts: list[str]) -> None:
        merged = [services.merging.merge(database, address) for address in parts]
        assert sum(one.new for one in merged) == 72
        assert [one.runs for one in merged] == [1, 1, 1]
        assert engine.plan.estimate(database, study()).calls == 0
        assert not check(database).problems
        assert not services.gaps.find_gaps(database).gaps
        with Database(parts[0]).read() as there, database.read() as here:
            columns, rows = store.verdicts.plain_rows(there, 1)
            assert {*rows} <= {*store.verdicts.plain_rows(here, 1)[1]}
            assert "reply" in columns

    def test_merging_again_changes_nothing(self, database: Database, parts: list[str]) -> None:
        for address in parts:
            services.merging.merge(database, address)
        with database.read() as connection:
            before = store.transfer.digests(connection)
        again = [services.merging.merge(database, address) for address in parts]
        assert [(one.runs, one.new) for one in again] == [(0, 0)] * 3
        with database.read() as connection:
            assert store.transfer.digests(connection) == before

    @pytest.mark.slow
    def test_of_two_answers_the_earlier_counts_in_whichever_order(
        self, database: Database, parts: list[str], tmp_path: Path
    ) -> None:
        others = [str(tmp_path / f"other{number}.db") for number in (1, 2)]
        for address in others:
            copy(database, address)
            for part in parts[:: 1 if address == others[0] else -1]:
                services.merging.merge(Database(address), part)
            engine.run.run(Database(address), study(seed=len(address)), environment={})
        twice = str(tmp_path / "twice.db")
        copy(database, twice)
        engine.run.run(Database(twice), study(), environment={})  # the same trials, answered later
        boards = []
        for name, order in (("ab.db", [others[0], twice]), ("ba.db", [twice, others[1]])):
            target = str(tmp_path / name)
            copy(database, target)
            for source in order:
                services.merging.merge(Database(target), source)
            with Database(target).read() as connection:
                boards.append(sorted(store.verdicts.plain_rows(connection, 1)[1], key=repr))
            assert not check(Database(target)).problems
        assert boards[0] == boards[1]

    def test_an_answer_takes_the_place_of_a_failure(self, database: Database, tmp_path: Path) -> None:
        stored(database, asked(4), MODELS)
        failed, answered = str(tmp_path / "failed.db"), str(tmp_path / "answered.db")
        for address, judge in ((failed, "scripted:fails"), (answered, "scripted:coin")):
            copy(database, address)
            fields = {"judge": {"model": "scripted:coin", "name": "one"}}
            _judge(Database(address), study(**fields), fails=judge == "scripted:fails")
        for order in ([failed, answered], [answered, failed]):
            target = str(tmp_path / f"{len(order[0])}.db")
            copy(database, target)
            for source in order:
                services.merging.merge(Database(target), source)
            with Database(target).read() as connection:
                names, rows = store.verdicts.plain_rows(connection, 1)
            assert {row[names.index("status")] for row in rows} == {str(Status.OK)}
            assert not check(Database(target)).problems

    def test_what_is_not_the_same_study_is_refused(self, database: Database, parts: list[str], tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is this database itself"):
            services.merging.merge(Database(parts[0]), parts[0])
        empty = Database(str(tmp_path / "empty.db"), create=True)
        with pytest.raises(InputError, match="benchmark 'bench' is not in this database"):
            services.merging.merge(empty, parts[0])
        fewer = Database(str(tmp_path / "fewer.db"), create=True)
        stored(fewer, asked(12), MODELS[:2])
        with pytest.raises(
            InputError, match=r"model 'm3' has no output here to (\d+) of the \1 that were judged there: what"
        ):
            services.merging.merge(fewer, parts[0])
        services.upkeep.rename(database, "model", "m3", "m4", yes=True)
        with pytest.raises(InputError, match=r"renamed to 'm4' here; .* db rename model m3 m4 --yes"):
            services.merging.merge(database, parts[0])
        services.upkeep.rename(database, "benchmark", "bench", "court", yes=True)
        with pytest.raises(InputError, match=r"renamed to 'court' here; .* db rename benchmark bench court --yes"):
            services.merging.merge(database, parts[0])
        for refused in (empty, fewer, database):
            assert services.benchmarks.runs(refused) == []
            assert not any(one.action == "merged" for one in services.upkeep.events(refused))

    @pytest.mark.parametrize(
        "asks", [{"url": "https://evil.example/v1"}, {"url": None}, {"url": "http://127.0.0.1:9/v1"}]
    )
    def test_nobody_is_asked_as_another_database_says(
        self, database: Database, tmp_path: Path, asks: dict[str, Any]
    ) -> None:
        stored(database, asked(2), MODELS)
        model = "judge" if asks["url"] else "openai:judge"
        with database.write() as connection:
            own = {"model": model, "url": "http://127.0.0.1:9/v1", "key_env": "MY_KEY"}
            _start(connection, own)
        hostile = str(tmp_path / "hostile.db")
        copy(database, hostile)
        with Database(hostile).write() as connection:
            _start(
                connection,
                {"model": model, **asks, "key_env": "OPENAI_API_KEY", "connection": {"proxy": "http://evil"}},
            )
        before = engine.judges.known_judge(database, "judge")
        services.merging.merge(database, hostile)
        assert engine.judges.known_judge(database, "judge") == before
        with database.read() as connection:
            kept = [run.specification for run in store.merging.source_runs(connection)]
        assert "evil" not in str(kept)
        assert "OPENAI" not in str(kept)

    @pytest.mark.slow
    def test_what_counts_does_not_depend_on_the_order(self, database: Database, tmp_path: Path) -> None:
        stored(database, asked(3), MODELS)
        copies = _chains(database, tmp_path)
        outcomes = set()
        for number, order in enumerate(permutations(copies)):
            target = str(tmp_path / f"target{number}.db")
            copy(database, target)
            merged = Database(target)
            for source in order:
                services.merging.merge(merged, source)
            again = [services.merging.merge(merged, source) for source in order]
            assert [(one.runs, one.new) for one in again] == [(0, 0)] * len(order)
            assert not check(merged).problems
            with merged.read() as connection:
                names, rows = store.verdicts.plain_rows(connection, 1)
            told = [
                names.index(name) for name in ("instruction", "model_a", "model_b", "order", "status", "preference")
            ]
            outcomes.add(tuple(sorted(tuple(row[place] for place in told) for row in rows)))
        assert len(outcomes) == 1

    def test_a_reply_that_two_benchmarks_share_is_taken_in_and_paid_once(
        self, database: Database, tmp_path: Path
    ) -> None:
        questions = asked(3)
        for name in ("bench", "again"):
            submitted(database, questions, MODELS, lambda model, number: f"{model} on {number}", benchmark=name)
        source = str(tmp_path / "source.db")
        copy(database, source)
        for name in ("bench", "again"):
            engine.run.run(Database(source), study(benchmark=name), environment={})
        services.merging.merge(database, source)
        counts = [check(one).rows for one in (database, Database(source))]
        assert counts[0]["completions"] == counts[1]["completions"] == 18
        assert counts[0]["verdicts"] == counts[1]["verdicts"] == 36
        assert not check(database).problems

    def test_keys_from_before_they_held_references_are_brought_up_to_date(
        self, database: Database, tmp_path: Path
    ) -> None:
        stored(database, asked(2, reference="four"), MODELS[:2])
        old = str(tmp_path / "old.db")
        copy(database, old)
        wanted = study(judge={"model": "scripted:coin", "template": "pairwise/three-way-reference"})
        for one in (database, Database(old)):
            engine.run.run(one, wanted, environment={})
        judge = engine.judges.resolve(wanted.judge).judge
        with Database(old).write() as connection:
            store.trial_keys.make_current(connection, judge, ())
            connection.execute(sa.update(tables.judges).values(shows=None))
        services.merging.merge(database, old)
        with database.read() as connection:
            assert store.verdicts.count(connection, 1) == 4
        assert engine.plan.estimate(database, wanted).calls == 0

    def test_a_merge_that_breaks_off_is_no_run_that_ended_and_is_logged(
        self, database: Database, tmp_path: Path
    ) -> None:
        stored(database, asked(120), MODELS[:2])
        source = str(tmp_path / "source.db")
        copy(database, source)
        engine.run.run(Database(source), study(), environment={})
        last = sa.select(sa.func.max(tables.outputs.c.id)).scalar_subquery()
        with database.write() as connection:
            connection.execute(sa.update(tables.outputs).where(tables.outputs.c.id == last).values(text="another"))
        with pytest.raises(InputError, match="reads otherwise here"):
            services.merging.merge(database, source)
        (run,) = services.benchmarks.runs(database)
        assert (run.kind, run.finished_at) == ("merged", None)
        (event,) = [one for one in services.upkeep.events(database) if one.action == "merged"]
        assert event.details["trials"] == sum(run.ended.values()) > 0

    def test_an_instruction_that_reads_otherwise_is_refused(self, database: Database, tmp_path: Path) -> None:
        (question,) = asked(1, reference="four")
        stored(database, [question], MODELS)
        other = Database(str(tmp_path / "other.db"), create=True)
        stored(other, [replace(question, reference="five")], MODELS)
        judge = {"model": "scripted:coin", "template": "pairwise/three-way-reference"}
        engine.run.run(other, study(judge=judge), environment={})
        with pytest.raises(InputError, match="reads otherwise here"):
            services.merging.merge(database, str(tmp_path / "other.db"))

    @pytest.mark.parametrize(
        ("table", "column", "value"),
        [
            ("runs", "specification", "[1]"),
            ("runs", "specification", "{"),
            ("judges", "settings", "["),
            ("verdicts", "trial_key", "A"),
            ("verdicts", "created_at", "0000"),
            ("completions", "cost_usd", "abc"),
            ("completions", "cost_usd", 1e999),
            ("completions", "text", b"\0"),
            ("completions", "logprobs", "["),
        ],
    )
    def test_what_no_judgebench_stores_is_refused_or_left(
        self, tmp_path: Path, table: str, column: str, value: object
    ) -> None:
        target, source = (Database(str(tmp_path / name), create=True) for name in ("target.db", "source.db"))
        for one in (target, source):
            stored(one, asked(2), MODELS)
        engine.run.run(source, study(), environment={})
        source.close()
        with closing(sqlite3.connect(tmp_path / "source.db")) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = 1", (value,))  # our names
            connection.commit()
        try:
            services.merging.merge(target, str(tmp_path / "source.db"))
        except (InputError, DatabaseError):
            assert store.verdicts.newest_id(target.engine.connect()) == 0
        engine.run.run(target, study(), environment={})  # it goes on
        assert not check(target).problems


def _start(connection: Connection, asks: dict[str, Any]) -> None:
    """A run of the judge called "judge", asked so."""
    judge = Judge("judge", asks["model"], "pairwise/two-way.v1", load_template("pairwise/two-way").digest, {})
    judge_id = store.judges.add_judge(connection, judge)
    specification = {"benchmark": "bench", "judge": asks}
    store.runs.start_run(connection, benchmark_id=1, judge_id=judge_id, kind="run", specification=specification)


def _chains(database: Database, folder: Path) -> list[str]:
    """Databases that answered the same trials: at once; and read again since; later; after a failure."""
    names = ("first", "read_again", "later", "failed")
    first, read_again, later, failed = (str(folder / f"{name}.db") for name in names)
    for address in (first, later, failed):
        copy(database, address)
    _judge(Database(failed), study(), fails=True)
    engine.run.run(Database(first), study(), environment={})
    copy(Database(first), read_again)
    reading = Database(read_again)
    with reading.write() as connection:
        rows = connection.execute(sa.select(tables.verdicts.c.id, tables.verdicts.c.preference)).all()
        turned = {row.id: Verdict(Status.OK, Source.LABEL, preference=1 - row.preference, parser="9") for row in rows}
        store.verdicts.add_reparsed(connection, turned)
    _answer(Database(later))
    _answer(Database(failed))
    return [first, read_again, later, failed]


def _answer(database: Database) -> None:
    """Have every trial answered, B each time."""
    plan = engine.plan.plan(database, study())
    with database.write() as connection:
        verdicts = store.verdicts.VerdictWriter(connection, engine.run.start_run(connection, plan, "run"))
        verdict, reply = Verdict(Status.OK, Source.LABEL, preference=0.0, parser="1"), Completion("B", cost_usd=0.1)
        trials = engine.plan.planned_trials(database, plan)
        verdicts.add(connection, [engine.run.result_of(trial, verdict, reply) for trial in trials])


def _judge(database: Database, wanted: Study, *, fails: bool) -> None:
    """Answer every trial, or have every one fail."""
    plan = engine.plan.plan(database, wanted)
    if not fails:
        engine.run.run(database, wanted, environment={})
        return
    with database.write() as connection:
        verdicts = store.verdicts.VerdictWriter(connection, engine.run.start_run(connection, plan, "run"))
        results = [
            engine.run.result_of(trial, engine.run.failed("nobody answered"), None)
            for trial in engine.plan.planned_trials(database, plan)
        ]
        verdicts.add(connection, results)
