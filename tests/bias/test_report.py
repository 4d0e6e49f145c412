import json

import numpy as np
import pytest

from judgebench.bias.report import SideInformation, bias_report
from judgebench.errors import InputError, StatisticsError
from judgebench.records import Lineage
from judgebench.show.tables import document
from tests.bias.factories import BiasedWorld

LINEAGES = {f"m{m}": Lineage(family=f"f{m}") for m in range(5)} | {"x": Lineage(family="f2"), "y": Lineage(family="g")}


def test_a_report_of_a_biased_judge():
    world = BiasedWorld(slots=(0.5, 0.5), related=((0, 2, 0.9),), instructions=80)
    found = bias_report(world.table(np.random.default_rng(0)), ["x", "y"], SideInformation(LINEAGES))
    assert found.position.log_odds_hard.lower > 0
    assert found.leakage.log_odds["family"].lower > 0
    assert found.self_preference.family.lower > 0
    assert [entry.name for entry in found.ledger.entries] == ["position", "length", "same", "inheritance", "family"]


def test_every_figure_is_plain_json():
    table = BiasedWorld(instructions=5).table(np.random.default_rng(1))
    printed = json.loads(json.dumps(document(bias_report(table, ["x"], SideInformation())), allow_nan=False))
    figure = printed["position"]["consistency"]
    assert set(figure) == {"value", "lower", "upper", "level", "method", "n", "identified"}
    reasons = [entry["points"]["reason"] for entry in printed["ledger"]["entries"][2:]]
    assert reasons == ["the lineage of some models or judges is not declared"] * 3


def test_models_and_judges_that_take_no_part():
    """A store names all its models and judges, also those without a verdict on this benchmark."""
    table = BiasedWorld(slots=(0.0, 0.0), instructions=10).table(np.random.default_rng(2))
    table = table.select((table.judge == 0) & (table.model_a != 4) & (table.model_b != 4))
    found = bias_report(table, ["x", "y"], SideInformation(LINEAGES))
    assert [row.model for row in sorted(found.ledger.together.board, key=lambda row: row.model)] == [
        "m0",
        "m1",
        "m2",
        "m3",
    ]
    assert json.dumps(document(found), allow_nan=False)


def test_bad_input_is_refused():
    table = BiasedWorld(instructions=2).table(np.random.default_rng(3))
    with pytest.raises(InputError, match="needed for each of 1 judge"):
        bias_report(table, [], SideInformation())
    with pytest.raises(StatisticsError, match="no verdict"):
        bias_report(table.select(np.zeros(len(table), dtype=bool)), ["x"], SideInformation())
