"""Designs: which outputs meet, and in which trials.

Everything is a generator over one instruction or battle, so a study of a million trials never sits in memory, and
everything is deterministic: the same arguments plan the same trials, which is what makes a run resumable. Which
trials are already answered is the store's business.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Literal

from judgebench.errors import InputError
from judgebench.records import (
    Battle,
    Instruction,
    Order,
    Output,
    Reading,
    Source,
    Status,
    Trial,
    Verdict,
    content_key,
)

Orders = Literal["both", "random", "single"]
Design = Literal["fixed", "adaptive"]


def battles(
    instruction: Instruction,
    outputs: Mapping[str, Output],
    *,
    baseline: str | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Iterator[Battle]:
    """The battles of one instruction, sorted by model names within the design.

    ``outputs`` maps a model's name to its output for this instruction. With ``baseline`` every other model meets it;
    with ``pairs`` just those meet, each unordered pair once; with neither, all pairs do. A model without an output
    here has no battle here: whoever plans a study counts these.

    Raises InputError when both designs are given, or a pair names one model twice.
    """
    if baseline is not None and pairs is not None:
        raise InputError("give a baseline or a list of pairs, not both")
    for one, other in _meetings(sorted(outputs), baseline, pairs):
        if one in outputs and other in outputs:
            yield Battle.of(instruction, outputs[one], outputs[other])


def _meetings(
    models: list[str], baseline: str | None, pairs: Iterable[tuple[str, str]] | None
) -> Iterable[tuple[str, str]]:
    if baseline is not None:
        return [(model, baseline) for model in models if model != baseline]
    if pairs is None:
        return combinations(models, 2)
    listed = [(min(pair), max(pair)) for pair in pairs]
    for one, other in listed:
        if one == other:
            raise InputError(f"model {one!r} is paired with itself; name two different models")
    return sorted(set(listed))


def trials(
    battle: Battle, judge_digest: str, *, orders: Orders = "both", repeats: int = 1, seed: int = 0
) -> Iterator[Trial]:
    """The trials of one battle, both orders of a repeat next to each other.

    ``both``: AB, then BA. ``random``: one order a repeat, drawn by ``seed`` and the battle, hence the same for every
    judge and on every machine. ``single``: AB always, that is the model whose name sorts first is shown first; its
    position bias cannot be told from quality, so use it only to save half the calls in a trial of the machine.

    Raises InputError when ``orders`` is none of these or ``repeats`` is below one.
    """
    if orders not in ("both", "random", "single"):
        raise InputError(f"orders is {orders!r}; it must be both, random or single")
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; it must be at least 1")
    shown = (Order.AB,) if orders == "single" else (Order.AB, Order.BA)
    for repeat in range(repeats):
        if orders == "random":
            drawn = content_key("order", seed, repeat, battle.instruction.key, battle.a.model, battle.b.model)
            shown = (Order.AB if int(drawn, 16) % 2 == 0 else Order.BA,)
        for order in shown:
            yield Trial(judge_digest, battle, order, repeat)


def readings(
    instruction: Instruction, outputs: Mapping[str, Output], judge_digest: str, *, repeats: int = 1
) -> Iterator[Reading]:
    """The pointwise trials of one instruction, sorted by model name.

    Raises InputError when ``repeats`` is below one.
    """
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; it must be at least 1")
    for model in sorted(outputs):
        for repeat in range(repeats):
            yield Reading(judge_digest, instruction, outputs[model], repeat)


def identical_verdict(trial: Trial) -> Verdict | None:
    """A tie without asking when both outputs are the same text, character by character; otherwise None."""
    a, b = trial.battle.a, trial.battle.b
    if (a.earlier, a.text) != (b.earlier, b.text):
        return None
    return Verdict(Status.TIE, Source.IDENTICAL, preference=0.5)
