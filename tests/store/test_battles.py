"""Trials come back with everything about them."""

from dataclasses import replace

from judgebench import store
from judgebench.conversations import Conversation, Message, Text
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import Battle, Completion, Instruction, Model, Order, Output, TokenLogprob, Trial
from judgebench.store.battles import BattleFilter
from judgebench.store.database import Database
from tests import mixed
from tests.factories import JUDGE, ok, result, trial
from tests.filling import filled, judging


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


def _prompted(words: str, *, role: str = "system") -> Instruction:
    messages = (Message(role, (Text(words),)), Message("user", (Text("Hello?"),)))
    return Instruction(("Hello?",), full=Conversation(messages))


def test_a_list_tells_instructions_apart_that_have_the_same_user_text(database: Database) -> None:
    asked = [
        *(Instruction(("Hello?",)), _prompted("You speak French."), _prompted("You speak German."), mixed.AGENT),
        *(_prompted(f"You are a helpful assistant who speaks {name}.") for name in ("French", "Italian")),
    ]
    outputs = [Output(instruction.key, model, f"I am {model}") for instruction in asked for model in mixed.MODELS]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, asked)
        for model in mixed.MODELS:
            store.models.add_model(connection, Model(model))
        store.models.add_outputs(connection, benchmark, outputs)
    verdicts = judging(database)
    with database.write() as connection:
        pairs = zip(asked, outputs[::2], outputs[1::2], strict=True)
        trials = [Trial(JUDGE.digest, Battle.of(*pair), Order.AB) for pair in pairs]
        verdicts.add(connection, [result(trial, ok(1.0)) for trial in trials])
    with database.read() as connection:
        rows, total = store.battles.page(connection, benchmark, BattleFilter(), {}, at=slice(0, 9))
    assert [row.text for row in rows] == [
        "Hello?",
        "[system: You speak French.] Hello?",
        "[system: You speak German.] Hello?",
        "[tools: book_leave] [system: You book leave. Never ask back.] Book leave.\n\nAnd my payslip?",
        "[system: You are a helpfu…o speaks French.] Hello?",
        "[system: You are a helpfu…speaks Italian.] Hello?",
    ]
    assert total == len(rows)
