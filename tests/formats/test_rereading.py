"""Recorded replies read again: the recorded verdict counts, and where ours is another one both go together."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from judgebench import services
from judgebench.formats.alpaca_eval import read_alpaca_eval
from judgebench.formats.rereading import is_read_otherwise, reread, with_reading
from judgebench.formats.scalerlab import read_scalerlab
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import Completion, Instruction, Judge, Order, Output, Source, Status, Verdict
from judgebench.services.imports import import_file
from judgebench.spec import load_template
from judgebench.store.database import Database

QUESTION = Instruction(("Two and two?",))
A, B = (Output(QUESTION.key, model, text) for model, text in (("m", "4"), ("n", "5")))
JUDGE = Judge("j", "j", "recorded/x", "x.v1")
FIVE_WAY, RATING = load_template("pairwise/arena-hard.v1"), load_template("pointwise/mt-bench.v1")


def pairwise(preference: float, reply: str | None, order: Order | None = Order.AB) -> RecordedVerdict:
    status = Status.TIE if preference == 0.5 else Status.OK
    completion = None if reply is None else Completion(reply)
    return RecordedVerdict(
        *(JUDGE, QUESTION, A, B, order, 0), Verdict(status, Source.RECORDED, preference, parser="x.v1"), completion
    )


def test_a_reply_that_says_what_was_recorded_changes_nothing() -> None:
    recorded = pairwise(0.75, "My verdict is [[A>B]]")
    read = reread(recorded, FIVE_WAY)
    assert read == recorded  # its reading is beside it, and not part of it
    assert read.reading is not None
    assert (read.reading.preference, is_read_otherwise(read)) == (0.75, False)


def test_what_is_read_otherwise_stands_in_the_detail_of_the_recorded_verdict() -> None:
    read = reread(pairwise(0.75, "My verdict is [[B>>A]]"), FIVE_WAY)
    assert (read.verdict.preference, read.verdict.source) == (0.75, Source.RECORDED)
    assert read.verdict.detail == f"read again by parser {PARSER_VERSION}: preference for A 0 (B>>A)"
    assert is_read_otherwise(read)


def test_a_reply_in_which_our_parser_reads_nothing_says_why() -> None:
    read = reread(pairwise(0.75, "I like them."), FIVE_WAY)
    assert read.verdict.detail == f"read again by parser {PARSER_VERSION}: unparsed, the reply states no verdict"


def test_the_reason_why_none_was_recorded_stays() -> None:
    failed = Verdict(Status.UNPARSED, Source.NONE, detail="none recorded", parser="x.v1")
    recorded = RecordedVerdict(JUDGE, QUESTION, A, B, Order.BA, 0, failed, Completion("[[A>B]]"))
    detail = reread(recorded, FIVE_WAY).verdict.detail
    assert detail == f"none recorded; read again by parser {PARSER_VERSION}: preference for A 0.25 (A>B)"


def test_where_the_order_is_not_known_either_will_do() -> None:
    assert not is_read_otherwise(reread(pairwise(0.25, "[[A>B]]", None), FIVE_WAY))
    assert is_read_otherwise(reread(pairwise(0.5, "[[A>B]]", None), FIVE_WAY))


def test_where_winners_alone_are_recorded_the_margin_makes_no_difference() -> None:
    assert not is_read_otherwise(reread(pairwise(1.0, "[[A>B]]"), FIVE_WAY, by_winner=True))
    assert is_read_otherwise(reread(pairwise(1.0, "[[A>B]]"), FIVE_WAY))
    assert is_read_otherwise(reread(pairwise(1.0, "[[A=B]]"), FIVE_WAY, by_winner=True))


def test_scores_are_read_of_the_one_output() -> None:
    score = Verdict(Status.OK, Source.RECORDED, score=7.0, parser="x.v1")
    recorded = RecordedVerdict(JUDGE, QUESTION, A, None, None, 0, score, Completion("Rating: [[8]]"))
    assert reread(recorded, RATING).verdict.detail == f"read again by parser {PARSER_VERSION}: score 8 (8)"


def test_without_a_reply_nothing_is_read() -> None:
    recorded = pairwise(0.75, None)
    assert reread(recorded, FIVE_WAY) is recorded
    assert recorded.reading is None


def test_of_several_readings_one_is_enough() -> None:
    tie = Verdict(Status.TIE, Source.LABEL, 0.5, label="C")
    assert with_reading(pairwise(0.5, "x"), tie).reading == tie


@pytest.mark.slow
@pytest.mark.shared
def test_scalerlab_is_read_otherwise_only_where_listed(shared: Path, tmp_path: Path) -> None:
    """Thirteen replies from which the published tool took no decision, and one pair of equal rewards in both orders."""
    folder = shared / "data" / "scalerlab_judgebench"
    haiku = read_scalerlab(folder / "claude-3-haiku-20240307_on_claude-3-5-sonnet.jsonl.gz").verdicts
    assert sum(row.reading is not None for row in haiku) == 540
    otherwise = [row for row in haiku if is_read_otherwise(row)]
    assert (len(otherwise), {row.verdict.status for row in otherwise}) == (13, {Status.UNPARSED})
    rewards = read_scalerlab(folder / "Skywork-Reward-Llama-3.1-8B_on_gpt-4o.jsonl.gz").verdicts
    assert sum(row.reading is not None for row in rewards) == 700
    assert [row.reading and row.reading.label for row in rewards if is_read_otherwise(row)] == ["20.75, 20.75"] * 2


@pytest.mark.slow
@pytest.mark.shared
def test_both_verdicts_survive_export_and_import_and_are_counted(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "scalerlab_judgebench" / "claude-3-haiku-20240307_on_claude-3-5-sonnet.jsonl.gz"
    first, second = (Database(str(tmp_path / name), create=True) for name in ("one.db", "two.db"))
    report = import_file(first, path)
    assert (report.reread, report.read_otherwise) == (540, 13)
    services.exports.export(first, "verdicts", tmp_path / "one.jsonl", benchmark="scalerlab")
    again = import_file(second, tmp_path / "one.jsonl", benchmark="scalerlab")
    assert (again.new, again.reread, again.read_otherwise) == (540, 0, 13)


@pytest.mark.shared
@pytest.mark.slow
def test_alpaca_eval_is_read_otherwise_only_where_listed(shared: Path) -> None:
    """Eight replies of 16,048: the labels hold less than 0.8 of the probability; AlpacaEval has no such bound."""
    read, replies = 0, 0
    otherwise: Counter[str] = Counter()
    for path in sorted((shared / "data" / "alpaca_eval").glob("*/annotations.json.gz")):
        verdicts = read_alpaca_eval(path).verdicts
        read += sum(row.reading is not None for row in verdicts)
        otherwise[path.parent.name] += sum(map(is_read_otherwise, verdicts))
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            rows = json.load(stream)
        replies += sum(bool(row.get("raw_completion")) for row in rows if row["generator_1"] != row["generator_2"])
        for row in filter(is_read_otherwise, verdicts):
            assert row.verdict.preference is not None
            assert "Neither" in str(row.completion)
    assert (read, replies) == (16_048, 16_048)
    assert {model: number for model, number in otherwise.items() if number} == {
        **dict.fromkeys(("alpaca-7b_concise", "claude-2.1_concise", "gemma-7b-it", "gpt-3.5-turbo-1106"), 1),
        **{"phi-2": 1, "vicuna-7b-v1.5": 1, "wizardlm-13b": 2},
    }
