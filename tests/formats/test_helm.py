"""HELM: completions of request states; requests that only score text have none."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import store
from judgebench.errors import InputError
from judgebench.formats.helm import read_helm
from judgebench.formats.registry import recognise
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.formats.writing import write_file, write_rows

STATE: dict[str, Any] = {
    "instance": {
        **{"input": {"text": "Two and two?"}, "split": "test", "id": "id1"},
        "references": [{"output": {"text": "4"}, "tags": ["correct"]}, {"output": {"text": "5"}, "tags": []}],
    },
    **{"train_trial_index": 0, "num_train_instances": 0, "prompt_truncated": False},
    "request": {"model": "openai/gpt-4", "prompt": "Q: Two and two?\nA:", "max_tokens": 100, "echo_prompt": False},
    "result": {"success": True, "completions": [{"text": " 4", "logprob": 0, "tokens": []}], "cached": False},
}


def write_states(path: Path, *states: dict[str, Any], **more: Any) -> Path:
    return write_file(path, json.dumps({"adapter_spec": {"model": "m"}, "request_states": list(states)} | more))


def test_completions_are_outputs(tmp_path: Path) -> None:
    path = write_states(tmp_path / "scenario_state.json", STATE, annotator_specs=[{"class_name": "x"}])
    assert recognise(path).name == "helm"
    [row] = read_helm(path).outputs
    assert (row.instruction.text, row.output.text, row.model) == ("Q: Two and two?\nA:", " 4", "openai/gpt-4")
    assert (row.instruction.reference, row.instruction.ids) == ("4", ("id1",))


def test_trials_and_completions_are_samples(tmp_path: Path) -> None:
    two = STATE | {"result": {"success": True, "completions": [{"text": "4"}, {"text": "5"}]}}
    again = STATE | {"train_trial_index": 1, "result": {"success": True, "completions": [{"text": "6"}]}}
    file = read_helm(write_states(tmp_path / "s.json", two, again))
    assert sorted((row.output.sample, row.output.text) for row in file.outputs) == [(0, "4"), (1, "5"), (2, "6")]


def test_the_model_may_stand_in_the_adapter_alone(tmp_path: Path) -> None:
    state = STATE | {"request": {"prompt": "Two and two?"}}
    assert [row.model for row in read_helm(write_states(tmp_path / "s.json", state)).outputs] == ["m"]


def test_what_has_no_text_is_counted(tmp_path: Path) -> None:
    several = [{"output": {"text": text}, "tags": ["correct"]} for text in ("4", "four")]
    states = [
        STATE | {"instance": STATE["instance"] | {"references": several}},
        STATE | {"reference_index": 1},
        STATE | {"result": None},
        STATE | {"result": {"success": False, "completions": []}},
    ]
    file = read_helm(write_states(tmp_path / "s.json", *states))
    assert (len(file.outputs), file.outputs[0].instruction.reference) == (1, None)
    assert file.unkept == {
        "references that are several alternatives": 1,
        "requests that only score given text": 1,
        "requests without a result": 2,
    }
    with pytest.raises(InputError, match="holds no text of a model's: requests that only score given text"):
        read_helm(write_states(tmp_path / "s.json", states[1]))
    with pytest.raises(InputError, match="neither a prompt nor messages"):
        read_helm(write_states(tmp_path / "s.json", STATE | {"request": {"model": "m"}}))


def test_what_its_pages_show_joins_by_the_instances_name(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    perturbed = {"perturbation": {"name": "typos"}}
    requests = [
        {"instance_id": "id1", "train_trial_index": 0, "request": {"model": "m", "prompt": "Two?"}},
        {"instance_id": "id1", "train_trial_index": 0, "request": {"model": "m", "prompt": "Tow?"}} | perturbed,
    ]
    predictions = [
        {"instance_id": "id1", "train_trial_index": 0, "predicted_text": "2", "stats": {}},
        {"instance_id": "id1", "train_trial_index": 0, "predicted_text": "?", "stats": {}} | perturbed,
    ]
    path = write_rows(tmp_path / "display_predictions.json", predictions)
    options = ImportOptions(model="m")
    with pytest.raises(InputError, match=r"'instance_id'.*import the instructions first"):
        import_file(database, path, benchmark="b", options=options)
    assert import_file(database, write_rows(tmp_path / "display_requests.json", requests), benchmark="b").new == 2
    assert import_file(database, path, benchmark="b", options=options).new == 2
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "b")
        rows = list(store.benchmarks.answered_instructions(connection, benchmark, ["m"]))
    assert [(row.instruction.text, row.outputs["m"].text) for row in rows] == [("Two?", "2"), ("Tow?", "?")]
