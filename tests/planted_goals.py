"""Dialogues with planted goals, failures and causes, and a judge on loopback that reads them off the dialogue."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.records import Goal, Instruction, Output
from judgebench.spec.taxonomies import load_taxonomy
from tests.fault_server import Reply, Request

CAUSES = load_taxonomy("goal-failures.v1").names
_TURN = re.compile(
    r"<<< begin user turn (\d+) (\w{16})\n(?P<asked>.*?)\nend user turn \1 \2 >>>\n"
    r"<<< begin output, reply \1 \2\n(?P<replied>.*?)\nend output, reply",
    re.DOTALL,
)
_ABOUT, _ENDS = re.compile(r"goal (\d+)"), re.compile(r"goal (\d+) ends: ([\w-]+)")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """An instruction, one model's replies to it, and the goals that were planted in it."""

    instruction: Instruction
    output: Output
    goals: tuple[Goal, ...]


def planted(number: int, models: Sequence[str], *, seed: int = 0, declared: bool = False) -> list[Dialogue]:
    """So many dialogues of each model: the same turns, other replies. The first model reaches fewest goals."""
    rng = np.random.default_rng(seed)
    dialogues = []
    for at in range(number):
        goals = int(rng.integers(1, 5))
        owners = [*range(goals), *rng.integers(0, goals, int(rng.integers(0, 4)))]
        turns = tuple(f"Dialogue {at}: about goal {owner}, please." for owner in owners)
        wanted = tuple(f"goal {goal}" for goal in range(goals)) if declared else ()
        instruction = Instruction(turns, f"c{at % 3}", goals=wanted)
        for rank, model in enumerate(models):
            ends = [_end(rng, 0.5 + 0.3 * rank / max(len(models) - 1, 1)) for _ in range(goals)]
            dialogues.append(_dialogue(instruction, model, owners, ends, declared))
    return dialogues


def _end(rng: np.random.Generator, share: float) -> str:
    if rng.random() < 0.1:
        return "out-of-scope"
    return "yes" if rng.random() < share else str(rng.choice(CAUSES))


def _dialogue(instruction: Instruction, model: str, owners: list[int], ends: list[str], declared: bool) -> Dialogue:
    last = {owner: turn for turn, owner in enumerate(owners, 1)}
    replies = [
        f"{model}: goal {owner} ends: {ends[owner]}" if last[owner] == turn else f"{model}: more on goal {owner}."
        for turn, owner in enumerate(owners, 1)
    ]
    goals = []
    for owner, end in enumerate(ends):
        turns = tuple(turn for turn, other in enumerate(owners, 1) if other == owner)
        failed = end in CAUSES
        of = owner if declared else None
        reached = "no" if failed else end
        goals.append(
            Goal(f"goal {owner}", turns, reached, end if failed else None, turns[-1] if failed else None, of)  # type: ignore[arg-type]  # one of the three
        )
    return Dialogue(instruction, Output(instruction.key, model, replies[-1], tuple(replies[:-1])), tuple(goals))


def read_off(request: Request, *, declared: bool = False) -> str:
    """The list of goals that a dialogue shows."""
    about: dict[int, list[int]] = {}
    ends: dict[int, tuple[str, int]] = {}
    for match in _TURN.finditer(request.text):
        turn = int(match[1])
        owner = int(_ABOUT.findall(match["asked"])[0])
        about.setdefault(owner, []).append(turn)
        if end := _ENDS.search(match["replied"]):
            ends[owner] = end[2], turn
    goals = []
    for owner, turns in about.items():
        end, turn = ends[owner]
        failed = end in CAUSES
        goals.append(
            {
                **{"goal": f"goal {owner}", "turns": turns, "why": "it says so", "reached": "no" if failed else end},
                **{"cause": end if failed else None, "failed_at": turn if failed else None},
                "declared": owner + 1 if declared else None,
            }
        )
    return json.dumps({"goals": goals})


def reads(index: int, request: Request) -> Reply:
    """A server whose judge reads goals off dialogues."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "judge"}]})
    return Reply.chat(read_off(request, declared="Whoever made this dialogue declared" in request.text))


def tally(dialogues: Sequence[Dialogue]) -> Counter[str]:
    """How many goals were planted: reached "yes", "no" and "out-of-scope", and by cause."""
    return Counter(word for one in dialogues for goal in one.goals for word in (goal.reached, goal.cause) if word)
