"""bias, agreement, card, lineage and contamination, as a person uses them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke

FIGURE = {"value", "lower", "upper", "level", "method", "n", "identified"}


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


def figures(document: Any) -> list[dict[str, Any]]:
    """Every figure in a document, however deep."""
    if isinstance(document, dict):
        if "identified" in document:
            return [document]
        return [found for each in document.values() for found in figures(each)]
    return [found for each in document for found in figures(each)] if isinstance(document, list) else []


@pytest.mark.parametrize(
    "command",
    [
        ("bias", "--benchmark", "bench", "--judge", "scripted:coin"),
        ("bias", "--benchmark", "bench"),
        ("agreement", "--benchmark", "bench"),
        ("card", "--judge", "scripted:coin"),
    ],
)
def test_every_figure_has_the_same_form(judged: Invoke, command: tuple[str, ...]) -> None:
    done = judged(*command, "--format", "json")
    assert done.code == 0
    found = figures(done.json)
    assert len(found) > 10
    for figure in found:
        assert set(figure) in (FIGURE, FIGURE | {"reason"})
        assert figure["identified"] or figure["reason"]
    assert judged(*command).code == 0


def test_a_judge_that_always_says_first(judged: Invoke) -> None:
    found = judged("bias", "--benchmark", "bench", "--judge", "scripted:always-first", "--format", "json").json
    assert found["position"]["consistency"]["value"] == 0.0
    assert found["position"]["primacy"]["value"] == 1.0
    board = judged("leaderboard", "--benchmark", "bench", "--judge", "scripted:always-first", "--format", "json").json
    assert {row["win_rate"] for row in board["rows"]} == {0.5}
    assert {row["tier"] for row in board["rows"]} == {1}
    card = judged("card", "--judge", "scripted:always-first", "--format", "json").json
    grades = {line["name"]: line["grade"] for line in card["lines"]}
    assert (grades["consistency"], grades["position"]) == ("D", "D")


def test_a_card_as_one_file(judged: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "card.html"
    assert judged("card", "--judge", "scripted:coin", "--html", path).code == 0
    text = path.read_text()
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "scripted:coin on bench" in text


def test_files_that_cannot_be_written(judged: Invoke, tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "file", tmp_path):
        for command in (("card", "--html", path), ("labels", "queue", "--benchmark", "bench", "--out", path)):
            done = judged(*command, "--judge", "scripted:coin")
            assert (done.code, done.out) == (2, "")
            assert "cannot be written" in done.err


def test_names_that_are_not_there(judged: Invoke) -> None:
    for command in (("bias", "--benchmark", "b"), ("card", "--judge", "nobody"), ("agreement", "--benchmark", "b")):
        done = judged(*command)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("judgebench: unknown")
    assert judged("bias", "--benchmark", "bench", "--judge", "nobody").code == 2
    assert judged("card", "--judge", "scripted:coin", "--benchmark", "other").code == 2


def test_lineage(judged: Invoke, tmp_path: Path) -> None:
    assert judged("lineage", "set", "alpha", "--family", "greek").code == 0
    assert judged("lineage", "set", "alpha", "--family", "latin").code == 2
    assert judged("lineage", "set", "beta").code == 2
    path = tmp_path / "lineage.jsonl"
    path.write_text('{"model": "beta", "family": "greek", "parent": "alpha"}')
    assert judged("lineage", "import", path, "--format", "json").json["changed"] == 1
    assert [row["model"] for row in judged("lineage", "list", "--format", "json").json] == ["alpha", "beta"]
    assert judged("lineage", "accept").code == 2
    proposed = judged("lineage", "propose", "--format", "json").json
    assert [each["name"] for each in proposed] == ["gamma"]


def test_submit_shows_what_the_name_suggests(invoke: Invoke, outputs: Any) -> None:
    path = outputs("vicuna-7b-v1.5")
    shown = invoke("submit", path, "--model", "vicuna-7b-v1.5", "--benchmark", "b")
    assert "the name suggests family llama, parent llama-2" in shown.err
    assert invoke("models", "--benchmark", "b", "--format", "json").json[0]["family"] is None
    assert invoke("submit", path, "--model", "vicuna-7b-v1.5", "--benchmark", "b", "--accept-lineage").code == 0
    assert invoke("models", "--benchmark", "b", "--format", "json").json[0]["family"] == "llama"
    assert invoke("submit", path, "--model", "x", "--benchmark", "b", "--accept-lineage").code == 2


def test_contamination(invoke: Invoke, tmp_path: Path) -> None:
    long = "Explain in your own words why the sky appears blue at noon and red in the evening near the horizon."
    path = tmp_path / "outputs.jsonl"
    rows = [{"instruction": long, "output": "Light."}, {"instruction": "Other question here?", "output": long}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert invoke("submit", path, "--model", "m", "--benchmark", "b").code == 0
    found = invoke("contamination", "--benchmark", "b", "--format", "json").json
    assert found["instructions"]["value"] == 0.5
    assert [(each["where"], each["verbatim"]) for each in found["found"]] == [("output of m", True)]
    training = tmp_path / "training.jsonl"
    training.write_text(
        json.dumps({"text": f"{'Before it. ' * 20}{long.replace('noon', 'midday')}{' After it.' * 20}"})
    )
    elsewhere = invoke("contamination", "--benchmark", "b", "--file", training, "--format", "json").json
    assert elsewhere["searched"] == 1
    assert [each["inside"] for each in elsewhere["found"]] == [True]
    assert "instructions found" in invoke("contamination", "--benchmark", "b").out
    assert invoke("contamination", "--benchmark", "b", "--against", "nowhere").code == 2


def test_controls_of_the_leaderboard(judged: Invoke) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--judge", "scripted:coin", "--format", "json")
    rated = judged(*where, "--method", "bradley-terry", "--control", "length,position").json
    assert any(note.startswith("at equal position, whose coefficient is") for note in rated["notes"])
    assert judged(*where, "--control", "length").code == 2
    assert judged(*where, "--method", "bradley-terry", "--control", "weight").code == 2
    assert judged(*where, "--anchor", "human", "--control", "length").code == 2
    assert judged(*where, "--margin", "1", "--exclude-related").code == 2
    assert judged(*where, "--method", "bradley-terry", "--control", "length", "--jury", "mean").code == 2


def test_related_judges_lose_their_say(judged: Invoke) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--format", "json")
    assert any("nobody declared" in note for note in judged(*where, "--exclude-related").json["notes"])
    for name in ("alpha", "beta", "gamma", "scripted:coin"):
        assert judged("lineage", "set", name, "--family", f"of {name}").code == 0
    assert judged("lineage", "set", "scripted:always-first", "--family", "of alpha").code == 0
    board = judged(*where, "--exclude-related").json
    assert board["notes"][0].endswith(": 16 left out")
    assert board["judges"] == ["scripted:always-first", "scripted:coin"]
    weighted = judged(*where, "--related-weight", "0.5").json
    assert weighted["notes"][0].endswith("16 given less weight")


def test_a_board_anchored_to_people(judged: Invoke, tmp_path: Path) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--judge", "scripted:coin", "--format", "json")
    assert judged(*where, "--anchor", "human").code == 2  # every instruction is labelled, so nothing is left to predict
    corrected = judged(*where, "--anchor", "rogan-gladen")
    assert corrected.code == 2 or "corrected for a judge" in corrected.json["notes"][0]


def test_battles_for_people(judged: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    where = ("labels", "queue", "--benchmark", "bench", "--judge", "scripted:coin")
    found = judged(*where, "--out", path, "--format", "json").json
    assert found["threshold"]["threshold"] is None
    assert found["threshold"]["reason"] == "fewer than 30 items"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert found["queued"] == len(rows) == 8
    for row in rows:
        row["winner"] = "A"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert judged("labels", "import", path, "--benchmark", "bench", "--annotator", "ann").code == 0
    assert judged(*where, "--format", "json").json["queued"] == 0
