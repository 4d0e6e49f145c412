"""A list of battles and the place in it, and a battle in words: verdicts, replies, people. No widgets here."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from app import cached
from judgebench.services.battles import JudgedBattle, JudgedTrial
from judgebench.services.pages import BattleFilter, BattleSummary, Completion, Order, TokenLogprob
from judgebench.show.numbers import paid, percent
from judgebench.show.text import count, one_line

ROWS = 20  # battles on a page of the list
Identity = tuple[str, str, str]  # instruction's key, model A, model B


@dataclass(frozen=True, slots=True)
class View:
    """The battles of a benchmark that pass a filter."""

    source: cached.Source
    benchmark: str
    chosen: BattleFilter

    @property
    def total(self) -> int:
        return self._read(1)[1]

    @property
    def pages(self) -> int:
        """At least one, which may be empty."""
        return max(-(-self.total // ROWS), 1)

    def rows(self, page: int) -> list[BattleSummary]:
        """The battles of a page, counted from 1."""
        return self._read(page)[0]

    def on(self, instruction: str) -> Identity | None:
        """The first battle on the instruction with this key."""
        chosen = replace(self.chosen, instruction=instruction)
        rows, _ = cached.battles(self.source, self.benchmark, chosen, limit=1, offset=0)
        return identity(rows[0]) if rows else None

    def _read(self, page: int) -> tuple[list[BattleSummary], int]:
        return cached.battles(self.source, self.benchmark, self.chosen, limit=ROWS, offset=(page - 1) * ROWS)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a list."""

    page: int  # from 1
    row: int  # from 0; -1 is the last of its page


def identity(battle: BattleSummary) -> Identity:
    return battle.instruction, battle.model_a, battle.model_b


def beside(spot: Spot, step: int, *, rows: int, pages: int) -> Spot | None:
    """The spot before (``step`` -1) or after (1) ``spot`` on a page of ``rows``; None at either end of the list."""
    if 0 <= spot.row + step < rows:
        return Spot(spot.page, spot.row + step)
    page = spot.page + step
    return Spot(page, -1 if step < 0 else 0) if 1 <= page <= pages else None


def folded(chosen: BattleFilter, labels: Mapping[str, str]) -> str:
    """What filters that are not seen leave, in a sentence; empty where all pass. ``labels``: of fields that are
    switched on."""
    parts = [f"judge {one_line(chosen.judge, 100)}"] if chosen.judge is not None else []
    parts += [f"category {one_line(chosen.category, 100)}"] if chosen.category is not None else []
    parts += [label.lower() for field, label in labels.items() if getattr(chosen, field)]
    return f"Filtered: {', '.join(parts)}." if parts else ""


def chances(token: TokenLogprob) -> list[tuple[str, float]]:
    """The probabilities, in [0, 1], of a token's alternatives, as far as known, the most probable first."""
    return [(name, math.exp(min(logprob, 0.0))) for name, logprob in token.top if not math.isnan(logprob)]


def raw(completion: Completion) -> str:
    """Everything that is kept of a completion, as JSON."""
    return json.dumps(asdict(completion), ensure_ascii=False, indent=2)


def facts(completion: Completion) -> str:
    """Tokens, cost, latency and how the reply ended, as far as they are known, on one line."""
    known = [
        (completion.finish_reason, "ended with {}"),
        (_tokens(completion.prompt_tokens, "prompt token"), "{}"),
        (_tokens(completion.completion_tokens, "reply token"), "{}"),
        (None if completion.cost_usd is None else paid(completion.cost_usd), "{}"),
        (completion.latency_s, "{:.2f} s"),
    ]
    return ", ".join(words.format(value) for value, words in known if value is not None)


def _tokens(number: int | None, noun: str) -> str | None:
    return None if number is None else count(number, noun)


def order_words(order: Order | None) -> str:
    return {Order.AB: "A first", Order.BA: "B first", None: "order not known"}[order]


def opinion(shown: JudgedTrial) -> str:
    """One verdict in words."""
    preference = shown.verdict.preference
    if preference is None:
        return f"no verdict: {shown.verdict.status}"
    return _preferred(preference)


def outcome(battle: JudgedBattle) -> str:
    """What all verdicts on a battle say together."""
    told = _preferences(battle)
    silent = len(battle.verdicts) - len(told)
    have = "has" if silent == 1 else "have"
    without = f" {silent:,} of {count(len(battle.verdicts), 'trial')} {have} no verdict." if silent else ""
    if not told:
        return f"No verdict.{without}"
    mean = _preferred(sum(told) / len(told))
    if len(told) == 1:
        return f"One verdict: {mean}.{without}"
    return f"{count(len(told), 'verdict')}, on average {mean}; they {_agreement(battle)}.{without}"


def people(battle: JudgedBattle) -> str:
    """What people say about it, and whether judges, on average, say the same."""
    labels = [label.preference for label in battle.labels]
    mean = sum(labels) / len(labels)
    bad = sum(label.both_bad for label in battle.labels)
    count = "One person says" if len(labels) == 1 else f"{len(labels):,} people say, on average"
    both = f" ({bad} found both bad)" if bad else ""
    told = _preferences(battle)
    against = bool(told) and (mean - 0.5) * (sum(told) / len(told) - 0.5) < 0
    return f"{count}: {_preferred(mean)}{both}.{' The judges prefer the other output.' if against else ''}"


def _preferences(battle: JudgedBattle) -> list[float]:
    given = [shown.verdict.preference for shown in battle.verdicts]
    return [preference for preference in given if preference is not None]


def _agreement(battle: JudgedBattle) -> str:
    given = _preferences(battle)
    lowest, highest = min(given), max(given)
    if lowest < 0.5 < highest:
        return "contradict each other" if _contradictory(battle) else "differ from sample to sample"
    if lowest == highest == 0.5:
        return "agree on a tie"
    return "do not contradict each other" if 0.5 in (lowest, highest) else "agree on the winner"


def _contradictory(battle: JudgedBattle) -> bool:
    """Whether verdicts on the same two outputs name different winners."""
    named = {
        (shown.output_a.sample, shown.output_b.sample, shown.verdict.preference > 0.5)
        for shown in battle.verdicts
        if shown.output_b is not None and shown.verdict.preference not in (None, 0.5)
    }
    return any((a, b, not first) in named for a, b, first in named)


def _preferred(preference: float) -> str:
    if preference == 0.5:
        return "a tie"
    return f"A preferred, {percent(preference)}" if preference > 0.5 else f"B preferred, {percent(1 - preference)}"
