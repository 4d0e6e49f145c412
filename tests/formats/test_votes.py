"""Votes in every published layout become what they say: what was asked, both replies, who won, who voted, and when."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.human_labels import LabelFile, LabelRow
from judgebench.formats.registry import recognise
from judgebench.formats.votes import read_votes
from judgebench.records import UNTOLD, Instruction, Order

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def written(folder: Path, *rows: dict[str, Any], name: str = "votes.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def talk(*texts: Any) -> list[dict[str, Any]]:
    return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]


def vote(a: Any, b: Any, **more: Any) -> dict[str, Any]:
    sides = {"conversation_a": a, "conversation_b": b, "model_a": "zeta", "model_b": "alpha"}
    return {"id": "v1", "winner": "model_a", "evaluation_session_id": "s", **sides, **more}


def read(path: Path) -> LabelFile:
    assert recognise(path).name == "votes"
    return read_votes(path)


def only(file: LabelFile) -> LabelRow:
    [row] = file.rows
    return row


def replies(row: LabelRow) -> list[tuple[str, ...]]:
    outputs = [side.output for side in (row.first, row.second) if side.output is not None]
    return [(*output.earlier, output.text) for output in outputs]


def published(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the published votes are not beside this checkout (../shared/data/{name})")
    return path


def test_33k() -> None:
    row = only(read(published("layouts/lmarena_33k.parquet")))
    assert (row.instruction.turns, replies(row)) == (("Two?",), [("2",), ("5",)])
    assert (row.annotator, row.anonymous, row.vote) == ("arena_user_973", False, "u1")
    assert row.instruction.ids == ()
    assert (row.preference, row.both_bad, row.order) == (0.5, True, Order.AB)
    assert row.created_at == "2020-09-13T12:26:40.000000+00:00"


def test_55k_holds_lists_as_texts() -> None:
    row = only(read(published("layouts/lmarena_55k.csv")))
    assert row.instruction.turns == ("Is it morally right?", "OK, does it?")
    assert replies(row) == [("Yes.", "No."), ("It is", "Maybe")]
    assert (row.preference, row.anonymous) == (1.0, True)


def test_140k_holds_parts() -> None:
    file = read(published("layouts/lmarena_140k.parquet"))
    one, other = file.rows
    assert [row.instruction.key for row in (one, other)] == [Instruction((text,)).key for text in ("Two?", "Three?")]
    assert (one.preference, other.preference, other.both_bad) == (1.0, 0.5, True)
    assert one.created_at == "2025-06-01T00:00:00.000000+00:00"
    assert file.unread == ("evaluation_session_id", "evaluation_order", "language")


def test_human_votes_of_mt_bench_ask_after_a_turn() -> None:
    first, second = read(published("layouts/mt_bench_human.jsonl")).rows
    assert [row.instruction.turns for row in (first, second)] == [("Q1?",), ("Q1?", "Q2?")]
    assert replies(first) == [("x",), ("p",)]
    assert replies(second) == [("x", "y"), ("p", "q")]
    assert (first.annotator, first.order, first.vote) == ("author_2", None, None)
    assert first.instruction.ids == second.instruction.ids == ("81",)


def test_every_published_vote_with_texts_is_read_as_it_stands() -> None:
    path = published("chatbot_arena_subset/votes.csv.gz")
    csv.field_size_limit(1 << 30)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    shown = [
        (row["model_a"], row["model_b"], (row["prompt"],), [(row["response_a"],), (row["response_b"],)]) for row in rows
    ]
    votes = list(read(path).rows)
    assert [(v.first.model, v.second.model, v.instruction.turns, replies(v)) for v in votes] == shown
    ties = [vote.preference == 0.5 for vote in votes]
    assert ties == [row["winner_tie"] == "1" for row in rows]


@pytest.mark.slow
def test_votes_without_texts_name_prompts_and_models() -> None:
    path = published("llmfao/votes.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    file = read(path)
    assert [*file.unkept.values()] == [8931] == [len(rows)] == [len(file.rows)]
    worth = {"left": 1.0, "right": 0.0, "tie": 0.5}
    said = [(row.first.model, row.second.model, row.annotator, row.preference) for row in file.rows]
    assert said == [(row["left"], row["right"], row["worker"], worth[row["winner"]]) for row in rows]
    assert len({row.instruction.key for row in file.rows}) == len({row["prompt"] for row in rows}) == 13


def test_a_bare_table_makes_nothing_up(tmp_path: Path) -> None:
    path = tmp_path / "battles.csv"
    path.write_text("model_a,model_b,winner\nzeta,alpha,model_b\nalpha,zeta,tie\n")
    one, other = read(path).rows
    assert one.instruction.key == other.instruction.key
    assert one.instruction.brief == f"[{UNTOLD}]"
    assert (one.preference, one.anonymous, one.order) == (0.0, True, None)
    for side in (one.first, one.second):
        assert side.output is not None
        assert (side.output.text, side.output.empty) == ("", False)


def test_prompts_without_texts_are_told_apart_by_their_names(tmp_path: Path) -> None:
    rows = [{"model_a": "m", "model_b": "n", "winner": "tie", "question_id": name} for name in ("q1", "q2", "q1")]
    keys = [row.instruction.key for row in read(written(tmp_path, *rows)).rows]
    assert keys[0] == keys[2] != keys[1]


def test_conversations_may_go_on_differently(tmp_path: Path) -> None:
    first, second = talk("Hi", "yo", "And?", "no"), talk("Hi ", "ey", "What?", "oh")
    row = only(read(written(tmp_path, vote(first, second))))
    assert row.instruction.key == Instruction(("Hi",)).key
    assert row.first.output is not None
    assert row.first.output.whole == "yo\n\nno" or "no" in row.first.output.whole


def test_conversations_on_different_questions_are_no_pair(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2, field 'conversation_b'"):
        read_votes(written(tmp_path, vote(talk("a", "x"), talk("a", "y")), vote(talk("a", "x"), talk("b", "y"))))


def test_a_system_message_belongs_to_what_was_asked(tmp_path: Path) -> None:
    system = [{"role": "system", "content": "Be short."}]
    row = only(read(written(tmp_path, vote(system + talk("Hi", "yo"), system + talk("Hi", "ey")))))
    assert row.instruction.full is not None
    assert row.instruction.key != Instruction(("Hi",)).key
    assert replies(row) == [("yo",), ("ey",)]


def test_null_replies_and_broken_characters(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    cells = [json.dumps(["Hi \ud83d"]), "[null]", json.dumps(["yo"])]
    with path.open("w", newline="") as lines:
        table = csv.writer(lines)
        names = "id model_a model_b prompt response_a response_b winner_model_a winner_model_b winner_tie"
        table.writerow(names.split())
        table.writerow([7, "m", "n", *cells, 0, 1, 0])
    row = only(read(path))
    assert (row.instruction.turns, replies(row)) == (("Hi \ufffd",), [("",), ("yo",)])
    assert (row.preference, row.vote) == (0.0, "7")


def test_texts_that_begin_like_lists_stay_texts(tmp_path: Path) -> None:
    one_hot = {"winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1}
    texts = {"prompt": '["a"]', "response_a": "[1, 2]", "response_b": '["b"]'}
    row = only(read(written(tmp_path, {"model_a": "m", "model_b": "n", **texts, **one_hot})))
    assert (row.instruction.turns, replies(row)) == (('["a"]',), [("[1, 2]",), ('["b"]',)])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"winner": "nobody"}, "field 'winner': 'nobody' names no side"),
        ({"model_b": None}, "field 'model_b': holds no name of a model"),
        ({"conversation_a": talk(" ", "x"), "conversation_b": talk(" ", "y")}, "the instruction is empty"),
        ({"conversation_b": "text"}, "conversation_b"),
        ({"tstamp": "noon"}, "field 'tstamp': is no time"),
    ],
)
def test_what_cannot_be_read_names_line_and_field(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    good = vote(talk("a", "x"), talk("a", "y"))
    with pytest.raises(InputError, match=message) as error:
        read_votes(written(tmp_path, good, vote(talk("b", "x"), talk("b", "y")) | more))
    assert "line 2" in str(error.value)


def test_a_model_against_itself_is_counted(tmp_path: Path) -> None:
    rows = [vote(talk("a", "x"), talk("a", "y")), vote(talk("a", "x"), talk("a", "y"), model_a="alpha")]
    file = read(written(tmp_path, *rows))
    assert (len(file.rows), file.against_itself) == (1, 1)


def test_categories_are_what_the_arena_says(tmp_path: Path) -> None:
    tags = {"creative_writing_v0.1": {"creative_writing": True}, "math_v0.1": {"math": False}}
    rows = [vote(talk("a", "x"), talk("a", "y"), **more) for more in ({"is_code": True}, {"category_tag": tags}, {})]
    assert [row.instruction.category for row in read(written(tmp_path, *rows)).rows] == [
        "code",
        "creative writing",
        None,
    ]


def test_conversations_may_stand_as_json_in_texts(tmp_path: Path) -> None:
    sides = [
        [{"role": m["role"], "content": [{"type": "text", "text": m["content"]}]} for m in talk("Hi?", reply)]
        for reply in "xy"
    ]
    told, kept = vote(*sides), vote(*map(json.dumps, sides))
    labels = [only(read(written(tmp_path, row, name=name))) for row, name in ((told, "a.jsonl"), (kept, "b.jsonl"))]
    assert [label.instruction.turns for label in labels] == [("Hi?",), ("Hi?",)]
    assert labels[0].first == labels[1].first
    assert labels[0].second == labels[1].second
