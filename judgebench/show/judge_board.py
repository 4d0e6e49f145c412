"""Boards of judges by benchmarks of judges, as cells, a document and sentences."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from judgebench.leaderboard.judge_benchmarks import JUDGE_BENCHMARKS
from judgebench.leaderboard.published.board import Measure
from judgebench.leaderboard.published.judge_board import EvaluatedJudge, JudgeBoard
from judgebench.records import Status
from judgebench.show.numbers import MISSING, amount, paid
from judgebench.show.published import cell, intervals
from judgebench.show.tables import csv_text, markdown
from judgebench.show.text import count, escaped_markdown, one_line, visible

_VERDICTS = (Status.OK, Status.TIE)  # all other ends of a trial are failures
ABOUT = ("pairs", "failures", "cost", "latency")  # what stands beside the numbers
PART_HEADINGS = ("part", "judge", "share right", "n")


def headings(board: JudgeBoard) -> list[str]:
    """Of the cells of each row; ``judge`` is a word, all others numbers."""
    return ["judge", _main(board)[0].heading, *ABOUT]


def cells(board: JudgeBoard, row: EvaluatedJudge) -> list[str]:
    """The judge, its first number with its interval, and what ``ABOUT`` heads."""
    first = _main(board)[0]
    return [visible(row.judge), cell(row.numbers[first.name], first), *about_cells(row)]


def part_cells(board: JudgeBoard, *, first: bool = False) -> Iterator[list[str]]:
    """Every judge's main numbers, by PART_HEADINGS; the first of them only on demand."""
    for measure in _main(board)[0 if first else 1 :]:
        for row in board.rows:
            known = row.numbers[measure.name]
            yield [measure.heading, visible(row.judge), cell(known, measure), f"{known.n:,}"]


def wide_headings(board: JudgeBoard) -> list[str]:
    """Of ``wide_cells``."""
    return ["judge", *(measure.heading for measure in _main(board)), *ABOUT]


def wide_cells(board: JudgeBoard, row: EvaluatedJudge) -> list[str]:
    """The judge, all its main numbers with their intervals, and what ``ABOUT`` heads."""
    return [
        visible(row.judge),
        *(cell(row.numbers[measure.name], measure) for measure in _main(board)),
        *about_cells(row),
    ]


def about_cells(row: EvaluatedJudge) -> list[str]:
    """What ``ABOUT`` heads."""
    cost = MISSING if row.cost_usd is None else paid(row.cost_usd)
    latency = MISSING if row.latency_s is None else amount(row.latency_s, "s")
    return [f"{row.pairs:,}", f"{failures(row):,}", cost, latency]


def failures(row: EvaluatedJudge) -> int:
    """How many of its trials ended without a verdict."""
    return sum(number for status, number in row.statuses.items() if status not in _VERDICTS)


def _main(board: JudgeBoard) -> list[Measure]:
    return [measure for measure in board.measures if measure.is_main]


def sentences(board: JudgeBoard) -> list[str]:
    """Whose numbers these are, how they count, how their intervals were made, what has none and why, and notes."""
    how = JUDGE_BENCHMARKS[board.profile]
    return [
        f"{how.label}, {count(board.labelled, 'labelled pair')}. Rules: {how.source}.",
        f"How it counts: {how.counts}.",
        *intervals(_main(board), [row.numbers for row in board.rows]),
        *(_ends(row) for row in board.rows if failures(row)),
        *(f"Note: {one_line(note, 1000)}" for note in board.notes),
    ]


def _ends(row: EvaluatedJudge) -> str:
    trials = sum(row.statuses.values())
    counts = ", ".join(f"{number:,} {status}" for status, number in row.statuses.items() if status not in _VERDICTS)
    return f"Without a verdict, of {count(trials, 'trial')} of judge {one_line(row.judge)}: {counts}."


def document(benchmark: str, board: JudgeBoard) -> dict[str, Any]:
    """As ``--format json`` prints it: numbers in percent, each with its interval or why there is none."""
    how = JUDGE_BENCHMARKS[board.profile]
    return {
        "benchmark": benchmark,
        "profile": board.profile,
        "label": how.label,
        "source": how.source,
        "counts": how.counts,
        "labelled": board.labelled,
        "measures": [asdict(measure) for measure in board.measures],
        "rows": [asdict(row) | {"statuses": _words(row)} for row in board.rows],
        "notes": list(board.notes),
    }


def _words(row: EvaluatedJudge) -> dict[str, int]:
    return {str(status): number for status, number in row.statuses.items()}


def columns(board: JudgeBoard) -> Iterator[dict[str, Any]]:
    """The rows as files of data and frames hold them, by ``column_names``."""
    for row in board.rows:
        flat: dict[str, Any] = {"judge": row.judge}
        for name, known in row.numbers.items():
            flat |= {name: known.value, f"{name}_lower": known.lower, f"{name}_upper": known.upper}
        flat |= {"pairs": row.pairs, "both_orders": row.both_orders, "failures": failures(row)}
        yield flat | {"tokens": row.tokens, "cost_usd": row.cost_usd, "latency_s": row.latency_s}


def column_names(board: JudgeBoard) -> list[str]:
    """Of ``columns``: the judge, each number with its ends, and what stands beside."""
    names = [[measure.name, f"{measure.name}_lower", f"{measure.name}_upper"] for measure in board.measures]
    beside = ("pairs", "both_orders", "failures", "tokens", "cost_usd", "latency_s")
    return ["judge", *(name for several in names for name in several), *beside]


def as_csv(board: JudgeBoard) -> str:
    """One line a judge."""
    return csv_text(columns(board), column_names(board))


def as_markdown(board: JudgeBoard) -> str:
    """A table with what it rests on below; names cannot break out of their cell."""
    table = markdown(wide_headings(board), [wide_cells(board, row) for row in board.rows])
    below = "\n".join(f"- {escaped_markdown(line)}" for line in sentences(board))
    return f"{table}\n\n{below}\n"
