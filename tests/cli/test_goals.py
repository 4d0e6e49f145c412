"""judgebench goals, at the command line: tables, files, and what it says before anybody was asked."""

import csv
import io
import json
from pathlib import Path

from tests.cli.conftest import Invoke

OUTPUTS = [
    {"instruction": ["Book a room.", "And rain?"], "output": ["Booked.", "Sorry, I cannot say."], "category": "a"},
    {"instruction": ["Cancel it."], "output": ["Done."], "category": "b"},
]
GOALS = ("goals", "--benchmark", "desk")


def desk(invoke: Invoke, tmp_path: Path) -> None:
    for model in ("old", "new|*"):
        path = tmp_path / "outputs.jsonl"
        path.write_text("\n".join(map(json.dumps, OUTPUTS)))
        assert invoke("import", path, "--as", "outputs", "--model", model, "--benchmark", "desk").code == 0


def test_who_has_listed_none_is_told_how(invoke: Invoke, tmp_path: Path) -> None:
    desk(invoke, tmp_path)
    ended = invoke(*GOALS, "--judge", "scripted:goals")
    assert ended.code == 2
    command = "run --benchmark desk --judge scripted:goals --template pointwise/goals"
    assert f"judgebench {command}" in ended.err
    assert invoke(*command.split()).code == 0
    assert invoke(*GOALS, "--judge", "scripted:goals").code == 0


def test_every_form_says_the_same(invoke: Invoke, tmp_path: Path) -> None:
    desk(invoke, tmp_path)
    run = ("run", "--benchmark", "desk", "--judge", "scripted:goals", "--template", "pointwise/goals", "--repeats", "2")
    assert invoke(*run).code == 0
    shown = invoke(*GOALS, "--baseline", "old")
    assert "4 dialogues with goals; 6 goals within scope, 4 reached; 0 out of scope, in no rate" in shown.out
    assert "repeats are averaged inside each dialogue first" in shown.out
    assert "new|* less old, on 2 dialogues" in shown.out
    assert "repeats of the judge: 4 pairs of lists on 4 dialogues, 6 goals in both, 0 without a partner" in shown.out
    document = json.loads(invoke(*GOALS, "--baseline", "old", "--format", "json").out)
    assert document["whole"]["estimate"]["value"] == 2 / 3
    assert document["differences"][0]["estimate"]["value"] == 0
    rows = list(csv.DictReader(io.StringIO(invoke(*GOALS, "--format", "csv").out)))
    assert {row["part"] for row in rows} == {"all", "model", "category", "cause", "failed_at"}
    assert [row["value"] for row in rows if row["name"] == "declined"] == ["1.0"]
    markdown = invoke(*GOALS, "--format", "markdown").out
    assert "| new\\|\\* | 66.7% |" in markdown
    assert "segmentation, beyond chance" in markdown


def test_taxonomy_and_labels_are_files(invoke: Invoke, tmp_path: Path) -> None:
    desk(invoke, tmp_path)
    causes = tmp_path / "causes.yaml"
    causes.write_text(invoke("templates", "--causes").out.replace("misrouted", "sent-away"))
    run = ("run", "--benchmark", "desk", "--judge", "scripted:goals", "--template", "pointwise/goals")
    assert invoke(*run, "--taxonomy", causes).code == 0
    assert "sent-away" in invoke(*GOALS).out
    again = invoke(*run)
    assert again.code == 2
    assert "--judge-name" in again.err
    assert "asks for no causes" in invoke("run", *run[1:5], "--all-pairs", "--taxonomy", causes).err
    assert invoke("export", "goals", "--benchmark", "desk", "--to", tmp_path / "goals.csv").code == 0
    labels = tmp_path / "people.csv"
    labels.write_text((tmp_path / "goals.csv").read_text().replace(",judge,", ",annotator,", 1))
    shown = invoke(*GOALS, "--labels", labels).out
    assert "the judge and scripted:goals@goals.v1: all goals reached, in 4 dialogues" in shown


def test_battles_of_dialogues_say_their_goals(invoke: Invoke, tmp_path: Path) -> None:
    desk(invoke, tmp_path)
    assert invoke("run", "--benchmark", "desk", "--judge", "scripted:coin", "--all-pairs").code == 0
    run = ("run", "--benchmark", "desk", "--judge", "scripted:goals", "--template", "pointwise/goals")
    assert invoke(*run).code == 0
    shown = invoke("battles", "--benchmark", "desk", "--full").out
    assert "old, goals by scripted:goals@goals.v1: 1 of 2 goals reached" in shown
    assert "declined" in shown
    document = json.loads(invoke("battles", "--benchmark", "desk", "--full", "--format", "json").out)
    assert document["battles"][0]["goals"][0]["goals"][1]["cause"] == "declined"
