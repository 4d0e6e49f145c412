"""Arena-Hard-Auto's files as its version 2 reads them: questions, a model's answers, a judge's judgments of a model.

A judgment has two games: in the first the baseline's answer stands first, in the second the model's. Source:
lmarena/arena-hard-auto, ``gen_judgment.py`` and ``show_result.py``.
"""

from typing import Any

from judgebench.formats.judged_pairs import JudgedPair
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import Instruction, Order, Output

_LABELS = ("A>>B", "A>B", "A=B", "B>A", "B>>A", "B<<A", "B<A", "B=A", "A<B", "A<<B")  # that its board knows


def question_row(instruction: Instruction) -> dict[str, Any]:
    """Of an instruction of one turn."""
    return {
        "uid": instruction.key,
        "category": instruction.category,
        "subcategory": instruction.category,
        "prompt": instruction.text,
    }


def answer_row(instruction: Instruction, output: Output) -> dict[str, Any]:
    """Without counts of style, which its ``add_markdown_info.py`` adds."""
    return {
        "uid": instruction.key,
        "ans_id": output.digest[:22],
        "model": output.model,
        "messages": [
            {"role": "user", "content": instruction.text},
            {"role": "assistant", "content": {"answer": output.text}},
        ],
    }


def judgment_row(pair: JudgedPair, baseline: str) -> dict[str, Any]:
    """Of a battle with ``baseline``; a game that was not judged is null, and the score of one without a verdict."""
    is_a = pair.a.model == baseline
    first = {verdict.order: verdict for verdict in reversed(pair.verdicts)}  # of several in one order the first counts
    orders = (Order.AB, Order.BA) if is_a else (Order.BA, Order.AB)
    return {
        "uid": pair.instruction.key,
        "category": pair.instruction.category,
        "judge": pair.judge,
        "model": pair.b.model if is_a else pair.a.model,
        "baseline": baseline,
        "games": [_game(first[order]) if order in first else None for order in orders],
    }


def games_beyond(pair: JudgedPair) -> int:
    """Verdicts of a pair for which a judgment has no game: repeated ones, and those whose order is not known."""
    return len(pair.verdicts) - len({verdict.order for verdict in pair.verdicts} - {None})


def _game(verdict: RecordedVerdict) -> dict[str, Any]:
    reply = verdict.completion
    return {"score": _score(verdict), "judgment": None if reply is None else {"answer": reply.text}}


def _score(verdict: RecordedVerdict) -> str | None:
    """In the judge's words where these are Arena-Hard's; else by who is preferred. A is the answer shown first."""
    preference = verdict.verdict.preference
    if preference is None:
        return None
    if verdict.verdict.label in _LABELS:
        return verdict.verdict.label
    for_first = preference if verdict.order is Order.AB else 1 - preference
    return "A=B" if for_first == 0.5 else "A>B" if for_first > 0.5 else "B>A"
