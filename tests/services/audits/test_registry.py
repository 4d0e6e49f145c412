"""The table of audits: the command line, the documents and the API read it, and one more audit is one more entry."""

import shlex
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from pydantic.fields import FieldInfo

from judgebench import services
from judgebench.audits.findings import AuditReport
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.services.audits import registry
from judgebench.services.audits.registry import AUDITS, Audit, IntegrityAudit, SubmissionAudit
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.filling import filled
from tests.services.audits.conftest import store_outputs

MINE = """
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from judgebench.audits.findings import AuditReport, Evidence, Finding, FindingRule, make_report, share_finding
from judgebench.services.audits import submissions
from judgebench import store

SHOUTED = FindingRule("shouted", "Share of outputs in capitals.", high=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShoutingAudit:
    benchmark: Annotated[str, Field(description="Name of the benchmark.")]
    least: Annotated[int, Field(description="Characters that an output needs to count.", ge=1)] = 3


def shouting(database, settings, asking):
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        keys = [instruction.key for instruction in store.benchmarks.instructions(connection, benchmark_id)]
        outputs = store.models.outputs_to(connection, benchmark_id, keys)
    texts = {name: [output.written for output in mine.values()] for name, mine in outputs.items()}
    long = {name: [text for text in mine if len(text) >= settings.least] for name, mine in texts.items()}
    findings = [
        share_finding(SHOUTED, name, [None] * sum(text.isupper() for text in texts), len(texts))
        for name, texts in long.items()
    ]
    report = make_report("shouting", [finding for finding in findings if finding], [SHOUTED], [])
    return AuditReport("shouting", report.findings, rules=report.rules, about=tuple(outputs))
"""


@pytest.fixture
def shouting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    """An audit of a package outside, entered in the table."""
    (tmp_path / "outside_audit.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "outside_audit", raising=False)
    import outside_audit

    audit = Audit(
        "shouting",
        "submissions",
        "Look for outputs in capitals.",
        ("judgebench audit shouting --benchmark quiz",),
        outside_audit.ShoutingAudit,
        "outside_audit:shouting",
    )
    monkeypatch.setitem(AUDITS, "shouting", audit)
    return audit


def test_an_audit_from_outside_is_one_entry(shouting: Audit, quiz: Invoke) -> None:
    store_outputs(60, {"loud": "I KNOW THIS ONE, IT IS {number}."})
    assert "Look for outputs in capitals." in quiz("audit", "--help").out
    assert "Characters that an output needs" in " ".join(quiz("audit", "shouting", "--help").out.split())
    result = quiz("audit", "shouting", "--benchmark", "quiz", "--format", "json")
    assert result.code == 1
    assert [(finding["model"], finding["severity"]) for finding in result.json["findings"]] == [("loud", "high")]
    assert quiz("audit", "shouting", "--benchmark", "quiz", "--least", "0").code == 2
    assert quiz("audit", "shouting", "--benchmark", "quiz", "--least", "1000").code == 0
    database = Database("judgebench.db")
    kept = {audit.model: audit.passed for audit in services.audits.results.audits(database, "quiz", kind="shouting")}
    report = registry.audit(database, "shouting", shouting.fill({"benchmark": "quiz"}), environment={})
    database.close()
    assert kept == {"good": True, "loud": True}
    assert not report.passed


@pytest.mark.parametrize("audit", AUDITS.values(), ids=AUDITS)
def test_every_setting_says_what_it_means(audit: Audit) -> None:
    for name, hint in audit.hints.items():
        if name != "judge":
            about = get_args(hint)[1]
            assert isinstance(about, FieldInfo)
            assert about.description


@pytest.mark.parametrize("audit", AUDITS.values(), ids=AUDITS)
def test_the_examples_are_commands_of_the_audit(audit: Audit) -> None:
    for example in audit.examples:
        words = shlex.split(example)
        assert words[:3] == ["judgebench", "audit", audit.name]
        flags = {
            word.removeprefix("--").removeprefix("no-").replace("-", "_") for word in words if word.startswith("--")
        }
        assert flags <= {*audit.hints, "html", "format"}
        assert flags >= set(audit.needed)


def test_the_documents_name_every_audit() -> None:
    text = (Path(__file__).parents[3] / "docs" / "audits.md").read_text(encoding="utf-8")
    for audit in AUDITS.values():
        assert f"judgebench audit {audit.name}" in text


def test_settings_are_filled_from_plain_values() -> None:
    audit = registry.named("integrity")
    assert audit.fill({"benchmark": "quiz", "round_trip": False}) == registry.IntegrityAudit(
        benchmark="quiz", round_trip=False
    )
    with pytest.raises(UnknownName, match="did you mean 'round_trip'"):
        audit.fill({"benchmark": "quiz", "roundtrip": False})
    with pytest.raises(InputError, match="needs benchmark"):
        audit.fill({})
    with pytest.raises(InputError, match=r"limit: .*greater than or equal to 2"):
        registry.named("null-models").fill({"benchmark": "quiz", "judge": None, "limit": 1})
    with pytest.raises(UnknownName, match="did you mean 'null-models'"):
        registry.named("null-model")


def test_the_command_says_what_is_to_be_filled_in() -> None:
    command = registry.named("robustness").command(benchmark="my quiz", judge="gpt")
    assert command == "judgebench audit robustness --benchmark 'my quiz' --judge gpt --model MODEL --opponent OPPONENT"


def test_an_audit_that_goes_on_is_not_begun_by_another_connection(database: Database, address: str) -> None:
    filled(database)
    of_alpha = IntegrityAudit(benchmark="bench", round_trip=False)
    reached, go_on = threading.Event(), threading.Event()

    def slowly(database: Database, settings: object, asking: object) -> AuditReport:
        reached.set()
        go_on.wait(20)
        return AuditReport("integrity", ())

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as elsewhere, closing(Database(address)) as other:
        patch.setattr(registry, "_function", lambda path: slowly)
        first = elsewhere.submit(registry.audit, other, "integrity", of_alpha, environment={})
        assert reached.wait(20)
        assert registry.is_going_on(database, "integrity", of_alpha)
        assert not registry.is_going_on(database, "submissions", SubmissionAudit(benchmark="bench"))
        with pytest.raises(Conflict, match="this audit of 'bench' is going on already"):
            registry.audit(database, "integrity", of_alpha, environment={})
        go_on.set()
        first.result()
    assert not registry.is_going_on(database, "integrity", of_alpha)
    assert len(services.audits.results.audits(database, "bench", kind="integrity")) == 1
