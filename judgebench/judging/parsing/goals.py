"""Goals of a dialogue in a reply, checked beyond what a schema says.

A cause and a failed turn stand exactly where a goal was not reached, no goal failed before it came up, every turn of
the user's belongs to a goal, and each declared goal stands once. A reply that breaks one of these is none.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeGuard, cast, get_args

from judgebench.judging.templates import Template
from judgebench.keys import clean_text
from judgebench.records import Goal, Reached, Reading, Source, Status, Verdict

_PROPERTIES = frozenset({"goal", "turns", "reached", "cause", "failed_at", "why", "declared"})
_MOST_CHARS = 2000  # of a text
_MOST = 200  # goals
_REACHED = get_args(Reached)
OUTSIDE = "every goal is out of scope: there is no share of goals reached"


def read(reply: Mapping[str, Any], template: Template, trial: Reading) -> Verdict:
    """The score is the share of the goals within scope that were reached. Raises ValueError."""
    listing = template.reply.listing
    items = reply[listing.field] if listing else None
    if not isinstance(items, list) or not items:
        raise ValueError("the list of goals is empty, or none")
    if len(items) > _MOST:
        raise ValueError(f"{len(items)} goals are more than {_MOST}")
    turns, declared = len(trial.instruction.turns), len(trial.instruction.goals)
    causes = listing.taxonomy.names if listing and listing.taxonomy else ()
    goals = tuple(_goal(number, item, turns, declared, causes) for number, item in enumerate(items, 1))
    _check_all(goals, turns, declared)
    return verdict_of(goals)


def verdict_of(goals: tuple[Goal, ...]) -> Verdict:
    """What goals that were read say together."""
    within = [goal for goal in goals if goal.reached != "out-of-scope"]
    reached = sum(goal.reached == "yes" for goal in within)
    label = f"{reached} of {len(within)} goals reached"
    if not within:
        return Verdict(Status.UNPARSED, Source.NONE, label=label, detail=OUTSIDE, goals=goals)
    return Verdict(Status.OK, Source.LABEL, score=reached / len(within), label=label, goals=goals)


def _goal(number: int, item: Any, turns: int, declared: int, causes: Collection[str]) -> Goal:
    """Raises ValueError."""
    where = f"goal {number}"
    if not isinstance(item, dict):
        raise ValueError(f"{where} is no JSON object")
    if unknown := sorted(item.keys() - _PROPERTIES):
        raise ValueError(f"{where} has a property {unknown[0][:40]!r}, which is none of a goal's")
    about, reached = _turns(where, item.get("turns"), turns), item.get("reached")
    if reached not in _REACHED:
        raise ValueError(f"{where}: reached is {str(reached)[:40]!r}, not one of {', '.join(_REACHED)}")
    cause, failed_at = item.get("cause"), item.get("failed_at")
    if reached != "no" and not (cause is None and failed_at is None):
        raise ValueError(f"{where} was not failed, and has a cause or a failed turn")
    if reached == "no":
        if cause not in causes:
            raise ValueError(f"{where}: cause is {str(cause)[:40]!r}, not one of {', '.join(causes)}")
        if not (_is_whole(failed_at) and about[0] <= failed_at <= turns):
            raise ValueError(f"{where}: failed_at is {str(failed_at)[:40]!r}, not a turn from {about[0]} to {turns}")
    which = item.get("declared")
    if which is not None and not (_is_whole(which) and 1 <= which <= declared):
        raise ValueError(f"{where}: declared is {str(which)[:40]!r}, and the goals declared are {declared}")
    return Goal(
        goal=_text(where, "goal", item.get("goal")),
        turns=about,
        reached=cast(Reached, reached),
        cause=cause,
        failed_at=failed_at,
        declared=None if which is None else which - 1,
        reason=None if item.get("why") in (None, "") else _text(where, "why", item["why"]),
    )


def _turns(where: str, value: Any, turns: int) -> tuple[int, ...]:
    """Raises ValueError unless it lists turns of the user's, each once."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"{where}: turns is no list with a turn in it")
    for turn in value:
        if not (_is_whole(turn) and 1 <= turn <= turns):
            raise ValueError(f"{where}: turn {str(turn)[:40]!r} is not one of the user's, which are 1 to {turns}")
    if len(set(value)) < len(value):
        raise ValueError(f"{where}: a turn stands twice")
    return tuple(sorted(value))


def _text(where: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {name} is empty, or no text")
    if len(value) > _MOST_CHARS:
        raise ValueError(f"{where}: {name} has more than {_MOST_CHARS} characters")
    return clean_text(value)


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_all(goals: Sequence[Goal], turns: int, declared: int) -> None:
    """Raises ValueError where a turn has no goal, or a declared goal does not stand exactly once."""
    about = {turn for goal in goals for turn in goal.turns}
    if missing := sorted(set(range(1, turns + 1)) - about):
        raise ValueError(f"turn {missing[0]} belongs to no goal")
    named = [goal.declared for goal in goals if goal.declared is not None]
    for number in range(declared):
        if named.count(number) != 1:
            raise ValueError(f"declared goal {number + 1} stands {named.count(number)} times, not once")
