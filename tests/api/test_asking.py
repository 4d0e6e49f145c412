"""Runs, also inside an event loop that is running already."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judgebench
from judgebench.clients.scripted import Ask
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import Completion, Prompt, Status
from judgebench.store.database import Database
from tests.api.conftest import outputs


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


@pytest.mark.slow
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


@pytest.mark.slow
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


def a_judge(messages: list[dict[str, str]]) -> str:
    """Prefers what the model called "one" wrote."""
    first = re.search(r"(one|two|three) to question", messages[-1]["content"])
    assert first is not None
    return "A" if first[1] == "one" else "B"


async def an_async_judge(messages: list[dict[str, str]]) -> Completion:
    await asyncio.sleep(0)
    return Completion(a_judge(messages), cost_usd=0.5)


@pytest.mark.parametrize("judge", [a_judge, an_async_judge])
def test_a_function_is_a_judge_whose_known_answers_are_the_verdicts(judged: Database, judge: Ask) -> None:
    report = judgebench.run(judged, benchmark="b", judge=judge, judge_name="mine", judge_version="1", baseline="one")
    assert (report.judge, report.calls, report.tally.without_verdict) == ("mine", 24, 0)
    assert report.tally.cost_usd == (12.0 if judge is an_async_judge else None)
    board = judgebench.rank(judged, benchmark="b", judge="mine")
    assert board["model"][0] == "one"
    assert board["win_rate"].to_list() == [0.5, 0.0, 0.0]
    again = judgebench.run(judged, benchmark="b", judge=judge, judge_name="mine", judge_version="1", baseline="one")
    assert again.calls == 0
    with pytest.raises(Conflict):
        judgebench.run(judged, benchmark="b", judge=judge, judge_name="mine", judge_version="2", baseline="one")


def test_an_error_in_a_function_is_a_failed_trial_and_not_a_verdict(judged: Database) -> None:
    def breaks(messages: list[dict[str, str]]) -> str:
        raise ValueError("out of order")

    report = judgebench.run(
        judged, benchmark="b", judge=breaks, judge_name="broken", judge_version="1", pairs=[("one", "two")], limit=2
    )
    assert report.tally.ended == {Status.FAILED: 4}
    assert "out of order" in report.reasons[0][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"judge": a_judge}, "judge_name and judge_version"),
        ({"judge": a_judge, "judge_name": "m", "judge_version": "1", "price": "1,1"}, "leave ours out"),
        ({"judge": "scripted:coin", "judge_version": "1"}, "a version is that of a function"),
        ({"judge": "scripted:coin", "judge_url": "http://127.0.0.1:1/v1"}, "has no address"),
        ({"judge": {"model": "scripted:coin", "tempature": 0}}, "tempature"),
        ({"judge": "scripted:", "all_pairs": True}, "names no model of its provider"),
        ({"judge": "scripted:coin", "baseline": "one", "all_pairs": True}, "which outputs meet"),
        ({"judge": "scripted:coin", "orders": "bth", "all_pairs": True}, "orders"),
    ],
)
def test_what_does_not_fit_together_is_said(judged: Database, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        judgebench.run(judged, benchmark="b", **keywords)


def test_what_judge_gave_is_asked_as_it_is(judged: Database) -> None:
    coin = judgebench.judge(judged, "scripted:coin")
    for more in ({"template": "pairwise/letter"}, {"judge_name": "x"}, {"judge_version": "1"}, {"price": "1,1"}):
        with pytest.raises(InputError, match="is asked as it is"):
            judgebench.run(judged, benchmark="b", judge=coin, all_pairs=True, **more)  # type: ignore[arg-type]  # what is refused is of any type


def test_a_known_judge_keeps_the_settings_that_are_not_given(judged: Database) -> None:
    judgebench.add_judge(judged, "warm", model="scripted:coin", settings={"temperature": 0.7})
    design: dict[str, Any] = {"benchmark": "b", "all_pairs": True}
    judgebench.run(judged, judge="warm", settings={"max_tokens": 4}, judge_name="w4", **design)
    settings = judgebench.judges(judged).set_index("judge")["settings"]["w4"]
    assert (settings["temperature"], settings["max_tokens"]) == (0.7, 4)
    assert judgebench.run(judged, judge=judgebench.JudgeSpec(model="warm"), **design).judge == "warm"
    own = judgebench.JudgeSpec(model="scripted:coin", settings={"temperature": 0.7})
    assert judgebench.judge(judged, own, settings={"seed": 1}).spec.settings == {"temperature": 0.7, "seed": 1}


def test_a_judge_is_known_by_its_name_once_it_was_added(judged: Database) -> None:
    judgebench.add_judge(judged, "coin", model="scripted:coin", template="pairwise/letter")
    assert judgebench.judges(judged).set_index("judge")["template"]["coin"] == "pairwise/letter.v1"
    assert judgebench.run(judged, benchmark="b", judge="coin", baseline="one").tally.planned == 24
    assert judgebench.test_judge(judged, "coin") is None
    assert judgebench.reparse(judged, "coin") == (0, 0)
    assert set(judgebench.runs(judged)["judge"]) == {"coin", "scripted:always-first"}
    assert "pairwise/letter.v1" in set(judgebench.templates()["template"])


def test_an_estimate_asks_nothing(judged: Database) -> None:
    expected = judgebench.estimate_run(judged, benchmark="b", judge="scripted:coin", all_pairs=True)
    assert (expected.calls, expected.answered) == (36, 0)
    expected = judgebench.estimate_run(judged, benchmark="b", judge="scripted:coin", budget=10)
    assert expected.calls == 10
    answers = judgebench.estimate_answers(judged, benchmark="b", model="scripted:echo", limit=4)
    assert (answers.planned, answers.calls) == (4, 4)
    assert len(judgebench.verdicts(judged, benchmark="b")) == 36


def test_what_asks_can_be_awaited(judged: Database) -> None:
    async def notebook() -> list[int]:
        coin = {"benchmark": "b", "judge": "scripted:coin"}
        ran = await judgebench.arun(judged, baseline="one", **coin)
        settled = await judgebench.asettle(judged, better=("one", "two"), budget=8, **coin)
        answered = await judgebench.aanswer(judged, benchmark="b", model="scripted:echo", model_name="echo")
        return [ran.calls, settled.run.tally.planned, answered.calls]

    assert asyncio.run(notebook()) == [24, 8, 6]
    assert "echo" in set(judgebench.models(judged, benchmark="b")["model"])


def test_runs_that_are_awaited_together_go_on_together(judged: Database) -> None:
    meeting: list[str] = []

    async def waits(messages: list[dict[str, str]]) -> str:
        meeting.append("x")
        for _ in range(200):
            if len(meeting) >= 2:
                break
            await asyncio.sleep(0.01)
        return "A"

    async def notebook() -> None:
        one = {"benchmark": "b", "judge": waits, "judge_version": "1", "pairs": [("one", "two")], "limit": 1}
        await asyncio.gather(
            *(judgebench.arun(judged, judge_name=name, orders="single", concurrency=1, **one) for name in ("p", "q"))
        )

    asyncio.run(notebook())
    assert len(meeting) == 2


def test_a_question_is_settled(judged: Database) -> None:
    found = judgebench.settle(
        judged, benchmark="b", judge=a_judge, judge_name="mine", judge_version="1", top=1, budget=200
    )
    assert found.question
    assert found.run.judge == "mine"


def test_batches_are_written_listed_and_read(judged: Database, tmp_path: Path) -> None:
    file = tmp_path / "trials.jsonl"
    report = judgebench.export_batch(judged, file, benchmark="b", judge="gpt", all_pairs=True, limit=2)
    assert report.exported == 12
    asked = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    reply = {"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}], "model": "gpt"}
    results = tmp_path / "results.jsonl"
    results.write_text(
        "".join(
            json.dumps({"custom_id": row["custom_id"], "response": {"status_code": 200, "body": reply}, "error": None})
            + "\n"
            for row in asked
        ),
        encoding="utf-8",
    )
    assert judgebench.batches(judged)["state"].to_list() == ["exported"]
    assert judgebench.ingest_batches(judged, [results]).new == 12
    assert judgebench.batches(judged)["answered"].to_list() == [12]
    assert len(judgebench.verdicts(judged, benchmark="b", judge="gpt")) == 12
    with pytest.raises(InputError, match="not both"):
        judgebench.ingest_batches(judged, [results], batch="x")


def always_first(messages: list[dict[str, str]]) -> str:
    return "A"


@pytest.mark.parametrize("own", [False, True])
def test_a_judge_is_audited_by_name_or_as_a_function(judged: Database, own: bool) -> None:
    judge = judgebench.judge(judged, always_first, name="mine", version="1") if own else "scripted:always-first"
    settings = judgebench.RobustnessAudit(benchmark="b", judge=judge, model="one", opponent="two", limit=3)
    report = judgebench.audit(judged, settings)
    assert report.audit == "robustness"
    kept = judgebench.audit_results(judged, benchmark="b", kind="robustness")
    assert kept["passed"].to_list() == [report.passed]


def test_null_models_are_entered_against_a_function_which_a_chart_shows(judged: Database) -> None:
    mine = judgebench.judge(judged, always_first, name="first", version="1")
    report = judgebench.audit(judged, judgebench.NullModelAudit(benchmark="b", judge=mine, limit=4))
    assert not report.passed
    assert judgebench.chart(report).to_dict()["datasets"]
    board = judgebench.rank(judged, benchmark="b")
    assert not board.attrs["gate"]["passed"]


def test_audits_are_awaited(judged: Database) -> None:
    async def notebook() -> list[bool]:
        one, other = await asyncio.gather(
            judgebench.aaudit(judged, judgebench.IntegrityAudit(benchmark="b", round_trip=False)),
            judgebench.aaudit(judged, judgebench.SubmissionAudit(benchmark="b")),
        )
        return [one.passed, judgebench.audit(judged, judgebench.SubmissionAudit(benchmark="b")).passed == other.passed]

    assert asyncio.run(notebook()) == [True, True]


def test_a_client_of_ones_own_stays_open_for_the_next_run(judged: Database) -> None:
    class Own:
        closed = 0

        async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
            return Completion("B")

        async def close(self) -> None:
            self.closed += 1

    client = Own()
    for baseline, planned in (("one", 24), ("two", 24)):
        report = judgebench.run(
            judged, benchmark="b", judge=client, judge_name="own", judge_version="1", baseline=baseline
        )
        assert (report.tally.planned, report.tally.without_verdict) == (planned, 0)
    assert client.closed == 0


def test_outputs_are_collected_with_settings_that_are_stored(judged: Database) -> None:
    model = {"model": "scripted:echo", "settings": {"temperature": 1}}
    judgebench.answer(
        judged, benchmark="b", model=model, model_name="echo", settings={"top_p": 0.5}, system="Be brief."
    )
    generated = judgebench.models(judged, benchmark="b").set_index("model")["generated"]["echo"]
    assert generated["settings"] == {"temperature": 1, "max_tokens": 2048, "top_p": 0.5}
    outputs = judgebench.rows(judged, "outputs", benchmark="b").query("model == 'echo'")
    assert outputs["output"].to_list() == [f"question {i}" for i in range(6)]


@pytest.mark.slow
def test_the_whole_way_on_either_database(address: str) -> None:
    db = judgebench.open(address)
    for name in ("one", "two"):
        judgebench.submit(db, outputs(name), model=name, benchmark="b")
    judgebench.run(db, benchmark="b", judge=a_judge, judge_name="mine", judge_version="1", all_pairs=True)
    board = judgebench.rank(db, benchmark="b")
    assert board["win_rate"].to_list() == [1.0, 0.0]
    key = judgebench.battles(db, benchmark="b")["instruction"][0]
    judgebench.vote(db, benchmark="b", annotator="ada", instruction=key, first="one", second="two", preference=1.0)
    assert judgebench.agreement(db, benchmark="b", resamples=50).judges[0].accuracy.value == 1.0
    assert judgebench.audit(db, judgebench.IntegrityAudit(benchmark="b")).passed
    assert judgebench.audit_results(db, benchmark="b", kind="integrity")["passed"].to_list() == [True]
    db.close()


def test_a_run_that_is_cancelled_keeps_what_was_answered_and_goes_on_later(judged: Database) -> None:
    stuck = asyncio.Event()
    mine = {"benchmark": "b", "judge_name": "mine", "judge_version": "1", "all_pairs": True, "concurrency": 1}

    async def sticks(messages: list[dict[str, str]]) -> str:
        if len(judgebench.verdicts(judged, benchmark="b", judge=None)) >= 36 + 3:
            stuck.set()
            await asyncio.sleep(60)
        return "A"

    async def notebook() -> None:
        running = asyncio.create_task(judgebench.arun(judged, judge=sticks, **mine))
        await stuck.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(notebook())
    answered = len(judgebench.verdicts(judged, benchmark="b", judge="mine"))
    assert 3 <= answered < 36
    assert judgebench.run(judged, judge=always_first, **mine).calls == 36 - answered
