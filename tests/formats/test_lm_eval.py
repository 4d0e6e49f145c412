"""lm-evaluation-harness: replies of generated samples; a filter's row repeats them, log-likelihoods have none."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import store
from judgebench.errors import InputError
from judgebench.formats.lm_eval import read_lm_eval
from judgebench.formats.registry import recognise
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

ROW: dict[str, Any] = {
    **{"doc_id": 0, "doc": {"question": "Two and two?", "answer": "4"}, "target": "4"},
    "arguments": {"gen_args_0": {"arg_0": "Question: Two and two?\nAnswer:", "arg_1": {"until": ["\n"]}}},
    **{"resps": [[" 4"]], "filtered_resps": ["4"], "filter": "strict-match", "metrics": ["exact_match"]},
    **{"doc_hash": "x", "prompt_hash": "y", "target_hash": "z", "exact_match": 1.0},
}


def test_replies_are_outputs_and_targets_references(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "samples_gsm8k_2025.jsonl", [ROW, ROW | {"filter": "flexible-extract"}])
    assert recognise(path).name == "lm-eval"
    file = read_lm_eval(path)
    [row] = file.outputs
    assert (row.instruction.text, row.output.text) == ("Question: Two and two?\nAnswer:", " 4")
    assert (row.instruction.reference, row.model, file.duplicates) == ("4", None, 1)
    assert file.unkept == {"scores of metrics": 2}
    database = Database(str(tmp_path / "a.db"), create=True)
    with pytest.raises(InputError, match="name it by --model"):
        import_file(database, path, benchmark="b")
    report = import_file(database, path, benchmark="b", options=ImportOptions(model="m"))
    assert (report.format, report.new, report.models) == ("lm-eval", 1, ("m",))
    with database.read() as connection:
        assert store.benchmarks.model_names(connection, store.benchmarks.benchmark_id(connection, "b")) == ["m"]


def test_repeats_and_documents_that_ask_the_same_are_samples(tmp_path: Path) -> None:
    rows = [ROW | {"resps": [["4", "5"]]}, ROW | {"doc_id": 7, "resps": [["6", "7"]]}]
    file = read_lm_eval(write_rows(tmp_path / "s.jsonl", rows))
    assert sorted((row.output.sample, row.output.text) for row in file.outputs) == [
        (0, "4"),
        (1, "5"),
        (2, "6"),
        (3, "7"),
    ]


@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: [text]])
def test_chat_templates_are_messages(tmp_path: Path, wrap: Any) -> None:
    chat = json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Two and two?"}])
    arguments = {"gen_args_0": {"arg_0": wrap(chat), "arg_1": {"until": []}}}
    [row] = read_lm_eval(write_rows(tmp_path / "s.jsonl", [ROW | {"arguments": arguments}])).outputs
    assert row.instruction.turns == ("Two and two?",)
    assert [message.role for message in row.instruction.conversation.messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arguments": {"gen_args_0": {"arg_0": "q", "arg_1": " A"}}}, "asks for log-likelihoods"),
        ({"arguments": [["q", " A"], ["q", " B"]]}, "asks for log-likelihoods"),
        ({"arguments": {}}, "expected the requests"),
        ({"resps": [[["-1.5", "False"]]]}, "expected the replies"),
    ],
)
def test_what_has_no_text_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_lm_eval(write_rows(tmp_path / "s.jsonl", [ROW | changes]))
    assert "s.jsonl, line 1" in str(error.value)
