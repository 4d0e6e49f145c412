"""Whoever has logged in is one person, by what the identity provider says."""

from types import SimpleNamespace

import pytest

from app import auth
from judgebench.services.access import Person, Policy, Role


def test_an_address_is_one_voter_however_a_provider_spells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "policy", lambda: Policy(False, {Role.VOTER: ("@example.org",)}))
    people = set()
    for mail in ("Ann@example.org", "ann@example.org", "ANN@Example.ORG"):
        claims = {"email": mail}
        monkeypatch.setattr(auth.st, "user", SimpleNamespace(is_logged_in=True, to_dict=claims.copy))
        people.add(auth.person())
    assert people == {Person("ann@example.org", Role.VOTER)}
