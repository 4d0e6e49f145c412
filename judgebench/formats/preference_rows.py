"""Preference data for training: what was asked, the output that was preferred and the other one, as messages.

As TRL reads it with an explicit prompt: ``prompt`` ends with what the user said last before the outputs differ, system
messages stand in it, and ``chosen`` and ``rejected`` are what follows. Nothing is ever a tie: these have no row.
"""

from collections.abc import Mapping
from typing import Any

from judgebench.formats import ColumnType
from judgebench.formats.judged_pairs import Chat, JudgedPair, chat
from judgebench.formats.writing import KEY_COLUMN


def shared_prompt(one: Chat, other: Chat) -> int:
    """How many messages come before those that differ. Raises ValueError where the rest is not what two models said."""
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    rest = (one[shared:], other[shared:])
    if not shared or not all(messages and messages[0]["role"] == "assistant" for messages in rest):
        raise ValueError("expected two replies to the same messages")
    return shared


def preference_row(pair: JudgedPair) -> dict[str, Any]:
    """Of a pair that is no tie. Raises ValueError where its conversations cannot be told as texts."""
    mean = pair.preference
    if mean is None or mean == 0.5:
        raise ValueError("neither output is preferred")
    chosen, rejected = (pair.a, pair.b) if mean > 0.5 else (pair.b, pair.a)
    chats = [chat(pair.instruction, output) for output in (chosen, rejected)]
    if chats[0] is None or chats[1] is None:
        raise ValueError("more than texts")
    shared = shared_prompt(chats[0], chats[1])
    score = max(mean, 1 - mean)
    return {
        "prompt": chats[0][:shared],
        "chosen": chats[0][shared:],
        "rejected": chats[1][shared:],
        "margin": 2 * score - 1,
        "score_chosen": score,
        "score_rejected": 1 - score,
        "confidence": pair.confidence,
        "orders_agree": pair.orders_agree,
        "trials": len(pair.preferences),
        "judge": pair.judge,
        "rationale": pair.rationale,
        "chosen_model": chosen.model,
        "rejected_model": rejected.model,
        "category": pair.instruction.category,
        KEY_COLUMN: pair.instruction.key,
    }


PREFERENCE_COLUMNS: Mapping[str, ColumnType] = {
    **dict.fromkeys(("prompt", "chosen", "rejected"), "chat"),
    **dict.fromkeys(("margin", "score_chosen", "score_rejected", "confidence"), "number"),
    **{"orders_agree": "flag", "trials": "integer"},
    **dict.fromkeys(("judge", "rationale", "chosen_model", "rejected_model", "category", KEY_COLUMN), "text"),
}
