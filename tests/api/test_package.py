"""``import judgebench``: light, every function where it is looked for, and each with its arguments by name."""

import dataclasses
import importlib.util
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer

import judgebench
from judgebench import errors
from judgebench.cli.connection import ConnectionOptions
from judgebench.cli.main import app
from judgebench.services.audits.registry import AUDITS

HEAVY = ("alembic", "numpy", "pandas", "pydantic", "scipy", "sqlalchemy", "typer")
FUNCTIONS = {name: getattr(judgebench, name) for name in judgebench.__all__}

ROOT = Path(__file__).parents[2]
COMMANDS = {  # and the function that does the same
    "submit": "submit",
    "place": "place",
    "import files": "import_files",
    "import alpaca-eval": "import_files",
    "import instructions": "import_files",
    "import scalerlab": "import_files",
    "import judgments": "import_judgments",
    "labels import": "import_files",
    "lineage import": "import_files",
    "export": "export",
    "answer": "answer",
    "run": "run",
    "reparse": "reparse",
    "batch export": "export_batch",
    "batch submit": "submit_batch",
    "batch ingest": "ingest_batches",
    "batch list": "batches",
    "leaderboard": "rank",
    "profile": "profile",
    "compare": "compare",
    "categories": "categories",
    "goals": "goals",
    "distributions": "distributions",
    "history": "history",
    "matrix": "matrix",
    "multiverse": "multiverse",
    "consensus": "consensus",
    "quality": "quality",
    "plan": "plan",
    "bias": "bias_report",
    "agreement": "agreement",
    "steps": "steps",
    "hindsight": "hindsight",
    "card": "card",
    "contamination": "contamination",
    "battles": "battles",
    "benchmarks list": "benchmarks",
    "benchmarks standing": "standing",
    "models": "models",
    "judges evaluate": "evaluate_judges",
    "judges list": "judges",
    "judges add": "add_judge",
    "judges remove-address": "remove_address",
    "judges show": "judges",
    "judges test": "test_judge",
    "labels list": "labels",
    "labels queue": "human_queue",
    "labels voters": "voters",
    "labels boards": "two_boards",
    "lineage list": "lineage",
    "lineage propose": "propose_lineage",
    "lineage accept": "accept_lineage",
    "lineage set": "declare_lineage",
    "templates": "templates",
    "tokens create": "create_token",
    "tokens list": "tokens",
    "tokens revoke": "revoke_token",
    "db merge": "merge",
    "db rename": "rename",
    "db delete": "delete",
    "db events": "events",
    "db runs": "runs",
    "jobs list": "jobs",
    "jobs show": "jobs",
    "jobs stop": "stop_jobs",
    "jobs wait": "wait_jobs",
    "jobs resume": "resume_jobs",
}
OF_THE_MACHINE = {"import formats", "app", "serve", "worker", "demo", "vllm serve", "glossary"}
OF_THE_MACHINE |= {"db upgrade", "db check", "db backup", "db copy", "db compact"}
CONNECTION = {field.name: "connection" for field in dataclasses.fields(ConnectionOptions)}  # one mapping
RENAMED = CONNECTION | {
    "workers": "ray",
    "worker_resources": "ray",
    "set": "settings",
    "map": "columns",
    "pair": "pairs",
    "as": "as_format",
    "all": "everything",
    "from": "pairs_from",
}
PRINTING = {"format", "html", "html_battles", "out", "prices", "install_completion", "show_completion"}
ELSEWHERE = {  # what is another function's, or needs none
    "submit": {"file"},  # outputs
    "import instructions": {"file"},  # files
    "import scalerlab": {"file"},
    "labels import": {"file"},
    "lineage import": {"file"},
    "run": {"file", "design", "better", "top", "budget", "error", "dry_run", "queue"},  # keywords, settle ...
    "place": {"dry_run"},  # estimate_place
    "answer": {"dry_run", "queue"},  # estimate_answers, queue_answer
    "batch export": {"file"},
    "jobs show": {"number"},
    "tokens create": {"no_expiry"},  # days=None
    "templates": {"causes"},  # a file to be edited
    "judges show": {"name"},  # a row of the frame
    "battles": {"full"},  # messages
}


def commands() -> Iterator[tuple[str, click.Command]]:
    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        if not hasattr(command, "list_commands"):
            yield " ".join(path), command
            return
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.resolve_command(context, [name])[1], (*path, name))

    yield from walk(typer.main.get_command(app), ())


def options(command: click.Command) -> set[str]:
    """What a user writes: the longest name of each option, and the name of each argument."""
    given = set()
    for parameter in command.params:
        written = [name for name in parameter.opts if name.startswith("--")]
        given.add((max(written, key=len)[2:] if written else parameter.name or "").replace("-", "_").lower())
    return given


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, judgebench; judgebench.__version__; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_function_has_the_name_of_a_module_which_would_take_its_place() -> None:
    for name in judgebench.__all__:
        assert importlib.util.find_spec(f"judgebench.{name}") is None


def test_what_is_raised_on_purpose_is_caught_by_one_class_and_every_kind_is_documented() -> None:
    """Without loading more than the package: an ``except`` costs nothing."""
    code = f"import sys, judgebench; judgebench.JudgeBenchError; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+)`(?:, an? `(\w+)`)? \|", page, re.MULTILINE))
    kinds = [
        kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.JudgeBenchError)
    ]
    for kind in kinds:
        if kind is not judgebench.JudgeBenchError:
            [parent] = kind.__bases__
            expected = "" if parent is judgebench.JudgeBenchError else parent.__name__
            assert documented[kind.__name__] == expected


def test_every_public_name_is_there_and_others_are_not() -> None:
    assert set(judgebench.__all__) <= set(dir(judgebench))
    assert judgebench.__version__
    with pytest.raises(AttributeError, match="no attribute 'leader'"):
        judgebench.leader  # noqa: B018


@pytest.mark.parametrize("function", [each for each in FUNCTIONS.values() if inspect.isfunction(each)])
def test_a_function_names_its_arguments_and_says_what_it_raises(function: Callable[..., Any]) -> None:
    parameters = inspect.signature(function).parameters.values()
    assert not any(each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL) for each in parameters)
    assert all(each.annotation is not each.empty for each in parameters)
    assert "Raises" in (function.__doc__ or "")


def test_what_is_awaited_has_a_form_that_waits_with_the_same_arguments() -> None:
    awaited = [name for name, function in FUNCTIONS.items() if inspect.iscoroutinefunction(function)]
    assert len(awaited) >= 6
    for name in awaited:
        waiting = FUNCTIONS[name.removeprefix("a")]
        assert not inspect.iscoroutinefunction(waiting)
        assert waiting.__name__ == name.removeprefix("a")
        assert inspect.signature(waiting) == inspect.signature(FUNCTIONS[name])
    with pytest.raises(TypeError, match=r"^run\(\) got an unexpected keyword argument 'basline'"):
        FUNCTIONS["run"](None, benchmark="b", judge="embedded", basline="one")


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_is_a_function_with_arguments_of_the_same_names(path: str, command: click.Command) -> None:
    if path in OF_THE_MACHINE:
        return
    expected = {RENAMED.get(name, name) for name in options(command) - PRINTING - ELSEWHERE.get(path, set())}
    group, _, name = path.partition(" ")
    if group == "audit":  # the settings are the keywords, and what a judge's are is judge's
        known = {field.name for field in dataclasses.fields(AUDITS[name].settings)}
        known |= {"same_judge", "connection", "ray"} | {
            f"judge_{field}" for field in inspect.signature(judgebench.judge).parameters
        }
        assert expected - {"template", "price", "vllm", "dry_run", "queue"} <= known  # estimate_audit, queue_audit
        assert AUDITS[name].settings in FUNCTIONS.values()
        return
    assert expected <= set(inspect.signature(FUNCTIONS[COMMANDS[path]]).parameters)


@pytest.mark.slow
def test_type_checkers_know_the_arguments(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(
        """import judgebench
db = judgebench.open()
judgebench.run(db, benchmark="b", baseline="x")
judgebench.run(db, benchmark="b", basline="x")
judgebench.rank(db, benchmark="b", method="bets")
judgebench.rnak(db, benchmark="b")
report: str = judgebench.run(db, benchmark="b")
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", str(tmp_path / "use.py")]  # in the checkout, with what is cached there
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [int(line.split(":")[1]) for line in done.stdout.splitlines() if "use.py" in line and ": error:" in line]
    assert lines == [4, 5, 6, 7], done.stdout
    assert 'did you mean "baseline"?' in done.stdout


def test_the_documentation_names_every_function() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert [name for name in judgebench.__all__ if not re.search(rf"\b{name}\b", page)] == []
