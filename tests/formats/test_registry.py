"""The table of formats: every file is recognised as one format, or refused with the candidates."""

from pathlib import Path
from typing import Any, get_args

import pytest

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Format, FormName, registry
from judgebench.formats.forms.registry import HELP
from judgebench.formats.outputs import InstructionsFile, OutputsFile
from judgebench.formats.registry import FORMATS, named, read, readable, recognise
from tests.formats.writing import write_file, write_rows

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"
TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
ANNOTATION = {
    **{"instruction": "q", "output_1": "x", "generator_1": "base", "output_2": "y", "generator_2": "m"},
    **{"annotator": "judge", "preference": 1.5},
}
SCALERLAB = {"question": "q", "response_A": "x", "response_B": "y", "judgments": [], "label": "A>B", "judge_name": "j"}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("instructions", {"instruction": "q"}),
        ("instructions", {"turns": ["q", "r"], "reference": ["a", "b"], "question_id": 81}),
        ("outputs", {"instruction": "q", "output": "a", "generator": "m", "dataset": "koala"}),
        ("outputs", {"messages": TALK}),
        ("labels", {"prompt": "q", "response 1": "x", "response 2": "y", "label": 0, "scenario": "s"}),
        ("labels", {"conversation_a": TALK, "conversation_b": TALK, "model_a": "m", "model_b": "n", "winner": "tie"}),
        ("preferences", {"prompt": "q", "chosen": "x", "rejected": "y"}),
        ("labels", {"instruction": "q", "output_1": "x", "output_2": "y", "preference": 1, "annotator_index": 7}),
        ("alpaca-eval", ANNOTATION),
        ("scalerlab", SCALERLAB),
        ("labels", {"instruction": "q", "response1": "x", "response2": "y", "winner": "a"}),
        ("lineage", {"model": "m", "family": "f"}),
    ],
)
def test_a_file_is_recognised_by_its_columns(tmp_path: Path, name: str, row: dict[str, Any]) -> None:
    for file in ("a.json", "a.jsonl.gz"):
        assert recognise(write_rows(tmp_path / file, [row])).name == name


@pytest.mark.parametrize(
    "row",
    [
        {"model": "m"},
        {"choices": [{"turns": ["a"]}]},
        {"question_id": 1, "choices": ["a", "b"]},
        {"instruction": "q", "completions": [{"model": "a", "response": "x"}]},
        {"instruction": "q", "completion_A": "x", "completion_B": "y"},
        {"instruction": "q", "input": "", "response1": "x", "response2": "y", "annotator1": 1, "annotator2": 2},
        {"instruction": "q", "answer3": "x"},
        {"output": "a"},
    ],
)
def test_what_nothing_recognises_is_refused_with_all_that_there_is(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"a\.json: not recognised") as error:
        recognise(write_rows(tmp_path / "a.json", [row]))
    for name in (*row, *readable()):
        assert name in str(error.value)


def test_what_several_recognise_is_refused_with_these(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.json", [ANNOTATION | SCALERLAB])
    with pytest.raises(InputError, match="may be alpaca-eval, scalerlab: say which by --as"):
        recognise(path)


def test_only_the_first_rows_are_read(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.jsonl", '{"instruction": "q"}\n' * 9 + "broken")
    assert recognise(path).name == "instructions"
    with pytest.raises(InputError, match="line 10"):
        read(path, named("instructions"))


def test_names_that_are_none_are_refused_and_maps_where_names_are_fixed(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'alpaca-eval'"):
        named("alpaca")
    path = write_rows(tmp_path / "a.json", [ANNOTATION])
    with pytest.raises(InputError, match="fixed names"):
        read(path, named("alpaca-eval"), columns={"instruction": "q"})


@pytest.mark.parametrize("name", ["battles", "leaderboard"])
def test_what_is_only_written_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    path = write_rows(tmp_path / "a.json", [dict.fromkeys(named(name).columns, "1")])
    assert recognise(path).name == name
    with pytest.raises(InputError, match=f"is an export of {name}, which is not read back"):
        read(path, named(name))


def test_a_further_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_mine(filename: Path, *, limits: object) -> InstructionsFile:
        return InstructionsFile(str(filename), (), 0, {})

    mine = Format("mine", "instructions", "Mine.", recognises=lambda sample: sample.holds("mine"), read=read_mine)
    monkeypatch.setattr(registry, "FORMATS", (*FORMATS, mine))
    path = write_rows(tmp_path / "a.csv", [{"mine": 1, "instruction": "q"}])
    assert recognise(path) is mine
    assert read(path, mine) == InstructionsFile(str(path), (), 0, {})


def test_the_documentation_lists_every_format_and_every_column_as_the_table_does() -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    for form in FORMATS:
        ways = " and ".join(["read"] * (form.read is not None) + ["written"] * form.is_written)
        assert f"| {form.name} | {form.holds} | {ways} | {form.help} |" in lines
        for column, kind in form.columns.items():
            assert any(line.startswith(f"| {column} | {kind} | ") for line in lines), (form.name, column)


def test_every_help_is_one_sentence() -> None:
    assert len({form.name for form in FORMATS}) == len(FORMATS)
    for form in FORMATS:
        assert form.help.endswith(".")
        assert "\n" not in form.help


def test_a_form_of_conversations_is_a_format_that_its_name_chooses(tmp_path: Path) -> None:
    assert {form.name for form in FORMATS if form.is_form} == set(get_args(FormName)) == set(HELP)
    path = write_rows(tmp_path / "a.jsonl", [{"messages": TALK, "model": "m"}])
    for name in ("openai-chat", "anthropic"):
        file = read(path, named(name))
        assert isinstance(file, OutputsFile)
        assert [row.output.text for row in file.outputs] == ["a"]
    with pytest.raises(InputError, match=r"line 1: cannot be read as gemini"):
        read(path, named("gemini"))
