"""Goals of dialogues as a judge lists them: what was planted is found, and what could not be read is counted."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

import judgebench
from judgebench import store
from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.services.goals import GoalChoice, goals
from judgebench.show import goals as show
from judgebench.store.database import Database
from tests.fault_server import FaultServer, Reply, Request
from tests.planted_goals import CAUSES, Dialogue, planted, read_off, reads, tally

TEMPLATE = "pointwise/goals"


def fill(database: Database, dialogues: Sequence[Dialogue]) -> None:
    with database.write() as connection:
        place = store.benchmarks.add_benchmark(connection, "shop")
        store.benchmarks.add_instructions(connection, place, [one.instruction for one in dialogues])
        for model in sorted({one.output.model for one in dialogues}):
            store.models.add_model(connection, judgebench.records.Model(model))
        store.models.add_outputs(connection, place, [one.output for one in dialogues])


@pytest.fixture
def shop(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "shop.db"), create=True)


def ask(database: Database, server: FaultServer, **fields: object) -> None:
    judgebench.run(
        database,
        benchmark="shop",
        judge="judge",
        judge_url=server.url,
        template=TEMPLATE,
        judge_name="reader",
        **fields,
    )  # type: ignore[arg-type]  # fields of any type


@pytest.mark.parametrize("declared", [False, True])
def test_forty_dialogues_give_rate_and_causes_as_they_were_planted(shop: Database, declared: bool) -> None:
    dialogues = planted(40, ["old", "new"], declared=declared)
    fill(shop, dialogues)
    with FaultServer(reads) as server:
        ask(shop, server)
    report = goals(shop, "shop", GoalChoice("reader", baseline="old"))
    sown = tally(dialogues)
    assert (report.whole.goals, report.whole.reached) == (sown["yes"] + sown["no"], sown["yes"])
    assert report.whole.out_of_scope == sown["out-of-scope"]
    assert report.whole.estimate.value == sown["yes"] / (sown["yes"] + sown["no"])
    assert {share.name: share.failures for share in report.causes} == {name: sown[name] for name in CAUSES}
    turns = Counter(goal.failed_at for one in dialogues for goal in one.goals if goal.failed_at)
    assert {int(share.name): share.failures for share in report.turns} == turns
    for rate in report.models:
        mine = tally([one for one in dialogues if one.output.model == rate.name])
        assert (rate.goals, rate.reached, rate.dialogues) == (mine["yes"] + mine["no"], mine["yes"], 40)
    for rate in report.categories:
        mine = tally([one for one in dialogues if one.instruction.category == rate.name])
        assert (rate.goals, rate.reached) == (mine["yes"] + mine["no"], mine["yes"])
    (change,) = report.differences
    by_model = {rate.name: rate.estimate.value for rate in report.models}
    assert change.estimate.value == pytest.approx((by_model["new"] or 0) - (by_model["old"] or 0))
    assert (report.unasked, report.whole.unread, report.without_goals, report.steadiness) == (0, 0, {}, None)


def test_replies_that_break_a_rule_are_counted_and_never_repaired(shop: Database) -> None:
    dialogues = planted(12, ["m"])
    fill(shop, dialogues)
    broken = {one.instruction.turns[0] for one in dialogues[:3]}

    def breaks(index: int, request: Request) -> Reply:
        if request.method != "GET" and any(turn in request.text for turn in broken):
            listed = json.loads(read_off(request))
            listed["goals"][0]["turns"] = [99]
            return Reply.chat(json.dumps(listed))
        return reads(index, request)

    with FaultServer(breaks) as server:
        ask(shop, server)
    report = goals(shop, "shop")
    sown = tally(dialogues[3:])
    assert (report.whole.goals, report.whole.reached) == (sown["yes"] + sown["no"], sown["yes"])
    assert (report.without_goals, report.whole.unread, report.whole.dialogues) == ({"unparsed": 3}, 3, 9)
    said = " ".join(show.sentences(report))
    assert "3 of 12 readings without goals: 3 unparsed" in said
    assert "3 dialogues nothing could be read" in said


def test_a_reply_that_breaks_a_rule_is_asked_again_in_its_form(shop: Database) -> None:
    dialogues = planted(4, ["m"])
    fill(shop, dialogues)

    def first_wrong(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        body = request.json
        if "response_format" in body:
            properties = body["response_format"]["json_schema"]["schema"]["properties"]
            return Reply.chat(read_off(request)) if "goals" in properties else Reply.chat('{"word": "heron-58"}')
        return Reply.chat("All of it went well.")

    with FaultServer(first_wrong) as server:
        ask(shop, server, reask=True)
    report = goals(shop, "shop")
    sown = tally(dialogues)
    assert (report.whole.goals, report.whole.reached) == (sown["yes"] + sown["no"], sown["yes"])


def test_repeats_are_averaged_inside_a_dialogue_and_their_lists_compared(shop: Database) -> None:
    dialogues = planted(10, ["m"])
    fill(shop, dialogues)
    asked = Counter[str]()

    def moody(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return reads(index, request)
        text = read_off(request)
        asked[text] += 1
        listed = json.loads(text)
        if asked[text] > 1:  # the second time all goals that failed were reached
            for goal in listed["goals"]:
                if goal["reached"] == "no":
                    goal |= {"reached": "yes", "cause": None, "failed_at": None}
        return Reply.chat(json.dumps(listed))

    with FaultServer(moody) as server:
        ask(shop, server, repeats=2, concurrency=1)
    report = goals(shop, "shop")
    sown = tally(dialogues)
    assert report.whole.goals == sown["yes"] + sown["no"]
    assert report.whole.reached == sown["yes"] + sown["no"] / 2
    alike = report.steadiness
    assert alike is not None
    assert (alike.pairs, alike.unmatched, alike.observed) == (10, 0, 1.0)
    assert alike.matched == sum(len(one.goals) for one in dialogues)
    assert alike.success_alike.value == pytest.approx(1 - sown["no"] / alike.matched)
    assert not alike.causes.identified  # never do both say no


def test_a_judge_without_goals_is_told_how_to_list_them(shop: Database) -> None:
    fill(shop, planted(2, ["m"]))
    command = "judgebench run --benchmark shop --judge gpt --template pointwise/goals"
    with pytest.raises(InputError, match=command):
        goals(shop, "shop", GoalChoice("gpt"))
    with pytest.raises(InputError, match="--template pointwise/goals"):
        goals(shop, "shop")


def test_a_judge_is_found_by_its_models_name_too(shop: Database) -> None:
    fill(shop, planted(2, ["m"]))
    with FaultServer(reads) as server:
        ask(shop, server)
    assert goals(shop, "shop", GoalChoice("judge")).judge == "reader"


def test_people_agree_where_they_say_the_same(shop: Database, tmp_path: Path) -> None:
    dialogues = planted(10, ["m"])
    fill(shop, dialogues)
    with FaultServer(reads) as server:
        ask(shop, server)
    path = tmp_path / "goals.csv"
    judgebench.export(shop, "goals", benchmark="shop", to=path)
    text = path.read_text()
    people = tmp_path / "people.csv"
    people.write_text(text.replace(",judge,", ",annotator,", 1))
    report = judgebench.goals(shop, benchmark="shop", labels=people)
    (alike,) = report.people
    assert (alike.between, alike.dialogues, alike.observed, alike.unmatched) == ("reader", 10, 1.0, 0)
    assert alike.success_alike.value == 1.0
    assert alike.causes.value in (1.0, None)
    (success,) = report.success
    assert success.alike.value == 1.0
    rows = [
        {"instruction_key": one.instruction.key, "model": "m", "annotator": "ann", "success": "no"} for one in dialogues
    ]
    marks = tmp_path / "marks.jsonl"
    marks.write_text("\n".join(map(json.dumps, [*rows, rows[0] | {"model": "other"}])))
    report = judgebench.goals(shop, benchmark="shop", labels=marks)
    assert (report.people, report.unlabelled, report.success[0].annotator) == ((), 1, "ann")


def test_own_causes_are_part_of_the_judge(shop: Database, tmp_path: Path) -> None:
    fill(shop, planted(3, ["m"]))
    path = tmp_path / "own.yaml"
    path.write_text("causes:\n  ours: the fault lies with us\n  theirs: it lies with them\nout-of-scope: a joke\n")

    def blames(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return reads(index, request)
        assert "1. ours: the fault lies with us\n2. theirs: it lies with them\nOut of scope: a joke" in request.text
        assert "taxonomy" not in request.json
        listed = json.loads(read_off(request))
        for goal in listed["goals"]:
            if goal["cause"]:
                goal["cause"] = "theirs"
        return Reply.chat(json.dumps(listed))

    with FaultServer(blames) as server:
        ask(shop, server, taxonomy=path)
    path.unlink()
    report = goals(shop, "shop")
    assert [share.name for share in report.causes] == ["ours", "theirs"]
    with shop.read() as connection:
        stored = store.judges.judge(connection, "reader")
        readings = store.goal_readings.goal_readings(connection, 1, "reader")
    assert stored.settings["taxonomy"]["causes"][0] == ["ours", "the fault lies with us"]
    assert all(reading.status is Status.OK or not reading.goals for reading in readings)
    assert judgebench.reparse(shop, "reader") == (0, 0)
