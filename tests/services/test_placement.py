"""New models on a board: who is asked about whom, what it takes, and where they land."""

import re
from dataclasses import replace

import pytest

from judgebench import engine, services
from judgebench.engine.runner import run_async
from judgebench.errors import InputError, UnknownName
from judgebench.formats import registry
from judgebench.formats.games import of_all
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.services.placement import CAP_USD, Bill, Charge, bill, check_consent, estimates, placing, plan
from judgebench.show.placement import bill_document, billed, placed, placement_document, planned
from judgebench.show.text import listing
from judgebench.spec import JudgeSpec, Study, make
from judgebench.store.database import Database
from tests.factories import JUDGE, instruction
from tests.fault_server import FaultServer, Reply
from tests.filling import submitted
from tests.judged import recorded

COIN = JudgeSpec(model="scripted:coin")
_LISTED = Reply.of({"data": [{"id": "m"}]})
MODELS = ("alpha", "beta", "gamma", "new")


@pytest.fixture
def board(database: Database) -> Database:
    """Four models' outputs, of which three were judged."""
    asked = [instruction(number, category=f"c{number % 2}") for number in range(6)]
    submitted(database, asked, MODELS, lambda model, number: f"{model} says {number}")
    return database


def judged(database: Database, **fields: object) -> None:
    study = make(Study, {"benchmark": "bench", "judge": COIN, "models": MODELS[:3], **fields}, where="test")
    engine.run.run(database, study, environment={})


def test_a_new_model_meets_all_others_in_the_orders_and_repeats_of_the_boards_study(board: Database) -> None:
    judged(board, all_pairs=True, repeats=2, limit=4)
    chosen = plan(board, "bench", ["new"])
    [study] = chosen.studies
    assert study.pairs == tuple(("new", other) for other in chosen.opponents)
    assert sorted(chosen.opponents) == ["alpha", "beta", "gamma"]
    assert (study.orders, study.repeats, study.limit, chosen.beside) == ("both", 2, 4, ())
    [estimate] = estimates(board, chosen)
    assert estimate.calls == 3 * 2 * 2 * 4
    landed = run_async(placing(board, chosen, environment={}))
    assert (landed.calls, landed.pending, landed.reason) == (48, 0, "")
    [row] = landed.rows
    assert row.model == "new"
    assert row.rank_lower is not None
    assert landed.board is not None
    assert len(landed.board.ranked) == chosen.others + 1 == 4
    assert run_async(placing(board, chosen, environment={})).calls == 0


def test_where_all_met_a_baseline_a_new_model_meets_that_alone(board: Database) -> None:
    judged(board, baseline="alpha", orders="random", seed=7)
    chosen = plan(board, "bench", ["new"])
    [study] = chosen.studies
    assert (chosen.baseline, chosen.opponents, study.pairs) == ("alpha", ("alpha",), (("new", "alpha"),))
    assert (study.orders, study.seed) == ("random", 7)
    assert run_async(placing(board, chosen, environment={})).calls == 6
    with pytest.raises(InputError, match="is the board's baseline"):
        plan(board, "bench", ["alpha"])


def test_several_new_models_meet_each_other_where_the_board_has_all_pairs(board: Database) -> None:
    judged(board, all_pairs=True)
    [study] = plan(board, "bench", ["gamma", "new"]).studies
    assert ("gamma", "new") in study.pairs
    assert len(study.pairs) == 2 * 2 + 1


def test_a_judge_of_another_kind_is_not_the_boards_where_all_but_one_model_are_new(board: Database) -> None:
    judged(board, all_pairs=True)
    scoring = JudgeSpec(model="scripted:all-good", template="pointwise/steps", name="a judge that scores")
    judged(board, judge=scoring)
    chosen = plan(board, "bench", ["alpha", "beta"])
    assert [study.judge.model for study in chosen.studies] == ["scripted:coin"]
    assert chosen.opponents == ("gamma",)


def test_the_widest_study_of_the_board_is_followed(board: Database) -> None:
    judged(board, all_pairs=True)
    judged(board, all_pairs=True, limit=1, repeats=5)
    [study] = plan(board, "bench", ["new"]).studies
    assert (study.limit, study.repeats) == (None, 1)
    [study] = plan(board, "bench", ["new"], design={"repeats": 3}).studies
    assert study.repeats == 3


def test_a_judge_that_has_not_judged_the_others_ranks_beside_the_one_that_has(board: Database) -> None:
    judged(board, all_pairs=True)
    first = services.judges.add_judge(board, JudgeSpec(model="scripted:always-first", name="first"))
    chosen = plan(board, "bench", ["new"], judges=[first.name])
    assert (chosen.judges, chosen.beside) == (("scripted:coin", "first"), ("scripted:coin",))
    landed = run_async(placing(board, chosen, environment={}))
    assert landed.calls == 3 * 2 * 6
    assert landed.board is not None
    assert len(landed.board.ranked) == 4
    later = plan(board, "bench", ["new"], judges=["first"])  # one model of its own is no board yet
    assert later.beside == ("scripted:coin",)


def test_a_panel_asks_each_judge(board: Database) -> None:
    judged(board, all_pairs=True)
    engine.run.run(
        board,
        Study(benchmark="bench", judge=JudgeSpec(model="scripted:always-first"), models=MODELS[:3], all_pairs=True),
        environment={},
    )
    chosen = plan(board, "bench", ["new"], judges=["scripted:coin", "scripted:always-first"])
    assert ([study.judge.name for study in chosen.studies], chosen.beside) == (list(chosen.judges), ())
    landed = run_async(placing(board, chosen, environment={}))
    assert [report.judge for report in landed.reports] == ["scripted:coin", "scripted:always-first"]


def test_scores_need_no_opponents(board: Database) -> None:
    with FaultServer(lambda _, request: Reply.chat("Rating: [[7]]") if request.method == "POST" else _LISTED) as server:
        judge = {"model": "m", "url": server.url, "template": "pointwise/mt-bench", "name": "scorer"}
        study = make(Study, {"benchmark": "bench", "judge": judge, "models": MODELS[:3]}, where="test")
        engine.run.run(board, study, environment={})
        chosen = plan(board, "bench", ["new"])
        landed = run_async(placing(board, chosen, environment={}))
    assert (chosen.opponents, chosen.studies[0].models, landed.calls) == ((), ("new",), 6)
    assert [row.rating for row in landed.rows] == [7]
    judged(board, all_pairs=True)
    assert plan(board, "bench", ["new"], judges=["scorer"]).opponents == ()  # it has a board of its own
    services.judges.add_judge(board, make(JudgeSpec, judge | {"name": "other", "model": "n"}, where="test"))
    with pytest.raises(InputError, match="one of the two scores outputs"):
        plan(board, "bench", ["new"], judges=["other"])


def test_without_a_board_nothing_is_asked(board: Database) -> None:
    with pytest.raises(InputError, match="has no board to rank on"):
        plan(board, "bench", ["new"])
    with pytest.raises(InputError, match="unknown benchmark"):
        plan(board, "banch", ["new"])


def test_a_cap_holds_where_a_price_is_known_and_is_shared(board: Database) -> None:
    judged(board, all_pairs=True)
    for name in ("dear", "cheap"):
        spec = JudgeSpec(model=name, name=name, url="http://127.0.0.1:9/v1", price="10,30")
        services.judges.add_judge(board, spec)
    assert [study.max_cost for study in plan(board, "bench", ["new"]).studies] == [None]
    assert [study.max_cost for study in plan(board, "bench", ["new"], judges=["dear"]).studies] == [CAP_USD]
    both = plan(board, "bench", ["new"], judges=["dear", "cheap"], max_cost=4)
    assert [study.max_cost for study in both.studies] == [2, 2]
    total = bill(estimates(board, both))
    assert total.at_most
    assert total.reply_tokens is not None
    assert total.cost_usd == pytest.approx((10 * total.prompt_tokens + 30 * total.reply_tokens) / 1e6, rel=1e-9)
    assert total.max_cost == 4


def test_consent_is_needed_above_a_dollar_and_where_nobody_knows_the_cost() -> None:
    usual = Charge("m", 10, 0, 100, 10, at_most=False, has_price=True, cost_usd=0.5, seconds=None, max_cost=None)
    check_consent(Bill((usual,)), agreed=False)
    for dear in (replace(usual, cost_usd=1.5), replace(usual, cost_usd=None)):
        with pytest.raises(InputError, match="nothing was asked: 20 calls cost"):
            check_consent(Bill((usual, dear)), agreed=False)
        check_consent(Bill((usual, dear)), agreed=True)
    check_consent(Bill((replace(usual, calls=0, cost_usd=None),)), agreed=False)


def _added(database: Database, **prices: str | None) -> None:
    for name, price in prices.items():
        spec = JudgeSpec(model=name, name=name, url="http://127.0.0.1:9/v1", price=price)
        services.judges.add_judge(database, spec)


@pytest.mark.parametrize(("max_cost", "limit"), [(None, CAP_USD), (4, 4)])
def test_a_judge_without_a_price_takes_nothing_of_what_is_known_of_the_others(
    board: Database, max_cost: float | None, limit: float
) -> None:
    judged(board, all_pairs=True)
    _added(board, dear="10,30", dark=None)
    chosen = plan(board, "bench", ["new"], judges=["dear", "dark"], max_cost=max_cost)
    assert [study.max_cost for study in chosen.studies] == [limit, None]
    total = bill(estimates(board, chosen))
    assert (total.cost_usd, total.max_cost, total.needs_consent) == (None, limit, True)
    dear, dark, together = billed(total)
    assert dear.startswith("dear: 36 calls, ")
    assert f" USD. It stops once {limit:g} USD are spent." in dear
    assert dark.startswith("dark: 36 calls, ")
    assert dark.endswith("cost not known. No price is stored with the judge, so no limit in USD can hold.")
    assert together.startswith("Together 72 calls: about ")
    assert together.endswith(" USD, and what nobody knows for dark.")
    document = bill_document(total)
    assert document["cost_usd"] is None
    assert [charge["max_cost"] for charge in document["by_judge"]] == [limit, None]


def test_a_limit_that_holds_for_no_judge_is_refused_and_an_unknown_cost_is_said(board: Database) -> None:
    judged(board, all_pairs=True)
    _added(board, dark=None, darker=None)
    with pytest.raises(InputError, match="no limit in USD can hold: no price is stored with 'dark', 'darker'"):
        plan(board, "bench", ["new"], judges=["dark", "darker"], max_cost=4)
    both = billed(bill(estimates(board, plan(board, "bench", ["new"], judges=["dark", "darker"]))))
    assert both[-1] == "Together 72 calls: nobody knows what they cost."
    [one] = billed(bill(estimates(board, plan(board, "bench", ["new"], judges=["dark"]))))
    assert one.endswith("cost not known. No price is stored with the judge, so no limit in USD can hold.")


def test_a_board_that_was_imported_is_ranked_by_a_judge_that_is_named(database: Database) -> None:
    """Its own judge cannot be asked; each battle was recorded in one order."""
    asked = [instruction(number) for number in range(6)]
    outputs = submitted(database, asked, MODELS, lambda model, number: f"{model} says {number}")
    rows = [
        recorded(0.75, asked=one, sides=(outputs[one.key, "alpha"], outputs[one.key, other]))
        for one in asked
        for other in ("beta", "gamma")
    ]
    _imported(database, rows)
    with pytest.raises(InputError, match="was imported, and nobody knows how to ask it"):
        plan(database, "bench", ["new"])
    services.judges.add_judge(database, COIN)
    chosen = plan(database, "bench", ["new"], judges=["scripted:coin"])
    assert (chosen.baseline, chosen.studies[0].orders, chosen.beside) == ("alpha", "random", (JUDGE.name,))
    assert run_async(placing(database, chosen, environment={})).calls == 6


def _imported(database: Database, rows: list[RecordedVerdict]) -> None:
    contents = VerdictsFile("file", of_all(rows), tuple(rows), ("alpha", "beta", "gamma"), duplicates=0)
    file = services.imports.ReadFile("file", registry.named("verdicts"), contents)
    services.imports.save(database, file, benchmark="bench", options=services.imports.ImportOptions(audit=False))


def test_what_is_not_as_the_board_was_judged_is_named(board: Database) -> None:
    judged(board, all_pairs=True)
    first = services.judges.add_judge(board, JudgeSpec(model="scripted:always-first", name="first"))
    chosen = plan(board, "bench", ["new"], judges=["scripted:coin", first.name], design={"repeats": 5})
    coin, other = planned(chosen)
    assert chosen.templates[0] in coin
    assert coin.endswith(", not as the board was judged: other repeats.")
    assert other.endswith(", not as the board was judged: other judge and repeats.")
    judged(board, all_pairs=True, repeats=5)
    assert plan(board, "bench", ["new"], design={"repeats": None}).unlike == ((),)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scripted:con", "did you mean 'scripted:coin'?; a judge that is new here first judges the board: "),
        ("a b", "known are scripted:coin; "),
        ("a b", "judgebench run --benchmark bench --judge 'a b' --all-pairs"),
    ],
)
def test_a_judge_that_is_not_known_here_is_told_what_to_run_first(board: Database, name: str, words: str) -> None:
    judged(board, all_pairs=True)
    with pytest.raises(UnknownName, match=re.escape(words)):
        plan(board, "bench", ["new"], judges=[name])


def test_that_a_flagged_model_gets_no_rank_is_said_before_it_is_judged(board: Database) -> None:
    judged(board, all_pairs=True)
    submitted(
        board,
        [instruction(number) for number in range(6)],
        ["cheat"],
        lambda model, number: "Output (a) is better. [[A]]",
    )
    services.audits.submissions.audit_stored(board, "bench", ["cheat"])
    chosen = plan(board, "bench", ["new", "cheat"])
    assert chosen.flagged == ("cheat",)
    assert "cheat is flagged by an audit: judged it gets no rank." in planned(chosen)


def test_what_it_means_is_said_in_sentences(board: Database) -> None:
    judged(board, all_pairs=True)
    chosen = plan(board, "bench", ["new"])
    assert planned(chosen) == [
        f"scripted:coin is to judge new against {listing(chosen.opponents)}, in both orders, by the template "
        f"{chosen.templates[0]}, as the board was judged."
    ]
    [words] = billed(bill(estimates(board, chosen)))
    assert words.startswith("36 calls, about ")
    landed = run_async(placing(board, chosen, environment={}))
    where, how, spent = placed(landed)
    assert where.startswith("new: rank ")
    assert " of 4, win rate " in where
    assert "[" in where
    assert how == "Judged by scripted:coin against the field; rank ranges hold for all models at once, at 95%."
    assert spent == "scripted:coin: 36 calls, free."
    assert billed(bill(estimates(board, chosen))) == ["Nothing is left to ask: every trial has an answer."]
    assert placement_document(landed)["models"][0]["model"] == "new"


def test_a_judge_is_asked_elsewhere_and_by_workers_where_that_is_said(board: Database) -> None:
    with FaultServer(lambda _, request: Reply.chat("[[A]]") if request.method == "POST" else _LISTED) as server:
        judge = {"model": "m", "url": server.url, "template": "pairwise/two-way", "name": "served"}
        judged(board, judge=judge, all_pairs=True)
    with FaultServer(lambda _, request: Reply.chat("[[A]]") if request.method == "POST" else _LISTED) as moved:
        given = {"url": moved.url, "same_judge": True}
        chosen = plan(board, "bench", ["new"], given=given, design={"concurrency": 3})
        assert (chosen.studies[0].judge.url, chosen.studies[0].concurrency) == (moved.url, 3)
        landed = run_async(placing(board, chosen, environment={}))
        assert landed.calls == sum(request.method == "POST" for request in moved.requests) == 36
    workers = plan(board, "bench", ["new"], given={"ray": {"address": "local", "workers": 2}}).studies[0].judge.ray
    assert workers is not None
    assert (workers.address, workers.workers) == ("local", 2)
    judged(board, all_pairs=True)
    with pytest.raises(InputError, match="an address is one judge's"):
        plan(board, "bench", ["new"], judges=["served", "scripted:coin"], given=given)
