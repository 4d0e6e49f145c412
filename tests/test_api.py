"""``import judgebench``: the same steps as the command line, with frames, also inside a running event loop."""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import judgebench
from judgebench import services
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import Lineage, Status
from judgebench.resources import folder
from judgebench.store.database import Database

HEAVY = ("alembic", "numpy", "pandas", "pydantic", "scipy", "sqlalchemy", "typer")
ASKED = [f"question {i}" for i in range(6)]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = judgebench.open(tmp_path / "my.db")
    yield opened
    opened.close()


@pytest.fixture
def judged(db: Database) -> Database:
    for name in ("one", "three", "two"):
        judgebench.submit(db, outputs(name), model=name, benchmark="b")
    judgebench.run(db, benchmark="b", judge="scripted:always-first", all_pairs=True)
    return db


def outputs(name: str) -> pd.DataFrame:
    return pd.DataFrame({"instruction": ASKED, "output": [f"{name} to {text}" for text in ASKED], "category": "c"})


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, judgebench; judgebench.__version__; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_function_has_the_name_of_a_module_which_would_take_its_place() -> None:
    for name in judgebench.__all__:
        assert importlib.util.find_spec(f"judgebench.{name}") is None


def test_every_public_name_is_there_and_others_are_not() -> None:
    assert all(getattr(judgebench, name) for name in judgebench.__all__)
    with pytest.raises(AttributeError, match="no attribute 'leader'"):
        judgebench.leader  # noqa: B018


def test_a_report_says_what_matched_and_a_dry_run_stores_nothing(db: Database) -> None:
    report = judgebench.submit(db, outputs("one"), model="one", benchmark="b", dry_run=True)
    assert (report.new, report.matched, report.creates_benchmark) == (6, 0, True)
    assert services.benchmarks.benchmarks(db) == []
    judgebench.submit(db, outputs("one"), model="one", benchmark="b", lineage=Lineage("fam"))
    again = judgebench.submit(db, outputs("one").head(4), model="one", benchmark="b")
    assert (again.new, again.matched, again.missing) == (0, 4, 2)
    assert services.benchmarks.models(db, "b")[0].lineage == Lineage("fam")


def test_files_are_submitted_like_frames(db: Database) -> None:
    report = judgebench.submit(db, folder("demo") / "outputs" / "demo-careful.json", model="careful", benchmark="demo")
    assert report.new == 45


def test_cells_of_numpy_and_missing_ones_are_read_as_json_would_hold_them(db: Database) -> None:
    frame = pd.DataFrame(
        {
            "frage": [np.array(["first", "second"], dtype=object), ["only"], "plain"],
            "output": ["a", "b", ""],
            "category": [np.nan, None, pd.NA],
            "checklist": [np.array(["Is it?"], dtype=object), None, []],
        },
        index=[7, 7, 9],
    )
    judgebench.submit(db, frame, model="m", benchmark="b", columns={"instruction": "frage"})
    found = services.benchmarks.benchmark(db, "b")
    assert (found.instructions, found.categories) == (3, ())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"instruction": ["q", "r"], "output": ["a", None]}), "the data frame, row 2, field 'output'"),
        (pd.DataFrame({"question": ["q"]}), "the data frame, row 1, field 'output'"),
        (pd.DataFrame({"instruction": ["q", "q"], "output": ["a", "b"]}), "the same instruction as in row 1"),
        (pd.DataFrame({"instruction": [], "output": []}), "the data frame: holds no rows"),
        (pd.DataFrame([["q", "a", "b"]], columns=["instruction", "output", "output"]), "'output' occurs twice"),
    ],
)
def test_a_bad_frame_is_one_clear_message_and_nothing_is_stored(
    db: Database, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        judgebench.submit(db, frame, model="m", benchmark="b")
    assert services.benchmarks.benchmarks(db) == []


def test_stored_outputs_are_never_replaced(judged: Database) -> None:
    with pytest.raises(Conflict, match="stored with another output"):
        judgebench.submit(judged, outputs("other"), model="one", benchmark="b")


def test_the_leaderboard_is_a_frame_that_says_how_it_came_about(judged: Database) -> None:
    board = judgebench.rank(judged, benchmark="b")
    assert list(board["model"]) == ["one", "three", "two"]
    assert board["win_rate"].to_list() == [0.5, 0.5, 0.5]  # it names the first, and both orders were asked
    assert board.attrs["judges"] == ["scripted:always-first"]
    assert board.attrs["left_out"] == {}
    elo = judgebench.rank(judged, benchmark="b", method="bradley-terry")
    assert elo["rating"].to_numpy() == pytest.approx(1000)


def test_a_mistyped_choice_is_an_error_and_not_another_method(judged: Database) -> None:
    with pytest.raises(InputError, match="method"):
        judgebench.rank(judged, benchmark="b", method="best")
    with pytest.raises(UnknownName, match="did you mean 'baseline'"):
        judgebench.rank(judged, benchmark="b", base_line="one")
    with pytest.raises(UnknownName, match="did you mean 'inconsistent'"):
        judgebench.battles(judged, benchmark="b", inconsistant=True)
    with pytest.raises(InputError, match="repeat"):
        judgebench.run(judged, benchmark="b", judge="scripted:coin", all_pairs=True, repeat=2)


def test_battles_are_a_frame(judged: Database) -> None:
    found = judgebench.battles(judged, benchmark="b")
    assert len(found) == 18
    assert set(found["preference"]) == {0.5}
    assert not found["consistent"].any()
    assert len(judgebench.battles(judged, benchmark="b", limit=5, models=("one",))) == 5
    none = judgebench.battles(judged, benchmark="b", text="not in any")
    assert len(none) == 0
    assert list(none.columns) == list(found.columns)


def test_verdicts_are_a_frame_with_the_raw_replies(judged: Database) -> None:
    found = judgebench.verdicts(judged, benchmark="b")
    assert len(found) == 36
    assert set(found["reply"]) == {"A"}
    first = np.where(found["order"] == "AB", found["preference"], 1 - found["preference"])
    assert (first == 1).all()
    assert set(found["status"]) == {str(Status.OK)}
    with pytest.raises(UnknownName):
        judgebench.verdicts(judged, benchmark="b", judge="nobody")
    judgebench.run(judged, benchmark="b", judge={"model": "scripted:coin", "name": "coin"}, baseline="one", limit=2)
    assert len(judgebench.verdicts(judged, benchmark="b", judge="coin")) == 8


def test_a_run_inside_a_running_event_loop_is_a_run(judged: Database) -> None:
    async def notebook() -> tuple[int, int]:
        report = judgebench.run(judged, benchmark="b", judge="scripted:coin", all_pairs=True, on_progress=seen)
        return report.tally.pending, report.calls

    told: list[int] = []

    def seen(tally: object, calls: int) -> None:
        told.append(calls)

    assert asyncio.run(notebook()) == (0, 36)
    assert told[-1] == 36


def test_an_error_of_a_run_inside_a_running_event_loop_arrives(judged: Database) -> None:
    async def notebook() -> None:
        judgebench.run(judged, benchmark="nowhere", judge="scripted:coin", all_pairs=True)

    with pytest.raises(UnknownName):
        asyncio.run(notebook())


@pytest.mark.parametrize("inside", [False, True])
def test_a_watcher_that_returns_true_stops_the_run_which_can_be_continued(db: Database, inside: bool) -> None:
    asked = [f"question {i}" for i in range(300)]
    for name in ("one", "two"):
        frame = pd.DataFrame({"instruction": asked, "output": [f"{name} {text}" for text in asked]})
        judgebench.submit(db, frame, model=name, benchmark="b")

    def run(on_progress: object = None) -> tuple[bool, int]:
        options = {"benchmark": "b", "judge": "scripted:coin", "all_pairs": True, "concurrency": 1}
        report = judgebench.run(db, on_progress=on_progress, **options)
        return report.interrupted, report.tally.pending

    async def notebook() -> tuple[bool, int]:
        return run(lambda tally, calls: True)

    interrupted, pending = asyncio.run(notebook()) if inside else run(lambda tally, calls: True)
    assert interrupted
    assert 0 < pending <= 600
    assert run() == (False, 0)
    assert len(judgebench.verdicts(db, benchmark="b")) == 600


def test_an_interrupt_in_a_notebook_ends_the_run_and_keeps_what_was_answered(tmp_path: Path) -> None:
    """A real interrupt, in a process of its own, while the run is under way in its thread."""
    code = f"""
import asyncio, os, signal, judgebench, pandas as pd
db = judgebench.open({str(tmp_path / "n.db")!r})
asked = [f"question {{i}}" for i in range(2000)]
for name in ("one", "two"):
    frame = pd.DataFrame({{"instruction": asked, "output": [f"{{name}} {{text}}" for text in asked]}})
    judgebench.submit(db, frame, model=name, benchmark="b")
sent = []
def watch(tally, calls):
    if calls and not sent:
        sent.append(os.kill(os.getpid(), signal.SIGINT))
async def notebook():
    loop = asyncio.get_running_loop()
    loop.remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = dict(benchmark="b", judge="scripted:coin", all_pairs=True, concurrency=1)
    return judgebench.run(db, on_progress=watch, **options)
report = asyncio.run(notebook())
stored = len(judgebench.verdicts(db, benchmark="b"))
print(report.interrupted, report.tally.pending > 0, stored == report.tally.planned - report.tally.pending)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["True", "True", "True"], done.stderr
