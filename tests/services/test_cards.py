"""A judge's report card, read from either engine."""

from typing import Any

import pytest
from threadpoolctl import threadpool_info

from judgebench import services, store
from judgebench.audits import NULL_MODELS
from judgebench.audits.null_gate import NullGate, Seen, best_null, gate_report, measure
from judgebench.errors import StatisticsError
from judgebench.records import Status
from judgebench.store.audits import Subject, add_audit
from judgebench.store.database import Database
from tests import kinds
from tests.factories import JUDGE, failed, result, trial
from tests.filling import filled, judged

_OF_PAIRS = ("consistency", "position", "length", "own outputs", "repeatability", "transitivity", "people")


def test_a_card(database: Database) -> None:
    judged(database)
    lines = {line.name: line for line in services.cards.card(database, "judge").lines}
    assert lines["reached"].figure.value == 0.8
    assert lines["parsed"].figure.value == 1.0
    assert lines["cost"].figure.value == 0.01
    assert lines["latency"].figure.value == 0.5


def test_the_card_and_the_page_about_bias_rest_on_one_report_made_by_one_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads of BLAS wait for each other more than they help: together they took three times as long."""
    judged(database)
    reports, threads = [], []
    original = services.bias.bias_report

    def report(*args: Any, **kwargs: Any) -> Any:
        threads.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        reports.append(original(*args, **kwargs))
        return reports[-1]

    monkeypatch.setattr(services.bias, "bias_report", report)
    of_page = services.bias.bias(database, "bench")
    card = services.cards.card(database, "judge", benchmark="bench")
    consistency = next(line for line in card.lines if line.name == "consistency")
    assert len(reports) == 1
    assert of_page.judges == ("judge",)
    assert consistency.figure == of_page.position.consistency
    assert set(threads) <= {1}


def test_the_card_states_the_null_model_that_the_audit_states(database: Database) -> None:
    judged(database)
    ties = [Seen(f"i{number}", None, 0.5) for number in range(8)]
    losses = [Seen(f"i{number}", None, 0.0) for number in range(40)]
    results = [
        measure(name, "", seen, NullGate(), entrants=3)
        for name, seen in (("shuffled", ties), ("declared-top", losses), ("empty", []))
    ]
    document = gate_report(results, NullGate(), {}).document()
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, "bench")
        digest = store.judges.judge(connection, "judge").digest
        add_audit(connection, Subject(NULL_MODELS, benchmark_id, digest), passed=False, document=document)
    line = next(line for line in services.cards.card(database, "judge").lines if line.name == "null models")
    best = best_null(document)
    assert best is not None
    assert (line.figure, document["best_null_model"]["name"]) == (best.rate, "shuffled")
    assert (line.figure.value, line.figure.upper) == (0.5, document["null_win_rate"])
    assert "the best is shuffled" in line.evidence


def test_a_judge_whose_trials_all_failed_has_a_card_of_what_is_known(database: Database) -> None:
    writer = filled(database, instructions=4)
    reasons = ("no reply", "no reply", "no reply", "the server is away")
    rows = [result(trial(number), failed(reasons[number]), reply=None) for number in range(4)]
    with database.write() as connection:
        writer.add(connection, rows)
    card = services.cards.card(database, JUDGE.name)
    assert [(one.status, one.reason, one.trials) for one in card.failures] == [
        (Status.FAILED, "no reply", 3),
        (Status.FAILED, "the server is away", 1),
    ]
    lines = {line.name: line for line in card.lines}
    assert lines["reached"].figure.value == 0
    assert lines["reached"].figure.upper
    for name in _OF_PAIRS:
        assert (lines[name].figure.value, lines[name].figure.reason) == (None, "no trial has a verdict (4 failed)")
    assert card.coverage is not None
    assert (card.coverage.left_out, card.coverage.judged) == ({Status.FAILED: 4}, 0)


def test_reasons_beyond_the_most_frequent_are_told_together(database: Database) -> None:
    writer = filled(database, instructions=14)
    with database.write() as connection:
        writer.add(connection, [result(trial(at), failed(f"request {at} failed"), reply=None) for at in range(14)])
    *most, rest = services.cards.card(database, JUDGE.name).failures
    assert len(most) == 10
    assert (rest.status, rest.reason, rest.trials) == (Status.FAILED, "other reasons", 4)


@pytest.mark.parametrize("kind", ["pointwise", "both", "failed pointwise"])
def test_a_judge_of_scores_has_a_card_of_its_trials(kind: str, database: Database) -> None:
    kinds.KINDS[kind](database)
    judge = "second" if kind == "both" else "judge"
    card = services.cards.card(database, judge)
    lines = {line.name: line for line in card.lines}
    reasons = {lines[name].figure.reason for name in _OF_PAIRS}
    assert lines["parsed"].figure.value == (0.0 if kind == "failed pointwise" else 1.0)
    assert card.coverage is not None
    if kind == "failed pointwise":
        assert reasons == {f"no trial has a verdict ({sum(card.coverage.left_out.values())} unparsed)"}
    else:
        assert reasons == {"it gave scores alone, and this is about comparisons"}
        assert (card.coverage.judges, card.coverage.not_judged) == ({judge: 18}, ())


def test_a_judge_that_was_asked_nothing_has_none(database: Database) -> None:
    filled(database)
    with pytest.raises(StatisticsError, match="has given no verdict yet"):
        services.cards.card(database, JUDGE.name)
