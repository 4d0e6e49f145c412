"""Files of human labels, in the forms in which projects publish them, become labels on a benchmark's outputs."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import services, store
from judgebench.errors import Conflict, InputError
from judgebench.formats.human_labels import read_label_file
from judgebench.records import Instruction, Order
from judgebench.services.imports import ImportOptions, ImportReport, import_file
from judgebench.store.database import Database
from tests.filling import filled


@pytest.fixture
def plain(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "plain.db"), create=True)


def write(tmp_path: Path, rows: list[dict[str, Any]], name: str = "labels.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def import_labels(
    database: Database, path: Path, *, benchmark: str, annotator: str | None = None, extend: bool = False
) -> ImportReport:
    options = ImportOptions(annotator=annotator, extend=extend)
    return import_file(database, path, benchmark=benchmark, as_format="labels", options=options)


def said(database: Database, benchmark: str = "b") -> list[tuple[str, str, str, float, bool]]:
    labels = services.labels.human_labels(database, benchmark)
    return [(label.annotator, label.model_a, label.model_b, label.preference, label.both_bad) for label in labels]


def one(tmp_path: Path, row: dict[str, Any], database: Database) -> tuple[str, str, str, float, bool]:
    import_labels(database, write(tmp_path, [row]), benchmark="b")
    [label] = said(database)
    return label


def test_auto_j(tmp_path: Path, plain: Database) -> None:
    rows = [
        {"scenario": "s", "label": label, "prompt": f"p{label}", "response 1": "x", "response 2": "y"}
        for label in (0, 1, 2)
    ]
    import_labels(plain, write(tmp_path, rows), benchmark="b")
    assert said(plain) == [("labels", "response 1", "response 2", value, False) for value in (1.0, 0.0, 0.5)]
    assert services.benchmarks.benchmark(plain, "b").categories == ("s",)


def test_alpaca_eval_counts_from_one_to_two(tmp_path: Path, plain: Database) -> None:
    rows = [
        {"instruction": f"q{number}", "output_1": "x", "output_2": "y", "preference": value, "annotator_index": 7}
        for number, value in enumerate((1, 2, 1.25, 0))
    ]
    import_labels(plain, write(tmp_path, rows), benchmark="b")
    assert said(plain) == [("7", "output_1", "output_2", value, False) for value in (1.0, 0.0, 0.75, 0.5)]


@pytest.mark.parametrize(
    ("winner", "preference", "bad"),
    [
        ("model_a", 0.0, False),
        ("model_b", 1.0, False),
        ("tie", 0.5, False),
        ("tie (bothbad)", 0.5, True),
        ("zeta", 0.0, False),
        ("A>B", 0.0, False),
        ("[[B]]", 1.0, False),
    ],
)
def test_mt_bench_names_the_winner(tmp_path: Path, plain: Database, winner: str, preference: float, bad: bool) -> None:
    def talk(text: str) -> list[dict[str, str]]:
        return [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": text},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": text + "!"},
        ]

    row = {"question_id": 81, "model_a": "zeta", "model_b": "alpha", "winner": winner, "judge": "author_0", "turn": 1}
    row |= {"conversation_a": talk("from zeta"), "conversation_b": talk("from alpha")}
    assert one(tmp_path, row, plain) == ("author_0", "alpha", "zeta", preference, bad)
    [label] = services.labels.human_labels(plain, "b")
    assert label.instruction == Instruction(("one",)).key


def test_a_later_turn_is_another_instruction(tmp_path: Path, plain: Database) -> None:
    talk = [{"role": role, "content": f"{role}{n}"} for n in (1, 2) for role in ("user", "assistant")]
    rows = [
        {"model_a": "m", "model_b": "n", "winner": "tie", "turn": turn, "conversation_a": talk, "conversation_b": talk}
        for turn in (1, 2)
    ]
    assert import_labels(plain, write(tmp_path, rows), benchmark="b").instructions == 2


def test_chosen_and_rejected(tmp_path: Path, plain: Database) -> None:
    assert one(tmp_path, {"prompt": "p", "chosen": "good", "rejected": "bad"}, plain)[3] == 1.0


def test_csv_with_one_column_a_winner(tmp_path: Path, plain: Database) -> None:
    path = tmp_path / "votes.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["prompt", "model_a", "model_b", "response_a", "response_b", "winner_model_a", "winner_model_b",
                        "winner_tie"])  # fmt: skip
        lines.writerow(["p", "zeta", "alpha", "x", "y", 0, 1, 0])
        lines.writerow(["q", "zeta", "alpha", "x", "y", 0, 0, 1])
    import_labels(plain, path, benchmark="b", annotator="crowd")
    assert said(plain) == [("crowd", "alpha", "zeta", 1.0, False), ("crowd", "alpha", "zeta", 0.5, False)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"instruction": "p", "output_a": "x", "output_b": "y"}, "no column holds it"),
        ({"instruction": "p", "output_a": "x", "output_b": "y", "winner": "nobody"}, "names no side"),
        ({"instruction": "p", "output_a": "x", "output_b": "y", "label": 3}, "expected 0"),
        ({"instruction": "p", "output_a": "x", "output_b": "y", "preference": 2}, "0 to 1"),
        ({"instruction": "p", "output_1": "x", "output_2": "y", "preference": 0.5}, "1 .output_1. to 2"),
        ({"instruction": "p", "output_a": "x", "label": 1}, "output_b"),
        ({"instruction": "", "output_a": "x", "output_b": "y", "label": 1}, "empty"),
        ({"output_a": "x", "output_b": "y", "label": 1}, "instruction"),
        ({"instruction": "p", "model_a": "x", "model_b": "y", "label": 1}, "nor has the file"),
        ({"instruction": "p", "model_a": "x", "model_b": "x", "output_a": "s", "output_b": "s", "label": 1}, "both"),
    ],
)
def test_what_cannot_be_read_names_the_line(tmp_path: Path, plain: Database, row: dict[str, Any], message: str) -> None:
    good = {"instruction": "fine", "output_a": "x", "output_b": "y", "label": 1}
    with pytest.raises(InputError, match=message) as error:
        import_labels(plain, write(tmp_path, [good, row]), benchmark="b")
    assert "line 2" in str(error.value)
    assert services.benchmarks.benchmarks(plain) == []


def test_labels_on_a_benchmark_that_is_there(tmp_path: Path, database: Database) -> None:
    filled(database)
    rows = [
        {"instruction": f"What is {number}?", "model_a": "beta", "model_b": "alpha", "winner": "model_a"}
        for number in (0, 1, 77)
    ]
    report = import_labels(database, write(tmp_path, rows), benchmark="bench")
    assert (report.new, report.without_output, report.instructions) == (2, 1, 0)
    assert said(database, "bench") == [("labels", "alpha", "beta", 0.0, False)] * 2
    assert import_labels(database, write(tmp_path, rows), benchmark="bench").known == 2


def test_sides_without_names_are_found_by_their_text(tmp_path: Path, database: Database) -> None:
    filled(database)
    row = {"instruction": "What is 1?", "output_1": "beta says 1", "output_2": "alpha says 1", "preference": 1}
    report = import_labels(database, write(tmp_path, [row]), benchmark="bench")
    assert report.outputs == 0
    assert said(database, "bench") == [("labels", "alpha", "beta", 0.0, False)]


def test_extend_adds_what_the_benchmark_lacks(tmp_path: Path, database: Database) -> None:
    filled(database)
    row = {"instruction": "new", "model_a": "m", "output_a": "x", "model_b": "alpha", "output_b": "y", "label": 2}
    with pytest.raises(InputError, match="of its 1 label none"):
        import_labels(database, write(tmp_path, [row]), benchmark="bench")
    report = import_labels(database, write(tmp_path, [row]), benchmark="bench", extend=True)
    assert (report.new, report.instructions, report.outputs) == (1, 1, 2)


def test_a_label_on_another_text_is_refused(tmp_path: Path, database: Database) -> None:
    filled(database)
    row = {"instruction": "What is 0?", "model_a": "alpha", "output_a": "other", "model_b": "beta", "output_b": "",
           "label": 0}  # fmt: skip
    with pytest.raises(InputError, match="of its 1 label none is on outputs of benchmark 'bench'"):
        import_labels(database, write(tmp_path, [row]), benchmark="bench")


def test_repeated_and_contradicting_rows_are_counted(tmp_path: Path, plain: Database) -> None:
    row = {"instruction": "p", "output_a": "x", "output_b": "y", "annotator": "ann"}
    report = import_labels(
        plain, write(tmp_path, [row | {"label": 0}, row | {"label": 0}, row | {"label": 1}]), benchmark="b"
    )
    assert (report.new, report.duplicate, report.contradicting) == (1, 1, 1)
    with pytest.raises(Conflict):
        import_labels(plain, write(tmp_path, [row | {"label": 1}]), benchmark="b")


def test_the_same_instruction_with_other_outputs_gets_other_names(tmp_path: Path, plain: Database) -> None:
    rows = [
        {"prompt": "p", "response 1": f"x{n}", "response 2": f"y{n}", "label": 0, "annotator": "ann"} for n in (1, 2)
    ]
    report = import_labels(plain, write(tmp_path, rows), benchmark="b")
    assert (report.new, report.outputs) == (2, 4)
    assert {label[1] for label in said(plain)} == {"response 1", "response 1 (2)"}
    assert import_labels(plain, write(tmp_path, rows), benchmark="b").known == 2


def test_identical_outputs_are_two_sides(tmp_path: Path, plain: Database) -> None:
    assert one(tmp_path, {"prompt": "p", "response 1": "x", "response 2": "x", "label": 2}, plain)[3] == 0.5


@pytest.mark.slow
@pytest.mark.shared
def test_auto_j_as_published(shared: Path, plain: Database) -> None:
    path = shared / "data" / "autoj_pairwise" / "human_labels_even_rows.jsonl.gz"
    report = import_labels(plain, path, benchmark="autoj", annotator="autoj")
    assert (report.new, report.duplicate, report.contradicting, report.outputs) == (696, 0, 0, 1377)
    assert len(services.benchmarks.benchmark(plain, "autoj").categories) == 58
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    labels = services.labels.human_labels(plain, "autoj")
    assert sum(label.preference == 0.5 for label in labels) == sum(row["label"] == 2 for row in rows)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"order": "AC"}, "order"), ({"created_at": "today"}, "created_at"), ({"both_bad": True}, "both_bad")],
)
def test_what_only_our_own_files_say_is_checked(
    tmp_path: Path, plain: Database, changes: dict[str, Any], field: str
) -> None:
    row = {"instruction_key": "k", "instruction": "q", "model_a": "m", "output_a": "x", "model_b": "n", "output_b": "y"}
    row |= {"annotator": "ann", "preference": 1.0, "both_bad": False, "order": "BA", "source": "app"}
    row |= {"created_at": "2026-01-01T00:00:00+00:00"}
    with pytest.raises(InputError, match=f"line 1, field '{field}'"):
        import_labels(plain, write(tmp_path, [row | changes]), benchmark="b")
    import_labels(plain, write(tmp_path, [row]), benchmark="b")
    [label] = services.labels.human_labels(plain, "b")
    assert (label.order, label.source, label.created_at) == (Order.BA, "app", row["created_at"])


TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


def test_sides_that_are_conversations_keep_all_that_was_done(tmp_path: Path, plain: Database) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    acted = [TALK[0], {"role": "assistant", "content": None, "tool_calls": [call]}]
    rows = [{"prompt": "q", "chosen": TALK, "rejected": acted}]
    import_labels(plain, write(tmp_path, rows), benchmark="b")
    assert said(plain) == [("labels", "chosen", "rejected", 1.0, False)]
    with plain.read() as connection:
        [row] = store.benchmarks.answered_instructions(connection, 1, ["chosen", "rejected"])
    assert row.instruction == Instruction(("q",))
    assert (row.outputs["chosen"].text, row.outputs["chosen"].plain) == ("a", True)
    assert not row.outputs["rejected"].plain


def test_a_system_message_in_the_sides_is_part_of_the_instruction(tmp_path: Path, plain: Database) -> None:
    sides = [[{"role": "system", "content": "s"}, TALK[0], {"role": "assistant", "content": text}] for text in "xy"]
    import_labels(plain, write(tmp_path, [{"prompt": "q", "chosen": sides[0], "rejected": sides[1]}]), benchmark="b")
    with plain.read() as connection:
        [instruction] = store.benchmarks.instructions(connection, 1)
    assert [message.role for message in instruction.conversation.messages] == ["system", "user"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "q", "chosen": "x", "rejected": ["y", "z"]}, "'rejected': holds 2 outputs: a label compares two"),
        ({"prompt": "other", "chosen": TALK, "rejected": TALK}, "'chosen': its messages of the user are not those"),
    ],
)
def test_sides_that_are_not_one_output_each_are_refused(
    tmp_path: Path, plain: Database, row: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        import_labels(plain, write(tmp_path, [row]), benchmark="b")


def test_columns_of_which_nothing_was_taken_are_named(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "instruction,model_a,model_b,winner,judge,turn,confidence,Comment\nWhat?,x,y,model_a,ann,1,0.9,fine\n"
    )
    assert read_label_file(path).unread == ("confidence", "Comment")
    path.write_text("instruction,output_a,output_b,winner_model_a,winner_model_b,winner_tie\nWhat?,1,2,1,0,0\n")
    assert read_label_file(path).unread == ()
