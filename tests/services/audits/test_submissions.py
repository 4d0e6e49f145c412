"""Submissions that a judge is asked about: outputs exchanged between instructions, and likelihoods."""

import json
from typing import Any

import pytest

from judgebench.services.audits.results import flagged
from judgebench.store.database import Database
from tests.audits import judges
from tests.audits.judges import serve
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request
from tests.services.audits.conftest import GOOD, asking, store_outputs

LONG = "Whatever was asked, {number:.0f} of the many considerations that could be named here are weighed " * 3


@pytest.fixture
def quiz(invoke: Invoke) -> Invoke:
    store_outputs(40, {"base": GOOD, "good": "{text} It is {number}, I think, in some detail.", "long": LONG})
    return invoke


def ask(invoke: Invoke, server: FaultServer, *flags: str) -> dict[str, Any]:
    result = invoke("audit", "submissions", *asking(server), "--format", "json", *flags)
    assert result.code in (0, 1), result.err
    document: dict[str, Any] = result.json
    return document


def longest(prompt: str) -> str:
    seen = judges.read(prompt)
    return "A" if len(seen.first) > len(seen.second) else "B"


def biased(prompt: str) -> str:
    """Honest, but for a weakness for the word weighed."""
    seen = judges.read(prompt)
    liked = ["weighed" in text for text in (seen.first, seen.second)]
    return judges.honest(prompt) if liked[0] == liked[1] else "AB"[liked[1]]


def test_outputs_that_win_when_exchanged_are_high_and_honest_ones_are_not(quiz: Invoke) -> None:
    with FaultServer(serve(biased)) as server:
        document = ask(quiz, server, "--permuted", "20", "--baseline", "base")
    exchanged = [finding for finding in document["findings"] if finding["rule"] == "wins-when-exchanged"]
    assert [(finding["model"], finding["severity"], finding["value"]) for finding in exchanged] == [
        ("long", "high", 1.0)
    ]
    assert "wins-when-exchanged" in document["rules"]


def test_what_a_judge_was_asked_stands_in_later_audits_that_ask_fewer_or_none(quiz: Invoke) -> None:
    plain = ("audit", "submissions", "--benchmark", "quiz", "--format", "json")
    with FaultServer(serve(biased)) as server:
        ask(quiz, server, "--permuted", "20", "--baseline", "base")
        fewer = ask(quiz, server, "--permuted", "2", "--baseline", "base")
    for document in (fewer, quiz(*plain).json, quiz(*plain, "--model", "long").json):
        [finding] = [one for one in document["findings"] if one["rule"] == "wins-when-exchanged"]
        assert (finding["model"], finding["severity"], finding["value"]) == ("long", "high", 1.0)
        assert not document["passed"]
        assert "an earlier audit asked a judge about more outputs of long: what it found stands" in document["notes"]
    database = Database("judgebench.db")
    assert flagged(database, "quiz", ["base", "good", "long"]) == ("long",)
    database.close()


def test_a_judge_that_lets_all_exchanged_outputs_win_accuses_nobody(quiz: Invoke) -> None:
    with FaultServer(serve(longest)) as server:
        document = ask(quiz, server, "--permuted", "20", "--baseline", "base", "--model", "long")
    exchanged = [finding for finding in document["findings"] if finding["rule"] == "wins-when-exchanged"]
    assert [finding["severity"] for finding in exchanged] in (["medium"], [])


def likely(index: int, request: Request) -> Reply:
    """A server with prompt log-probabilities: words with a digit are improbable."""
    if request.method == "GET":
        return Reply.of({"object": "list", "data": [{"id": "judge", "object": "model"}]})
    messages = request.json["messages"]
    words = [word for message in messages for word in message["content"].split()]
    entries: list[Any] = [None]
    for place, word in enumerate(words):
        logprob = -9.0 if any(char.isdigit() for char in word) else -2.0
        entries.append({str(hash((place, word)) % 10**6): {"logprob": logprob}})
    return Reply.of({"prompt_logprobs": entries, "choices": []})


def test_text_that_no_model_would_write_is_an_outlier_in_likelihood(invoke: Invoke) -> None:
    words = ("plain words about it", "other words of that kind", "words of a third kind", "still other words, then")
    store_outputs(20, dict(zip("abcd", words, strict=True)) | {"odd": "x{number}1 y2 z{number}3 w4 v5 u6"})
    with FaultServer(likely) as server:
        document = ask(invoke, server, "--likelihoods", "12", "--judge-template", "pairwise/likelihood")
    outliers = [finding for finding in document["findings"] if finding["rule"] == "likelihood-outlier"]
    assert [(finding["model"], finding["severity"]) for finding in outliers] == [("odd", "medium")]
    assert outliers[0]["value"] == pytest.approx(-7.0)


def test_a_judge_is_needed_and_must_fit(quiz: Invoke) -> None:
    assert quiz("audit", "submissions", "--benchmark", "quiz", "--permuted", "5").code == 2
    result = quiz("audit", "submissions", "--benchmark", "quiz", "--likelihoods", "5", "--judge", "scripted:coin")
    assert result.code == 2
    assert "likelihoods need" in result.err
    assert json.dumps(result.out) == '""'
