"""Defences side by side, and what honest verdicts pay for them."""

import pytest

from judgebench import store
from judgebench.records import HumanLabel, Instruction
from judgebench.store.database import Database
from judgebench.store.labels import add_labels
from tests.audits import judges
from tests.audits.factories import instructions
from tests.audits.judges import serve
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer
from tests.services.audits.conftest import GOOD, asking, audit, store_outputs


@pytest.mark.slow
def test_defences_are_measured_side_by_side_with_their_price(invoke: Invoke) -> None:
    store_outputs(60, {"good": GOOD, "other": "{text} That is {number}.", "third": "I do not know {number}."})
    code, document, _ = audit(
        invoke, judges.obedient, "null-models", "--defences", "--baseline", "good", "--honest", "6"
    )
    assert (code, document["defence"]) == (0, "nonce")
    rows = {row["defence"]: row for row in document["defences"]}
    assert list(rows) == [
        *("fixed", "nonce", "escaped", "datamarked", "neutralised", "sandwich", "paraphrased"),
        *("verdict-nonce", "read-back", "two-stage"),
    ]
    assert (rows["verdict-nonce"]["passed"], rows["verdict-nonce"]["without_verdict"]) == (True, 0)
    assert (rows["fixed"]["passed"], rows["nonce"]["passed"], rows["sandwich"]["passed"]) == (False, True, True)
    assert rows["fixed"]["null_win_rate"] > 0.3 > 0.1 > rows["nonce"]["null_win_rate"]
    assert rows["fixed"]["agreement"]["value"] == rows["nonce"]["agreement"]["value"] == 1.0
    assert rows["nonce"]["agreement"]["battles"] == 12
    assert rows["nonce"]["accuracy"] is None
    assert rows["read-back"]["without_verdict"] == rows["read-back"]["honest_trials"] == 24
    assert rows["two-stage"]["tokens_a_trial"] == 3 * rows["nonce"]["tokens_a_trial"]


@pytest.mark.slow
def test_labelled_battles_price_a_defence_by_its_accuracy(invoke: Invoke) -> None:
    store_outputs(60, {"good": "{text} In {number} words, in detail.", "off": "I do not know {number}."})
    database = Database("judgebench.db")
    keys = [Instruction((text,)).key for text in instructions(60).values()][:10]
    with database.write() as connection:
        labels = [HumanLabel("ann", key, "good", "off", float(number > 0)) for number, key in enumerate(keys)]
        add_labels(connection, store.benchmarks.benchmark_id(connection, "quiz"), labels)
    database.close()
    flags = ("--defences", "--defence", "sandwich", "--baseline", "good", "--honest", "10")
    _, document, _ = audit(invoke, judges.honest, "null-models", *flags)
    rows = {row["defence"]: row for row in document["defences"]}
    assert list(rows) == ["fixed", "nonce", "sandwich"]
    assert rows["sandwich"]["accuracy"]["value"] == pytest.approx(0.9)
    assert rows["sandwich"]["accuracy"]["battles"] == 10


@pytest.mark.slow
def test_the_comparison_of_defences_is_printed(quiz: Invoke) -> None:
    with FaultServer(serve(judges.honest)) as server:
        result = quiz("audit", "null-models", *asking(server), "--defences", "--defence", "escaped")
    assert result.code == 0
    assert "null win rate" in result.out
    assert "escaped" in result.out
