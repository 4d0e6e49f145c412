"""A price that was said of a judge once holds, however it was said and however the judge is described afterwards."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from judgebench import engine, services
from judgebench.cli.options import DesignOptions, JudgeOptions, study_of
from judgebench.services.access import Policy
from judgebench.services.placement import CAP_USD, bill
from judgebench.services.web_studies import study_of as study_from_web
from judgebench.show.placement import billed
from judgebench.spec import JudgeSpec, Study, make
from judgebench.store.database import Database
from tests.filling import asked, stored

URL, OTHER = "http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"
POLICY = Policy(True, {}, ())
TEMPLATE = "pairwise/three-way.v1"
Say = Callable[[Database, str], None]


def _spec(name: str, **fields: Any) -> JudgeSpec:
    return make(JudgeSpec, {"model": "m", "name": name, "url": URL, "template": TEMPLATE, **fields}, where="test")


def _study(judge: JudgeSpec) -> Study:
    return make(Study, {"benchmark": "bench", "judge": judge, "all_pairs": True}, where="test")


def _add(database: Database, name: str, **fields: Any) -> None:
    services.judges.add_judge(database, _spec(name, **fields))


def _begin(database: Database, name: str, **fields: Any) -> None:
    planned = engine.plan.plan(database, _study(_spec(name, **fields)))
    with database.write() as connection:
        engine.run.start_run(connection, planned, "run")


def _each(*steps: Callable[..., None]) -> Say:
    def say(database: Database, name: str) -> None:
        for step in steps:
            step(database, name)

    return say


PRICED = {"price": "2.5,10"}
WAYS_TO_SAY: Mapping[str, Say] = {
    "added": partial(_add, **PRICED),
    "added for several addresses": partial(_add, url=(URL, OTHER), **PRICED),
    "added, and again at another address": _each(
        partial(_add, **PRICED), partial(_add, url=OTHER, same_judge=True), partial(_add)
    ),
    "added, and again there with another key": _each(partial(_add, **PRICED), partial(_add, key_env="JUDGE_API_KEY")),
    "said with a run": partial(_begin, **PRICED),
    "said with a run, and not with the next": _each(partial(_begin, **PRICED), _begin),
    "said with a run, then added without": _each(partial(_begin, **PRICED), _add),
    "added without, then said with a run": _each(_add, partial(_begin, **PRICED)),
}
WAYS_TO_DESCRIBE: Mapping[str, dict[str, Any]] = {
    "by name": {},
    "by name and address": {"url": URL},
    "by all": {"model": "m", "url": URL, "template": "pairwise/three-way"},
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::judgebench.errors.RememberedAddress")
@pytest.mark.parametrize("described", WAYS_TO_DESCRIBE.values(), ids=WAYS_TO_DESCRIBE)
@pytest.mark.parametrize("said", WAYS_TO_SAY.values(), ids=WAYS_TO_SAY)
@pytest.mark.parametrize("name", ["strict", "m@pairwise/three-way.v1"])
def test_a_price_that_was_said_once_holds_at_every_door(
    database: Database, name: str, said: Say, described: dict[str, Any]
) -> None:
    stored(database, asked(2), ["alpha", "beta"])
    said(database, name)
    fields = {"model": name, **described, **({"name": name} if "model" in described else {})}
    from_web = study_from_web(database, {"benchmark": "bench", "judge": fields, "all_pairs": True}, POLICY, where="t")
    design = DesignOptions(benchmark="bench", all_pairs=True)
    flags = {"judge": fields["model"], "judge_url": fields.get("url"), "template": fields.get("template")}
    judge = JudgeOptions(**flags | ({"judge_name": name} if "name" in fields else {}))
    from_terminal = study_of(database, None, design, judge, None)
    assert (from_web.judge.price, from_terminal.judge.price, from_web.max_cost) == ("2.5,10", "2.5,10", CAP_USD)
    [words] = billed(bill([engine.plan.estimate(database, from_web)]))
    assert words.endswith(f" It stops once {CAP_USD:g} USD are spent.")


def test_another_price_takes_its_place_and_another_judge_has_none(database: Database) -> None:
    _add(database, "strict", **PRICED)
    _add(database, "strict", price="1,2")
    assert services.judges.find_judge(database, {"model": "strict"}).price == "1,2"
    assert services.judges.find_judge(database, {"model": "strict", "price": "3,4"}).price == "3,4"
    assert services.judges.find_judge(database, {"model": "m", "url": URL, "name": "other"}).price is None
    assert services.judges.find_judge(database, {"model": "n", "url": URL, "name": "strict"}).price is None


def test_a_table_of_prices_has_that_of_a_judge_which_is_named(database: Database, tmp_path: Path) -> None:
    _add(database, "strict")
    table = tmp_path / "prices.yaml"
    table.write_text("m: 2.5,10")
    design = DesignOptions(benchmark="bench", all_pairs=True)
    assert study_of(database, None, design, JudgeOptions(judge="strict"), table).judge.price == "2.5,10"
