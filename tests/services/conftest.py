"""A benchmark whose judge prefers the longer output, for what is read and ranked."""

import pytest

from judgebench import store
from judgebench.records import Battle, Instruction, Judge, Lineage, Model, Order, Source, Status, Trial, Verdict
from judgebench.store.database import Database
from tests.factories import result
from tests.filling import judging, submitted

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
    models = [Model(model, Lineage("kin" if model == "plain" else "other")) for model in _LENGTHS]
    outputs = submitted(database, asked, models, _text, benchmark="b")
    verdicts = judging(database, _JUDGE, benchmark="b")
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
            results.append(result(trial, verdict))
    with database.write() as connection:
        store.models.add_model(connection, Model("relative", Lineage("kin")))
        verdicts.add(connection, results)
    return database
