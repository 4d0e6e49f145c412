"""Roles, and what was done, as the page Team shows them; all that others wrote is escaped."""

from collections.abc import Mapping, Sequence

from app.views.board import plain
from judgebench.services.access import MAY, Person, Policy
from judgebench.services.tokens import Token
from judgebench.services.upkeep import Event
from judgebench.show.sentences import event_details
from judgebench.show.text import one_line

LASTING: Mapping[int | None, str] = {  # how long a token may be good, in days
    1: "1 day",
    7: "7 days",
    30: "30 days",
    90: "90 days",
    365: "365 days",
    None: "Until it is revoked",
}


def rights(person: Person) -> str:
    """What somebody may do, and what not."""
    may = [words for role, words in MAY.items() if person.role >= role]
    may_not = [words for role, words in MAY.items() if person.role < role]
    words = f"You are {one_line(person.name, 100)}, {person.role.name.lower()}: you may {'; '.join(may)}."
    return words + (f" You may not {'; nor '.join(may_not)}." if may_not else "")


def roles(policy: Policy, *, named: bool) -> str:
    """A row a role; ``named``: with the addresses that have it."""
    columns: dict[str, list[str]] = {
        "Role": [role.name.lower() for role in MAY],
        "May, besides what those above may": list(MAY.values()),
    }
    who = {"Who": [_who(policy.roles.get(role, ())) for role in MAY]} if named else {}
    return plain("Roles", columns | who)


def chosen(numbers: Mapping[tuple[str, str], int], actors: Sequence[str], actions: Sequence[str]) -> int:
    """How many entries of the log, by actor and action, are by these and of these; nothing named: all."""
    return sum(
        number
        for (actor, action), number in numbers.items()
        if (not actors or actor in actors) and (not actions or action in actions)
    )


def tokens(known: Sequence[Token], makers: Mapping[str, str]) -> str:
    """A row a token; none of them holds the token itself. ``makers``: who made each, by its name."""
    return plain(
        "Tokens",
        {
            "Token": [one_line(token.name, 100) for token in known],
            "Role": [token.role for token in known],
            "Benchmarks": [", ".join(one_line(name, 100) for name in token.benchmarks) or "all" for token in known],
            "State": [token.state for token in known],
            "Created by": [one_line(makers.get(token.name, "not known"), 100) for token in known],
            "Expires": [(token.expires_at or "never")[:10] for token in known],
            "Last used, UTC": [(token.used_at or "never")[:16].replace("T", " ") for token in known],
        },
    )


def log(events: Sequence[Event]) -> str:
    """A row an entry."""
    return plain(
        "Log",
        {
            "When, UTC": [event.at[:19].replace("T", " ") for event in events],
            "Who": [one_line(event.actor, 100) for event in events],
            "Action": [event.action for event in events],
            "What": [f"{event.kind} {one_line(event.name, 100)}" for event in events],
            "Details": [event_details(event.details) for event in events],
        },
    )


def _who(patterns: Sequence[str]) -> str:
    """Addresses, domains, or everybody who logs in."""
    names = ["everybody who logs in" if pattern == "*" else one_line(pattern, 100) for pattern in patterns]
    return ", ".join(names) or "nobody by name"
