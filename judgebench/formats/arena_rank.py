"""Battles as arena-rank, evalica and Arena's notebooks rank them: two models and a winner.

``winner`` is ``model_a``, ``model_b`` or ``tie`` and never another word: arena-rank counts every other word as a tie.
It cannot say by how much; ``preference`` beside it does.
"""

from typing import Any

from judgebench.formats import Format
from judgebench.records import Instruction, Output


def battle_row(instruction: Instruction, a: Output, b: Output, judge: str, preference: float) -> dict[str, Any]:
    """``preference``: of the one who is named ``judge``, for A, in [0, 1]."""
    winner = "tie" if preference == 0.5 else "model_a" if preference > 0.5 else "model_b"
    return {
        "model_a": a.model,
        "model_b": b.model,
        "winner": winner,
        "question_id": instruction.key,
        "judge": judge,
        "preference": preference,
    }


ARENA_RANK = Format(
    name="arena-rank",
    holds="battles",
    help="Battles as arena-rank and evalica read them: model_a, model_b and the winner, a row a verdict.",
    columns={**dict.fromkeys(("model_a", "model_b", "winner", "question_id", "judge"), "text"), "preference": "number"},
    row=battle_row,
)
