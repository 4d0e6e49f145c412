"""Pairs, rankings and plans from what is stored."""

import numpy as np
import pytest

from judgebench import services
from judgebench.errors import UnknownName
from judgebench.records import Order
from judgebench.store.database import Database
from tests.factories import filled, ok, result, trial


def test_a_matrix_holds_the_pairs_that_met_in_the_order_asked_for(database: Database) -> None:
    verdicts = filled(database, models=("alpha", "beta", "gamma"))
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0, order), ok(0.75)) for order in Order])
    rates = services.analyses.matrix(database, "bench")
    assert np.isnan(rates.rate[0, 2])
    one, other = rates.pairs(["beta", "alpha"])
    assert (one["model"], one["opponent"], one["win_rate"], one["battles"]) == ("beta", "alpha", 0.25, 1)
    assert other["win_rate"] == 0.75
    with pytest.raises(UnknownName):
        services.analyses.matrix(database, "bench", category="none")
