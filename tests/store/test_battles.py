"""Trials come back with everything about them."""

from dataclasses import replace

from judgebench import store
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import (
    Completion,
    TokenLogprob,
)
from judgebench.store.database import Database
from tests.factories import ok, result, trial
from tests.filling import filled


def test_completions_come_back_with_their_log_probabilities(database: Database) -> None:
    verdicts = filled(database)
    asked = trial(0)
    token = TokenLogprob("A", -0.1, (("A", -0.1), ("B", float("-inf"))))
    reply = Completion("A", "because", "stop", (token,), "gpt-0613", 10, 1, 0.5, 0.25)
    given = result(asked, ok(1.0))
    with database.write() as connection:
        verdicts.add(connection, [replace(given, completion=reply)])
    with database.read() as connection:
        [reply] = store.battles.unread(connection, "judge", f"not {PARSER_VERSION}")
    stored = reply.completion
    assert (reply.trial.key, reply.trial.battle.instruction.category) == (asked.key, "c0")
    assert stored.logprobs == (TokenLogprob("A", -0.1, (("A", -0.1), ("B", -9999.0))),)
    assert (stored.text, stored.reasoning, stored.model, stored.cost_usd) == ("A", "because", "gpt-0613", 0.5)
