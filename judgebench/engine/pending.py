"""What a run has still to ask: its plan, less what has a result, less what another run is asking meanwhile."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from judgebench.errors import DatabaseBusy, DatabaseError
from judgebench.records import Status

_LOOK_UP = 400  # trials looked up at once among those already answered
_BLOCK = 4  # times as many trials are claimed at once as are in flight
_LEAST = 32  # or so many


class Asked(Protocol):
    """A trial, or whatever else is asked once and kept."""

    @property
    def key(self) -> str: ...


AskedT = TypeVar("AskedT", bound=Asked)


@dataclass(frozen=True, slots=True)
class EndedTrials:
    """What need not be asked."""

    ended: Mapping[str, Status]  # how those trials ended that have a result, by key
    taken_over: int = 0  # of them: that had it elsewhere, and have it here from now on
    by_others: Collection[str] = ()  # of them: that another run has asked since this one began, however they ended
    as_of: int = 0  # a number of the moment at which that was so


class Answers(Protocol):
    """Where results are kept."""

    def known(self, trial_keys: Sequence[str]) -> EndedTrials:
        """Which of the trials have a result already. May be called while results are stored."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run has to itself of the trials that it would ask next."""

    keys: set[str]  # the rest, others are asking
    outdated: bool  # whether other runs have stored anything since the moment as of which the trials were looked up


class Claiming(Protocol):
    """How runs that go on at once tell each other what they ask."""

    @property
    def lapsed(self) -> bool:
        """Whether others may have taken what was claimed: it must be again before it is asked."""

    def take(self, trial_keys: Sequence[str], ended: Iterable[str], as_of: int) -> Taken:
        """Have those of the trials that no other run is asking, and give back what has ended."""
        ...

    def renew(self) -> None:
        """Say that the run lives."""

    def release(self) -> None:
        """Say that it has ended."""


class Pending(Generic[AskedT]):
    """A plan on its way to those who ask. ``refill`` is called in another thread, never twice at once."""

    def __init__(
        self,
        trials: Iterable[AskedT],
        answers: Answers,
        claims: Claiming | None,
        *,
        again: Collection[Status],
        concurrency: int,
    ) -> None:
        self._stream = iter(trials)
        self._answers = answers
        self._claims = claims
        self._again = again
        self._block = min(_LOOK_UP, max(_LEAST, _BLOCK * concurrency))
        self._drawn: list[AskedT] = []  # of the plan, not looked up yet
        self._unanswered: deque[AskedT] = deque()
        self._as_of = self._looked_up = 0  # when these were looked up, and when the last trials were
        self._done: deque[str] = deque()
        self._is_drawn = False  # the whole plan
        self.ready: deque[AskedT] = deque()  # to be asked by this run
        self.aside: list[AskedT] = []  # that another run is asking
        self.ended: Mapping[Status, int] = {}  # how the trials ended that need not be asked
        self.taken_over = 0
        self.by_others = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to be asked."""
        return self._is_drawn and not (self._unanswered or self.aside or self.ready)

    @property
    def is_ready(self) -> bool:
        """Whether a trial may be asked now."""
        return bool(self.ready) and (self._claims is None or not self._claims.lapsed)

    @property
    def waits(self) -> bool:
        """Whether only what another run is asking could become ready."""
        return self._is_drawn and not (self._unanswered or self.ready)

    def done(self, key: str) -> None:
        """The result of a trial that was ready is stored."""
        self._done.append(key)

    def recall(self) -> None:
        """Have what is ready, and may be another run's by now, claimed anew. Not to be called while ``refill`` is."""
        self._unanswered.extendleft(reversed(self.ready))
        self.ready.clear()

    def refill(self) -> None:
        """Make ready what comes next, unless all of that has ended meanwhile or another run is asking it.

        Raises DatabaseError; called again, it goes on where it stopped.
        """
        while not self._unanswered and not self._is_drawn:
            self._drawn = self._drawn or self._draw()
            self._is_drawn = not self._drawn
            self._unanswered.extend(self._without_known(self._drawn))
            self._as_of = self._looked_up
            self._drawn = []
        if self._claims is None:
            self.ready.extend(self._unanswered)
            self._unanswered.clear()
        else:
            self._claim(self._claims)

    def _draw(self) -> list[AskedT]:
        try:
            return list(islice(self._stream, _LOOK_UP))
        except DatabaseBusy as error:  # a plan that broke off would seem to have ended when it is read on
            raise DatabaseError(str(error)) from error

    def _claim(self, claims: Claiming) -> None:
        candidates = [*self.aside, *islice(self._unanswered, self._block)]
        if not candidates:
            return
        ended = [self._done[place] for place in range(len(self._done))]  # it grows meanwhile
        taken = claims.take([trial.key for trial in candidates], ended, self._as_of)
        for _ in ended:
            self._done.popleft()
        # Another may have asked a trial, and given it back, before it was claimed here.
        left = self._without_known(candidates) if taken.outdated or self.aside else candidates
        self._done.extend(taken.keys - {trial.key for trial in left})
        for _ in range(len(candidates) - len(self.aside)):
            self._unanswered.popleft()
        self.aside = [trial for trial in left if trial.key not in taken.keys]
        self.ready.extend(trial for trial in left if trial.key in taken.keys)

    def _without_known(self, trials: Sequence[AskedT]) -> list[AskedT]:
        """Those that are to be asked; the others are counted."""
        known = self._answers.known([trial.key for trial in trials])
        ended = [known.ended.get(trial.key, Status.FAILED) for trial in trials]
        is_left = [
            status in self._again and trial.key not in known.by_others
            for trial, status in zip(trials, ended, strict=True)
        ]
        counted = [status for status, left in zip(ended, is_left, strict=True) if not left]
        self.ended = Counter(self.ended) + Counter(counted)  # replaced whole: it is read in another thread
        self._looked_up = known.as_of
        self.taken_over += known.taken_over
        self.by_others += len(known.by_others)
        return [trial for trial, left in zip(trials, is_left, strict=True) if left]
