"""Trials come back with everything about them."""

from dataclasses import replace

from judgebench import store
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import Completion, Order, TokenLogprob
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


def test_a_battle_is_found_by_its_models(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        rows = ((trial(0), 1.0), (trial(0, Order.BA), 0.5), (trial(1), 0.0))
        verdicts.add(connection, [result(asked, ok(preference)) for asked, preference in rows])
    with database.read() as connection:
        key, pair = trial().battle.instruction.key, ("alpha", "beta")
        trials = list(store.battles.trials_between(connection, 1, key, pair))
        assert [judged.trial.key for judged in trials] == [trial(0).key, trial(0, Order.BA).key]
        assert [judged.verdict.preference for judged in trials] == [1.0, 0.5]
        assert store.battles.mean_preference(connection, 1, key, pair) == 0.75
        assert store.battles.mean_preference(connection, 1, key, ("beta", "gamma")) is None
        assert store.battles.count(connection, 1) == 2
        assert list(store.battles.judged_trials(connection, 1, judges=["nobody"])) == []
        assert len(list(store.battles.judged_trials(connection, 1, judges=["judge"]))) == 3
