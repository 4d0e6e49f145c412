"""Two versions of a model: planted flips are those that are listed, and equal versions are hardly ever called worse."""

from dataclasses import replace

import numpy as np
import pytest

from bench.version_changes import Design, changes, judged_pairs, worse
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.stats.planning import smallest_seen
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.versions import against_baseline, between_versions, by_scores, decide, version_change
from tests.bias.factories import table_of

N = 60
BROKEN, MENDED = {3, 17, 18, 40}, {5, 59}


def scores_of(old: np.ndarray, new: np.ndarray, *, sample: bool = False) -> ScoreTable:
    """(n, k) scores of either version: k repeats, or samples."""
    n, k = old.shape
    each = np.tile(np.arange(k), 2 * n).astype(np.int32)
    return ScoreTable(
        models=("new", "old"),
        instructions=tuple(f"i{i:03}" for i in range(n)),
        judges=("judge",),
        model=np.repeat([1, 0], n * k).astype(np.int32),
        instruction=np.tile(np.repeat(np.arange(n), k), 2).astype(np.int32),
        judge=np.zeros(2 * n * k, dtype=np.int32),
        score=np.concatenate([old.ravel(), new.ravel()]).astype(np.float64),
        length=np.zeros(2 * n * k, dtype=np.int32),
        sample=each if sample else None,
    )


def compared(toward_new: np.ndarray, *, models: tuple[str, str] = ("new", "old")) -> VerdictTable:
    """(n, 2, k) preferences for ``models[0]``: instruction, order, repeat."""
    n, _, k = toward_new.shape
    i, order, _ = (grid.ravel() for grid in np.meshgrid(range(n), [0, 1], range(k), indexing="ij"))
    return table_of(
        np.zeros(len(i), int), np.ones(len(i), int), toward_new.ravel(), models=list(models), instruction=i, order=order
    )  # fmt: skip


def planted(k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    old = np.ones((N, k))
    old[list(MENDED)] = 0
    new = np.ones((N, k))
    new[list(BROKEN)] = 0
    return old, new


@pytest.mark.parametrize("repeats", [1, 3])
def test_planted_flips_of_scores_are_those_listed(repeats: int) -> None:
    paired = by_scores(scores_of(*planted(repeats)), "old", "new")
    assert {*np.flatnonzero(paired.flip < 0)} == BROKEN
    assert {*np.flatnonzero(paired.flip > 0)} == MENDED
    assert {*np.flatnonzero(paired.confirmed)} == (BROKEN if repeats > 1 else set())
    change = version_change(paired, np.arange(N))
    assert (change.losses, change.wins, change.ties) == (4, 2, N - 6)
    assert change.difference.value == pytest.approx(-2 / N)
    assert change.flips.rate.value == pytest.approx(4 / N)
    if repeats > 1:
        assert change.retest.value == 0.0
        assert change.flips.floor.value == 0.0
        assert change.flips.excess.value == pytest.approx(4 / N)
    else:
        assert "repeat" in change.retest.reason
        assert "repeats" in change.flips.floor.reason


@pytest.mark.parametrize("repeats", [1, 2])
def test_planted_flips_of_compared_outputs_are_those_listed(repeats: int) -> None:
    """A preference for the first place alone is no flip."""
    toward = np.full((N, 2, repeats), 0.5)
    toward[list(BROKEN)], toward[list(MENDED)] = 0.0, 1.0
    toward[[7, 8], 0], toward[[7, 8], 1] = 1.0, 0.0
    paired = between_versions(compared(toward), "old", "new")
    assert {*np.flatnonzero(paired.flip < 0)} == BROKEN
    assert {*np.flatnonzero(paired.flip > 0)} == MENDED
    assert {*np.flatnonzero(paired.confirmed)} == (BROKEN if repeats > 1 else set())
    assert paired.difference[7] == 0.0
    back = between_versions(compared(toward), "new", "old")
    assert (back.difference == -paired.difference).all()
    assert {*np.flatnonzero(back.flip < 0)} == MENDED


def test_planted_flips_against_a_baseline_are_those_listed() -> None:
    old, new = (np.broadcast_to(side[:, :, None], (N, 2, 1)) for side in (planted()[0] * 1, planted()[1] * 1))
    one, other = compared(old, models=("old", "base")), compared(new, models=("new", "base"))
    names = ("base", "new", "old")

    def recoded(table: VerdictTable) -> VerdictTable:
        codes = np.array([names.index(name) for name in table.models], dtype=np.int32)
        return replace(table, models=names, model_a=codes[table.model_a], model_b=codes[table.model_b])

    parts = [recoded(table) for table in (one, other)]
    columns = ("model_a", "model_b", "instruction", "judge", "order", "preference", "length_a", "length_b")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    paired = against_baseline(replace(parts[0], **joined), "old", "new", "base")
    assert {*np.flatnonzero(paired.flip < 0)} == BROKEN
    assert {*np.flatnonzero(paired.flip > 0)} == MENDED
    assert {*np.flatnonzero(paired.difference < 0)} == BROKEN


def test_orders_weigh_alike_whatever_the_number_of_their_verdicts() -> None:
    toward = np.array([[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]])
    table = compared(toward)
    fewer = table.select(np.array([*range(4), *range(6, 12)]))  # one verdict in BA on the first instruction
    assert between_versions(fewer, "old", "new").difference.tolist() == [0.0, 0.0]


def test_graded_scores_say_how_much_and_not_what_is_right() -> None:
    rng = np.random.default_rng(1)
    old = rng.integers(1, 11, (N, 2)).astype(float)
    new = old - 1
    graded = version_change(by_scores(scores_of(old, new), "old", "new"), np.arange(N))
    assert graded.difference.value == pytest.approx(-1.0)
    assert graded.flips.rate.value is None
    assert "right" in graded.flips.rate.reason
    cut = by_scores(scores_of(old, new), "old", "new", right_from=6)
    assert {*np.flatnonzero(cut.flip < 0)} == {*np.flatnonzero((old == 6).all(axis=1))}
    alike = version_change(by_scores(scores_of(np.full((4, 1), 7.0), np.full((4, 1), 7.0)), "old", "new"), np.arange(4))
    assert (alike.difference.value, alike.difference.lower, alike.smallest) == (0.0, None, None)
    assert decide(alike.difference) == "cannot tell"


@pytest.mark.parametrize("sample", [False, True])
def test_the_floor_is_what_noise_makes_of_equal_versions(sample: bool) -> None:
    """A judge that errs on one reading in ten shows 9 % of negative flips, and as high a floor."""
    rng = np.random.default_rng(2)
    truth = np.ones((20_000, 1))
    truth[::3] = 0
    said = [np.where(rng.random((len(truth), 3)) < 0.1, 1 - truth, truth) for _ in range(2)]
    paired = by_scores(scores_of(*said, sample=sample), "old", "new")
    flips = version_change(paired, np.arange(len(truth))).flips
    for known in (flips.rate, flips.floor):
        assert known.value == pytest.approx(0.09, abs=0.004)
    assert flips.excess.value == pytest.approx(0.0, abs=0.004)
    assert flips.excess.ends[0] < 0 < flips.excess.ends[1]
    if not sample:
        retest = version_change(paired, np.arange(len(truth))).retest
        assert retest.value == pytest.approx(0.18, abs=0.006)


def test_the_judges_noise_is_how_much_another_judging_would_differ() -> None:
    rng = np.random.default_rng(3)
    better = rng.choice([-1, 0, 1], 80)
    twice = [between_versions(judged_pairs(better, 2, rng, (2, 1)), "old", "new") for _ in range(300)]
    ends = [version_change(paired, np.arange(80)).again.upper for paired in twice]
    spread = 1.96 * float(np.std([paired.difference.mean() for paired in twice]))
    assert float(np.mean([end for end in ends if end is not None])) == pytest.approx(spread, rel=0.12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compared with each other", "each with a baseline", "right or wrong"])
@pytest.mark.parametrize("cluster", [1, 5])
def test_equal_versions_are_hardly_ever_called_worse(name: str, cluster: int) -> None:
    """At most 2.5 % are expected; 150 draws have more than 6 % of them once in two hundred such tests."""
    assert worse(changes(name, Design(60, cluster=cluster), 150, 4)) <= 6


@pytest.mark.parametrize("cluster", [1, 5])
def test_what_is_as_large_as_the_smallest_that_is_seen_is_found(cluster: int) -> None:
    design = Design(200, cluster=cluster, loss=0.2)
    known = changes("right or wrong", design, 100, 5)
    smallest = float(np.mean([change.smallest or np.nan for change in known]))
    assert 0.05 < smallest < 0.16 < 0.2  # the planted loss as the judge sees it: 20 points, times 1 - 2 * 0.1
    assert worse(known) > 80


def test_a_category_is_what_its_instructions_are_by_themselves() -> None:
    rng = np.random.default_rng(6)
    old, new = rng.integers(0, 2, (2, N, 2)).astype(float)
    half = np.arange(N) % 2 == 0
    part = by_scores(scores_of(old, new), "old", "new").select(half)
    alone = by_scores(scores_of(old[half], new[half]), "old", "new")
    assert version_change(part, np.arange(len(part))) == version_change(alone, np.arange(len(alone)))


def test_decisions_are_by_where_the_interval_lies() -> None:
    def known(lower: float | None, upper: float | None) -> Estimate:
        return Estimate(0.0, lower, upper, 0.95, "", 9, "" if lower is not None else "few")

    assert decide(known(-0.3, -0.1)) == "worse"
    assert decide(known(0.0, 0.1)) == "no worse"
    assert decide(known(-0.1, 0.1)) == "cannot tell"
    assert decide(known(-0.1, 0.1), 0.1) == "no worse"
    assert decide(known(-0.3, -0.1), 0.2) == "cannot tell"
    assert decide(known(-0.3, -0.21), 0.2) == "worse"
    assert decide(known(None, None), 0.2) == "cannot tell"
    for margin in (-0.1, float("nan"), float("inf")):
        with pytest.raises(StatisticsError, match="margin"):
            decide(known(0.0, 0.1), margin)


def test_the_smallest_seen_is_what_a_plan_says() -> None:
    assert smallest_seen(0.05, 99) == pytest.approx(0.05 * (1.984 + 0.845), rel=0.01)


def test_versions_without_an_instruction_in_common_are_refused() -> None:
    table = scores_of(*planted())
    apart = table.select((table.model == 0) == (table.instruction < 30))
    with pytest.raises(StatisticsError, match="both"):
        by_scores(apart, "old", "new")
