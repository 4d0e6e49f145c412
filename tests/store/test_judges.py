"""A judge never changes under its name; where it is reached may."""

import pytest

from judgebench import store
from judgebench.errors import Conflict
from judgebench.records import (
    Judge,
)
from judgebench.store.database import Database
from tests.factories import JUDGE
from tests.filling import filled


def test_a_judge_under_the_same_name_never_changes(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        store.judges.add_judge(connection, JUDGE)
        hotter = Judge(JUDGE.name, JUDGE.model, JUDGE.template, JUDGE.template_digest, {"temperature": 1})
        with pytest.raises(Conflict, match="another judge"):
            store.judges.add_judge(connection, hotter)
        renamed = Judge("other", JUDGE.model, JUDGE.template, JUDGE.template_digest, JUDGE.settings)
        with pytest.raises(Conflict, match="'judge'"):
            store.judges.add_judge(connection, renamed)
