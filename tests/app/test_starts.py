"""No process that asks a judge begins before the judge's address was looked at, whichever page begins or resumes it."""

import ast
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from judgebench import engine, services
from judgebench.engine.plan import CostEstimate
from judgebench.errors import InputError
from judgebench.services.access import Person, Role
from judgebench.services.audits.estimates import AuditEstimate
from judgebench.services.jobs import Job
from judgebench.spec import JudgeSpec, Study, make
from judgebench.store.database import Database
from tests.app.test_screens import opened, printed

pytest.importorskip("streamlit", reason="the app needs the extra app")


NOBODY_ASKED = AuditEstimate(None, 0, 0, None, None, 0.0)
_STARTS = re.compile(r"services\.jobs\.(queue_|resume)")
COIN = JudgeSpec(model="scripted:coin")


class _Policy:
    """Lets no judge be asked, and counts who wanted it."""

    local = False

    def __init__(self) -> None:
        self.names: list[str] = []

    def check_asked(self, judge: Any) -> None:
        self.names.append(judge.model)
        raise InputError("not on the list")


def test_an_audit_is_not_resumed_where_its_judge_may_not_be_asked_any_more(
    monkeypatch: pytest.MonkeyPatch, demo: Path
) -> None:
    from app import audit_start, auth

    policy = _Policy()
    monkeypatch.setattr(auth, "policy", lambda: policy)
    job = _stopped_audit(demo, "null-models", judge="scripted:coin")
    with pytest.raises(InputError, match="not on the list"):
        audit_start.resume(job)
    assert policy.names == ["scripted:coin"]
    assert [one.state for one in _jobs(demo)] == ["stopped"]


def test_every_function_that_starts_something_asks_the_policy() -> None:
    """A guard for ways that are yet to be written: who queues a job calls ``check_asked``, or what does so, and who
    resumes one ``check_resumed``."""
    app = Path(__file__).parents[2] / "app"
    starting = [(file.name, name, called) for file in app.rglob("*.py") for name, called in _calls(file)]
    assert {file for file, _, _ in starting} == {"asking.py", "audit_start.py"}
    checks = re.compile("check_asked|check_resumed")
    assert [(file, name) for file, name, called in starting if not checks.search(" ".join(called))] == []
    server = _calls(app.parent / "judgebench" / "server" / "working.py")
    checks = re.compile("study_of|audit_of|placement_of|check_resumed")  # each of which asks it
    assert len(server) == 4
    assert [name for name, called in server if not checks.search(" ".join(called))] == []


def test_an_audit_is_not_resumed_beside_its_twin(demo: Path) -> None:
    from app import audit_start

    stopped = _stopped_audit(demo, "integrity")
    with closing(Database(str(demo))) as database:
        services.jobs.queue_audit(database, "integrity", {"benchmark": "demo"}, NOBODY_ASKED)
    with pytest.raises(InputError, match="is going on already"):
        audit_start.resume(stopped)
    assert [one.state for one in _jobs(demo)] == ["queued", "stopped"]


def _stopped_audit(path: Path, name: str, **more: Any) -> Job:
    with closing(Database(str(path))) as database:
        job = services.jobs.queue_audit(database, name, {"benchmark": "demo", **more}, NOBODY_ASKED)
        return services.jobs.stop(database, job.id)


def _jobs(path: Path) -> list[Job]:
    with closing(Database(str(path))) as database:
        return services.jobs.jobs(database)


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, demo_database: Path, tmp_path: Path) -> Path:
    """A copy, which the pages read, for an admin."""
    from app import auth

    monkeypatch.setattr(auth, "person", lambda: Person("ann", Role.ADMIN))
    path = tmp_path / "demo.db"
    shutil.copy(demo_database, path)
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    return path


def _calls(file: Path) -> list[tuple[str, set[str]]]:
    """What each function of a module calls, and what the module's own functions among that call."""
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    own = {
        function.name: {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        for function in functions
    }
    direct = [(name, called) for name, called in own.items() if any(map(_STARTS.match, called))]
    return [(name, called.union(*(own[other] for other in called if other in own))) for name, called in direct]


def _estimate(path: Path, **fields: Any) -> CostEstimate:
    study = make(Study, {"benchmark": "demo", "judge": COIN, "repeats": 2, **fields}, where="test")
    with closing(Database(str(path))) as database:
        return engine.plan.estimate(database, study)


def test_of_several_judges_none_is_started_where_one_cannot_be(demo: Path) -> None:
    from app.views import asking

    first, coin = JudgeSpec(model="scripted:always-first"), {"all_pairs": True}
    asking.start([_estimate(demo, judge=first, all_pairs=True)])
    assert len(_jobs(demo)) == 1
    with pytest.raises(InputError, match="is being asked about these models already"):
        asking.start([_estimate(demo, **coin), _estimate(demo, judge=first, baseline="demo-careful")])
    assert len(_jobs(demo)) == 1
    asking.start([_estimate(demo, **coin)])
    assert [job.subject for job in _jobs(demo)] == ["scripted:coin", "scripted:always-first"]


def test_a_judge_is_looked_at_again_when_whoever_asks_has_agreed(monkeypatch: pytest.MonkeyPatch, demo: Path) -> None:
    from app import auth
    from app.views import asking

    policy = _Policy()
    policy.local = True
    monkeypatch.setattr(auth, "policy", lambda: policy)
    with pytest.raises(InputError, match="not on the list"):
        asking.start([_estimate(demo, all_pairs=True)])
    assert _jobs(demo) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"max_cost": 10}, {"max_cost": 9.99}, True),
        ({"all_pairs": True}, {"baseline": "a", "limit": 3}, True),
        ({"all_pairs": True}, {"pairs": [("new", "a")]}, True),
        ({"pairs": [("new", "a"), ("new", "b")]}, {"pairs": [("a", "new")]}, True),
        ({"pairs": [("new", "a")]}, {"pairs": [("newer", "a")]}, False),
        ({"models": ["a"]}, {"models": ["b"]}, False),
        ({"models": ["a"]}, {"models": ["a", "b"]}, True),
        ({}, {"benchmark": "other"}, False),
    ],
)
def test_twins_ask_some_of_the_same_whatever_their_limits(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    studies = [make(Study, {"benchmark": "bench", "judge": COIN, **fields}, where="test") for fields in (one, other)]
    assert services.jobs.is_twin(*studies) is services.jobs.is_twin(*reversed(studies)) is same


def agree(app: Any) -> None:
    """Press the button of the dialog, and the one that opened it: a test draws whole pages, which close it."""
    app.button(key="estimate").click()
    app.button(key="ask").click().run()


@pytest.mark.slow
def test_a_run_says_what_nobody_knows_and_begins_once(monkeypatch: pytest.MonkeyPatch, demo: Path) -> None:
    app = opened("runs", monkeypatch, demo)
    app.segmented_control(key="kind").set_value("Server").run()
    app.text_input(key="judge_model").set_value("big")
    app.text_input(key="judge_url").set_value("http://127.0.0.1:9/v1").run()
    app.button(key="estimate").click().run()
    assert "cost not known. No price is stored with the judge, so no limit in USD can hold." in printed(app)
    assert _jobs(demo) == []
    agree(app)
    assert len(_jobs(demo)) == 1
    for addresses, problem in (
        ("http://127.0.0.1:9/v1, http://elsewhere.example/v1", "elsewhere.example"),
        ("@a", "'@a'"),
    ):
        app.text_input(key="judge_url").set_value(addresses).run()
        app.button(key="estimate").click().run()
        assert problem in printed(app)
    app.text_input(key="judge_url").set_value("http://127.0.0.1:9/v1,  http://127.0.0.1:10/v1").run()
    app.number_input(key="max_cost").set_value(9.99).run()
    app.button(key="estimate").click().run()
    assert "no limit in USD can hold" in printed(app)
    app.text_input(key="judge_price").set_value("1,1").run()
    app.button(key="estimate").click().run()
    agree(app)
    assert "is being asked about these models already" in printed(app)
    assert len(_jobs(demo)) == 1
