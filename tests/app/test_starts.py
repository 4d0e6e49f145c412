"""No process that asks a judge begins before the judge's address was looked at, whichever page begins or resumes it."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, Study, make
from tests.app.test_screens import opened, printed

pytest.importorskip("streamlit", reason="the app needs the extra app")


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
    monkeypatch: pytest.MonkeyPatch, demo_database: Path, tmp_path: Path
) -> None:
    from app import audit_start, auth, jobs

    policy = _Policy()
    monkeypatch.setattr(auth, "policy", lambda: policy)
    monkeypatch.setenv("JUDGEBENCH_DB", str(demo_database))
    job = jobs.AuditJob(
        tmp_path, "null-models", "demo", "scripted:coin", 10, ("audit", "null-models"), "2026-01-01T00:00:00"
    )
    with pytest.raises(InputError, match="not on the list"):
        audit_start.resume(job)
    assert policy.names == ["scripted:coin"]
    assert not (tmp_path / "lock").exists()


def test_every_function_that_starts_processes_asks_the_policy() -> None:
    """A guard for ways that are yet to be written: who calls ``jobs.start`` calls ``check_asked``, or what does so."""
    app = Path(__file__).parents[2] / "app"
    starting = [(file.name, name, called) for file in app.rglob("*.py") for name, called in _calls(file)]
    starting = [(file, name, called) for file, name, called in starting if "jobs.start" in called]
    assert starting
    assert [(file, name) for file, name, called in starting if "check_asked" not in " ".join(called)] == []


def test_nobody_starts_between_anothers_look_and_start() -> None:
    """Of every way, those that are yet to be written too: both are done under the one lock."""
    app = Path(__file__).parents[2] / "app"
    trees = [(file.name, ast.parse(file.read_text())) for file in app.rglob("*.py")]
    starts = [(name, call) for name, tree in trees for call in _called(tree, "jobs.start")]
    locked = [
        (name, call)
        for name, tree in trees
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and ast.unparse(block.items[0]) == "jobs.STARTING"
        if any("refuse_twin" in ast.unparse(node) for node in block.body[:1])
        for call in _called(block, "jobs.start")
    ]
    assert {name for name, _ in starts} == {"asking.py", "audit_start.py"}
    assert sorted(starts) == sorted(locked)


def _called(tree: ast.AST, function: str) -> list[int]:
    """The lines on which it is called."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [node.lineno for node in calls if ast.unparse(node.func) == function]


def test_an_audit_is_not_resumed_beside_its_twin(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path, tmp_path: Path
) -> None:
    from app import audit_start, jobs

    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    words = ("audit", "submissions")
    stopped, twin = (
        jobs.AuditJob(tmp_path / name, "submissions", "demo", "", 0, words, "2026-01-01T00:00:00")
        for name in ("stopped", "twin")
    )
    monkeypatch.setattr(jobs, "all_audits", lambda _: [twin, stopped])
    monkeypatch.setattr(jobs, "state", lambda job: jobs.State.RUNNING if job is twin else jobs.State.STOPPED)
    with pytest.raises(InputError, match="is going on already"):
        audit_start.resume(stopped)
    assert list(tmp_path.iterdir()) == []


def _calls(file: Path) -> list[tuple[str, set[str]]]:
    """What each function of a module calls, and what the module's own functions among that call."""
    functions = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)]
    own = {
        function.name: {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
        for function in functions
    }
    direct = [(name, called) for name, called in own.items() if "jobs.start" in called]
    return [(name, called.union(*(own[other] for other in called if other in own))) for name, called in direct]


def _estimate(**fields: Any) -> Any:
    study = make(Study, {"benchmark": "bench", "judge": COIN, **fields}, where="test")
    resolved = SimpleNamespace(judge=SimpleNamespace(name=study.judge.name or study.judge.model))
    return SimpleNamespace(plan=SimpleNamespace(study=study, resolved=resolved), calls=3, taken_over=0, identical=0)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Study]:
    """What was started; scripted:first runs on all pairs already."""
    from app import jobs

    running = SimpleNamespace(
        study=Study(benchmark="bench", judge=JudgeSpec(model="scripted:first"), all_pairs=True), judge="scripted:first"
    )
    started: list[Study] = []
    monkeypatch.setattr(jobs, "all_jobs", lambda _: [running])
    monkeypatch.setattr(jobs, "state", lambda _: jobs.State.RUNNING)
    monkeypatch.setattr(jobs, "create", lambda _, study, __: study)
    monkeypatch.setattr(jobs, "start", lambda _, study: started.append(study))
    return started


def test_of_several_judges_none_is_started_where_one_cannot_be(begun: list[Study]) -> None:
    from app.views import asking

    first = _estimate(judge=JudgeSpec(model="scripted:first"), baseline="a")
    with pytest.raises(InputError, match="is being asked about these models already"):
        asking.start([_estimate(), first])
    assert begun == []
    asking.start([_estimate(), _estimate(judge=JudgeSpec(model="scripted:first"), benchmark="other")])
    assert len(begun) == 2


def test_a_judge_is_looked_at_again_when_whoever_asks_has_agreed(
    monkeypatch: pytest.MonkeyPatch, begun: list[Study]
) -> None:
    from app import auth
    from app.views import asking

    monkeypatch.setattr(auth, "policy", lambda: policy)
    policy = _Policy()
    policy.local = True
    with pytest.raises(InputError, match="not on the list"):
        asking.start([_estimate()])
    assert begun == []


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
    from app.views import asking

    studies = [make(Study, {"benchmark": "bench", "judge": COIN, **fields}, where="test") for fields in (one, other)]
    assert asking.is_twin(*studies) is asking.is_twin(*reversed(studies)) is same


def agree(app: Any) -> None:
    """Press the button of the dialog, and the one that opened it: a test draws whole pages, which close it."""
    app.button(key="estimate").click()
    app.button(key="ask").click().run()


def test_a_run_says_what_nobody_knows_and_begins_once(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    from app import jobs

    created: list[tuple[Study, str]] = []
    monkeypatch.setattr(
        jobs, "create", lambda _, study, estimate: created.append((study, estimate.plan.resolved.judge.name))
    )
    monkeypatch.setattr(jobs, "start", lambda *_: None)
    monkeypatch.setattr(
        jobs, "all_jobs", lambda _: [jobs.Job(demo_database, *one, 1, 0, "2026-01-01T00:00:00") for one in created]
    )
    monkeypatch.setattr(jobs, "state", lambda _: jobs.State.RUNNING)
    app = opened("runs", monkeypatch, demo_database)
    app.segmented_control(key="kind").set_value("Server").run()
    app.text_input(key="judge_model").set_value("big")
    app.text_input(key="judge_url").set_value("http://127.0.0.1:9/v1").run()
    app.button(key="estimate").click().run()
    assert "cost not known. No price is stored with the judge, so no limit in USD can hold." in printed(app)
    assert created == []
    agree(app)
    assert len(created) == 1
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
    assert len(created) == 1
