"""judgebench audit: documents and exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from judgebench.cli.audit import app
from judgebench.cli.session import Session
from judgebench.errors import InputError, UnknownName
from judgebench.records import Instruction
from judgebench.store.database import Database
from tests.audits.factories import honest, instructions
from tests.filling import submitted


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A benchmark "bench" with honest models m0 to m3 and one constant text."""
    texts = instructions(40)
    outputs = {f"m{number}": honest(texts, np.random.default_rng(number)) for number in range(4)}
    outputs["constant"] = dict.fromkeys(texts, "One text for whatever was asked, and it is long enough to count.")
    path = str(tmp_path / "judgebench.db")
    database = Database(path, create=True)
    keys = list(texts)
    questions = [Instruction((text,)) for text in texts.values()]
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
    assert set(worst) == {"model", "severity", "rule", "evidence", "count", "outputs", "value", "lower", "upper"}
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
