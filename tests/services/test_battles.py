"""Lists of battles under every filter, against a count by hand of the same verdicts."""

from dataclasses import replace
from itertools import pairwise

import pytest

from judgebench import services, store
from judgebench.errors import UnknownName
from judgebench.records import (
    Battle,
    HumanLabel,
    Instruction,
    Judge,
    Order,
    Output,
    Source,
    Status,
    Trial,
    TrialResult,
    Verdict,
)
from judgebench.store.battles import BattleFilter
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests import mixed
from tests.factories import result
from tests.filling import judged_samples, judging, sampled, submitted

_JUDGE = Judge("judge", "m", "pairwise/two-way.v1", "0" * 32)
_ASKED = [Instruction((f"Question {n}",), category="even" if n % 2 == 0 else "odd") for n in range(12)]
_MODELS = ("best", "middle", "worst")


def _said(number: int, a: str, b: str, order: Order) -> Verdict:
    if (number, a, b, order) == (3, "best", "worst", Order.BA):
        return Verdict(Status.FAILED, Source.NONE, detail="?", parser="1")
    if (number, a, b) == (4, "best", "worst"):
        return Verdict(Status.OK, Source.LABEL, 0.0, parser="1")  # the upset
    if (number, a, b) == (5, "best", "middle"):
        return Verdict(Status.OK, Source.LABEL, 1.0 if order is Order.AB else 0.0, parser="1")
    if (number, a, b) == (6, "middle", "worst"):
        return Verdict(Status.OK, Source.LOGPROBS, 1.0, mass=0.2, parser="1")
    return Verdict(Status.OK, Source.LABEL, 1.0, parser="1")


@pytest.fixture
def filled() -> Database:
    database = Database(":memory:", create=True)

    def text(model: str, number: int) -> str:
        return f"{model} says " + ("" if model == "best" and number == 7 else "x" * 90)

    outputs = submitted(database, _ASKED, _MODELS, text, benchmark="b")
    results = []
    for number, each in enumerate(_ASKED):
        for a, b in (("best", "middle"), ("best", "worst"), ("middle", "worst")):
            battle = Battle.of(each, outputs[each.key, a], outputs[each.key, b])
            for order in Order:
                verdict = _said(number, a, b, order)
                results.append(result(Trial(_JUDGE.digest, battle, order), verdict, reply=None))
    verdicts = judging(database, _JUDGE, benchmark="b")
    with database.write() as connection:
        verdicts.add(connection, results)
    return database


def found(database: Database, **chosen: object) -> list[tuple[str, str, str]]:
    rows, total = services.battles.battles(database, "b", BattleFilter(**chosen), limit=100)
    assert total == len(rows)
    return [(row.text.removeprefix("Question "), row.model_a, row.model_b) for row in rows]


def test_filters_find_what_they_say(filled: Database) -> None:
    assert len(found(filled)) == 36
    assert len(found(filled, models=("best",))) == 24
    assert len(found(filled, models=("worst", "best"))) == 12
    assert len(found(filled, category="odd", judge="judge")) == 18
    assert found(filled, inconsistent=True) == [("5", "best", "middle")]
    assert found(filled, without_verdict=True) == [("3", "best", "worst")]
    assert found(filled, text="question 11", models=("best", "middle")) == [("11", "best", "middle")]
    assert len(found(filled, text="worst SAYS")) == 24
    assert found(filled, text="100%") == []


def test_suspicious_are_little_mass_and_short_winners(filled: Database) -> None:
    assert found(filled, suspicious=True) == [("6", "middle", "worst"), ("7", "best", "middle"), ("7", "best", "worst")]


def test_upsets_come_first(filled: Database) -> None:
    rows = found(filled, order="upsets")
    assert rows[0] == ("4", "best", "worst")
    assert len(rows) == 36


def test_pages_follow_each_other(filled: Database) -> None:
    pages = [
        services.battles.battles(filled, "b", BattleFilter(), limit=5, offset=offset)[0] for offset in range(0, 36, 5)
    ]
    rows = [row for page in pages for row in page]
    assert [row.text for row in rows] == [f"Question {n // 3}" for n in range(36)]
    assert all(one != other for one, other in pairwise(rows))


def test_judges_against_people(filled: Database) -> None:
    for number, preference in ((0, 0.0), (1, 1.0), (2, 0.5)):
        label = HumanLabel.of("ann", _ASKED[number].key, first="best", second="worst", preference=preference)
        services.labels.vote(filled, "b", label)
    assert found(filled, against_human=True) == [("0", "best", "worst")]
    shown = services.battles.battle(filled, "b", _ASKED[0].key, "worst", "best")
    assert [(label.annotator, label.preference) for label in shown.labels] == [("ann", 0.0)]
    assert services.battles.battle(filled, "b", _ASKED[3].key, "worst", "best").labels == ()


def test_a_later_revision_is_in_force(filled: Database) -> None:
    each = _ASKED[3]
    outputs = {model: Output(each.key, model, f"{model} says " + "x" * 90) for model in ("best", "worst")}
    trial = Trial(_JUDGE.digest, Battle.of(each, outputs["best"], outputs["worst"]), Order.BA)
    with filled.write() as connection:
        run = store.runs.start_run(connection, benchmark_id=1, judge_id=1, kind="run", specification={})
        again = Verdict(Status.OK, Source.LABEL, 1.0, parser="2")
        result = TrialResult(trial.key, each.key, "best", "worst", Order.BA, 0, again, None)
        VerdictWriter(connection, run).add(connection, [result])
    assert found(filled, without_verdict=True) == []


def test_unknown_names(filled: Database) -> None:
    for chosen in (BattleFilter(judge="nobody"), BattleFilter(models=("nobody",))):
        with pytest.raises(UnknownName):
            services.battles.battles(filled, "b", chosen)
    with pytest.raises(UnknownName):
        services.battles.battles(filled, "nothing", BattleFilter())


@pytest.fixture
def everything(database: Database) -> Database:
    """Plain texts, two turns, tools, pictures and samples, on either engine."""
    mixed.filled(database)
    return database


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("ERROR 500", {"agent"}),
        ('"days": 4', {"agent"}),
        ("book_leave", {"agent"}),
        ("Never ask", {"agent"}),
        ("alpha says red", {"turns"}),
        ("Number 2, says beta", {"samples"}),
        ("cat.png", {"picture"}),
        ("assistant", set()),  # a role, and the name of no text
        ("parts", set()),  # of how messages are stored
    ],
)
def test_a_text_is_found_wherever_somebody_said_it(everything: Database, text: str, categories: set[str]) -> None:
    rows, total = services.battles.battles(everything, mixed.BENCHMARK, BattleFilter(text=text))
    assert {row.category for row in rows} == categories
    assert total == len(rows)


def test_a_battle_with_samples_is_one_row_and_shows_them_all(everything: Database) -> None:
    rows, total = services.battles.battles(everything, mixed.BENCHMARK, BattleFilter(category="samples"))
    [row] = rows
    assert (total, row.trials, row.with_preference, row.lowest, row.highest) == (1, 6, 6, 0.3, 0.8)
    assert row.preference == pytest.approx((0.3 + 0.8 + 0.8) / 3)
    assert row.consistent  # each two outputs have one preference, in both orders
    battle = services.battles.battle(everything, mixed.BENCHMARK, row.instruction, "alpha", "beta")
    assert [(a.sample, b.sample) for a, b in battle.outputs] == [(0, 0), (1, 1), (2, 2)]
    assert len(battle.verdicts) == 6
    for chosen in (BattleFilter(inconsistent=True), BattleFilter(order="upsets"), BattleFilter(suspicious=True)):
        services.battles.battles(everything, mixed.BENCHMARK, chosen)
    label = HumanLabel.of("ann", row.instruction, first="alpha", second="beta", preference=0.0, samples=(2, 2))
    services.labels.vote(everything, mixed.BENCHMARK, label)
    [against], _ = services.battles.battles(everything, mixed.BENCHMARK, BattleFilter(against_human=True))
    assert against.category == "samples"


def test_only_verdicts_on_the_same_two_outputs_contradict_each_other(database: Database) -> None:
    sampled(database)
    judged_samples(database)
    rows, _ = services.battles.battles(database, "bench", BattleFilter())
    assert [(row.lowest, row.highest, row.trials, row.consistent) for row in rows] == [(0.0, 1.0, 4, True)] * 6
    inconsistent = BattleFilter(inconsistent=True)
    assert services.battles.battles(database, "bench", inconsistent) == ([], 0)
    judged_samples(database, "always-first", fair=False)
    for judge, number in (("judge", 0), ("always-first", 6), (None, 6)):
        rows, total = services.battles.battles(database, "bench", replace(inconsistent, judge=judge))
        assert (total, [row.consistent for row in rows]) == (number, [False] * number)


def test_a_verdict_is_not_compared_with_that_on_another_sample(database: Database) -> None:
    sampled(database)
    judged_samples(database, orders=(Order.AB,))
    rows, _ = services.battles.battles(database, "bench", BattleFilter())
    assert [(row.with_preference, row.consistent) for row in rows] == [(2, None)] * 6


def test_a_battle_may_be_shown_with_one_judges_verdicts_alone(database: Database) -> None:
    key, *_ = sampled(database)
    judged_samples(database)
    judged_samples(database, "other", fair=False)
    for judge, names in (("other", {"other"}), (None, {"judge", "other"})):
        shown = services.battles.battle(database, "bench", key, "alpha", "beta", judge=judge)
        assert {verdict.judge for verdict in shown.verdicts} == names
    with pytest.raises(UnknownName):
        services.battles.battle(database, "bench", key, "alpha", "beta", judge="nobody")
