"""What a judge replied, made ready to show: the token that carried the verdict, and the raw completion."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from judgebench.records import Completion, Order, TokenLogprob
from judgebench.services.battles import Battle, JudgedTrial


def verdict_token(completion: Completion, label: str | None) -> TokenLogprob | None:
    """The last token that says ``label``, else the first with alternatives; None without log-probabilities."""
    known = [token for token in completion.logprobs or () if token.top]
    said = [token for token in known if label is not None and token.token.strip() == label.strip()]
    return said[-1] if said else known[0] if known else None


def chances(token: TokenLogprob) -> list[tuple[str, float]]:
    """The probabilities, in [0, 1], of a token's alternatives, the most probable first."""
    return [(name, math.exp(min(logprob, 0.0))) for name, logprob in token.top]


def raw(completion: Completion) -> str:
    """Everything that is kept of a completion, as JSON."""
    return json.dumps(asdict(completion), ensure_ascii=False, indent=2)


def facts(completion: Completion) -> str:
    """Tokens, cost, latency and how the reply ended, as far as they are known, on one line."""
    known = [
        (completion.finish_reason, "ended with {}"),
        (completion.prompt_tokens, "{} prompt tokens"),
        (completion.completion_tokens, "{} reply tokens"),
        (completion.cost_usd, "{:.5f} USD"),
        (completion.latency_s, "{:.2f} s"),
    ]
    return ", ".join(words.format(value) for value, words in known if value is not None)


def order_words(order: Order | None) -> str:
    return {Order.AB: "A first", Order.BA: "B first", None: "order not known"}[order]


def opinion(shown: JudgedTrial) -> str:
    """One verdict in words."""
    preference = shown.verdict.preference
    if preference is None:
        return f"no verdict: {shown.verdict.status}"
    return _preferred(preference)


def outcome(battle: Battle) -> str:
    """What all verdicts on a battle say together."""
    told = [each.verdict.preference for each in battle.verdicts if each.verdict.preference is not None]
    silent = len(battle.verdicts) - len(told)
    have = "has" if silent == 1 else "have"
    without = f" {silent} of {len(battle.verdicts)} trials {have} no verdict." if silent else ""
    if not told:
        return f"No verdict.{without}"
    mean = _preferred(sum(told) / len(told))
    if len(told) == 1:
        return f"One verdict: {mean}.{without}"
    return f"{len(told)} verdicts, on average {mean}; they {_agreement(told)}.{without}"


def people(battle: Battle) -> str:
    """What people say about it, and whether judges, on average, say the same."""
    said = [label.preference for label in battle.labels]
    mean = sum(said) / len(said)
    bad = sum(label.both_bad for label in battle.labels)
    count = "One person says" if len(said) == 1 else f"{len(said)} people say, on average"
    both = f" ({bad} found both bad)" if bad else ""
    told = [each.verdict.preference for each in battle.verdicts if each.verdict.preference is not None]
    against = bool(told) and (mean - 0.5) * (sum(told) / len(told) - 0.5) < 0
    return f"{count}: {_preferred(mean)}{both}.{' The judges prefer the other output.' if against else ''}"


def _agreement(preferences: Sequence[float]) -> str:
    lowest, highest = min(preferences), max(preferences)
    if lowest < 0.5 < highest:
        return "contradict each other"
    if lowest == highest == 0.5:
        return "agree on a tie"
    return "do not contradict each other" if 0.5 in (lowest, highest) else "agree on the winner"


def _preferred(preference: float) -> str:
    if preference == 0.5:
        return "a tie"
    return f"A preferred, {preference:.1%}" if preference > 0.5 else f"B preferred, {1 - preference:.1%}"
