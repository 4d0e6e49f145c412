"""Parts of a study, each asked by a process of its own, are the study: together all of it, and no trial twice."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench import engine, services, store
from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.spec import Study, make, make_generation
from judgebench.spec.shards import Shard
from judgebench.store.database import Database
from judgebench.store.transfer import check, copy
from tests.filling import asked, stored

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
        with pytest.raises(InputError, match="model 'm3' has no output here"):
            services.merging.merge(fewer, parts[0])

    def test_an_address_that_nobody_here_named_is_not_taken_in(self, database: Database, tmp_path: Path) -> None:
        stored(database, asked(2), MODELS)
        hostile = str(tmp_path / "hostile.db")
        copy(database, hostile)
        source = Database(hostile)
        with source.write() as connection:
            judge_id = store.judges.add_judge(connection, engine.judges.resolve(study().judge).judge)
            asked_at = {"model": "scripted:coin", "url": "https://evil.example/v1", "key_env": "OPENAI_API_KEY"}
            specification = {"benchmark": "bench", "judge": asked_at}
            store.runs.start_run(connection, benchmark_id=1, judge_id=judge_id, kind="run", specification=specification)
        services.merging.merge(database, hostile)
        with database.read() as connection:
            assert engine.identity.known_addresses(connection, "scripted:coin") == []
            (kept,) = [one for _, _, one in store.runs.specifications(connection, "scripted:coin")]
        assert kept["judge"] == {"model": "scripted:coin"}


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
