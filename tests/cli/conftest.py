"""The command line as a person uses it: arguments in, exit code and both streams out."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from judgebench.cli.main import main
from judgebench.store.database import Database
from judgebench.store.transfer import check


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Invoke = Callable[..., Result]


def verdicts(tmp_path: Path) -> int:
    """How many are stored."""
    with closing(Database(str(tmp_path / "judgebench.db"))) as database:
        return check(database).rows["verdicts"]


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


@pytest.fixture
def judged(submitted: Invoke, tmp_path: Path) -> Invoke:
    """Two judges that know nothing, and one person who prefers alpha."""
    for judge in ("scripted:always-first", "scripted:coin"):
        assert submitted("run", "--benchmark", "bench", "--judge", judge, "--all-pairs").code == 0
    rows = [
        {"instruction": f"Question {number}?", "model_a": "alpha", "model_b": "beta", "winner": "model_a"}
        for number in range(4)
    ]
    path = tmp_path / "people.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert submitted("labels", "import", path, "--benchmark", "bench").code == 0
    return submitted


@pytest.fixture
def undecided(invoke: Invoke, outputs: Callable[..., Path]) -> Invoke:
    """A benchmark "b": four models, every pair, judged by one that always names what it is shown first."""
    for model in ("m1", "m2", "m3", "m4"):
        assert invoke("submit", outputs(model, 6), "--model", model, "--benchmark", "b").code == 0
    assert invoke("run", "--benchmark", "b", "--judge", "scripted:always-first", "--all-pairs").code == 0
    return invoke
