"""Studies from plan to stored verdict, against a real server on loopback."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench import engine, services
from judgebench.engine.plan import planned_trials
from judgebench.errors import InputError, JudgeError
from judgebench.records import Source, Status
from judgebench.show.sentences import stopped, within_cost
from judgebench.spec import Study, make
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.engine.served import prefers_quality, prefers_quality_aloud, rates_quality
from tests.fault_server import FaultServer, Reply
from tests.filling import asked, stored


def _study(url: str = "http://127.0.0.1:9/v1", template: str = "pairwise/three-way", **fields: Any) -> Study:
    judge = {"model": "judge", "url": url, "template": template}
    return make(Study, {"benchmark": "bench", "judge": judge, **fields}, where="test")


def _pointwise(url: str = "http://127.0.0.1:9/v1", **fields: Any) -> Study:
    return _study(url, "pointwise/mt-bench", **fields)


def _run(database: Database, wanted: Study) -> engine.run.RunReport:
    return engine.run.run(database, wanted, environment={})


def test_both_orders_of_every_pair_are_asked_once_and_a_second_run_asks_nothing(database: Database) -> None:
    stored(database, asked(3), ["m1", "m2", "m3"])
    with FaultServer(prefers_quality) as server:
        wanted = _study(server.url, all_pairs=True)
        first, second = _run(database, wanted), _run(database, wanted)
    assert first.tally.ended == {Status.OK: 18}
    assert (first.calls, second.calls, second.tally.ended) == (18, 0, {Status.OK: 18})
    with database.read() as connection:
        v = t.verdicts.c
        assert set(connection.scalars(sa.select(v.preference))) == {0.0}  # A is always the model of lower quality
        assert set(connection.scalars(sa.select(v.order))) == {"AB", "BA"}


def test_a_pointwise_judge_reads_every_output_once_and_its_scores_are_stored(database: Database) -> None:
    stored(database, asked(4), ["m3", "m7"])
    with FaultServer(rates_quality) as server:
        wanted = _pointwise(server.url, repeats=2)
        first, second = _run(database, wanted), _run(database, wanted)
    assert (first.calls, first.tally.ended) == (16, {Status.OK: 16})
    assert (second.calls, second.tally.ended) == (0, {Status.OK: 16})
    with database.read() as connection:
        v, o = t.verdicts.c, t.outputs.c
        query = sa.select(t.models.c.name, v.score, v.output_b_id, v.order, v.preference).distinct()
        rows = connection.execute(
            query.join(t.outputs, o.id == v.output_a_id).join(t.models, t.models.c.id == o.model_id)
        )
        assert sorted(map(tuple, rows)) == [("m3", 3.0, None, None, None), ("m7", 7.0, None, None, None)]


def test_a_pointwise_plan_counts_outputs_and_what_is_missing(database: Database) -> None:
    stored(database, asked(4), ["m3", "m7"])
    planned = engine.plan.plan(database, _pointwise(models=["m3"], repeats=3, limit=2))
    assert (planned.outputs, planned.battles, planned.trials, planned.missing) == (2, 0, 6, {})


def test_a_plan_counts_only_the_chosen_category(database: Database) -> None:
    stored(database, asked(5), ["m1", "m2"])
    planned = engine.plan.plan(database, _study(all_pairs=True, category="c1", limit=1))
    assert (planned.battles, planned.trials, planned.missing) == (1, 2, {})


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (_study(), "say which outputs meet"),
        (_pointwise(all_pairs=True), "scores each output by itself"),
        (_pointwise(orders="random"), "scores each output by itself"),
    ],
)
def test_a_design_that_does_not_fit_the_template_is_one_clear_error(
    database: Database, wanted: Study, message: str
) -> None:
    stored(database, asked(1), ["m1", "m2"])
    with pytest.raises(InputError, match=message):
        engine.plan.plan(database, wanted)


def test_a_template_that_shows_what_instructions_lack_is_refused_before_anything_is_asked(database: Database) -> None:
    stored(database, [*asked(2), *(replace(each, turns=("more",), reference="gold") for each in asked(1))], ["m1"])
    wanted = _study(template="pointwise/mt-bench-reference")
    with pytest.raises(InputError, match=r"shows a reference, which 2 of 3 instructions of 'bench' do not have"):
        engine.plan.plan(database, wanted)


def test_the_checklist_is_shown_where_every_instruction_has_one(database: Database) -> None:
    stored(database, asked(2, checklist=("Is it short?",)), ["m1"])
    planned = engine.plan.plan(database, _study(template="pointwise/checklist"))
    assert planned.trials == 2


def test_scores_are_read_again_by_the_current_parser(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(database, asked(2), ["m3"])
    with FaultServer(rates_quality) as server:
        report = _run(database, _pointwise(server.url))
    assert engine.run.reparse(database, report.judge) == (0, 0)
    with database.write() as connection:
        connection.execute(sa.update(t.verdicts).values(parser="0", score=1.0))
    assert engine.run.reparse(database, report.judge) == (2, 2)
    with database.read() as connection:
        newest = sa.select(t.verdicts.c.score).where(t.verdicts.c.revision == 1)
        assert list(connection.scalars(newest)) == [3.0, 3.0]


def test_odds_are_those_of_the_verdict_where_the_server_logs_thinking_too(database: Database) -> None:
    stored(database, asked(4), ["m1", "m2"])
    with FaultServer(prefers_quality_aloud) as server:
        report = _run(database, _study(server.url, "pairwise/two-way", all_pairs=True))
    board = services.leaderboards.leaderboard(database, "bench")
    assert [row.model for row in board.rows] == ["m2", "m1"]
    battle = services.battles.battle(database, "bench", asked(1)[0].key, "m1", "m2")
    assert {shown.verdict.source for shown in battle.verdicts} == {Source.LOGPROBS}
    assert {round(shown.verdict.preference or 0, 2) for shown in battle.verdicts} == {0.01}
    assert sorted(token.token for token in battle.tokens.values()) == ["A", "B"]
    with database.write() as connection:  # as parser 3 read it, from the thinking
        connection.execute(sa.update(t.verdicts).values(parser="3", preference=0.7))
    assert engine.run.reparse(database, report.judge) == (8, 8)
    again = services.battles.battle(database, "bench", asked(1)[0].key, "m1", "m2")
    assert {round(shown.verdict.preference or 0, 2) for shown in again.verdicts} == {0.01}


def test_an_estimate_of_a_pointwise_study_asks_nothing(database: Database) -> None:
    stored(database, asked(3), ["m3", "m7"])
    estimate = engine.plan.estimate(database, _pointwise())
    assert (estimate.calls, estimate.identical, estimate.answered) == (6, 0, 0)
    assert estimate.prompt_tokens > 6 * 100


def test_trials_are_planned_a_page_at_a_time(database: Database) -> None:
    stored(database, asked(45), ["m1", "m2"])
    wanted = _study(all_pairs=True, limit=41)
    planned = engine.plan.plan(database, wanted)
    stream = planned_trials(database, planned)
    assert planned.trials == 82 == len({trial.key for trial in stream})


def test_a_judge_that_refuses_the_key_ends_the_run_before_anything_is_written(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])
    with FaultServer(lambda index, request: Reply.error(401)) as server, pytest.raises(JudgeError, match="401"):
        _run(database, _study(server.url, all_pairs=True))
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.runs)) == 0


def test_names_of_other_models_in_replies_are_reported(database: Database) -> None:
    stored(database, asked(1), ["m1", "m2"])
    with FaultServer(lambda index, request: Reply.chat("[[A]]", model="judge-mini")) as server:
        report = _run(database, _study(server.url, all_pairs=True))
    assert report.other_models == ("judge-mini",)


def test_a_run_that_its_cost_ends_says_so(database: Database) -> None:
    stored(database, asked(6), ["m1", "m2"])
    with FaultServer(prefers_quality) as server:
        study = make(
            Study,
            {
                "benchmark": "bench",
                "judge": {"model": "judge", "url": server.url, "template": "pairwise/two-way", "price": "1000,1000"},
                "all_pairs": True,
                "max_cost": 0.02,
                "concurrency": 1,
            },
            where="test",
        )
        estimate = engine.plan.estimate(database, study)
        report = _run(database, study)
        ended = _run(database, study.model_copy(update={"max_cost": None}))
    assert report.tally.stopped_by == "max_cost"
    assert report.tally.pending == 12 - report.calls > 0
    assert not report.interrupted
    assert ended.tally.stopped_by is None
    assert estimate.cost_usd is not None
    [sentence] = within_cost(estimate.cost_usd, study.max_cost)
    assert "more than max_cost, 0.02 USD: it will stop after about" in sentence
    [told] = stopped(report.tally.stopped_by, report.tally.pending)
    assert told.startswith("stopped because as much was spent as max_cost allows")
