"""A benchmark of questions, with outputs made of patterns."""

from collections.abc import Callable
from typing import Any

import pytest

from judgebench.records import Instruction
from judgebench.store.database import Database
from tests.audits.factories import instructions
from tests.audits.judges import serve
from tests.cli.conftest import Invoke, invoke
from tests.fault_server import FaultServer, Script
from tests.filling import submitted

__all__ = ["invoke"]

GOOD = "{text} Here is what I know about it, in {number} words and in detail."


@pytest.fixture
def quiz(invoke: Invoke) -> Invoke:
    """The command line on a benchmark "quiz" of 60 questions, with the outputs of a good model."""
    store_outputs(60, {"good": GOOD})
    return invoke


def store_outputs(count: int, patterns: dict[str, str], benchmark: str = "quiz") -> None:
    """Outputs to ``count`` instructions in judgebench.db, each model's made of its pattern."""
    questions = [Instruction((text,)) for text in instructions(count).values()]

    def text(model: str, number: int) -> str:
        return patterns[model].format(text=questions[number].text, number=number)

    database = Database("judgebench.db", create=True)
    submitted(database, questions, list(patterns), text, benchmark=benchmark)
    database.close()


def asking(server: FaultServer) -> tuple[str, ...]:
    """Flags by which the judge of that server is asked about the quiz, wherever it was asked before."""
    return "--benchmark", "quiz", "--judge", "judge", "--judge-url", server.url, "--same-judge"


def audit(invoke: Invoke, judge: Callable[[str], str], *flags: str) -> tuple[int, dict[str, Any], int]:
    """As ``audited``, of a judge that says so to a prompt."""
    return audited(invoke, serve(judge), *flags)


def audited(invoke: Invoke, script: Script, *flags: str) -> tuple[int, dict[str, Any], int]:
    """Exit code, document and number of questions of an audit of the judge that answers so on loopback; ``flags`` begin
    with the audit's name."""
    with FaultServer(script) as server:
        result = invoke("audit", *flags, *asking(server), "--format", "json")
        questions = sum(request.method == "POST" for request in server.requests)
    assert result.code in (0, 1), result.err
    return result.code, result.json, questions
