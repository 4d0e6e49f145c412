"""A benchmark whose judge prefers the longer output, for what is read and ranked."""

import pytest

from judgebench import store
from judgebench.records import (
    Battle,
    Completion,
    Instruction,
    Judge,
    Lineage,
    Model,
    Order,
    Output,
    Source,
    Status,
    Trial,
    TrialResult,
    Verdict,
)
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter

_JUDGE = Judge("judge", "relative", "pairwise/two-way.v1", "0" * 32)
_LENGTHS = {"plain": 20, "marked": 20, "wordy": 60}


def _text(model: str, number: int) -> str:
    marks = "\n- one\n- two\n- three" if model == "marked" and number % 3 else ""
    return f"{model} {number} " + "x" * (_LENGTHS[model] + 11 * (number * len(model) % 13)) + marks


@pytest.fixture
def wordy() -> Database:
    """The longer of two outputs wins, mostly; one reply in ten has no verdict; each costs a cent."""
    database = Database(":memory:", create=True)
    asked = [
        Instruction((f"What is the sum of {n} and one?" if n % 4 else f"Was ist die Summe von {n} und eins?",))
        for n in range(60)
    ]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "b")
        store.benchmarks.add_instructions(connection, benchmark, asked)
        for model in _LENGTHS:
            store.models.add_model(connection, Model(model, Lineage("kin" if model == "plain" else "other")))
        store.models.add_model(connection, Model("relative", Lineage("kin")))
        outputs = {
            (each.key, model): Output(each.key, model, _text(model, number))
            for number, each in enumerate(asked)
            for model in _LENGTHS
        }
        store.models.add_outputs(connection, benchmark, list(outputs.values()))
        judge = store.judges.add_judge(connection, _JUDGE)
        run = store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge, kind="run", specification={})
        results = []
        for number, each in enumerate(asked):
            for a, b in (("marked", "plain"), ("marked", "wordy"), ("plain", "wordy")):
                battle = Battle.of(each, outputs[each.key, a], outputs[each.key, b])
                longer = len(battle.a.text) > len(battle.b.text)
                preferred = 1.0 if longer != (number % 7 == 0) else 0.0
                verdict = Verdict(Status.OK, Source.LABEL, preferred, parser="1")
                if number % 10 == 9 and a == "plain":
                    verdict = Verdict(Status.UNPARSED, Source.NONE, detail="?", parser="1")
                trial = Trial(_JUDGE.digest, battle, Order.AB if number % 2 else Order.BA)
                reply = Completion("A", cost_usd=0.01)
                results.append(TrialResult(trial.key, each.key, a, b, trial.order, 0, verdict, reply))
        VerdictWriter(connection, run).add(connection, results)
    return database
