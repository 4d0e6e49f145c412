"""Every error the package raises on purpose.

    JudgeBenchError
    ├── InputError             a file, a field, a flag or a name is wrong: exit code 2
    │   ├── UnknownName        no such benchmark, model, judge, template ...; offers the nearest ones
    │   ├── Conflict           the store already holds something else under this identity
    │   └── MissingExtra       an optional dependency or its data is not installed
    ├── DatabaseError          the database cannot be reached, or is newer than the code
    │   └── DatabaseBusy       another process has locked it
    │       └── DatabaseAway   its server does not answer, as while it is started again
    ├── JudgeError             asking a judge failed
    │   ├── JudgeUnreachable   nobody answers at its address, or it keeps failing
    │   ├── JudgeRefused       it answered that the request is not allowed: key, model name, quota
    │   ├── BadReply           it answered something that is not a completion
    │   └── EnoughCalls        as many requests were sent as are allowed
    └── StatisticsError        a statistic is not defined on this data, or a fit did not converge

A message names what was wrong and says what to do next. Errors of other libraries are translated at the edge
where they arise (``clients``, ``store.database``), never further inside.
"""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

_NAMED = 10  # in a message


def first_names(names: Sequence[str]) -> str:
    """As many as a message holds, and how many there are besides."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


class JudgeBenchError(Exception):
    """Root of the tree; catching it catches everything the package raises on purpose."""


class InputError(JudgeBenchError):
    """Bad input; nothing was written."""


class UnknownName(InputError):
    """No such name.

    >>> str(UnknownName("benchmark", "alpaca", ["alpaca_eval"]))
    "unknown benchmark 'alpaca': did you mean 'alpaca_eval'?"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        if near:
            hint = "did you mean " + " or ".join(repr(n) for n in near) + "?"
        elif names:
            hint = f"known are {first_names(names)}"
        else:
            hint = f"there is no {kind} yet"
        self.kind, self.name, self._known = kind, name, names
        super().__init__(f"unknown {kind} {name!r}: {hint}")

    @classmethod
    def told(cls, message: str, kind: str, name: str) -> "UnknownName":
        """That of which a server has told, in its words."""
        error = cls(kind, name, ())
        error.args = (message,)
        return error

    def explain(self, why: str) -> None:
        """Say what became of the name, in place of what it may have been meant for."""
        self.args = (f"unknown {self.kind} {self.name!r}: {why}",)

    def among(self, names: Collection[str]) -> "UnknownName":
        """The same to whoever may know these names: no other is offered, nor told what became of the name."""
        told = UnknownName(self.kind, self.name, [name for name in self._known if name in names])
        if not told._known:
            told.explain("there is none by this name for you")
        return told

    def advise(self, what: str) -> None:
        """Say besides what would make the name known."""
        self.args = (f"{self}; {what}",)


class Conflict(InputError):
    """The store holds something else under this identity, and what is stored is never overwritten."""


class NewAddress(InputError):
    """A stored judge, or model, would be asked where it never was: is it the same?"""


class MissingExtra(InputError):
    """An optional part is not installed; the message holds the command that installs it."""


class NoDatabase(InputError):
    """Nothing is at the address that was named. ``name``: that address, without what is secret in it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no database at {name}: submit or import something first, or name it by --db")
        self.name = name


class DatabaseError(JudgeBenchError):
    """The database cannot be used as it is."""


class DatabaseBusy(DatabaseError):
    """Another process writes to it for longer than was waited."""


class DatabaseAway(DatabaseBusy):
    """Its server does not answer now, as while it is started again."""


class JudgeError(JudgeBenchError):
    """Asking a judge failed."""


class JudgeUnreachable(JudgeError):
    """Nobody answers, or what answers keeps failing after every retry."""


class JudgeRefused(JudgeError):
    """The judge answered that this request is not allowed; asking again would not help."""


class JudgeGone(JudgeRefused):
    """Whoever answered has ended for good, and no other question would fare better."""


class BadReply(JudgeError):
    """The answer is not a completion."""


class EnoughCalls(JudgeError):
    """As many requests were sent as are allowed; nothing was asked."""


class StatisticsError(JudgeBenchError):
    """The statistic is not defined on this data, or its fit did not converge."""


class RememberedAddress(UserWarning):
    """A key, a token or a certificate is sent where only the database says, whose author may be somebody else."""


class AddressesChanged(UserWarning):
    """The list of a judge's addresses, which is read again while a run goes, is another, or cannot be taken."""


class DatabaseUpgraded(UserWarning):
    """A database was of an older schema: it has been brought to this version's."""
