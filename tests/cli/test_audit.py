"""judgebench audit: documents and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from judgebench.cli.audit import app
from judgebench.cli.session import Session
from judgebench.errors import InputError, UnknownName
from judgebench.records import Instruction
from judgebench.store.database import Database
from tests.audits import judges
from tests.audits.factories import honest, instructions
from tests.audits.judges import serve
from tests.fault_server import FaultServer
from tests.filling import submitted


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A benchmark "bench" with honest models m0 to m3 and one constant text."""
    asked = instructions(40)
    outputs = {f"m{number}": honest(asked, np.random.default_rng(number)) for number in range(4)}
    outputs["constant"] = dict.fromkeys(asked, "One text for whatever was asked, and it is long enough to count.")
    path = str(tmp_path / "judgebench.db")
    database = Database(path, create=True)
    keys = list(asked)
    questions = [Instruction((text,)) for text in asked.values()]
    submitted(database, questions, list(outputs), lambda model, number: outputs[model][keys[number]])
    database.close()
    return path


def invoke(address: str, *arguments: str) -> Result:
    root = typer.Typer()
    root.add_typer(app, name="audit")
    return CliRunner().invoke(root, ["audit", *arguments], obj=Session(address, {}))


def test_a_high_finding_exits_with_1_and_prints_its_number(address: str) -> None:
    result = invoke(address, "submissions", "--benchmark", "bench", "--format", "json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["audit"] == "submissions"
    assert document["passed"] is False
    worst = document["findings"][0]
    assert worst["model"] == "constant"
    assert worst["severity"] == "high"
    assert set(worst) == {"model", "severity", "rule", "evidence", "value", "lower", "upper"}
    assert worst["rule"] in document["rules"]
    assert worst["evidence"][0]["match"].startswith("One text")


def test_the_report_is_written_as_html_too(address: str, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert invoke(address, "submissions", "--benchmark", "bench", "--html", str(target)).exit_code == 1
    assert "<h1>Audit submissions: failed</h1>" in target.read_text(encoding="utf-8")
    result = invoke(address, "submissions", "--benchmark", "bench", "--html", str(tmp_path / "no" / "report.html"))
    assert isinstance(result.exception, InputError)


def test_an_honest_model_passes(address: str) -> None:
    result = invoke(address, "submissions", "--benchmark", "bench", "--model", "m1", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["passed"] is True


def test_the_table_says_what_was_found_and_how_it_ended(address: str) -> None:
    result = invoke(address, "submissions", "--benchmark", "bench")
    assert "high    constant  constant-output 1 [0.9119, 1]" in result.stdout
    assert result.stdout.rstrip().endswith("audit submissions: FAILED")


def test_unknown_names_are_bad_input(address: str) -> None:
    assert isinstance(invoke(address, "submissions", "--benchmark", "bnch").exception, UnknownName)
    assert isinstance(invoke(address, "submissions", "--benchmark", "bench", "--model", "m9").exception, UnknownName)


@pytest.fixture
def judged(tmp_path: Path) -> str:
    """A benchmark "quiz" of 60 questions with a good model and one that is off the point."""
    database = Database(path := str(tmp_path / "quiz.db"), create=True)
    asked = [Instruction((text,)) for text in instructions(60).values()]
    good = "{} Here is what I know about it, in {} words and in detail."
    submitted(database, asked, ["good"], lambda _, number: good.format(asked[number].text, number), benchmark="quiz")
    database.close()
    return path


def robustness(address: str, judge: Callable[[str], str]) -> tuple[int, dict[str, Any]]:
    with FaultServer(serve(judge)) as server:
        flags = ("--benchmark", "quiz", "--model", "good", "--opponent", "other")
        where = ("--judge", "judge", "--judge-url", server.url, "--limit", "20", "--format", "json")
        result = invoke(address, "robustness", *flags, *where)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def contested(judged: str) -> str:
    """The same with a second model, "other"."""
    database = Database(judged)
    asked = [Instruction((text,)) for text in instructions(60).values()]
    submitted(database, asked, ["other"], lambda *_: "I do not know.", benchmark="quiz")
    database.close()
    return judged


def test_a_constant_judge_does_not_look_robust(contested: str) -> None:
    code, document = robustness(contested, lambda prompt: "A")
    assert code == 1
    assert document["summary"]["sensitivity"] == 0.0


def test_an_attentive_judge_does(contested: str) -> None:
    code, document = robustness(contested, judges.attentive)
    assert code == 0
    assert document["summary"]["sensitivity"] > 0.2
    assert document["summary"]["invariance"] == 1.0
