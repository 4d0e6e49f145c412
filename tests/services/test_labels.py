"""What people say about battles is stored once, on either engine, and read again as it was said."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from judgebench import services
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import HumanLabel, Order
from judgebench.services.scope import Scope
from judgebench.stats.agreement import Resampling
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests import mixed
from tests.factories import instruction, ok, result, trial
from tests.filling import filled

PAIRS = [("agent", 0), ("picture", 0), ("plain", 0), *(("samples", at) for at in range(3)), ("turns", 0)]  # of mixed


def said(number: int = 0, preference: float = 1.0, annotator: str = "ann", **more: object) -> HumanLabel:
    """A label by someone who saw beta's output first."""
    return HumanLabel.of(
        annotator, instruction(number).key, first="beta", second="alpha", preference=preference, **more
    )


def test_a_vote_comes_back_as_it_was_given(database: Database) -> None:
    filled(database)
    assert services.labels.vote(database, "bench", said(preference=0.75))
    [label] = services.labels.human_labels(database, "bench", annotator="ann")
    assert (label.model_a, label.model_b, label.preference, label.order) == ("alpha", "beta", 0.25, Order.BA)
    assert label.source == "app"
    assert label.created_at is not None
    assert [label.annotator for label in services.labels.human_labels(database, "bench")] == ["ann"]


def test_voting_again_adds_nothing_and_changing_ones_mind_is_refused(database: Database) -> None:
    filled(database)
    before = services.benchmarks.version(database)
    assert services.labels.vote(database, "bench", said())
    assert services.benchmarks.version(database) != before
    assert not services.labels.vote(database, "bench", said())
    with pytest.raises(Conflict, match="never replaced"):
        services.labels.vote(database, "bench", said(preference=0.0))
    assert services.labels.vote(database, "bench", said(preference=0.0, annotator="bob"))
    assert check(database).rows["human_labels"] == 2


def test_both_bad_is_a_tie_of_its_own_kind(database: Database) -> None:
    filled(database)
    services.labels.vote(database, "bench", said(preference=0.5, both_bad=True))
    [label] = services.labels.human_labels(database, "bench")
    assert label.both_bad
    with pytest.raises(Conflict):
        services.labels.vote(database, "bench", said(preference=0.5))
    with pytest.raises(InputError, match="both outputs are bad"):
        services.labels.vote(database, "bench", said(1, preference=0.6, both_bad=True))


@pytest.mark.parametrize("preference", [-0.1, 1.1, float("nan")])
def test_a_preference_lies_between_nought_and_one(database: Database, preference: float) -> None:
    filled(database)
    with pytest.raises(InputError, match="preference"):
        services.labels.vote(database, "bench", said(preference=preference))


def test_labels_are_on_outputs_that_are_there(database: Database) -> None:
    filled(database)
    with pytest.raises(UnknownName, match="instruction"):
        services.labels.vote(database, "bench", said(77))
    with pytest.raises(UnknownName, match="output of model"):
        services.labels.vote(
            database, "bench", HumanLabel.of("a", instruction(0).key, first="alpha", second="zeta", preference=1)
        )
    with pytest.raises(UnknownName, match="benchmark"):
        services.labels.vote(database, "bunch", said())
    with pytest.raises(InputError, match="annotator"):
        services.labels.vote(database, "bench", said(annotator=" "))


def test_a_person_is_never_asked_twice(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(number), ok(1.0)) for number in range(2)])
    seen = set()
    for _ in range(2):
        [pair] = services.labels.to_label(database, "bench", "ann")
        seen.add(pair.instruction.key)
        assert {pair.first.model, pair.second.model} == {"alpha", "beta"}
        assert pair.first.text.startswith(pair.first.model)
        label = HumanLabel.of("ann", pair.instruction.key, first=pair.first.model, second=pair.second.model,
                              preference=1.0)  # fmt: skip
        assert services.labels.vote(database, "bench", label)
    assert seen == {instruction(0).key, instruction(1).key}
    assert services.labels.to_label(database, "bench", "ann") == []
    assert len(services.labels.to_label(database, "bench", "bob", limit=5)) == 2


def test_the_one_pair_that_differs_is_found_among_alike_ones_whatever_the_seed(database: Database) -> None:
    verdicts = filled(database, instructions=4)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(number), ok(1.0)) for number in range(4)])
        connection.execute(sa.update(tables.outputs).where(tables.outputs.c.instruction_id > 1).values(text="the same"))
    for seed in range(20):
        [pair] = services.labels.to_label(database, "bench", "ann", limit=1, seed=seed)
        assert pair.instruction.key == instruction(0).key
    services.labels.vote(database, "bench", said())
    assert services.labels.next_pair(database, "bench", "ann") is None


def test_which_output_comes_first_is_drawn(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(1.0))])
    firsts = {services.labels.to_label(database, "bench", "ann", seed=seed)[0].first.model for seed in range(20)}
    assert firsts == {"alpha", "beta"}


def test_people_are_asked_about_what_reads_alike_and_about_every_sample(database: Database) -> None:
    mixed.filled(database)
    pairs = []
    while pair := services.labels.next_pair(database, mixed.BENCHMARK, "ann", seed=len(pairs)):
        assert pair.first.sample == pair.second.sample
        label = HumanLabel.of(
            "ann", pair.instruction.key, first=pair.first.model, second=pair.second.model, preference=1.0,
            samples=(pair.first.sample, pair.second.sample),
        )  # fmt: skip
        assert services.labels.vote(database, mixed.BENCHMARK, label)
        pairs.append((pair.instruction.category, pair.first.sample))
    assert sorted(pairs) == PAIRS
    labels = services.labels.human_labels(database, mixed.BENCHMARK)
    assert sorted(label.samples for label in labels)[-2:] == [(1, 1), (2, 2)]
    assert services.labels.progress(database, mixed.BENCHMARK, "ann").mine == len(PAIRS)


def test_what_is_skipped_comes_back_last_and_in_its_order(database: Database) -> None:
    mixed.filled(database)
    skipped: list[services.labels.Compared] = []
    for seed in range(3 * len(PAIRS)):
        pair = services.labels.next_pair(database, mixed.BENCHMARK, "ann", seed=seed, skipped=skipped)
        assert pair is not None
        assert pair.compared == skipped[0] if len(skipped) == len(PAIRS) else pair.compared not in skipped
        skipped = [*(other for other in skipped if other != pair.compared), pair.compared]
    drawn = services.labels.to_label(database, mixed.BENCHMARK, "ann", limit=99, skipped=skipped[2:])
    assert [pair.compared for pair in drawn[-len(skipped[2:]) :]] == skipped[2:]


def test_each_question_is_a_label_of_its_own_and_overall_counts_where_none_is_named(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(1.0))])
    assert services.labels.vote(database, "bench", replace(said(), question="style"))
    assert services.labels.progress(database, "bench", "ann").mine == 0
    assert services.labels.next_pair(database, "bench", "ann") is not None
    assert services.agreement.agreement(database, "bench").people.labels == 0
    assert services.labels.human_labels(database, "bench") == []
    assert services.labels.vote(database, "bench", said(preference=0.0))
    with pytest.raises(Conflict):
        services.labels.vote(database, "bench", replace(said(preference=0.0), question="style"))
    assert not services.labels.vote(database, "bench", replace(said(), question="style"))
    assert services.labels.questions(database, "bench") == {"": 1, "style": 1}
    [style] = services.labels.human_labels(database, "bench", question="style")
    assert (style.preference, style.question) == (0.0, "style")
    boards = [
        services.leaderboards.leaderboard(database, "bench", scope=Scope(people=True, question=question))
        for question in ("", "style")
    ]
    assert [board.rows[0].model for board in boards] == ["alpha", "beta"]
    with pytest.raises(UnknownName, match="question"):
        services.labels.human_labels(database, "bench", question="tone")
    for unusable in (" ", "x" * 65, "a\u202eb"):
        with pytest.raises(InputError, match="question"):
            services.labels.vote(database, "bench", replace(said(1), question=unusable))


def test_ones_own_agreement_is_the_human_agreement_of_the_report_on_voters(database: Database) -> None:
    verdicts = filled(database, instructions=8)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(number), ok(0.8 if number % 3 else 0.5)) for number in range(8)])
    for number in range(8):
        services.labels.vote(database, "bench", said(number, preference=0.0 if number % 2 else 1.0))
    services.labels.vote(database, "bench", said(0, annotator="bob"))
    [ann, _] = services.voters.voters(database, "bench", how=Resampling(resamples=20, level=0.9)).voters
    [beside] = ann.with_judges.values()
    assert ann.name == "ann"
    assert services.labels.progress(database, "bench", "ann", level=0.9).agreement == beside
