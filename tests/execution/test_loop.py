"""The loop leaves the collector of garbage as it found it."""

import gc

import pytest

from judgebench import engine


async def _collector() -> tuple[bool, tuple[int, int, int]]:
    return gc.get_freeze_count() > 0, gc.get_threshold()


def test_objects_of_before_are_frozen_only_while_questions_are_asked() -> None:
    before = gc.get_threshold()
    frozen, threshold = engine.runner.run_async(_collector())
    assert frozen
    assert threshold > before
    assert not gc.get_freeze_count()
    assert gc.get_threshold() == before


def test_what_somebody_else_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        engine.runner.run_async(_collector())
        assert gc.get_freeze_count() == count
    finally:
        gc.unfreeze()


def test_the_collector_is_restored_after_an_error() -> None:
    async def fails() -> None:
        raise ValueError("none")

    before = gc.get_threshold()
    with pytest.raises(ValueError, match="none"):
        engine.runner.run_async(fails())
    assert not gc.get_freeze_count()
    assert gc.get_threshold() == before
