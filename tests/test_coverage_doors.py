"""Every door says the same of what was left out, pooled, flagged and not audited, in sentences and plain values."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.coverage import Coverage
from judgebench.services.scope import Scope
from judgebench.show import coverage as show
from judgebench.show import drawing, pictures
from judgebench.show.text import escaped_html, escaped_markdown
from judgebench.store.database import Database
from tests.app.test_screens import opened, printed
from tests.cli.conftest import Invoke, invoke
from tests.coverage import BENCHMARK, INSTRUCTIONS, MAIN, OF_SHORT, OTHER, everything

__all__ = ["invoke"]
WHERE = ("--benchmark", BENCHMARK)
JUDGE = ("--judge", MAIN.name)
COUNTED = {OTHER.name: 3 * 14}
LEFT_OUT = {OTHER.name: 3 * (14 - 5)}  # without its verdicts on the flagged model, where that is left out
FACTS = {  # what each door must name, whatever its words
    "the judge": MAIN.name,
    "failures": "1 failed",
    "what nobody judged": "not judged: unjudged",
    "the model on fewer instructions": f"{OF_SHORT} to {INSTRUCTIONS} instructions",
    "the flagged model": "cheat",
    "the unaudited model": "near",
}
COMMANDS = {
    "leaderboard": ("leaderboard", *WHERE),
    "categories": ("categories", *WHERE),
    "distributions": ("distributions", *WHERE),
    "history": ("history", *WHERE),
    "matrix": ("matrix", *WHERE),
    "multiverse": ("multiverse", *WHERE),
    "consensus": ("consensus", *WHERE, "--resamples", "50"),
    "quality": ("quality", *WHERE),
    "bias": ("bias", *WHERE),
    "card": ("card", *WHERE, *JUDGE),
    "agreement": ("agreement", *WHERE, *JUDGE, "--resamples", "50"),
}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    everything(str(tmp_path / "judgebench.db"))
    return tmp_path / "judgebench.db"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def others(about: Mapping[str, Any]) -> Mapping[str, int]:
    return LEFT_OUT if about["flagged_are"] == "left out" else COUNTED


def check_facts(text: str) -> None:
    told = squeezed(text)
    (other,) = (LEFT_OUT if "so left out: cheat" in told else COUNTED).values()
    assert f"{OTHER.name} ({other} verdicts)" in told, told
    assert [what for what, words in FACTS.items() if words not in told] == [], told


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_all_of_it_above_its_result_and_in_json(invoke: Invoke, stored: Path, name: str) -> None:
    result = invoke(*COMMANDS[name])
    assert result.code == 0, result.err
    check_facts(result.out)
    document = invoke(*COMMANDS[name], "--format", "json").json
    check_facts("\n".join(document["notes"]))
    about = document["coverage"]
    assert [sentence for sentence in document["notes"] if sentence in squeezed(result.out)]
    assert (about["not_judged"], about["flagged"], about["unaudited"]) == (["unjudged"], ["cheat"], ["near"])
    assert (about["left_out"], about["other_judges"]) == ({"failed": 1}, others(about))
    assert (about["fewest"], about["most"], about["judges"]) == (
        OF_SHORT,
        INSTRUCTIONS,
        {MAIN.name: about["judges"][MAIN.name]},
    )


@pytest.mark.slow
def test_the_sentences_of_a_board_are_the_same_in_every_form(invoke: Invoke, stored: Path, tmp_path: Path) -> None:
    sentences = [
        note for note in invoke("leaderboard", *WHERE, "--format", "json").json["notes"] if note in _board(stored)
    ]
    assert sentences == _board(stored)
    table = invoke("leaderboard", *WHERE).out.splitlines()
    assert table[: len(sentences)] == sentences
    csv = invoke("leaderboard", *WHERE, "--format", "csv")
    assert [line for line in csv.err.splitlines() if line in sentences] == sentences
    markdown = invoke("leaderboard", *WHERE, "--format", "markdown").out
    assert [line for line in markdown.splitlines() if line.startswith("- ")][: len(sentences)] == [
        f"- {escaped_markdown(sentence)}" for sentence in sentences
    ]
    exported = invoke("export", "leaderboard", *WHERE, "--to", tmp_path / "board.csv")
    assert [line for line in exported.err.splitlines() if line in sentences] == sentences
    page = tmp_path / "card.html"
    assert invoke("card", *WHERE, *JUDGE, "--html", page).code == 0
    check_facts(page.read_text())


def _board(path: Path, scope: Scope | None = None) -> list[str]:
    with closing(Database(str(path))) as database:
        board = services.leaderboards.leaderboard(database, BENCHMARK, scope=scope or Scope())
    return show.sentences(board.coverage)


def test_pooling_and_counting_flagged_models_is_said(invoke: Invoke, stored: Path) -> None:
    pooled = invoke("leaderboard", *WHERE, "--all-judges").out
    assert "Verdicts of 2 judges are pooled" in pooled
    counted = invoke("leaderboard", *WHERE, "--with-flagged").out
    assert "Flagged by an audit, and counted all the same: cheat." in counted
    cut = invoke("leaderboard", *WHERE, "--baseline", "base").out
    assert "no battle with the baseline base: far." in cut
    common = invoke("leaderboard", *WHERE, "--common").out
    assert f"Only the {OF_SHORT} instructions that all models were judged on" in common


API: dict[str, Callable[[Database], Coverage | dict[str, Any] | None]] = {
    "rank": lambda database: judgebench.rank(database, benchmark=BENCHMARK).attrs["coverage"],
    "categories": lambda database: judgebench.categories(database, benchmark=BENCHMARK).attrs["coverage"],
    "distributions": lambda database: judgebench.distributions(database, benchmark=BENCHMARK).attrs["coverage"],
    "history": lambda database: judgebench.history(database, benchmark=BENCHMARK).attrs["coverage"],
    "matrix": lambda database: judgebench.matrix(database, benchmark=BENCHMARK).attrs["coverage"],
    "multiverse": lambda database: judgebench.multiverse(database, benchmark=BENCHMARK).attrs["coverage"],
    "consensus": lambda database: judgebench.consensus(database, benchmark=BENCHMARK, resamples=50).coverage,
    "quality": lambda database: judgebench.quality(database, benchmark=BENCHMARK).coverage,
    "bias": lambda database: judgebench.bias_report(database, benchmark=BENCHMARK).coverage,
    "counterfactual": lambda database: judgebench.counterfactual(database, benchmark=BENCHMARK).coverage,
    "agreement": lambda database: (
        judgebench.agreement(database, benchmark=BENCHMARK, judge=MAIN.name, resamples=10).coverage
    ),
    "card": lambda database: judgebench.card(database, judge=MAIN.name, benchmark=BENCHMARK).coverage,
}


@pytest.mark.parametrize("name", API)
def test_every_result_of_the_python_functions_carries_it(stored: Path, name: str) -> None:
    with closing(judgebench.open(stored)) as database:
        told = API[name](database)
    about = show.document(told) if isinstance(told, Coverage) else told
    assert about is not None
    assert json.loads(json.dumps(about)) == about
    assert (about["not_judged"], about["flagged"], about["unaudited"]) == (["unjudged"], ["cheat"], ["near"])
    assert (about["left_out"], about["other_judges"]) == ({"failed": 1}, others(about))
    assert (about["fewest"], about["most"]) == (OF_SHORT, INSTRUCTIONS)


@pytest.mark.slow
def test_the_page_of_audits_names_what_was_not_audited(monkeypatch: pytest.MonkeyPatch, stored: Path) -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    assert "Not audited, or not since outputs were added: near." in printed(opened("audits", monkeypatch, stored))


@pytest.mark.slow
def test_the_page_of_pairs_names_the_method_of_its_intervals(monkeypatch: pytest.MonkeyPatch, stored: Path) -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    with closing(Database(str(stored))) as database:
        method = services.leaderboards.matrix(database, BENCHMARK).method
    assert f"95% intervals: {method}" in printed(opened("matrix", monkeypatch, stored))


@pytest.mark.parametrize("page", ["leaderboard", "matrix", "bias", "judges"])
def test_every_page_says_all_of_it(monkeypatch: pytest.MonkeyPatch, stored: Path, page: str) -> None:
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    app = opened(page, monkeypatch, stored)
    written = " ".join(element.proto.body for element in app.get("html"))
    check_facts(f"{printed(app)} {unescape(re.sub('<[^>]*>', ' ', written))}")


def test_the_picture_of_a_board_says_all_of_it(stored: Path) -> None:
    with closing(Database(str(stored))) as database:
        board = services.leaderboards.leaderboard(database, BENCHMARK)
    drawn = drawing.svg(pictures.intervals(board, pictures.caption("Board", BENCHMARK, board, date="2026-11-29")))
    words = squeezed(drawn.replace("</text>", " ").replace("\n", " "))
    for fact in ("not judged: unjudged", "1 failed", "cheat", "near", MAIN.name):
        assert escaped_html(fact) in words


def test_a_list_of_battles_says_whose_verdicts_it_averages(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, stored: Path
) -> None:
    said = f"Preferences are means over the verdicts of 2 judges, {MAIN.name} and {OTHER.name}"
    listed = ("battles", *WHERE, "--limit", "1")
    assert said in invoke(*listed).out
    assert said not in invoke(*listed, *JUDGE).out
    assert invoke(*listed, "--format", "json").json["judges"] == [MAIN.name, OTHER.name]
    with closing(judgebench.open(stored)) as database:
        one = judgebench.battles(database, benchmark=BENCHMARK, judge=MAIN.name, limit=1)
    assert one.attrs["judges"] == [MAIN.name]
    pytest.importorskip("streamlit", reason="the app needs the extra app")
    assert said in printed(opened("battles", monkeypatch, stored))
