"""A user's own judge: a function, async or not, or a client; its name and version are who it is."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from judgebench import engine
from judgebench.clients.scripted import Ask, ScriptedClient, always_first
from judgebench.engine.judges import own_judge, resolve, template_of
from judgebench.errors import Conflict, InputError, JudgeError
from judgebench.records import Completion, Status
from judgebench.spec import JudgeSpec, Study, make
from judgebench.store.database import Database
from tests.filling import asked, stored

Messages = list[dict[str, str]]


def first(messages: Messages) -> str:
    assert [message["role"] for message in messages] == ["system", "user"]
    return "A"


async def patient(messages: Messages) -> Completion:
    await asyncio.sleep(0)
    return Completion("A", cost_usd=0.5)


class Callable:
    async def __call__(self, messages: Messages) -> str:
        return "B"


def run(database: Database, judge: Any, **about: Any) -> engine.run.RunReport:
    resolved = own_judge(judge, **{"name": "mine", "version": "1", **about})
    fields: Mapping[str, Any] = {"benchmark": "bench", "all_pairs": True, "judge": resolved.spec}
    return engine.run.run(database, make(Study, fields, where="test"), environment={}, judge=resolved)


@pytest.mark.parametrize(
    ("judge", "cost"),
    [
        (first, None),
        (patient, 2.0),
        (Callable(), None),
        (lambda messages: "A", None),
        (ScriptedClient(always_first), 0.0),
    ],
)
def test_it_is_asked_and_its_verdicts_are_stored(database: Database, judge: Ask, cost: float | None) -> None:
    stored(database, asked(2), ["m1", "m2"])
    report = run(database, judge)
    assert (report.judge, report.tally.ended, report.tally.cost_usd) == ("mine", {Status.OK: 4}, cost)
    assert run(database, judge).calls == 0  # what was answered is not asked again


def test_name_and_version_are_its_identity(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])
    assert run(database, first).calls == 2
    with pytest.raises(Conflict):
        run(database, first, version="2")
    assert run(database, first, name="mine-2", version="2").calls == 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (7, "returned int, not text"),
        (JudgeError("busy"), "busy"),
        (StopIteration("over"), "StopIteration: over"),
        (asyncio.CancelledError("mine"), "CancelledError: mine"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_what_goes_wrong_is_a_failed_trial(database: Database, answer: Any, why: str) -> None:
    def judge(messages: Messages) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    stored(database, asked(1), ["m1", "m2"])
    report = run(database, judge)
    assert report.tally.ended == {Status.FAILED: 2}
    assert why in report.reasons[0][0]


def test_it_settles_a_question_too(database: Database) -> None:
    stored(database, asked(3), ["m1", "m2"])
    resolved = own_judge(first, name="mine", version="1")
    fields = {"benchmark": "bench", "judge": resolved.spec, "design": "adaptive", "better": ("m1", "m2"), "budget": 6}
    settled = engine.adaptive.settle(database, make(Study, fields, where="test"), environment={}, judge=resolved)
    assert settled.run.tally.ended == {Status.OK: 6}


def test_runs_may_be_awaited_in_a_loop_of_the_callers(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])
    study = make(Study, {"benchmark": "bench", "all_pairs": True, "judge": {"model": "scripted:coin"}}, where="test")
    report = asyncio.run(engine.run.running(database, study, environment={}))
    assert report.tally.pending == 0


def test_without_its_function_it_cannot_be_asked(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])
    spec = own_judge(first, name="mine", version="1").spec
    study = make(Study, {"benchmark": "bench", "all_pairs": True, "judge": spec}, where="test")
    with pytest.raises(InputError, match=r"judge 'mine' is a function or an object of Python"):
        engine.run.run(database, study, environment={})


def test_what_was_resolved_is_passed_on_and_its_template_is_held() -> None:
    resolved = resolve(JudgeSpec(model="scripted:coin"))
    assert resolve(resolved) is resolved
    assert template_of(resolved.judge) == resolved.template
