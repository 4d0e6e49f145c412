"""The leaderboard as it would be without an effect."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.bias.counterfactual import counterfactuals
from judgebench.bias.effects import Effect, length_effect, place_effect
from judgebench.bias.relatives import relation_effects, relation_matrix
from judgebench.errors import UnknownName
from judgebench.stats.win_rate import win_rates
from tests.bias.factories import LINEAGES, WORLD, BiasedWorld, JudgedWorld, both_orders
from tests.stats.factories import swapped


def effects_of(table):
    relations = relation_matrix(table, ["j0", "j1", "j2"], LINEAGES)
    return [place_effect(table), length_effect(table), *relation_effects(table, relations)]


@pytest.fixture(scope="module")
def book():
    table = WORLD.table(np.random.default_rng(1))
    return table, counterfactuals(table, effects_of(table))


def by_name(found):
    return {entry.name: entry for entry in found.entries}


def test_as_judged_are_the_win_rates(book):
    table, found = book
    rates = dict(zip(table.models, win_rates(table).rate, strict=True))
    for row in found.together.board:
        assert row.win_rate.value == pytest.approx(rates[row.model], abs=2e-3)


def test_the_verbose_model_loses_its_place(book):
    _, found = book
    length = by_name(found)["length"]
    rows = {row.model: row for row in length.board}
    assert rows["m3"].change.upper < 0
    assert rows["m2"].change.lower > 0
    assert [row.model for row in found.together.board] == [f"m{m}" for m in range(6)]


def test_effects_that_are_not_there_are_entered_and_remove_nothing(book):
    _, found = book
    same = by_name(found)["same"]
    assert (same.points.identified, same.board, same.flips) == (False, (), ())
    assert by_name(found)["family"].points.lower > 0


def test_win_rates_of_a_board_add_up(book):
    """All pairs meet equally often, so that the mean is one half with and without an effect."""
    for entry in (*book[1].entries, book[1].together):
        if entry.board:
            assert np.mean([row.without.value for row in entry.board]) == pytest.approx(0.5)
            assert sum(row.change.value for row in entry.board) == pytest.approx(0, abs=1e-9)


def test_calling_a_b_changes_no_leaderboard(book):
    table, found = book
    turned = swapped(table)
    other = counterfactuals(turned, effects_of(turned))
    for one, two in zip(found.entries, other.entries, strict=True):
        assert [r.model for r in one.board] == [r.model for r in two.board]
        assert [r.change.value for r in one.board] == pytest.approx([r.change.value for r in two.board], abs=1e-6)


def test_change_comes_back_at_the_nominal_rate():
    """Recovery: without length, win rates are those of the same world where the judge has no eye for length."""
    rng = np.random.default_rng(2)
    biased = BiasedWorld(strengths=(0.5, 0.0, -0.5), length_slope=0.8, longer=(1, 1.0), instructions=60)
    fair = replace(biased, length_slope=0.0)
    truth = win_rates(replace(fair, instructions=20_000).table(rng)).rate
    found = [counterfactuals(table, [length_effect(table)]) for table in (biased.table(rng) for _ in range(80))]
    for m in range(3):
        rows = [next(row for row in f.together.board if row.model == f"m{m}") for f in found]
        assert np.mean([row.without.value for row in rows]) == pytest.approx(truth[m], abs=0.012)
        assert np.mean([row.without.lower <= truth[m] <= row.without.upper for row in rows]) > 0.87


@pytest.mark.slow
def test_false_alarms_are_nominal():
    rng = np.random.default_rng(3)
    world = BiasedWorld(strengths=(0.5, 0.0, -0.5), longer=(1, 1.0), instructions=60, noise=0.8)
    found = [counterfactuals(table, [length_effect(table)]) for table in (world.table(rng) for _ in range(200))]
    alarms = [row.change.excludes_zero for f in found for row in f.together.board if row.model == "m1"]
    assert 0.01 < np.mean(alarms) < 0.095


def test_a_judge_that_always_says_first_promotes_nobody():
    table = both_orders([("first", "first")] * 50)
    found = counterfactuals(table, [place_effect(table)])
    assert [row.win_rate.value for row in found.together.board] == pytest.approx([0.5, 0.5])
    assert found.together.flips == ()


def test_against_a_baseline_only_its_battles_count():
    table = WORLD.table(np.random.default_rng(4))
    found = counterfactuals(table, [length_effect(table)], baseline="m5")
    rates = win_rates(table, baseline="m5")
    rows = {row.model: row for row in found.together.board}
    assert rows["m0"].win_rate.value == pytest.approx(rates.rate[0], abs=3e-3)
    assert found.verdicts == 5 * 120 * 3 * 2
    with pytest.raises(UnknownName, match="baseline"):
        counterfactuals(table, [], baseline="nobody")


def test_no_effect_and_one_instruction():
    table = both_orders([("first", "second"), ("tie", "tie")])
    found = counterfactuals(table, [])
    assert (found.entries, [row.change.value for row in found.together.board]) == ((), [0.0, 0.0])
    alone = counterfactuals(table.select(np.arange(2)), [Effect("x", np.array([1.0, 1.0]))])
    assert not alone.entries[0].points.identified
    assert alone.together.board[0].change.lower is None


def test_win_rates_as_judged_have_their_interval(book):
    table, found = book
    rates = win_rates(table)
    errors = dict(zip(table.models, rates.standard_error, strict=True))
    for row in found.together.board:
        half = 1.96 * errors[row.model]
        assert row.win_rate.upper - row.win_rate.lower == pytest.approx(2 * half, rel=0.1)


def flips_of(world, rng, boards, *, labels):
    """Share of boards on which a change of places without length is shown."""
    shown = []
    for _ in range(boards):
        table, human = world.board(rng)
        effects = [place_effect(table), length_effect(table)]
        shown.append(bool(counterfactuals(table, effects, human=human if labels else None).entries[1].flips))
    return np.mean(shown)


def test_nobody_is_said_to_pass_another_where_length_does_not_matter():
    """On about half of these boards the order changes without length."""
    world = JudgedWorld(spread=0.3, quality=0.0, longer=0.5, instructions=40)
    assert flips_of(world, np.random.default_rng(5), 60, labels=False) <= 0.02


@pytest.mark.parametrize("sharpness", [0.6, 1.6])
@pytest.mark.slow
def test_a_judge_with_peoples_taste_makes_nobody_pass(sharpness):
    """Quality rises with length, and models differ in length; without labels that looks like a taste of the judge."""
    world = JudgedWorld(spread=0.5, longer=0.8, sharpness=sharpness, votes=3)
    assert flips_of(world, np.random.default_rng(6), 30, labels=False) > 0.2  # which no sentence calls passing
    assert flips_of(world, np.random.default_rng(6), 30, labels=True) == 0.0


def test_without_labels_what_is_taken_away_of_length_has_its_quality():
    table, human = JudgedWorld(votes=3).board(np.random.default_rng(11))
    effects = [place_effect(table), length_effect(table)]
    blurred = {
        labelled: [entry.with_quality for entry in (*found.entries, found.together)]
        for labelled, found in (
            (False, counterfactuals(table, effects)),
            (True, counterfactuals(table, effects, human=human)),
        )
    }
    assert blurred == {False: [False, True, True], True: [False, False, False]}


@pytest.mark.parametrize("labels", [False, True])
def test_true_changes_of_places_are_shown(labels):
    world = JudgedWorld(quality=0.0, taste=0.8, brief=True, votes=5, instructions=150)
    assert flips_of(world, np.random.default_rng(7), 20, labels=labels) > 0.7


def test_a_change_of_places_has_both_differences():
    table, human = JudgedWorld(quality=0.0, taste=0.8, brief=True, votes=5, instructions=300).board(
        np.random.default_rng(8)
    )
    entry = counterfactuals(table, [length_effect(table)], human=human).entries[0]
    rows = {row.model: row for row in entry.board}
    for pair in entry.flips:
        low, high = rows[pair.model], rows[pair.passes]
        assert pair.gain.value == pytest.approx(low.change.value - high.change.value)
        assert pair.lead.value == pytest.approx(low.without.value - high.without.value)
        assert pair.gain.lower > 0 < pair.lead.lower
        assert low.win_rate.value < high.win_rate.value
    assert entry.flips
    assert entry.removed == "length beyond people"


def test_where_people_tell_no_models_apart_length_stays():
    table, _ = JudgedWorld(taste=0.8).board(np.random.default_rng(9))
    found = counterfactuals(table, [place_effect(table), length_effect(table)], human=np.full(len(table), 0.5))
    place, length = found.entries
    assert place.board
    assert (length.board, length.flips, length.points.identified) == ((), (), True)
    assert found.together.removed == "position"
    assert found.notes[1].startswith("length stays: people do not tell these models apart")


def test_labels_of_some_instructions_tell_of_all():
    table, human = JudgedWorld(quality=0.0, taste=0.8, brief=True, votes=5, instructions=200).board(
        np.random.default_rng(10)
    )
    part = np.where(table.instruction % 2 == 0, human, np.nan)
    whole, half = (counterfactuals(table, [length_effect(table)], human=h).entries[0] for h in (human, part))
    widths = [[row.without.upper - row.without.lower for row in entry.board] for entry in (whole, half)]
    assert np.mean(widths[1]) > np.mean(widths[0])
    for one in whole.board:
        other = next(row for row in half.board if row.model == one.model)
        assert other.without.lower < one.without.value < other.without.upper


def test_a_baseline_stays_at_one_half():
    table = WORLD.table(np.random.default_rng(11))
    found = counterfactuals(table, [length_effect(table)], baseline="m5")
    row = next(row for row in found.together.board if row.model == "m5")
    assert (row.win_rate.value, row.without.value, row.change.value) == (0.5, 0.5, 0.0)


def test_models_are_marked_by_what_audits_found(book):
    found = book[1].marked({"m3": "audit: repeated-line"}, ["m3: see"])
    for entry in (*found.entries, found.together):
        assert {row.model for row in entry.board if "audit" in row.flag} <= {"m3"}
    flag = next(row.flag for row in found.together.board if row.model == "m3")
    assert flag.split(", ")[-1] == "audit: repeated-line"
    assert found.notes[-1] == "m3: see"


@pytest.mark.parametrize(("shorter", "flag"), [(1.0, "extrapolated"), (0.96, "extrapolated"), (0.9, ""), (0.5, "")])
def test_a_model_of_whose_length_one_side_only_is_seen_is_marked_where_length_is_taken_away(shorter, flag):
    table = BiasedWorld(instructions=100, slots=(0.0,)).table(np.random.default_rng(0))
    mine, rank = table.model_a == 0, table.instruction % 100
    brief = np.where(rank < 100 * shorter, 0, 10_000).astype(np.int32)
    table = replace(
        table,
        length_a=np.where(mine, brief, table.length_a),
        length_b=np.where(table.model_b == 0, brief, table.length_b),
    )
    found = counterfactuals(table, [length_effect(table), place_effect(table)])
    flags = {row.model: row.flag for row in by_name(found)["length"].board}
    assert flags[table.models[0]] == flag
    words = f"extrapolated: over 95% of the outputs of {table.models[0]} are shorter than those they met"
    assert any(note.startswith(words) for note in found.notes) == bool(flag)
    assert any("learnt from these verdicts" in note for note in found.notes)
    marked = found.marked({table.models[0]: "audit: copy"}).together.board
    assert {row.model: row.flag for row in marked}[table.models[0]] == ", ".join(filter(None, (flag, "audit: copy")))
    assert not any("slope" in note for note in counterfactuals(table, [place_effect(table)]).notes)
