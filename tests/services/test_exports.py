"""Exporting: equal databases give equal files, and what is read back gives the same file again."""

import gzip
import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from judgebench import services, store
from judgebench.errors import InputError, UnknownName
from judgebench.formats.documents import file_rows
from judgebench.leaderboard import DATA_COLUMNS
from judgebench.records import (
    Battle,
    Completion,
    HumanLabel,
    Instruction,
    Judge,
    Model,
    Order,
    Output,
    Reading,
    Source,
    Status,
    TokenLogprob,
    Trial,
    TrialResult,
    Verdict,
)
from judgebench.services.exports import export, rows
from judgebench.services.imports import import_file
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter

HOSTILE = ["plain", "=1+1", "'-1", "", '["a"]', "two\r\nlines", "\ud7ff ☃ \U0001f600", "[]", " spaces "]
KINDS = ("instructions", "outputs", "verdicts", "labels", "battles", "leaderboard")
READ_BACK = KINDS[:4]
ENDINGS = ("jsonl", "json.gz", "csv", "parquet")
JUDGE = Judge("a judge", "gpt", "pairwise/two-way.v1", "0" * 32, {"temperature": 0})
MODELS = ("alpha", "Zeta", "élan")


def asked(turns: int) -> list[Instruction]:
    return [
        Instruction(
            tuple([f"{text} {number}", "and then?"][:turns]), f"c{number % 2}", "gold" if number else None, (text,)
        )
        for number, text in enumerate(HOSTILE)
    ]


def fill(database: Database, turns: int = 1, *, backwards: bool = False) -> None:
    """Outputs, verdicts and labels on a benchmark "bench", stored in one order or the other."""
    step = -1 if backwards else 1
    instructions = asked(turns)
    outputs = {
        (instruction.key, model): Output(
            instruction.key, model, f"{text}{model}" * (text != ""), ("first",) * (turns - 1)
        )
        for instruction, text in zip(instructions, HOSTILE, strict=True)
        for model in MODELS
    }
    results, labels = [], []
    for instruction, (one, other) in product(instructions, (("alpha", "Zeta"), ("Zeta", "élan"))):
        a, b = sorted((one, other))
        battle = Battle(instruction, outputs[instruction.key, a], outputs[instruction.key, b])
        for order in Order:
            verdict = Verdict(Status.OK, Source.LABEL, 0.25, label="=A", mass=0.5, parser="2")
            reply = Completion(
                "['x']", logprobs=(TokenLogprob("A", -0.5, (("A", -0.5),)),), cost_usd=0.25, latency_s=1.5
            )
            results.append(
                TrialResult(Trial(JUDGE.digest, battle, order).key, instruction.key, a, b, order, 0, verdict, reply)
            )
        labels.append(HumanLabel("ann", instruction.key, a, b, 0.5, True, Order.BA, "app", "2026-01-01T00:00:00+00:00"))
    failed = Verdict(Status.FAILED, Source.NONE, detail="no reply", parser="2")
    scored = Verdict(Status.OK, Source.LABEL, score=7.0, parser="2")
    for instruction, verdict in zip(instructions, (scored, failed), strict=False):
        reading = Reading(JUDGE.digest, instruction, outputs[instruction.key, "alpha"])
        reply = None if verdict is failed else Completion("7")
        results.append(TrialResult(reading.key, instruction.key, "alpha", None, None, 0, verdict, reply))
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, instructions)
        for model in MODELS[::step]:
            store.models.add_model(connection, Model(model))
        store.models.add_outputs(connection, benchmark, list(outputs.values())[::step])
        judge = store.judges.add_judge(connection, JUDGE)
        run = store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge, kind="run", specification={})
        VerdictWriter(connection, run).add(connection, results[::step])
    services.labels.add_labels(database, "bench", labels[::step])


def exported(database: Database, folder: Path, ending: str, kinds: tuple[str, ...] = READ_BACK) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    for kind in kinds:
        export(database, kind, folder / f"{kind}.{ending}", benchmark="bench")
    return {kind: (folder / f"{kind}.{ending}").read_bytes() for kind in kinds}


@pytest.fixture
def other(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "other.db"), create=True)


@pytest.mark.slow
@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_read_back_gives_the_same_files(
    tmp_path: Path, database: Database, other: Database, ending: str, turns: int
) -> None:
    fill(database, turns)
    before = exported(database, tmp_path / "before", ending)
    for kind in READ_BACK:
        assert import_file(other, tmp_path / "before" / f"{kind}.{ending}", benchmark="bench").format == kind
    assert exported(other, tmp_path / "after", ending) == before
    boards = [list(rows(one, "leaderboard", benchmark="bench")) for one in (other, database)]
    audits = ("flag", "coverage")  # what was imported is audited on the way
    numbers = [[{name: row[name] for name in row if name not in audits} for row in board] for board in boards]
    assert numbers[0] == numbers[1]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", READ_BACK)
def test_each_file_stands_by_itself(tmp_path: Path, kind: str, ending: str) -> None:
    databases = [Database(str(tmp_path / f"{name}.db"), create=True) for name in ("one", "two")]
    fill(databases[0])
    before = exported(databases[0], tmp_path / "before", ending, (kind,))
    import_file(databases[1], tmp_path / "before" / f"{kind}.{ending}", benchmark="bench")
    assert exported(databases[1], tmp_path / "after", ending, (kind,)) == before


def test_the_order_of_filling_and_the_engine_make_no_difference(
    tmp_path: Path, database: Database, other: Database
) -> None:
    fill(database)
    fill(other, backwards=True)
    assert exported(database, tmp_path / "one", "jsonl", KINDS) == exported(other, tmp_path / "two", "jsonl", KINDS)


def test_rows_hold_what_is_stored(database: Database) -> None:
    fill(database)
    first = next(rows(database, "verdicts", benchmark="bench"))
    assert (first["instruction"], first["model_a"], first["output_a"]) == ("plain 0", "Zeta", "plainZeta")
    assert (first["judge"], first["order"], first["preference"], first["reply"]) == ("a judge", "AB", 0.25, "['x']")
    assert json.loads(first["settings"]) == {"temperature": 0}
    assert (first["cost_usd"], first["latency_s"], first["source"]) == (0.25, 1.5, "label")
    battle = next(rows(database, "battles", benchmark="bench"))
    assert (battle["preference"], battle["trials"], battle["consistent"]) == (0.25, 2, True)
    assert tuple(next(rows(database, "leaderboard", benchmark="bench"))) == DATA_COLUMNS


def test_a_part_is_chosen_by_judge_and_category(database: Database) -> None:
    fill(database)
    for kind in KINDS[:5]:
        every = list(rows(database, kind, benchmark="bench"))
        part = list(rows(database, kind, benchmark="bench", scope=Scope(category="c1")))
        assert 0 < len(part) < len(every)
        assert {row["category"] for row in part} == {"c1"}
    assert len(list(rows(database, "verdicts", benchmark="bench", scope=Scope(("a judge",))))) == 38
    for unknown in (Scope(("none",)), Scope(category="none")):
        with pytest.raises(UnknownName):
            list(rows(database, "verdicts", benchmark="bench", scope=unknown))


def test_what_is_refused_leaves_no_file(tmp_path: Path, database: Database) -> None:
    fill(database)
    refused: list[tuple[str, dict[str, Any]]] = [
        ("votes", {"benchmark": "bench"}),
        ("labels", {"benchmark": "bnch"}),
        ("labels", {"benchmark": "bench", "scope": Scope(("a judge",))}),
        ("battles", {"benchmark": "bench", "scope": Scope(("a judge", "b"))}),
        ("verdicts", {"benchmark": "bench", "scope": Scope(category="none")}),
        ("verdicts", {"benchmark": "bench", "scope": Scope(with_flagged=True)}),
    ]
    for kind, chosen in refused:
        with pytest.raises(InputError):
            export(database, kind, tmp_path / "a.jsonl", **chosen)
    with pytest.raises(InputError, match="must end in"):
        export(database, "labels", tmp_path / "a.xlsx", benchmark="bench")
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in (".db", ".db-wal", ".db-shm")] == []


def test_a_benchmark_without_labels_gives_a_file_without_rows(tmp_path: Path, database: Database) -> None:
    with database.write() as connection:
        store.benchmarks.add_benchmark(connection, "bench")
    done = export(database, "labels", tmp_path / "a.jsonl.gz", benchmark="bench")
    assert (done.rows, gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())) == (0, b"")


@pytest.mark.slow
@pytest.mark.shared
def test_alpaca_eval_goes_out_and_comes_back_equal(shared: Path, tmp_path: Path, other: Database) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    for model in ("phi-2", "NullModel"):
        import_file(database, shared / "data" / "alpaca_eval" / model / "annotations.json.gz", benchmark="bench")
    before = exported(database, tmp_path / "before", "parquet", READ_BACK[:3])
    import_file(other, tmp_path / "before" / "verdicts.parquet", benchmark="bench")
    assert exported(other, tmp_path / "after", "parquet", READ_BACK[:3]) == before
    assert len(list(file_rows(tmp_path / "before" / "verdicts.parquet"))) == 803 + 805
    scope = Scope(with_flagged=True)
    boards = [services.leaderboards.leaderboard(one, "bench", scope=scope).rows for one in (database, other)]
    numbers, others = ([replace(row, flag="") for row in rows] for rows in boards)  # audits are not exported
    assert numbers == others
