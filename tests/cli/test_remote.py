"""Commands on a server print what they print on its database."""

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra server")

import judgebench
from judgebench import services, store
from judgebench.cli.main import AT_SERVERS, COMMANDS, INSTEAD
from judgebench.records import JobState, Order
from judgebench.remote import TeamServer
from judgebench.resources import folder
from judgebench.server.state import ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy
from judgebench.services.worker import JobWorker
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.factories import JUDGE, instruction, ok, result, trial
from tests.filling import judged, judging, submitted
from tests.formats.writing import write_rows
from tests.server.serving import Api, serving
from tests.services.test_steps import solutions


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database: "bench", judged; "versions" of a model, by scores; "sums", whose steps are judged, and "desk", whose
    dialogues' goals are."""
    path = tmp_path_factory.mktemp("remote") / "judgebench.db"
    with closing(Database(str(path), create=True)) as database:
        judged(database)
        fair, again = replace(JUDGE, name="fair", model="fair"), replace(JUDGE, name="again", model="again")
        for judge in (fair, again):
            verdicts = judging(database, judge)
            trials = [replace(trial(at, order), judge=judge.digest) for at in range(3) for order in Order]
            with database.write() as connection:
                verdicts.add(connection, [result(one, ok(0.5)) for one in trials])
        asked = [instruction(number) for number in range(40)]
        submitted(database, asked, ("old", "same", "worse"), lambda model, at: f"{model} {at}", benchmark="versions")
        how = {"judge": reads_it, "judge_name": "reader", "judge_version": "1", "template": "pointwise/yes-no"}
        judgebench.run(database, benchmark="versions", **how)
        solved = write_rows(path.parent / "sums.jsonl", solutions(6))
        services.imports.import_file(database, solved, benchmark="sums")
        judgebench.run(database, benchmark="sums", judge="scripted:all-good", template="pointwise/steps")
        submitted(database, asked[:2], ("old", "new|*"), lambda model, at: f"{model} {at}", benchmark="desk")
        judgebench.run(database, benchmark="desk", judge="scripted:goals", template="pointwise/goals", repeats=2)
    return path


def reads_it(messages: Sequence[Any]) -> str:
    """Of a judge that calls three in four outputs of "worse" wrong."""
    found = re.search(r"worse (\d+)", str(messages))
    return "No" if found and int(found[1]) % 4 else "Yes"


@pytest.fixture
def api(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server on the database of the folder, and the variables that name it and a token of the role admin."""
    shutil.copy(path, tmp_path / "judgebench.db")
    with closing(Database(str(tmp_path / "judgebench.db"))) as database:
        policy = Policy(False, {}, KNOWN_HOSTS)
        with serving(database, ServerState(database, lambda: policy)) as running:
            monkeypatch.setenv("JUDGEBENCH_TOKEN", running.tokens["admin"])
            yield running


PROFILE = ("--profile", "alpaca-eval-1", "--baseline", "alpha")
READING = [
    ("benchmarks",),
    ("benchmarks", "--format", "json"),
    *(("leaderboard", "--benchmark", "bench", "--format", form) for form in ("table", "json", "csv", "markdown")),
    ("leaderboard", "--benchmark", "bench", "--method", "bradley-terry", "--level", "0.9", "--seed", "0"),
    ("leaderboard", "--benchmark", "bench", "--by", "people"),
    *(("leaderboard", "--benchmark", "bench", "--by", "both", "--format", form) for form in ("table", "json")),
    *(("leaderboard", "--benchmark", "bench", *PROFILE, "--format", form) for form in ("table", "json", "csv")),
    ("battles", "--benchmark", "bench"),
    ("battles", "--benchmark", "bench", "--model", "alpha", "--model", "beta", "--full", "--format", "json"),
    ("battles", "--benchmark", "bench", "--offset", "1", "--limit", "1"),
    ("card", "--judge", "judge", "--benchmark", "bench"),
    ("battles", "--benchmark", "bench", "--limit", "2", "--full"),
    ("battles", "--benchmark", "bench", "--format", "csv"),
    ("card", "--judge", "judge", "--format", "json"),
    *(("card", "--judge", "fair", "--judge", "again", "--format", form) for form in ("table", "json")),
    *(("compare", "old", "same", "--benchmark", "versions", "--format", form) for form in ("table", "json", "csv")),
    ("compare", "old", "worse", "--benchmark", "versions", "--right-from", "0.5", "--cluster", "category"),
    ("compare", "old", "worse", "--benchmark", "versions", "--margin", "0.99", "--format", "csv"),
    *(("goals", "--benchmark", "desk", "--format", form) for form in ("table", "json", "csv", "markdown")),
    ("goals", "--benchmark", "desk", "--baseline", "old", "--model", "new|*", "--seed", "0", "--level", "0.9"),
    *(("steps", "--benchmark", "sums", "--format", form) for form in ("table", "json", "csv")),
    ("steps", "--benchmark", "sums", "--model", "m0", "--level", "0.9"),
]


@pytest.mark.slow
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_what_is_read_is_printed_as_here(api: Api, invoke: Invoke, words: tuple[str, ...]) -> None:
    here, there = invoke(*words), invoke("--server", api.url, *words)
    assert (there.code, there.out) == (here.code, here.out)
    assert here.code in ((0, 1, 3) if words[0] == "compare" else (0,))
    assert here.out


def test_every_command_that_reads_is_tried() -> None:
    assert {words[0] for words in READING} == AT_SERVERS - {"run", "submit", "place", "jobs", "audit"}


def test_the_exit_code_says_from_afar_whether_the_new_version_is_worse(api: Api, invoke: Invoke) -> None:
    def compared(*models: str) -> int:
        return invoke("--server", api.url, "compare", *models, "--benchmark", "versions").code

    assert [compared("old", "worse"), compared("worse", "old"), compared("old", "same")] == [1, 0, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("leaderboard", "--benchmark", "bench", "--html-battles", "2"),
        ("card", "--judge", "fair", "--judge", "again"),
        ("battles", "--benchmark", "bench"),
        ("steps", "--benchmark", "sums"),
    ],
    ids=" ".join,
)
def test_a_page_of_a_server_is_the_one_of_its_database(
    api: Api, invoke: Invoke, tmp_path: Path, words: tuple[str, ...]
) -> None:
    words = (*words, "--html")
    here, there = invoke(*words, "here.html"), invoke("--server", api.url, *words, "there.html")
    assert (there.code, there.out) == (0, here.out)
    assert "written to there.html" in there.err
    assert (tmp_path / "there.html").read_text() == (tmp_path / "here.html").read_text()


@contextmanager
def working(folder: Path) -> Iterator[None]:
    """A worker on the folder's database, while the block lasts."""
    done = threading.Event()
    worker = JobWorker(str(folder / "judgebench.db"), dict(os.environ), at_once=1, tell=lambda _: None)
    thread = threading.Thread(target=lambda: (worker.work(once=False), done.set()))
    thread.start()
    try:
        yield
    finally:
        worker.end()
        thread.join(30)
    assert done.is_set()


AUDITED = [
    ("submissions",),
    ("submissions", "--model", "alpha"),
    ("integrity",),
    ("null-models", "--judge", "scripted:always-first", "--limit", "3"),
    ("robustness", "--judge", "scripted:coin", "--model", "alpha", "--opponent", "beta", "--limit", "3"),
]


@pytest.mark.slow
def test_audits_at_a_server_are_printed_and_end_as_here(api: Api, invoke: Invoke, tmp_path: Path) -> None:
    with working(tmp_path):
        for name, *more in AUDITED:
            words = ("audit", name, "--benchmark", "bench", *more)
            here, there = invoke(*words, "--html", "here.html"), invoke("--server", api.url, *words, "--html", "a.html")
            assert (there.code, there.out) == (here.code, here.out), there.err
            document = invoke("--server", api.url, *words, "--format", "json").json
            assert document == invoke(*words, "--format", "json").json
            assert (tmp_path / "a.html").read_text() == (tmp_path / "here.html").read_text()
        few = invoke(
            "--server",
            api.url,
            "audit",
            "null-models",
            "--benchmark",
            "bench",
            "--judge",
            "scripted:coin",
            "--max-calls",
            "1",
        )
        assert (few.code, "stopped before its end" in few.out) == (1, True)
    words = ("audit", "submissions", "--benchmark", "bench")
    assert "is queued" in invoke("--server", api.url, *words, "--queue").out
    with TeamServer(api.url, api.tokens["viewer"]) as server:
        assert server.audit_report(1)["audit"] == "submissions"


@pytest.mark.slow
def test_a_model_is_submitted_judged_and_ranked(api: Api, invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "outputs.jsonl"
    lines = [{"instruction": instruction(number).text, "answer": f"gamma says {number}"} for number in range(3)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("submit", file, "--model", "gamma", "--benchmark", "bench", "--map", "output=answer")
    asked = ("--server", api.url, *words)
    dry_here, dry_there = invoke(*words, "--dry-run"), invoke(*asked, "--dry-run")
    assert (dry_there.out, dry_there.err) == (dry_here.out, dry_here.err)
    assert invoke(*asked).out == "stored 3 outputs; 0 were stored already\n"
    assert invoke(*asked, "--format", "json").json["already_stored"] == 3
    run = ("--server", api.url, "run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    with working(tmp_path):
        started = invoke(*run, "--limit", "2")
        assert started.code == 0, started.err
        assert "12 planned" in started.out
        again = invoke(*run, "--limit", "2", "--format", "json")
        assert again.json["planned"] == 12
    assert invoke(*run, "--dry-run").code == 2, "what was to be estimated is not started"
    assert invoke(*run, "--queue", "--format", "json").json == {"job": 3}
    listed = invoke("--server", api.url, "jobs", "--format", "json").json
    assert [job["state"] for job in listed] == ["queued", "done", "done"]
    number = str(listed[0]["id"])
    assert "queued" in invoke("--server", api.url, "jobs", "show", number).out
    assert "stopped" in invoke("--server", api.url, "jobs", "stop", number).out
    assert invoke("--server", api.url, "jobs").code == 0


@pytest.mark.slow
def test_a_model_that_is_submitted_to_be_ranked_is_placed_as_here(api: Api, invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs").code == 0
    standing = ("benchmarks", "standing", "bench", "--judge", "scripted:coin", "--pool", "alpha,beta")
    assert invoke(*standing).code == 0
    with closing(Database(str(tmp_path / "judgebench.db"))) as database:
        services.upkeep.backup(database, tmp_path / "here.db")
    file = tmp_path / "outputs.jsonl"
    lines = [{"instruction": instruction(number).text, "output": f"gamma says {number}"} for number in range(3)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("submit", file, "--model", "gamma", "--benchmark", "bench", "--rank")
    with working(tmp_path):
        here, there = invoke("--db", "here.db", *words), invoke("--server", api.url, *words)
        assert (there.code, there.out) == (here.code, here.out), there.err
        assert "gamma: rank" in there.out
        assert [line for line in there.err.splitlines() if "By the standing board" in line or "calls" in line] == [
            line for line in here.err.splitlines() if "By the standing board" in line or " calls, about" in line
        ]
        again = invoke("--server", api.url, *words, "--format", "json").json
        assert (again["already_stored"], again["placement"]["models"][0]["model"]) == (3, "gamma")
    assert len(invoke("--server", api.url, "jobs", "--format", "json").json) == 1  # nothing was left to ask


@pytest.mark.slow
def test_stored_models_are_placed_and_runs_end_as_here(api: Api, invoke: Invoke, tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "judgebench.db"))) as database:
        services.upkeep.backup(database, tmp_path / "here.db")
    coin = ("--benchmark", "bench", "--judge", "scripted:coin")
    run, place = ("run", *coin, "--all-pairs"), ("place", "--model", "beta", *coin)
    at, form = ("--server", api.url), ("--format", "json")
    with working(tmp_path):
        for words, code in (
            *(((*run, "--limit", "1"), 0), ((*run, "--models", "beta,nobody"), 2), ((*run, "--max-calls", "2"), 3)),
            *(((*place, "--dry-run"), 0), ((*place, "--dry-run", *form), 0), ((*place, "--model", "nobody"), 2)),
            *(((*run, "--max-calls", "1", *form), 3), ((*place, *form), 0), (place, 0), ((*run, *form), 0)),
        ):
            here, there = invoke("--db", "here.db", *words), invoke(*at, *words)
            assert (there.code, there.out) == (here.code, here.out) == (code, here.out), (words, there.err, here.err)
    assert "ask it" in refused(invoke, *at, "place", "--model", "alpha", "--benchmark", "bench", "--judge", "judge")


def test_what_a_server_does_not_take_of_placing_is_refused_by_name(api: Api, invoke: Invoke) -> None:
    place = ("--server", api.url, "place", "--model", "alpha", "--benchmark", "bench")
    for name, *value in (
        *(("--template", "pairwise/two-way"), ("--repeats", "2"), ("--concurrency", "3"), ("--same-judge",)),
        *(("--judge-url", "http://127.0.0.1:9/v1"), ("--judge-key-env", "KEY"), ("--ray", "local"), ("--workers", "2")),
    ):
        assert f"a server does not take {name}:" in refused(invoke, *place, name, *value)


def refused(invoke: Invoke, *words: Any) -> str:
    result = invoke(*words)
    assert result.code == 2
    assert result.err.startswith("judgebench: ")
    assert len(result.err.strip().splitlines()) == 1
    return result.err


@pytest.mark.slow
def test_what_servers_do_not_do_is_said_in_a_line(api: Api, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--server", api.url)
    assert "works on a database" in refused(invoke, *at, "export", "verdicts", "--benchmark", "bench", "--to", "x.csv")
    assert "--annotator" in refused(invoke, *at, "leaderboard", "--benchmark", "bench", "--annotator", "ann")
    both = ("leaderboard", "--benchmark", "bench", "--by", "both", "--html", "x.html")
    assert "own leaderboards" in refused(invoke, *at, *both)
    assert "page Bias" in refused(invoke, *at, "bias", "--benchmark", "bench")
    assert "--labels" in refused(invoke, *at, "goals", "--benchmark", "desk", "--labels", "people.csv")
    null_models = ("audit", "null-models", "--benchmark", "bench", "--judge", "judge")
    assert "--fail-above" in refused(invoke, *at, *null_models, "--fail-above", "0.5")
    assert "--judge-url" in refused(invoke, *at, *null_models, "--judge-url", "http://127.0.0.1:9/v1")
    assert "--concurrency" in refused(invoke, *at, *null_models, "--concurrency", "2")
    assert "--no-round-trip" in refused(invoke, *at, "audit", "integrity", "--benchmark", "bench", "--no-round-trip")
    submit = ("submit", "x.json", "--model", "m", "--benchmark", "bench")
    assert "add --rank" in refused(invoke, *at, *submit, "--max-cost", "1")
    assert "--judge-url" in refused(invoke, *at, *submit, "--rank", "--judge-url", "http://127.0.0.1:9/v1")
    assert "nobody knows how to ask it" in refused(invoke, *at, *submit, "--rank", "--judge", "judge")
    assert "leave --server" in refused(invoke, *at, "benchmarks", "standing", "bench")
    assert "unknown benchmark" in refused(invoke, *at, "leaderboard", "--benchmark", "nobody")
    assert "no server's address" in refused(invoke, "--server", "judge", "benchmarks")
    assert "does not answer" in refused(invoke, "--server", "http://127.0.0.1:9", "benchmarks")
    monkeypatch.setenv("JUDGEBENCH_TOKEN", "jb_wrong")
    assert "not known" in refused(invoke, *at, "benchmarks")
    monkeypatch.delenv("JUDGEBENCH_TOKEN")
    assert "JUDGEBENCH_TOKEN" in refused(invoke, *at, "benchmarks")
    monkeypatch.setenv("JUDGEBENCH_SERVER", api.url)
    assert "JUDGEBENCH_SERVER" in refused(invoke, "models", "--benchmark", "bench")
    assert invoke("glossary", "judge").code == 0


def test_every_command_works_on_servers_or_says_what_to_do_instead() -> None:
    anywhere = {"templates", "glossary", "vllm"}
    assert set(COMMANDS) == AT_SERVERS | anywhere | INSTEAD.keys()
    assert not AT_SERVERS & INSTEAD.keys()
    page = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
    for name, words in INSTEAD.items():
        assert f"| `{name}` | {words} |" in page
    assert f"`{'`, `'.join(sorted(AT_SERVERS))}`" in page
    pages = {path.stem for path in (folder("app") / "screens").glob("*.py")}
    assert {found.lower() for words in INSTEAD.values() for found in re.findall(r"page (\w+)", words)} <= pages


def _queued(invoke: Invoke, *words: object) -> None:
    assert invoke(*words, "--queue").code == 0


def test_jobs_are_listed_shown_stopped_and_resumed_as_here(api: Api, invoke: Invoke, tmp_path: Path) -> None:
    """By an admin; who may not read a job's messages sees the same columns without."""
    run = ("run", "--benchmark", "bench", "--all-pairs", "--judge")
    for judge in ("scripted:coin", "scripted:always-first"):
        _queued(invoke, *run, judge)
    _queued(invoke, "audit", "submissions", "--benchmark", "bench")
    at = ("--server", api.url)
    assert invoke(*at, "jobs", "stop", 1, 1).out == "job 1: stopped\njob 1 has ended before: stopped\n"
    assert invoke("jobs", "stop", 1).out == "job 1 has ended before: stopped\n"
    with closing(Database(str(tmp_path / "judgebench.db"))) as database, database.write() as connection:
        store.jobs.end(connection, 2, JobState.FAILED, "nobody answers " * 10, {"planned": 6, "pending": 6})
    form = ("--format", "json")
    for words in (
        *(("jobs",), ("jobs", *form), ("jobs", "list", "--state", "failed", "--state", "queued")),
        *(("jobs", "list", "--last", "1"), ("jobs", "list", "--benchmark", "bench", *form)),
        *(("jobs", "list", "--benchmark", "sums"), ("jobs", "show", "2"), ("jobs", "show", "3")),
        *(("jobs", "show", "3", *form), ("jobs", "list", "--benchmark", "nobody"), ("jobs", "resume", "3")),
    ):
        here, there = invoke(*words), invoke(*at, *words)
        assert (there.code, there.out, there.err) == (here.code, here.out, here.err), words
    assert "nobody answers" in invoke(*at, "jobs").out
    shown = invoke(*at, "jobs", "show", "2", *form).json
    assert shown.pop("progress")["planned"] == 6
    assert shown == invoke("jobs", "show", "2", *form).json
    resumed = invoke(*at, "jobs", "resume", "1", "2")
    assert (resumed.code, resumed.out) == (0, "job 1: queued\njob 2: queued\n")
    assert "queued already" in refused(invoke, *at, "jobs", "resume", "1")
    assert "less than or equal to 100" in refused(invoke, *at, "jobs", "list", "--last", "101")


def test_who_may_not_read_messages_lists_jobs_without(
    api: Api, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _queued(invoke, "run", "--benchmark", "bench", "--all-pairs", "--judge", "scripted:coin")
    with closing(Database(str(tmp_path / "judgebench.db"))) as database, database.write() as connection:
        store.jobs.end(connection, 1, JobState.FAILED, "a server's secret")
    monkeypatch.setenv("JUDGEBENCH_TOKEN", api.tokens["viewer"])
    listed, shown = (invoke("--server", api.url, "jobs", *more) for more in ((), ("show", "1")))
    assert listed.out.split()[:5] == ["job", "kind", "benchmark", "who", "state"]
    assert "1 run" in " ".join(listed.out.split())
    for field in ("message", "specification", "report", "variables", "worker"):
        assert f"{field}: " not in shown.out
    assert "secret" not in listed.out + shown.out
    assert "needs the role admin" in refused(invoke, "--server", api.url, "jobs", "resume", "1")
