"""What is left of a plan reaches those who ask: each trial once, a block at a time, however often reading fails."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from judgebench.engine.pending import EndedTrials, Pending, Taken
from judgebench.errors import DatabaseBusy, DatabaseError
from judgebench.records import Order, Status, Trial
from tests.factories import trial


@dataclass
class Others:
    """What other runs have stored and hold."""

    ended: dict[str, Status] = field(default_factory=dict)
    since: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    busy: int = 0
    lapsed: bool = False
    given_back: list[str] = field(default_factory=list)

    def known(self, trial_keys: Sequence[str]) -> EndedTrials:
        ended = {key: self.ended[key] for key in trial_keys if key in self.ended}
        return EndedTrials(ended, by_others=self.since.intersection(ended))

    def take(self, trial_keys: Sequence[str], ended: Iterable[str], as_of: int) -> Taken:
        if self.busy:
            self.busy -= 1
            raise DatabaseBusy("locked")
        self.given_back += ended
        self.lapsed = False
        return Taken(set(trial_keys) - self.held, outdated=bool(self.since))

    def renew(self) -> None:
        """Nothing lapses here."""

    def release(self) -> None:
        """Nobody waits."""


TRIALS = [trial(number, Order.AB) for number in range(100)]
KEYS = [each.key for each in TRIALS]


def pending(others: Others, trials: Iterable[Trial] = TRIALS) -> Pending[Trial]:
    return Pending(trials, others, others, again={Status.FAILED}, concurrency=2)


def drained(stream: Pending[Trial]) -> list[str]:
    keys = []
    while not stream.is_empty:
        stream.refill()
        assert len(stream.ready) <= 32
        while stream.ready:
            keys.append(stream.ready.popleft().key)
            stream.done(keys[-1])
    return keys


def test_blocks_follow_each_other_and_what_has_ended_is_given_back() -> None:
    others = Others()
    assert drained(pending(others)) == KEYS
    assert others.given_back == KEYS[:96]


def test_what_others_took_and_answered_while_this_run_stood_still_is_not_asked() -> None:
    others = Others()
    stream = pending(others)
    stream.refill()
    asked = [stream.ready.popleft().key for _ in range(2)]
    others.lapsed, others.held = True, set(KEYS[2:6])
    others.ended, others.since = dict.fromkeys(KEYS[6:10], Status.OK), set(KEYS[6:10])
    assert not stream.is_ready
    stream.recall()
    stream.refill()
    assert stream.is_ready
    assert [each.key for each in stream.aside] == KEYS[2:6]
    others.held.clear()
    while not stream.is_empty:
        asked += [stream.ready.popleft().key for _ in range(len(stream.ready))]
        stream.refill()
    assert sorted(asked) == sorted([*KEYS[:6], *KEYS[10:]])
    assert stream.by_others == 4


def test_the_last_trials_of_a_plan_are_claimed_anew_as_well() -> None:
    others = Others()
    stream = pending(others, TRIALS[:4])
    stream.refill()
    others.lapsed = True
    assert not stream.is_empty
    stream.recall()
    assert drained(stream) == KEYS[:4]


def test_what_has_ended_is_given_back_however_often_claiming_fails() -> None:
    others = Others()
    stream = pending(others)
    stream.refill()
    others.busy = 1
    stream.done(KEYS[0])
    with pytest.raises(DatabaseBusy):
        stream.refill()
    stream.refill()
    assert others.given_back == KEYS[:1]


def test_what_has_a_result_is_counted_and_not_asked_again_unless_it_failed_before() -> None:
    failed = dict.fromkeys(KEYS[10:30], Status.FAILED)
    others = Others({**dict.fromkeys(KEYS[:10], Status.OK), **failed}, since=set(KEYS[5:20]))
    stream = pending(others)
    assert drained(stream) == KEYS[20:]
    assert (stream.ended, stream.by_others) == ({Status.OK: 10, Status.FAILED: 10}, 15)


def test_what_others_hold_is_set_aside_until_it_has_ended_or_is_free() -> None:
    others = Others(held=set(KEYS[:4]))
    stream = pending(others, TRIALS[:6])
    stream.refill()
    assert [each.key for each in stream.ready] == KEYS[4:6]
    stream.ready.clear()
    stream.refill()
    assert (stream.waits, stream.is_empty, len(stream.aside)) == (True, False, 4)
    others.held, others.since = {KEYS[1]}, {KEYS[0]}
    others.ended[KEYS[0]] = Status.OK
    stream.refill()
    assert [each.key for each in stream.ready] == KEYS[2:4]
    assert (stream.by_others, [each.key for each in stream.aside]) == (1, KEYS[1:2])


def test_a_locked_database_loses_nothing() -> None:
    others = Others(busy=2)
    stream = pending(others)
    for _ in range(2):
        with pytest.raises(DatabaseBusy):
            stream.refill()
    assert drained(stream) == KEYS


def test_a_plan_that_breaks_off_is_not_taken_for_its_end() -> None:
    def broken() -> Iterator[Trial]:
        yield TRIALS[0]
        raise DatabaseBusy("locked")

    with pytest.raises(DatabaseError) as error:
        pending(Others(), broken()).refill()
    assert not isinstance(error.value, DatabaseBusy)  # which would be tried again
