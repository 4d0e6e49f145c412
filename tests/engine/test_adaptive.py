"""Adaptive studies from question to answer: settled early, resumed without a call, honest when nothing differs."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from judgebench import engine
from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.engine.served import prefers_quality
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored


def _settle(database: Database, judge: str | dict[str, Any], **fields: Any) -> engine.adaptive.Settlement:
    named = {"model": judge} if isinstance(judge, str) else judge
    fields = {"design": "adaptive", "budget": 400, **fields}
    return engine.adaptive.settle(
        database, make(Study, {"benchmark": "bench", "judge": named, **fields}, where="t"), environment={}
    )


def _at(server: FaultServer) -> dict[str, Any]:
    return {"model": "judge", "url": server.url, "template": "pairwise/three-way"}


def noisy(right: float, seed: int = 0) -> Callable[[int, Request], Reply]:
    """A judge that names the better output with this probability."""
    rng = random.Random(seed)

    def reply(index: int, request: Request) -> Reply:
        if request.method == "GET" or rng.random() < right:
            return prefers_quality(index, request)
        better = prefers_quality(index, request).body
        return Reply.chat("[[B]]" if b"[[A]]" in better else "[[A]]")

    return reply


def test_a_question_about_two_models_is_settled_with_few_trials_and_not_asked_twice(database: Database) -> None:
    stored(database, asked(200), ["m1", "m5", "m9"])
    with FaultServer(noisy(0.9)) as server:
        first = _settle(database, _at(server), better=["m9", "m1"])
        again = _settle(database, _at(server), better=["m9", "m1"])
    assert (first.settled, first.answer, first.why) == (True, ("m9",), "settled")
    assert first.run.calls == first.run.tally.planned < 100
    assert (again.answer, again.run.calls, again.run.tally.planned) == (("m9",), 0, first.run.tally.planned)
    [standing] = first.standings
    assert standing.lower > 0.5
    assert standing.mean is not None
    assert standing.mean > 0.6


@pytest.mark.slow
def test_the_top_models_are_found_and_the_clear_ones_left_alone(database: Database) -> None:
    stored(database, asked(300), ["m1", "m2", "m8", "m9"])
    with FaultServer(noisy(0.95)) as server:
        found = _settle(database, _at(server), top=2, budget=2000)
    assert (found.settled, sorted(found.answer)) == (True, ["m8", "m9"])
    assert found.run.tally.planned < 2 * 6 * 300 / 4  # a quarter of all pairs


def test_a_budget_that_is_too_small_settles_nothing_and_is_kept(database: Database) -> None:
    stored(database, asked(100), ["m1", "m9"])
    with FaultServer(prefers_quality) as server:
        found = _settle(database, _at(server), better=["m1", "m9"], budget=7)
        more = _settle(database, _at(server), better=["m1", "m9"], budget=100)
    assert (found.settled, found.answer, found.run.calls, found.why) == (False, (), 6, "the budget is spent")
    assert more.answer == ("m9",)
    assert more.run.calls + 6 == more.run.tally.planned


def test_every_instruction_may_be_used_and_nothing_settled(database: Database) -> None:
    stored(database, asked(5), ["m1", "m9"])
    found = _settle(database, "scripted:always-first", better=["m1", "m9"])
    assert (found.settled, found.why, found.run.tally.planned) == (False, "every instruction was used", 10)
    assert found.standings[0].mean == 0.5


@pytest.mark.slow
def test_a_coin_settles_hardly_anything(database: Database) -> None:
    stored(database, asked(150), ["m1", "m9"])
    """The races share their verdicts, so they err together: the error is small, and tests/stats counts how often."""
    found = [_settle(database, "scripted:coin", better=["m1", "m9"], seed=seed, error=0.001) for seed in range(4)]
    assert not any(each.settled for each in found)
    assert found[1].looks > 3


def test_failures_are_left_out_and_counted(database: Database) -> None:
    stored(database, asked(120), ["m1", "m9"])

    def sulks(index: int, request: Request) -> Reply:
        return Reply.chat("who knows") if index % 7 == 0 else prefers_quality(index, request)

    with FaultServer(sulks) as server:
        found = _settle(database, _at(server), better=["m9", "m1"])
    assert found.answer == ("m9",)
    assert found.left_out == found.run.tally.ended[Status.UNPARSED] > 0


def test_limits_end_it_too(database: Database) -> None:
    stored(database, asked(50), ["m1", "m9"])
    with FaultServer(prefers_quality) as server:
        judge = _at(server) | {"price": "1000,1000"}
        found = _settle(database, judge, better=["m9", "m1"], max_cost=0.05, concurrency=2)
    assert (found.settled, found.why) == (False, "stopped by a limit on cost, calls or errors")
    assert found.run.tally.cost_usd is not None
    assert 0.05 <= found.run.tally.cost_usd < 0.1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"budget": None}, "needs a budget"),
        ({"all_pairs": True}, "chooses what meets"),
        ({"orders": "single"}, "both orders"),
        ({"top": 2, "better": ["m1", "m9"]}, "one question"),
        ({"better": ["m1", "m1"]}, "two different"),
        ({"better": ["m1", "nobody"]}, "unknown model"),
        ({"top": 2}, "no question"),
        ({"design": "fixed", "top": 1, "all_pairs": True}, "--design adaptive"),
    ],
)
def test_what_is_no_question_is_refused(database: Database, fields: dict[str, Any], message: str) -> None:
    stored(database, asked(3), ["m1", "m9"])
    with pytest.raises(InputError, match=message):
        _settle(database, "scripted:coin", **fields)
