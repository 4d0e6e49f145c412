"""Every command and every function of Python on every kind of benchmark: each gives its numbers, or says in one line
why not. A command or function that is added is tried too; what it needs beyond the words below goes there."""

import inspect
import json
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.api import asking, data
from judgebench.cli.main import COMMANDS, command
from judgebench.errors import JudgeBenchError
from judgebench.leaderboard import METHODS, Choices, Controls
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.kinds import KINDS

ELSEWHERE = {"app", "serve", "worker", "vllm", "demo"}  # what goes on until it is ended, and a benchmark of its own
NEEDED = {
    "benchmark": "bench", "file": "rows.json", "files": "rows.json", "instruction": "none", "into": "cases",
    "judge": "judge", "kind": "verdicts", "model": "m1", "name": "judge", "opponent": "m2", "target": "copy.db",
    "to": "out.jsonl", "level": 0.95, "annotator": "ann", "outputs": "rows.json", "preference": 1.0, "budget": 5,
    "first": "m1", "second": "m2", "what": "judge", "new": "other", "sources": "same.db",
    "role": "viewer", "number": 1,
    "informed": "second",
    "url": "http://127.0.0.1:1/v1",
    "settings": judgebench.IntegrityAudit(benchmark="bench"),
}  # fmt: skip


def leaves(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(group, "list_commands"):
        yield path, group
        return
    context = group.make_context("x", [], resilient_parsing=True)
    for name in group.list_commands(context):
        yield from leaves(group.resolve_command(context, [name])[1], (*path, name))


LEAVES = dict(leaf for name in COMMANDS if name not in ELSEWHERE for leaf in leaves(command(name), (name,)))
ASKING = {("audit", "null-models"), ("audit", "robustness"), ("run",), ("batch", "export")}  # which ask a judge


def arguments(path: tuple[str, ...]) -> list[str]:
    """The command with what it needs."""
    words = [*path]
    for parameter in LEAVES[path].params:
        is_needed = parameter.required or parameter.name == "benchmark"
        is_needed |= path == ("audit", "robustness") and parameter.name in ("model", "opponent")
        if path in ASKING and parameter.name == "judge":
            words += ["--judge", "scripted:coin"]
        elif is_needed:
            value = str(NEEDED[parameter.name])
            words += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
    return words


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    paths = {}
    for kind, fill in KINDS.items():
        paths[kind] = tmp_path_factory.mktemp("kinds") / "judgebench.db"
        with closing(Database(str(paths[kind]), create=True)) as database:
            fill(database)
    return paths


QUICK = {"no verdicts", "both"}


@pytest.fixture(params=[kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS])
def kind(request: pytest.FixtureRequest, filled: dict[str, Path], tmp_path: Path) -> Path:
    """A database of the kind in an empty folder, beside a copy of it and a file of rows."""
    (tmp_path / "rows.json").write_text(json.dumps([{"instruction": "What is 0?", "output": "0"}]))
    for name in ("judgebench.db", "same.db"):
        shutil.copy(filled[request.param], tmp_path / name)
    return filled[request.param]


def is_told(code: int, err: str) -> bool:
    """Whether a command ended as commands may, and said why in one line where it did not do what it was asked."""
    return code in (0, 1, 3) or (code == 2 and err.strip().splitlines()[-1].startswith("judgebench: "))


@pytest.mark.slow
def test_every_command_gives_its_numbers_or_says_why_not(invoke: Invoke, kind: Path, tmp_path: Path) -> None:
    wrong = {}
    for path in LEAVES:
        shutil.copy(kind, tmp_path / "judgebench.db")
        for name in ("copy.db", "out.jsonl", "judge"):
            (tmp_path / name).unlink(missing_ok=True)
        for form in ((), ("--format", "json")):
            if form and not any("--format" in parameter.opts for parameter in LEAVES[path].params):
                continue
            result = invoke(*arguments(path), *form)
            if not is_told(result.code, result.err) or "Traceback" in result.err:
                wrong[path] = (result.code, result.err[-300:])
            elif form and result.code == 0:
                json.loads(result.out)
    assert wrong == {}


SERVERS = {"answer", "submit_batch", "test_judge"}  # which ask others
FUNCTIONS = {
    name: getattr(module, name)
    for module in (data, asking)
    for name in module.__all__
    if "database" in getattr(getattr(module, name), "__annotations__", {})
}


def test_every_function_gives_its_numbers_or_says_why_not(kind: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Database("judgebench.db")) as database:
        for name, function in FUNCTIONS.items():
            needed = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
            if inspect.iscoroutinefunction(function) or name in SERVERS:
                continue
            values = {each: NEEDED[each] for each in needed if each != "database"}
            if name in ("run", "settle", "estimate_run", "export_batch"):
                values["judge"] = "scripted:coin"
            complaint = refused(function, database, **values)
            assert "\n" not in complaint.strip(), name


def refused(function: Any, database: Database, **values: Any) -> str:
    """What it says where it gives no numbers."""
    try:
        function(database, **values)
    except JudgeBenchError as error:
        return str(error)
    return ""


def test_scores_on_several_scales_have_no_common_number(filled: dict[str, Path]) -> None:
    with closing(Database(str(filled["several scales"]))) as database:
        report = judgebench.agreement(database, benchmark="bench")
        assert all(not figure.identified for figure in report.score_icc.values())
        assert {figure.reason for figure in report.score_icc.values()} == {
            "the scores of judge, second, third are on different scales: choose judges with one template"
        }
        with pytest.raises(JudgeBenchError, match="different scales"):
            judgebench.rank(database, benchmark="bench", method="score", all_judges=True)
    with closing(Database(str(filled["pointwise"]))) as database:
        assert judgebench.agreement(database, benchmark="bench").score_icc["2,1"].n > 0


def test_a_benchmark_of_scores_says_so_where_outputs_are_compared(filled: dict[str, Path]) -> None:
    with closing(Database(str(filled["pointwise"]))) as database:
        for report in (judgebench.rank, judgebench.matrix, judgebench.bias_report, judgebench.consensus):
            with pytest.raises(JudgeBenchError, match="no verdict to rank by that compares outputs, only 36 scores"):
                report(database, benchmark="bench")


def test_a_margin_is_for_scores_on_one_scale(filled: dict[str, Path]) -> None:
    with closing(Database(str(filled["pairwise"]))) as database:
        for choices in ({"margin": 0.5}, {"method": "score"}):
            with pytest.raises(JudgeBenchError, match="the 72 verdicts of judge, second compare two"):
                judgebench.rank(database, benchmark="bench", **choices)
    with closing(Database(str(filled["several scales"]))) as database:
        assert len(judgebench.rank(database, benchmark="bench", margin=0.0, all_judges=True)) == 3
        with pytest.raises(JudgeBenchError, match="different scales, so have no common margin above 0"):
            judgebench.rank(database, benchmark="bench", margin=0.5, all_judges=True)


@pytest.mark.parametrize("method", METHODS)
def test_a_rate_at_equal_length_is_a_rate_or_refused(filled: dict[str, Path], method: str) -> None:
    with closing(Database(str(filled["pairwise"]))) as database, suppress(JudgeBenchError):
        board = services.leaderboards.leaderboard(
            database, "bench", choices=Choices(method=method, scale="rate"), controls=Controls(columns=("length",))
        )
        assert board.scale == "rate"


def test_a_queue_for_people_says_that_a_judge_gave_only_scores(filled: dict[str, Path]) -> None:
    with (
        closing(Database(str(filled["pointwise"]))) as database,
        pytest.raises(JudgeBenchError, match=r"no verdict .* that compares outputs, only \d+ scores"),
    ):
        judgebench.human_queue(database, benchmark="bench", judge="judge")
