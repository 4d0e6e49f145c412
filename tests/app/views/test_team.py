"""Roles as people read them: what each may do, and addresses for those who may see them only."""

from app.auth import Person, Policy, Role
from app.views import team
from judgebench.services.upkeep import Event

POLICY = Policy(False, {Role.VIEWER: ("*",), Role.ADMIN: ("root@example.org", "<b>@example.org")})


def test_everybody_is_told_what_they_may_and_may_not_do() -> None:
    words = team.rights(Person("ann@example.org", Role.VOTER))
    assert words.startswith("You are ann@example.org, voter: you may read every page and vote. You may not submit")
    assert "may not" not in team.rights(Person("root@example.org", Role.ADMIN))


def test_addresses_are_shown_where_they_may_be_and_escaped() -> None:
    assert "root@example.org" not in team.roles(POLICY, named=False)
    html = team.roles(POLICY, named=True)
    assert "root@example.org, &lt;b&gt;@example.org" in html
    assert "everybody who logs in" in html


def test_every_role_says_what_it_may() -> None:
    assert set(team.MAY) == set(Role) - {Role.NOBODY}


def test_the_log_is_escaped_and_says_what_came_of_it() -> None:
    details = {"models": ["<i>a</i>"], "outputs": 1200, "missing_ids": 3}
    html = team.log([Event(1, "2026-01-31T23:59:59.1+00:00", "<b>", "submitted", "benchmark", "b<p>", details)])
    assert "2026-01-31 23:59:59" in html
    assert "models: &lt;i&gt;a&lt;/i&gt;; outputs: 1,200</td>" in html
    assert "<b>" not in html


def test_entries_are_counted_as_they_are_chosen() -> None:
    numbers = {("ann", "voted"): 3, ("bob", "voted"): 2, ("bob", "deleted"): 1}
    assert team.chosen(numbers, (), ()) == 6
    assert team.chosen(numbers, ("bob",), ("voted",)) == 2
