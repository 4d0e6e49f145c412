"""What an audit takes, before anything is asked, and limits on what it may ask."""

from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.errors import InputError
from judgebench.services.audits.estimates import estimate
from judgebench.services.audits.registry import Budget, IntegrityAudit, NullModelAudit, RobustnessAudit, SubmissionAudit
from judgebench.show.sentences import audit_estimate
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.services.audits.conftest import GOOD, store_outputs

NULLS = ("audit", "null-models", "--benchmark", "quiz", "--judge", "scripted:coin", "--format", "json")


@pytest.fixture
def database(quiz: Invoke) -> Any:
    store_outputs(60, {"bad": "No.", "other": GOOD})
    opened = Database("judgebench.db")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "settings",
    [
        NullModelAudit(benchmark="quiz", judge="scripted:coin", limit=6, every_entrant=True, fail_above=0.001),
        RobustnessAudit(benchmark="quiz", judge="scripted:coin", model="good", opponent="bad", limit=5),
        SubmissionAudit(benchmark="quiz", judge="scripted:coin", permuted=4),
    ],
)
def test_no_audit_asks_more_than_was_estimated(database: Database, settings: Any) -> None:
    expected = estimate(database, settings)
    assert expected.judge == "scripted:coin"
    assert expected.prompt_tokens > 20 * expected.calls  # a template alone is longer
    judgebench.audit(database, settings)
    calls = sum(sum(run.ended.values()) for run in services.benchmarks.runs(database) if run.kind == "run")
    assert 0.4 * expected.calls <= calls <= expected.calls


def test_what_only_reads_costs_nothing(database: Database) -> None:
    for settings in (IntegrityAudit(benchmark="quiz"), SubmissionAudit(benchmark="quiz")):
        expected = judgebench.estimate_audit(database, settings)
        assert (expected.judge, expected.calls, expected.cost_usd) == (None, 0, 0.0)
        assert audit_estimate(expected) == ["It asks no judge: it only reads what is stored."]


@pytest.mark.slow
def test_a_limit_stops_an_audit_which_is_not_kept_and_continues(quiz: Invoke) -> None:
    dry = quiz(*NULLS, "--dry-run")
    assert (dry.code, dry.json["judge"]) == (0, "scripted:coin")
    stopped = quiz(*NULLS, "--max-calls", "20")
    assert (stopped.code, stopped.json["finished"], stopped.json["passed"]) == (1, False, False)
    assert "max_calls" in stopped.json["failures"][-1]
    database = Database("judgebench.db")
    assert services.audits.results.audits(database, "quiz") == []
    assert sum(sum(run.ended.values()) for run in services.benchmarks.runs(database)) <= 20
    database.close()
    assert "finished" not in quiz(*NULLS).json
    database = Database("judgebench.db")
    assert [audit.kind for audit in services.audits.results.audits(database, "quiz")] == ["null-models"]
    database.close()


def test_a_random_search_takes_no_limit(database: Database) -> None:
    settings = NullModelAudit(benchmark="quiz", judge="scripted:coin", random_search=2, max_calls=5)
    with pytest.raises(InputError, match="do not hold for a random search"):
        judgebench.audit(database, settings)


def test_a_budget_is_spent_by_all_that_share_it() -> None:
    budget = Budget(10, 1.0)
    budget.spend(9, 0.2)
    assert budget.spent == ""
    budget.spend(1, None)
    assert budget.spent == "max_calls"
    assert Budget(None, 0.0).spent == "max_cost"
    assert Budget().spent == ""
