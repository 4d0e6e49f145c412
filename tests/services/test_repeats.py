"""A request that is sent twice is done once, for as long as a day."""

import pytest

from judgebench.errors import Conflict
from judgebench.services.repeats import OtherRequest, begin, end, forget
from judgebench.store.database import Database


def test_an_answer_is_kept_for_the_same_request_of_the_same_caller(database: Database) -> None:
    assert begin(database, "ann", "k", "request") is None
    with pytest.raises(Conflict, match="being worked on"):
        begin(database, "ann", "k", "request")
    with pytest.raises(OtherRequest, match="another request"):
        begin(database, "ann", "k", "other")
    assert begin(database, "bob", "k", "other") is None
    end(database, "ann", "k", 201, "{}")
    known = begin(database, "ann", "k", "request")
    assert known is not None
    assert (known.status, known.document) == (201, "{}")


def test_what_was_refused_may_be_sent_again_changed(database: Database) -> None:
    begin(database, "ann", "k", "request")
    forget(database, "ann", "k")
    assert begin(database, "ann", "k", "other") is None
