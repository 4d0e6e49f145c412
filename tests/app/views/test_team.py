"""Roles as people read them: what each may do, and addresses for those who may see them only."""

from dataclasses import replace

from app.views import team
from judgebench.services.access import MAY, Person, Policy, Role
from judgebench.services.tokens import Token
from judgebench.services.upkeep import Event

POLICY = Policy(False, {Role.VIEWER: ("*",), Role.ADMIN: ("root@example.org", "<b>@example.org")})


def test_tokens_are_listed_and_what_others_wrote_is_escaped() -> None:
    known = Token("<b>", "viewer", ("<i>",), "2026-01-01", "2026-01-02", None, "2026-01-01")
    html = team.tokens(
        [known, replace(known, name="open", benchmarks=(), expires_at=None, revoked_at=None)], {"<b>": "<u>"}
    )
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<u>" not in html
    assert "not known" in html
    assert "revoked" in html
    assert "never" in html


def test_everybody_is_told_what_they_may_and_may_not_do() -> None:
    words = team.rights(Person("ann@example.org", Role.VOTER))
    assert words.startswith("You are ann@example.org, voter: you may read every page; vote. You may not submit")
    assert "may not" not in team.rights(Person("root@example.org", Role.ADMIN))


def test_addresses_are_shown_where_they_may_be_and_escaped() -> None:
    assert "root@example.org" not in team.roles(POLICY, named=False)
    html = team.roles(POLICY, named=True)
    assert "root@example.org, &lt;b&gt;@example.org" in html.replace("<wbr>", "")
    assert "everybody who logs in" in html


def test_every_role_says_what_it_may() -> None:
    assert set(MAY) == set(Role) - {Role.NOBODY}


def test_the_log_is_escaped_and_says_what_came_of_it() -> None:
    details = {"models": ["<i>a</i>"], "outputs": 1200, "missing_ids": 3}
    html = team.log([Event(1, "2026-01-31T23:59:59.1+00:00", "<b>", "submitted", "benchmark", "b<p>", details)])
    assert '<span class="whole">2026-01-31 23:59:59</span>' in html
    assert "models: &lt;i&gt;a&lt;/i&gt;; outputs: 1,200</td>" in html
    assert "<b>" not in html


def test_entries_are_counted_as_they_are_chosen() -> None:
    numbers = {("ann", "voted"): 3, ("bob", "voted"): 2, ("bob", "deleted"): 1}
    assert team.chosen(numbers, (), ()) == 6
    assert team.chosen(numbers, ("bob",), ("voted",)) == 2
