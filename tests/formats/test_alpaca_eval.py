"""AlpacaEval's recorded verdicts: exact preferences, recovered orders, refused rows."""

import csv
import math
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.alpaca_eval import Annotation, read_alpaca_eval, read_annotations
from judgebench.records import Order, Source, Status, TokenLogprob
from tests.formats.writing import write_rows

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "alpaca_eval"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published data at {SHARED}")

ROW: dict[str, Any] = {
    "instruction": "Name a colour.",
    "output_1": "Blue.",
    "generator_1": "base",
    "output_2": "Red, as it happens.",
    "generator_2": "new",
    "dataset": "koala",
    "annotator": "judge",
    "preference": 1.25,
}


def completion(**top: float) -> dict[str, Any]:
    """A reply as a chat completion gives it; ``top`` holds the probabilities of the first token's alternatives."""
    alternatives = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in top.items()]
    first = max(alternatives, key=lambda token: token["logprob"])
    return {
        "finish_reason": "length",
        "logprobs": {"content": [first | {"top_logprobs": alternatives}]},
        "message": {"content": first["token"], "role": "assistant"},
        "text": first["token"],
        "total_tokens": 1004.0,
    }


def annotations(folder: Path, rows: list[dict[str, Any]]) -> list[Annotation]:
    return read_annotations(write_rows(folder / "annotations.json", rows))[0]


def only(folder: Path, **changes: Any) -> Annotation:
    return annotations(folder, [ROW | changes])[0]


def refusal(folder: Path, rows: list[dict[str, Any]]) -> str:
    with pytest.raises(InputError) as caught:
        annotations(folder, rows)
    assert "annotations.json" in str(caught.value)
    return str(caught.value)


def test_a_row_becomes_a_battle_and_its_verdict(tmp_path: Path) -> None:
    row = only(tmp_path)
    assert (row.instruction.text, row.instruction.category, row.annotator) == ("Name a colour.", "koala", "judge")
    assert (row.baseline.model, row.baseline.text) == ("base", "Blue.")
    assert (row.output.model, row.output.text) == ("new", "Red, as it happens.")
    assert (row.recorded, row.preference, row.completion, row.order) == (1.25, 0.25, None, None)
    assert row.battle.a is row.baseline
    assert (row.verdict.status, row.verdict.source, row.verdict.preference) == (Status.OK, Source.RECORDED, 0.75)


def test_the_preference_follows_the_model_when_names_sort_the_other_way(tmp_path: Path) -> None:
    row = only(tmp_path, generator_2="a-model")
    assert row.battle.a is row.output
    assert (row.preference, row.verdict.preference) == (0.25, 0.25)


@settings(max_examples=60, deadline=None)
@given(recorded=st.floats(1, 2), model=st.sampled_from(["a", "z"]))
def test_property_what_is_recorded_stays_digit_by_digit(recorded: float, model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        row = only(Path(folder), preference=recorded, generator_2=model)
    about_a = row.verdict.preference
    assert row.recorded == recorded
    assert row.preference == recorded - 1
    assert about_a is not None
    assert 0 <= about_a <= 1
    assert about_a == (row.preference if model == "a" else 1 - row.preference)


# The two orders explain a preference equally well near p = 1/2; elsewhere exactly one does.
@settings(max_examples=100, deadline=None)
@given(
    first=st.floats(0.001, 0.9), second=st.floats(0.001, 0.09), swapped=st.booleans(), model=st.sampled_from(["a", "z"])
)
def test_recovery_of_the_order_shown(first: float, second: float, swapped: bool, model: str) -> None:
    p = first / (first + second)
    recorded = round(1 + p if swapped else 2 - p, 10)
    with tempfile.TemporaryDirectory() as folder:
        row = only(Path(folder), preference=recorded, raw_completion=completion(m=first, M=second), generator_2=model)
    assert row.mass == pytest.approx(first + second)
    if abs(p - 0.5) < 1e-4:
        assert row.order is None
    else:
        model_is_a = model == "a"
        assert row.order is (Order.BA if model_is_a != swapped else Order.AB)


@pytest.mark.parametrize(
    ("raw", "recorded"),
    [
        (completion(m=0.5, M=0.5), 1.5),  # both orders explain it
        (completion(m=0.8, M=0.2), 1.5),  # neither does
        (completion(Neither=0.9), 1.2),  # no label among the alternatives
        ("m", 1.2),  # no log-probabilities
        ({"text": "m", "logprobs": None}, 1.2),
        ({"text": "m", "logprobs": {"content": []}}, 1.2),
        ({"text": "m", "logprobs": {"tokens": ["m"], "token_logprobs": [-0.1]}}, 1.2),
        (completion(m=0.8, M=0.2), None),
    ],
)
def test_an_order_that_cannot_be_told_is_unknown(tmp_path: Path, raw: Any, recorded: float | None) -> None:
    assert only(tmp_path, raw_completion=raw, preference=recorded).order is None


@pytest.mark.parametrize(("label", "recorded"), [("m", 1.0), ("M", 2.0)])
def test_a_label_that_is_missing_among_the_alternatives_counts_as_impossible(
    tmp_path: Path, label: str, recorded: float
) -> None:
    row = only(tmp_path, raw_completion=completion(**{label: 0.9, "The": 0.1}), preference=recorded)
    assert row.order is Order.AB
    assert row.mass == pytest.approx(0.9)


def test_the_raw_reply_is_kept(tmp_path: Path) -> None:
    raw = completion(M=0.75, m=0.25)
    found = only(tmp_path, raw_completion=raw, price_per_example=0.01, time_per_example=0.15).completion
    assert found is not None
    assert (found.text, found.finish_reason) == ("M", "length")
    assert found.logprobs == (TokenLogprob("M", math.log(0.75), (("M", math.log(0.75)), ("m", math.log(0.25)))),)
    assert (found.prompt_tokens, found.completion_tokens) == (1003, 1)
    assert (found.cost_usd, found.latency_s) == (0.01, 0.15)


def test_newer_files_prefix_the_reply(tmp_path: Path) -> None:
    found = only(tmp_path, preference_raw_completion={"text": "x"}, preference_price_per_example=0.02).completion
    assert found is not None
    assert (found.text, found.cost_usd, found.latency_s, found.logprobs) == ("x", 0.02, None, None)


@pytest.mark.parametrize("raw", ["m \0", {"text": "m \0"}, {"message": {"content": "m \0"}}])
def test_a_reply_may_be_text_or_a_message(tmp_path: Path, raw: Any) -> None:
    found = only(tmp_path, raw_completion=raw).completion
    assert found is not None
    assert found.text == "m \ufffd"


@pytest.mark.parametrize("recorded", [None, -1, -1.0, math.nan])
def test_no_preference_is_no_verdict_and_no_tie(tmp_path: Path, recorded: float | None) -> None:
    row = only(tmp_path, preference=recorded)
    assert row.preference is None
    assert (row.verdict.status, row.verdict.preference) == (Status.UNPARSED, None)
    assert row.verdict.detail


@pytest.mark.parametrize("recorded", [0, 0.0, 1.5])
def test_draws_are_ties(tmp_path: Path, recorded: float) -> None:
    row = only(tmp_path, preference=recorded)
    assert (row.preference, row.verdict.status, row.verdict.preference) == (0.5, Status.TIE, 0.5)


def test_a_model_against_itself_is_no_battle(tmp_path: Path) -> None:
    itself = ROW | {"generator_2": "base", "output_2": "Blue.", "preference": 1.5}
    battle, alone = annotations(tmp_path, [ROW, itself])
    assert (battle.against_itself, alone.against_itself) == (False, True)
    assert alone.baseline == alone.output
    file = read_alpaca_eval(tmp_path / "annotations.json")
    assert (len(file.verdicts), file.against_itself, len(file.outputs)) == (1, 1, 2)


def test_a_row_written_twice_is_counted_once(tmp_path: Path) -> None:
    rows = [ROW, ROW, ROW | {"annotator": "another", "preference": 2}]
    assert [row.number for row in annotations(tmp_path, rows)] == [1, 3]
    file = read_alpaca_eval(tmp_path / "annotations.json")
    assert (len(file.verdicts), file.duplicates) == (2, 1)
    assert [verdict.judge.name for verdict in file.verdicts] == ["judge", "another"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instruction": 5}, ["'instruction'", "a number"]),
        ({"instruction": " "}, ["'instruction'", "empty"]),
        ({"output_1": None}, ["'output_1'", "null"]),
        ({"output_2": None}, ["'output_2'", "null"]),
        ({"generator_2": ""}, ["'generator_2'", "empty"]),
        ({"annotator": None}, ["'annotator'", "null"]),
        ({"dataset": 3}, ["'dataset'", "a number"]),
        ({"preference": "1"}, ["'preference'", "text"]),
        ({"preference": True}, ["'preference'", "true or false"]),
        ({"preference": 0.5}, ["'preference'", "0.5"]),
        ({"preference": 2.000001}, ["'preference'", "from 1 to 2"]),
        ({"preference": math.inf}, ["'preference'", "finite"]),
        ({"preference": 10**400}, ["'preference'", "finite"]),
        ({"raw_completion": 7}, ["'raw_completion'", "a number"]),
        ({"raw_completion": {"text": 7}}, ["'raw_completion'", "a number"]),
        ({"raw_completion": {"text": "m", "logprobs": {"content": "m"}}}, ["'raw_completion'", "list of tokens"]),
        ({"raw_completion": {"text": "m", "logprobs": {"content": [{"token": "m"}]}}}, ["'raw_completion'", "null"]),
        ({"raw_completion": {"text": "", "logprobs": {"content": [{"token": "m", "logprob": 9}]}}}, ["at most 0"]),
        ({"raw_completion": "m", "price_per_example": "free"}, ["'price_per_example'", "text"]),
        ({"output_1": "Green."}, ["'output_1'", "row 1 has another output of 'base'"]),
        ({"output_2": "Green."}, ["'output_2'", "row 1 has another output of 'new'"]),
        ({"preference": 1.75}, ["'preference'", "row 1 has another preference"]),
    ],
)
def test_rows_that_would_need_guessing_are_refused(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    message = refusal(tmp_path, [ROW, ROW | changes])
    assert [word for word in ["row 2", *words] if word not in message] == [], message


@pytest.mark.parametrize("column", ["instruction", "output_1", "output_2", "generator_1", "annotator", "preference"])
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    assert f"row 1, field {column!r}: is missing" in refusal(tmp_path, [{k: v for k, v in ROW.items() if k != column}])


def _official() -> dict[str, dict[str, str]]:
    path = SHARED / "official_leaderboard.csv"
    if not path.is_file():
        return {}
    with path.open(newline="") as stream:
        return {next(iter(row.values())): row for row in csv.DictReader(stream)}


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize(
    # Models and missing instructions as counted by the publisher of the data; some names differ between file and board.
    ("model", "rows"),
    [("claude-2", 805), ("alpaca-7b_verbose", 802), ("phi-2", 803), ("FuseChat-Llama-3.2-3B-Instruct", 805)],
)
def test_shared_recorded_verdicts_give_the_official_win_rate(model: str, rows: int) -> None:
    annotated, duplicates = read_annotations(SHARED / model / "annotations.json.gz")
    assert (len(annotated), any(row.against_itself for row in annotated), duplicates) == (rows, False, 0)
    wins = [row.preference for row in annotated if row.preference is not None]
    assert 100 * sum(wins) / len(wins) == pytest.approx(float(_official()[model]["win_rate"]), abs=1e-6)


@pytest.mark.shared
@needs_shared
def test_shared_orders_are_recovered_and_agree_between_models() -> None:
    """AlpacaEval swaps by the instruction alone, so two models must agree wherever both orders are known."""
    files = [read_annotations(SHARED / model / "annotations.json.gz")[0] for model in ("gemma-2b-it", "NullModel")]
    first, second = ({row.instruction.key: row.baseline_first for row in file} for file in files)
    assert None not in first.values()
    assert None not in second.values()
    assert first == second
    assert {row.output.model for row in files[1]} == {"example"}


@pytest.mark.shared
@needs_shared
def test_shared_baseline_against_itself() -> None:
    tracemalloc.start()
    rows, _ = read_annotations(SHARED / "gpt4_1106_preview" / "annotations.json.gz")
    assert sum(row.against_itself for row in rows) == len(rows) == 805
    assert {row.recorded for row in rows} == {1.5}
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_a_leaderboard_is_refused_with_what_to_import_in_its_place(tmp_path: Path) -> None:
    columns = ("win_rate", "standard_error", "n_wins", "n_wins_base", "n_draws", "n_total", "mode", "avg_length")
    path = tmp_path / "leaderboard.csv"
    path.write_text(f",{','.join(columns)}\ngpt4,{','.join('1' for _ in columns)}\n")
    with pytest.raises(InputError, match=r"leaderboard\.csv: is a leaderboard of AlpacaEval.*annotations\.json"):
        services.imports.read(path)
