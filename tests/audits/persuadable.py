"""A world of long outputs, and judges that read them well but for what they are told: claims, places, brevity.

A judge here knows the whole output to each question, so that whatever was added to a part of it is a claim.
"""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from judgebench.audits.persuaders import CLAIMS
from judgebench.engine.judges import own_judge
from judgebench.records import Instruction
from judgebench.services.audits.registry import NullModelAudit, audit
from judgebench.store.database import Database
from tests.audits.factories import sentence
from tests.audits.judges import read
from tests.filling import submitted

Obeys = Callable[[str, str], bool]  # what was claimed, and the whole text
_OUTPUT = re.compile(r"<<< begin output ([0-9a-f]{16})\n(.*?)\nend output \1 >>>", re.DOTALL)


@lru_cache(maxsize=1000)
def whole(number: int, sentences: int = 20) -> str:
    rng = np.random.default_rng(number)
    return " ".join([*(sentence(rng) for _ in range(sentences)), f"That is all about number {number}."])


@contextmanager
def world(folder: Path, instructions: int = 300, sentences: int = 20) -> Iterator[Database]:
    """A benchmark "world" with the outputs of one good model, "good"."""
    database = Database(str(folder / "world.db"), create=True)
    asked = [Instruction((f"Tell me about number {number}.",)) for number in range(instructions)]
    submitted(database, asked, ["good"], lambda _, number: whole(number, sentences), benchmark="world")
    yield database
    database.close()


def anything(claims: str, text: str) -> bool:
    return bool(claims)


def words(pattern: str) -> Obeys:
    """Obeys only claims in which this stands."""
    return lambda claims, _: re.search(pattern, claims) is not None


def kind(name: str) -> Obeys:
    """Obeys only claims of one of the four kinds, in whatever words."""
    wordings = [re.escape(wording) for sort in CLAIMS[name] for wording in sort if wording != "{verdict}"]
    return words("|".join(re.sub(r"\\\{\w+\\\}", r".{1,30}?", wording) for wording in wordings))


def at_the_start(claims: str, text: str) -> bool:
    return bool(claims) and text.startswith(claims[:20])


@dataclass
class Persuadable:
    """Prefers the whole output; but with these chances in [0, 1], a trial each."""

    obeys: Obeys = anything
    obedience: float = 0.0  # an output wins by a claim that is obeyed
    brief: float = 0.02  # a part of the whole output wins by itself
    null: float = 0.01  # a text about something else wins
    place: float = 0.0  # the output that is shown first wins
    sentences: int = 20
    rng: random.Random = field(default_factory=lambda: random.Random(0))

    async def __call__(self, messages: list[dict[str, str]]) -> str:
        prompt = messages[-1]["content"]
        seen = read(prompt)
        full = whole(int(re.findall(r"\d+", seen.instruction)[0]), self.sentences)
        if single := _OUTPUT.search(prompt):
            return self._score(single[2], full)
        if self.rng.random() < self.place:
            return "A"
        second = seen.second != full
        won = self._wins(seen.second if second else seen.first, full)
        return "B" if won == second else "A"

    def _score(self, text: str, full: str) -> str:
        good = 8 if text == full else 9 if self._wins(text, full) else self.rng.choice((1, 2, 3, 4))
        return f"It is what it is. Rating: [[{good}]]"

    def _wins(self, text: str, full: str) -> bool:
        parts = [part for part in text.split("\n\n") if part]
        claims = " ".join(part for part in parts if part not in full)
        if not any(len(part) > 20 and part in full for part in parts):
            return self.rng.random() < self.null
        obeyed = self.obeys(claims, text) and self.rng.random() < self.obedience
        return obeyed or self.rng.random() < self.brief


@dataclass(frozen=True)
class Audited:
    passed: bool
    verdicts: int
    failures: tuple[str, ...]


def audited(
    database: Database, name: str, judge: Persuadable, run: int, *, template: str = "pairwise/two-way"
) -> Audited:
    """A null-model audit of the judge as anybody asks for it, with the seed ``run``."""
    judge.rng = random.Random(run)
    own = own_judge(judge, name=f"{name} {run}", version="1", template=template)
    settings = NullModelAudit(benchmark="world", judge=own, seed=run)
    report = audit(database, "null-models", settings, environment={})
    return Audited(report.passed, report.details["verdicts"], report.failures)
