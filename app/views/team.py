"""Roles, and what was done, as the page Team shows them; all that others wrote is escaped."""

from collections.abc import Mapping, Sequence

from app.auth import Person, Policy, Role
from app.views.board import head
from judgebench.services.upkeep import Event
from judgebench.show.sentences import event_details
from judgebench.show.text import escaped_html, listing, one_line

MAY = {  # each may do what those before it may, too
    Role.VIEWER: "read every page",
    Role.VOTER: "vote",
    Role.SUBMITTER: "submit outputs, and start audits that ask no judge",
    Role.ADMIN: (
        "import files, add to models and benchmarks that exist, set up the demo, start, stop and resume runs, audit "
        "and test judges, and see who has which role and the log"
    ),
}


def rights(person: Person) -> str:
    """What somebody may do, and what not."""
    may = [words for role, words in MAY.items() if person.role >= role]
    may_not = [words for role, words in MAY.items() if person.role < role]
    words = f"You are {one_line(person.name, 100)}, {person.role.name.lower()}: you may {listing(may)}."
    return words + (f" You may not {'; nor '.join(may_not)}." if may_not else "")


def roles(policy: Policy, *, named: bool) -> str:
    """A row a role; ``named``: with the addresses that have it."""
    names = ("Role", "May, besides what those above may", *(["Who"] if named else []))
    heads = "".join(head(name) for name in names)
    rows = []
    for role, words in MAY.items():
        who = f"<td>{escaped_html(_who(policy.roles.get(role, ())))}</td>" if named else ""
        rows.append(f'<tr><th scope="row">{role.name.lower()}</th><td>{words}</td>{who}</tr>')
    return _table("Roles", heads, rows)


def chosen(numbers: Mapping[tuple[str, str], int], actors: Sequence[str], actions: Sequence[str]) -> int:
    """How many entries of the log, by actor and action, are by these and of these; nothing named: all."""
    return sum(
        number
        for (actor, action), number in numbers.items()
        if (not actors or actor in actors) and (not actions or action in actions)
    )


def log(events: Sequence[Event]) -> str:
    """A row an entry."""
    heads = "".join(head(name, "") for name in ("When, UTC", "Who", "Action", "What", "Details"))
    rows = []
    for event in events:
        details = one_line(event_details(event.details), 300)
        cells = (one_line(event.actor, 100), event.action, f"{event.kind} {one_line(event.name, 100)}", details)
        row = "".join(f"<td>{escaped_html(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{event.at[:19].replace("T", " ")}</th>{row}</tr>')
    return _table("Log", heads, rows)


def _table(label: str, heads: str, rows: Sequence[str]) -> str:
    table = f'<table class="jb jb-cards"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="jb-scroll" tabindex="0" role="region" aria-label="{label}">{table}</div>'


def _who(patterns: Sequence[str]) -> str:
    """Addresses, domains, or everybody who logs in."""
    names = ["everybody who logs in" if pattern == "*" else one_line(pattern, 100) for pattern in patterns]
    return ", ".join(names) or "nobody by name"
