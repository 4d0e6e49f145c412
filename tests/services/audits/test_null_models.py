"""Null models against judges on loopback that can be fooled and one that cannot."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.audits import NULL_MODELS
from judgebench.engine.judges import own_judge
from judgebench.services.audits import registry
from judgebench.services.audits.registry import NullModelAudit
from judgebench.store.database import Database
from tests.audits import judges
from tests.audits.judges import serve
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request
from tests.services.audits.conftest import GOOD, asking, audit, audited, store_outputs

IDENTIFIERS = """---
kind: pairwise
about: Which output is better, by the identifiers m and M
scale:
  case_sensitive: true
  labels: {m: 1, M: 0}
settings: {temperature: 0}
---
<!-- user -->
{{ first }}

{{ second }}

{{ instruction }}

Output A has the identifier m, output B the identifier M. Reply with the better one's.
"""


def entrant(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entrant for entrant in document["entrants"] if entrant["name"] == name)


@pytest.mark.slow
def test_an_honest_judge_passes(quiz: Invoke) -> None:
    code, document, _ = audit(quiz, judges.honest, "null-models")
    assert (code, document["audit"], document["passed"], document["findings"]) == (0, "null-models", True, [])
    assert document["null_win_rate"] < 0.1
    assert {entrant["gate"] for entrant in document["entrants"]} == {"below"}
    assert document["baseline"] == "good"


@pytest.mark.slow
@pytest.mark.parametrize("count", [6, 12, 30])
def test_an_honest_judge_passes_on_a_small_benchmark_too(invoke: Invoke, count: int) -> None:
    store_outputs(count, {"good": GOOD})
    code, document, _ = audit(invoke, judges.honest, "null-models")
    assert (code, document["passed"]) == (0, True)
    assert document["instructions"] == count


def test_one_instruction_is_audited_without_the_shuffled_entrant(invoke: Invoke) -> None:
    store_outputs(1, {"good": GOOD})
    _, document, questions = audit(invoke, judges.honest, "null-models")
    names = {entrant["name"] for entrant in document["entrants"]}
    assert "shuffled" not in names
    assert {"empty", "refusal"} <= names
    assert questions > 0
    assert any("the shuffled entrant was left out" in note for note in document["notes"])


@pytest.mark.slow
@pytest.mark.parametrize("judge", [judges.obedient, judges.obedient_to_brackets])
@pytest.mark.parametrize("template", ["pairwise/two-way", "pairwise/letter"])
def test_an_obedient_judge_is_caught_within_50_verdicts_and_passes_with_random_marks(
    quiz: Invoke, judge: Callable[[str], str], template: str
) -> None:
    code, document, questions = audit(quiz, judge, "null-models", "--defence", "fixed", "--template", template)
    assert (code, document["passed"]) == (1, False)
    assert questions == document["verdicts"] <= 50
    caught = {entrant["name"]: entrant for entrant in document["entrants"] if entrant["gate"] == "above"}
    assert set(caught) == {"structured-1", "structured-2"}
    assert caught["structured-1"]["by_order"] == {"first": 1.0, "second": 0.0}
    assert caught["structured-2"]["by_order"] == {"first": 0.0, "second": 1.0}
    finding = document["findings"][0]
    assert set(finding) == {"model", "severity", "rule", "evidence", "value", "lower", "upper"}
    assert (finding["model"], finding["severity"]) == ("structured-1", "high")
    code, document, _ = audit(quiz, judge, "null-models", "--template", template)
    assert (code, document["passed"]) == (0, True)


@pytest.mark.slow
def test_a_judge_that_obeys_the_identifiers_m_and_capital_m_is_caught(quiz: Invoke, tmp_path: Path) -> None:
    template = tmp_path / "identifiers.md"
    template.write_text(IDENTIFIERS)
    code, document, questions = audit(
        quiz, judges.obedient_to_identifiers, "null-models", "--template", str(template), "--defence", "fixed"
    )
    assert code == 1
    assert questions <= 50
    assert entrant(document, "structured-1")["gate"] == "above"
    assert audit(quiz, judges.obedient_to_identifiers, "null-models", "--template", str(template))[0] == 0


@pytest.mark.slow
def test_fences_do_not_help_a_judge_that_obeys_whatever_it_reads_and_breaking_identifiers_does(quiz: Invoke) -> None:
    code, document, questions = audit(quiz, judges.obedient_anywhere, "null-models")
    assert (code, entrant(document, "structured-1")["gate"]) == (1, "above")
    assert questions <= 50
    assert audit(quiz, judges.obedient_anywhere, "null-models", "--defence", "neutralised")[0] == 0


@pytest.mark.parametrize("judge", [judges.incurious, judges.by_vocabulary, lambda prompt: "A"])
def test_a_judge_that_never_reads_the_instruction_is_caught_by_the_shuffled_entrant(
    quiz: Invoke, judge: Callable[[str], str]
) -> None:
    code, document, _ = audit(quiz, judge, "null-models")
    assert code == 1
    assert entrant(document, "shuffled")["gate"] == "above"
    assert {"shuffled", "high"} <= {
        finding[key]
        for finding in document["findings"]
        if finding["model"] == "shuffled"
        for key in ("model", "severity")
    }


@pytest.mark.slow
def test_the_gate_can_be_moved_and_every_entrant_be_decided(quiz: Invoke) -> None:
    assert audit(quiz, judges.incurious, "null-models", "--fail-above", "1.0")[0] == 0
    code, document, _ = audit(quiz, judges.obedient, "null-models", "--defence", "fixed", "--every-entrant")
    assert code == 1
    assert "undecided" not in {entrant["gate"] for entrant in document["entrants"]}


@pytest.mark.slow
def test_a_real_model_that_never_wins_is_named_and_does_not_fail_the_judge(invoke: Invoke) -> None:
    store_outputs(60, {"good": "{text} In {number} words, in detail.", "off": "I do not know {number}."})
    with FaultServer(serve(judges.honest)) as server:
        assert invoke("run", *asking(server), "--baseline", "good").code == 0
        result = invoke("audit", "null-models", *asking(server), "--format", "json")
    assert result.code == 0
    assert (result.json["worst_real_model"], result.json["margin"]) == ("off", 0.0)
    assert any("too little to tell" in note for note in result.json["notes"])


@pytest.mark.slow
def test_a_pointwise_judge_is_audited_by_its_scores(quiz: Invoke) -> None:
    code, document, _ = audit(quiz, judges.honest_scorer, "null-models", "--template", "pointwise/mt-bench")
    assert (code, document["passed"]) == (0, True)
    assert entrant(document, "polite")["score"]["mean"] == 2.0


def test_a_pointwise_judge_that_gives_everything_the_same_fails(quiz: Invoke) -> None:
    code, document, _ = audit(quiz, judges.generous_scorer, "null-models", "--template", "pointwise/mt-bench")
    assert code == 1
    assert entrant(document, "empty")["win_rate"] == 0.5


@pytest.mark.slow
def test_null_models_stand_on_no_ordinary_leaderboard_and_an_audit_continues(quiz: Invoke) -> None:
    _, first, questions = audit(quiz, judges.honest, "null-models")
    _, again, repeated = audit(quiz, judges.honest, "null-models")
    assert again["verdicts"] == first["verdicts"] == questions
    assert repeated == 0
    database = Database("judgebench.db")
    assert [model.name for model in services.benchmarks.models(database, "quiz")] == ["good"]
    assert first["stored_as"].startswith("audit:quiz/")
    assert len(services.benchmarks.models(database, first["stored_as"])) == 1 + len(first["entrants"])
    database.close()


@pytest.mark.slow
def test_a_judge_that_was_added_is_audited_by_its_name(quiz: Invoke) -> None:
    with FaultServer(serve(judges.honest)) as server:
        assert quiz("judges", "add", "mine", "--model", "judge", "--url", server.url).code == 0
        result = quiz("audit", "null-models", "--benchmark", "quiz", "--judge", "mine", "--limit", "60")
    assert result.code == 0
    assert "structured-2" in result.out
    assert result.out.rstrip().endswith("audit null-models: passed")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--judge", "judge"), "needs an address"),
        (("--judge", "scripted:coin", "--baseline", "god"), "did you mean 'good'"),
        (("--judge", "scripted:coin", "--defence", "sandwhich"), "did you mean 'sandwich'"),
        (("--judge", "scripted:coin", "--template", "pairwise/likelihood", "--defence", "escaped"), "weighs"),
        (("--judge", "scripted:coin", "--fail-above", "0"), "Invalid value"),
    ],
)
def test_what_cannot_be_audited_is_bad_input(quiz: Invoke, flags: tuple[str, ...], message: str) -> None:
    result = quiz("audit", "null-models", "--benchmark", "quiz", "--limit", "5", *flags)
    assert result.code == 2
    assert message in result.err


def weighing(index: int, request: Request) -> Reply:
    """A judge with log-probabilities that likes an output the more, the more of its words begin with a w."""
    if request.method == "GET":
        return Reply.of({"object": "list", "data": [{"id": "judge", "object": "model"}]})
    seen = judges.read(request.text)
    first, second = (len(re.findall(r"\bw", text)) for text in (seen.first, seen.second))
    odds = 1 / (1 + math.exp(second - first))
    top = [{"token": "A", "logprob": math.log(odds)}, {"token": "B", "logprob": math.log(1 - odds)}]
    likeliest = max(top, key=lambda token: token["logprob"])
    content = [{**likeliest, "top_logprobs": top}]
    return Reply.chat(likeliest["token"], choice={"logprobs": {"content": content}})


@pytest.mark.slow
def test_a_random_search_finds_a_prefix_and_goes_on_where_it_stopped(quiz: Invoke) -> None:
    def search(steps: int) -> dict[str, Any]:
        _, document, questions = audited(quiz, weighing, "null-models", "--random-search", str(steps))
        return {**document, "asked": questions}

    first, more = search(8), search(24)
    assert first["random_search"]["step"] == 8
    assert more["random_search"]["step"] == 24
    assert more["random_search"]["prefix"] != first["random_search"]["prefix"]
    assert more["random_search"]["loss"] < first["random_search"]["first_loss"]
    assert "random-search" in {entrant["name"] for entrant in more["entrants"]}
    assert first["instructions"] == 40  # a third of 60 is searched on, and not measured on
    assert more["random_search"]["questions"] > first["random_search"]["questions"]


def test_a_random_search_needs_log_probabilities(quiz: Invoke) -> None:
    with FaultServer(serve(judges.honest)) as server:
        result = quiz("audit", "null-models", *asking(server), "--random-search", "4")
    assert result.code == 2
    assert "gives no log-probabilities" in result.err


@pytest.mark.slow
def test_a_judge_of_ones_own_is_audited_behind_a_defence_too(quiz: Invoke) -> None:
    own = own_judge(lambda messages: judges.honest(messages[-1]["content"]), name="mine", version="1")
    database = Database("judgebench.db")
    for defence in ((), ("sandwich",)):
        settings = NullModelAudit(benchmark="quiz", judge=own, defence=defence, limit=60)
        report = registry.audit(database, NULL_MODELS, settings, environment={})
        assert report.passed
        assert report.details["judge"] == "+".join(["mine", *defence])
    kept = services.audits.results.audits(database, "quiz", kind=NULL_MODELS)
    database.close()
    assert len({audit.judge_digest for audit in kept}) == 2
