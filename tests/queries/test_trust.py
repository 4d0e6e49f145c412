"""Everything about trust is read from either engine."""

from judgebench import services, store
from judgebench.records import HumanLabel, Model, Order, Output
from judgebench.store.database import Database
from tests.factories import failed, filled, instruction, ok, result, trial


def judged(database: Database) -> None:
    """Two battles in both orders, one that failed, and a label on the first and on the last."""
    verdicts = filled(database)
    with database.write() as connection:
        rows = [result(trial(number, order), ok(0.8)) for number in range(2) for order in Order]
        verdicts.add(connection, [*rows, result(trial(2), failed(), reply=None)])
    for number in (0, 2):
        label = HumanLabel.of("ann", instruction(number).key, first="alpha", second="beta", preference=1.0)
        services.labels.vote(database, "bench", label)


def test_bias_and_agreement(database: Database) -> None:
    judged(database)
    found = services.bias.bias(database, "bench", judges=["judge"])
    assert (found.verdicts, found.position.matched, found.position.consistency.value) == (4, 2, 1.0)
    [judge] = services.agreement.agreement(database, "bench").judges
    assert (judge.items, judge.without_verdict) == (2, 1)
    assert judge.accuracy.value == 0.5
    assert [each.category for each in judge.by_category] == ["c0"]


def test_style_is_counted_in_outputs_that_came_later_as_well(database: Database) -> None:
    filled(database)
    keys = [instruction(number).key for number in range(3)]
    for model, text in (("gamma", "- a\n- b"), ("delta", "# **c**")):
        with database.write() as connection:
            store.models.add_model(connection, Model(model))
            store.models.add_outputs(
                connection, store.benchmarks.benchmark_id(connection, "bench"), [Output(keys[1], model, text)]
            )
        with database.read() as connection:
            found = store.arrays.style_counts(
                connection,
                store.benchmarks.benchmark_id(connection, "bench"),
                models=("delta", "gamma"),
                instructions=keys,
            )
    marks = {name: counts.tolist() for name, counts in found.items()}
    nothing = [0.0, 0.0]
    assert marks == {
        "headers": [nothing, [1.0, 0.0], nothing],
        "lists": [nothing, [0.0, 2.0], nothing],
        "bold": [nothing, [1.0, 0.0], nothing],
        "code": [nothing] * 3,
    }


def test_a_card(database: Database) -> None:
    judged(database)
    lines = {line.name: line for line in services.cards.card(database, "judge").lines}
    assert lines["reached"].figure.value == 0.8
    assert lines["parsed"].figure.value == 1.0
    assert lines["cost"].figure.value == 0.01
    assert lines["latency"].figure.value == 0.5


def test_controls_queue_and_contamination(database: Database) -> None:
    judged(database)
    controls = services.leaderboards.Controls(related_weight=0.0)
    board = services.leaderboards.leaderboard(database, "bench", controls=controls)
    assert board.notes[0] == "0 verdicts by judges related to one of the two models: 0 left out"
    waiting = services.agreement.human_queue(database, "bench", "judge")
    assert [each.instruction.key for each in waiting.battles] == [instruction(1).key]
    assert services.contamination.contamination(database, "bench").instructions.value == 0.0
