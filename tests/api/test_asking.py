"""Runs, also inside an event loop that is running already."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import judgebench
from judgebench.errors import UnknownName
from judgebench.store.database import Database


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
