"""Under whose name what is done is logged."""

import getpass

import pytest

from judgebench.actors import ACTOR_VARIABLE, LOCAL, actor, own_name


def test_the_environment_names_the_actor_before_the_machine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    assert actor({ACTOR_VARIABLE: "bob@example.org"}) == "bob@example.org"
    assert actor({}) == actor({ACTOR_VARIABLE: ""}) == own_name() == "ann"


def test_what_no_database_can_hold_is_replaced() -> None:
    assert actor({ACTOR_VARIABLE: "a\udcffb" + "x" * 1000}) == "a\ufffdb" + "x" * 317


def test_a_user_without_a_name_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert own_name() == LOCAL
