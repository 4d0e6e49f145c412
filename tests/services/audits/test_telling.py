"""Of several audits of a judge the one that tells most is gone by, and the note says of how many it is one."""

from collections.abc import Mapping
from typing import Any

import pytest

from judgebench import services, store
from judgebench.audits import NET_FLIP, NULL_MODELS, ROBUSTNESS
from judgebench.records import Judge
from judgebench.services.audits.results import judge_gates
from judgebench.show.gates import null_models
from judgebench.store.audits import Subject, add_audit
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import judged, submitted

_PERSUADED = ({"role": "persuader"},)


def _null(state: str, verdicts: int, **more: Any) -> Mapping[str, Any]:
    severity = {"passed": (), "open": ("medium",), "failed": ("high",)}[state]
    findings = [{"model": f"{state} by {verdicts}", "severity": one, "rule": "null-win-rate"} for one in severity]
    about = {"passed": state == "passed", "verdicts": verdicts, "null_win_rate": 1 / verdicts}
    return {"kind": NULL_MODELS, "findings": findings, "entrants": _PERSUADED, **about, **more}


def _robust(state: str, instructions: int) -> Mapping[str, Any]:
    severity = {"passed": (), "blind": (), "moved": ("medium",), "failed": ("high",)}[state]
    findings = [{"model": f"judge: by {instructions}", "severity": one, "rule": NET_FLIP} for one in severity]
    about = {"passed": state in ("passed", "moved"), "estimates": [{"instructions": instructions}]}
    return {"kind": ROBUSTNESS, "findings": findings, **about}


def _keep(database: Database, *documents: Mapping[str, Any]) -> Judge:
    with database.write() as connection:
        judge = store.judges.judge(connection, "judge")
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        for document in documents:
            subject = Subject(document["kind"], benchmark, judge.digest)
            add_audit(connection, subject, passed=document["passed"], document=document)
    return judge


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "state", "verdicts"),
    [
        ([_null("passed", 400), _null("open", 6)], "passed", 400),
        ([_null("passed", 400), _null("passed", 90)], "passed", 400),
        ([_null("passed", 400), _null("failed", 30)], "failed", 30),
        ([_null("failed", 400), _null("open", 6)], "failed", 400),
        ([_null("failed", 400), _null("passed", 90)], "passed", 90),
        ([_null("open", 400), _null("open", 6)], "failed", 400),
        ([_null("open", 400), _null("passed", 90)], "passed", 90),
        ([_null("passed", 90), _null("open", 400)], "failed", 400),
        ([_null("passed", 400, entrants=()), _null("open", 6)], "failed", 6),
        ([_null("passed", 400), _null("open", 6), _null("open", 5)], "passed", 400),
    ],
)
def test_a_small_audit_by_null_models_does_not_take_the_place_of_a_larger_one(
    database: Database, kept: list[Mapping[str, Any]], state: str, verdicts: int
) -> None:
    judged(database)
    _keep(database, *kept)
    with database.read() as connection:
        [gate] = judge_gates(connection, "bench", ["judge"])
    assert (gate.state, gate.null_win_rate, gate.audits) == (state, 1 / verdicts, len(kept))
    said = f" (by that of its {len(kept)} audits which tells most)"
    assert null_models(gate).endswith(said)
    assert state == "passed" or gate.open[0].words.endswith(said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "state"),
    [
        ([_robust("passed", 200), _robust("blind", 3)], "passed"),
        ([_robust("failed", 200), _robust("passed", 10)], "failed"),
        ([_robust("moved", 200), _robust("passed", 10)], "moved"),
        ([_robust("passed", 200), _robust("failed", 10)], "failed"),
        ([_robust("failed", 10), _robust("passed", 200)], "passed"),
    ],
)
def test_a_small_audit_of_robustness_does_not_either(
    database: Database, kept: list[Mapping[str, Any]], state: str
) -> None:
    judged(database)
    _keep(database, *kept)
    with database.read() as connection:
        [gate] = judge_gates(connection, "bench", ["judge"])
    assert (gate.robustness.state, gate.robustness.audits, gate.audits) == (state, 2, 0)
    assert gate.robustness.words.endswith(" (by that of its 2 audits which tells most)") == (state != "passed")


def test_an_audit_before_instructions_were_added_gives_way_to_a_smaller_one_after(database: Database) -> None:
    judged(database)
    _keep(database, _null("passed", 400))
    submitted(database, [instruction(9)], ("alpha", "beta"), lambda model, number: model)
    with database.read() as connection:
        assert [gate.state for gate in judge_gates(connection, "bench", ["judge"])] == ["stale"]
    _keep(database, _null("open", 6))
    with database.read() as connection:
        assert [gate.state for gate in judge_gates(connection, "bench", ["judge"])] == ["failed"]


def test_the_card_goes_by_the_same_audit(database: Database) -> None:
    judged(database)
    row = {"name": "echo", "verdicts": 400, "instructions": 200, "lower": 0.0, "win_rate": 0.01, "upper": 0.02}
    gate = {"gate": {"error": 0.05}}
    _keep(database, _null("passed", 400, entrants=(row, *_PERSUADED), **gate), _null("open", 6, **gate))
    [line] = [line for line in services.cards.card(database, "judge").lines if line.name == "null models"]
    assert line.figure.value == 0.01
    assert "1 null model (by that of its 2 audits which tells most); the best is echo" in line.evidence
