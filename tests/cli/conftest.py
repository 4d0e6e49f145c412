"""The command line as a person uses it: arguments in, exit code and both streams out."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from judgebench.cli.main import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run the command line in an empty folder, on a database in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JUDGEBENCH_DATABASE_URL", raising=False)

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["judgebench", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def outputs(tmp_path: Path) -> Callable[..., Path]:
    """Write a submission of one model to ``count`` instructions."""

    def write(model: str, count: int = 4, say: str = "{model} on {number}") -> Path:
        rows = [
            {"instruction": f"Question {number}?", "output": say.format(model=model, number=number), "dataset": "even"}
            for number in range(count)
        ]
        path = tmp_path / f"{model}.json"
        path.write_text(json.dumps(rows))
        return path

    return write


@pytest.fixture
def submitted(invoke: Invoke, outputs: Callable[..., Path]) -> Invoke:
    """A benchmark "bench" with the outputs of alpha, beta and gamma."""
    for model in ("alpha", "beta", "gamma"):
        assert invoke("submit", outputs(model), "--model", model, "--benchmark", "bench").code == 0
    return invoke
