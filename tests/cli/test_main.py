"""The command line as a whole: its list, its start-up, its help texts and their examples."""

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from judgebench.cli import options
from judgebench.cli.main import COMMANDS, app, command
from tests.cli.conftest import Invoke

CLI = Path(options.__file__).parent

_SLOW = pytest.mark.slow  # each starts Python anew


HEAVY = {"sqlalchemy", "pandas", "scipy", "aiohttp", "numpy"}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its subcommands, by name."""
    for name in COMMANDS:
        whole = command(name)
        yield name, whole
        if isinstance(whole, TyperGroup):
            context = typer.Context(whole)
            for leaf in whole.list_commands(context):
                yield f"{name} {leaf}", whole.resolve_command(context, [leaf])[1]


def examples(part: Any) -> list[str]:
    return re.findall(r"^\s*\$ (judgebench .*)$", part.help or "", re.MULTILINE)


EXAMPLES = [example for _, part in commands() for example in examples(part)]


def test_the_list_says_what_the_commands_say() -> None:
    for name, (panel, text) in COMMANDS.items():
        first = (command(name).help or "").split("\n\n")[0]
        assert " ".join(first.split()) == text, name
        assert panel in ("Evaluate", "Rank", "Trust", "Data", "Serve")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run", "--help"], ["leaderboard", "--help"]])
def test_starting_imports_nothing_heavy(arguments: list[str]) -> None:
    line = [sys.executable, "-X", "importtime", "-m", "judgebench", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert not imported(done.stderr) & HEAVY


@pytest.mark.slow
def test_no_command_needs_anything_heavy_for_its_help() -> None:
    code = f"""
import sys
from judgebench.cli.main import COMMANDS, command
import typer
for name in COMMANDS:
    part = command(name)
    part.get_help(typer.Context(part))
    print("loads", name, *({HEAVY} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loads = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("loads")]
    assert [name for name, *heavy in loads if heavy] == []
    assert len(loads) == len(COMMANDS)


def imported(importtime: str) -> set[str]:
    return {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in importtime.splitlines() if "|" in line}


def test_no_option_is_declared_twice() -> None:
    declared: dict[str, list[str]] = {}
    for path in sorted(CLI.glob("*.py")):
        if path.name != "audit.py":  # which makes its options from the table of audits
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "typer.Option":
                    declared.setdefault(ast.literal_eval(call.args[0]), []).append(path.name)
    assert len(declared) > 60
    assert {name: files for name, files in declared.items() if len(files) > 1} == {}
    assert declared["--format"] == ["options.py"]


def test_every_option_says_what_it_is() -> None:
    for name, part in commands():
        for option in part.params:
            if isinstance(option, TyperOption):
                assert option.help, f"{name} {option.opts}"


def test_every_command_has_two_examples_and_every_subcommand_one() -> None:
    for name, part in commands():
        assert len(examples(part)) >= (1 if " " in name else 2), name


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_line_that_the_parser_takes(example: str) -> None:
    group: Any = typer.main.get_command(app)
    words = shlex.split(example)[1:]
    context = group.make_context("judgebench", words)
    while isinstance(group, TyperGroup):
        rest = [*context._protected_args, *context.args]
        if not rest:
            assert group.invoke_without_command
            break
        name, group, rest = group.resolve_command(context, rest)
        context = group.make_context(name, rest, parent=context)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["leaderbord"], "did you mean 'leaderboard'?"),
        (["leaderboard", "--benchmark", "b", "--method", "win-rte"], "Did you mean 'win-rate'?"),
        (["run", "--orders", "bth"], "Did you mean 'both'"),
        (["matrix", "--benchmark", "b", "--format", "jsn"], "Did you mean 'json'?"),
        (["run", "--bench", "b"], "--benchmark"),
        (["matrix", "--benchmark", "b", "--format", "md"], "Invalid value for '--format': 'md' is not one of"),
        (["leaderboard", "--benchmrk", "b"], "Did you mean --benchmark"),
        (["import", "alpaca_eval", "x.json"], "unknown format or file 'alpaca_eval': did you mean 'alpaca-eval'"),
        (["import", "nosuchformat", "x"], "unknown format or file 'nosuchformat'"),
    ],
)
def test_what_is_unknown_names_what_is_nearest(invoke: Invoke, arguments: list[str], words: str) -> None:
    done = invoke(*arguments)
    assert done.code == 2
    assert " ".join(words.split()) in " ".join(re.sub("[│╭╮╰╯─]", " ", done.err).split())


def test_a_line_that_is_being_typed_is_completed_without_loading_a_command() -> None:
    code = "import sys; from judgebench.cli.main import app; app(prog_name='judgebench')"
    environment = {
        "_JUDGEBENCH_COMPLETE": "complete_bash",
        "_TYPER_COMPLETE_ARGS": "judgebench lea",
        "COMP_WORDS": "judgebench lea",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["leaderboard"]


def test_read_commands_print_one_document(submitted: Invoke) -> None:
    submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    for read in (
        ("benchmarks",),
        ("models", "--benchmark", "bench"),
        ("judges",),
        ("templates",),
        ("battles", "--benchmark", "bench"),
        ("db", "check"),
        ("leaderboard", "--benchmark", "bench", "--method", "bradley-terry"),
    ):
        shown = submitted(*read, "--format", "json")
        assert shown.code == 0
        assert shown.json
        assert submitted(*read).code == 0


def test_commands_on_nothing_say_what_to_do(invoke: Invoke, tmp_path: Path) -> None:
    for line in (("leaderboard", "--benchmark", "b"), ("benchmarks",), ("run", "--benchmark", "b", "--judge", "x")):
        result = invoke(*line)
        assert result.code == 2
        assert result.err.startswith("judgebench: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("form", ["csv", pytest.param("json", marks=_SLOW), pytest.param("table", marks=_SLOW)])
def test_a_full_disk_behind_the_output_is_one_clear_error(judged: Invoke, form: str) -> None:
    del judged
    command = [sys.executable, "-m", "judgebench", "leaderboard", "--benchmark", "bench", "--format", form]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == "judgebench: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "locale", ["C", pytest.param("POSIX", marks=_SLOW), pytest.param("en_US.ISO-8859-1", marks=_SLOW)]
)
def test_documents_are_utf_8_in_every_locale(invoke: Invoke, outputs: Callable[..., Path], locale: str) -> None:
    invoke("submit", outputs("a", 2), "--model", "m\u00f6del\u2713", "--benchmark", "bench")
    environment = {
        **os.environ,
        "LC_ALL": locale,
        "PYTHONIOENCODING": "ascii",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    for form in ([], ["--format", "json"]):
        command = [sys.executable, "-m", "judgebench", "models", "--benchmark", "bench", *form]
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        assert "m\u00f6del\u2713" in done.stdout.decode("utf-8")


def test_an_interrupt_while_it_is_loaded_is_quiet() -> None:
    code = """
import sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from judgebench.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
