"""The table of audits, which the command line, Python, the app and the documents read.

To add one: rules or entrants in ``judgebench.audits``, a service that returns an AuditReport, and an entry here. What
its settings are called, mean and allow stands in the service's module, and is read from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_type_hints

from judgebench import services
from judgebench.audits import INTEGRITY, NULL_MODELS, ROBUSTNESS, SUBMISSIONS
from judgebench.errors import InputError, UnknownName

if TYPE_CHECKING:
    from judgebench.audits.findings import AuditReport
    from judgebench.engine.runner import OnProgress
    from judgebench.store.database import Database


class AuditSettings(Protocol):
    """A frozen dataclass; each field is annotated with a ``pydantic.Field`` that says what it means and allows."""

    @property
    def benchmark(self) -> str: ...


class AuditService(Protocol):
    """Audits, and returns the report; ``settings`` is annotated with the class of its settings."""

    def __call__(
        self,
        database: "Database",
        settings: Any,
        *,
        environment: Mapping[str, str],
        on_progress: "OnProgress | None" = None,
    ) -> "AuditReport": ...


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit."""

    name: str
    subject: Literal["judge", "submissions", "verdicts"]  # what it audits, and what its report is kept with
    help: str  # a line
    examples: tuple[str, ...]  # commands
    service: str  # "module:function"

    def load(self) -> AuditService:
        """Its service; the module is loaded when it is first asked for."""
        module, _, function = self.service.partition(":")
        service: AuditService = getattr(import_module(module), function)
        return service

    @property
    def settings(self) -> type[Any]:
        """The class of its settings."""
        kind: type[Any] = get_type_hints(self.load())["settings"]
        return kind

    def fill(self, values: Mapping[str, object]) -> AuditSettings:
        """The settings with these values, the others as usual. Raises InputError naming the setting."""
        from pydantic import TypeAdapter, ValidationError

        names = [setting.name for setting in fields(self.settings)]
        for name in values:
            if name not in names:
                raise UnknownName(f"setting of audit {self.name}", name, names)
        try:
            filled: AuditSettings = TypeAdapter(self.settings).validate_python(dict(values))
        except ValidationError as error:
            first = error.errors()[0]
            reason = first["msg"].removeprefix("Value error, ")
            raise InputError(f"{'.'.join(str(part) for part in first['loc'])}: {reason}") from error
        return filled


_HERE = "judgebench.services.audits"
_ROBUSTNESS = "judgebench audit robustness --benchmark demo --model demo-careful --opponent demo-hasty"
AUDITS = {
    audit.name: audit
    for audit in (
        Audit(
            SUBMISSIONS,
            "submissions",
            "Look for outputs that ignore their instruction, work on the judge, or are somebody else's.",
            (
                "judgebench audit submissions --benchmark demo",
                "judgebench audit submissions --benchmark demo --model demo-hasty --html report.html",
                "judgebench audit submissions --benchmark demo --judge scripted:coin --permuted 20",
            ),
            f"{_HERE}.submissions:submissions",
        ),
        Audit(
            NULL_MODELS,
            "judge",
            "Enter models that ignore the instruction, and see whether the judge lets one of them win.",
            (
                "judgebench audit null-models --benchmark demo --judge embedded",
                "judgebench audit null-models --benchmark demo --judge scripted:coin --defences --limit 20",
            ),
            f"{_HERE}.null_models:null_models",
        ),
        Audit(
            ROBUSTNESS,
            "judge",
            "Change outputs in ways that should not, or must, matter, and see what the judge makes of it.",
            (
                f"{_ROBUSTNESS} --judge embedded",
                f"{_ROBUSTNESS} --judge scripted:coin --limit 5 --format json",
            ),
            f"{_HERE}.robustness:robustness",
        ),
        Audit(
            INTEGRITY,
            "verdicts",
            "Hold stored verdicts against their completions, and look for what is missing, doubled or one-sided.",
            (
                "judgebench audit integrity --benchmark demo",
                "judgebench audit integrity --benchmark demo --no-round-trip --format json",
            ),
            f"{_HERE}.integrity:integrity",
        ),
    )
}


def named(name: str) -> Audit:
    """Raises UnknownName."""
    if name not in AUDITS:
        raise UnknownName("audit", name, AUDITS)
    return AUDITS[name]


def audit(
    database: "Database",
    name: str,
    settings: AuditSettings,
    *,
    environment: Mapping[str, str],
    on_progress: "OnProgress | None" = None,
) -> "AuditReport":
    """Run an audit and keep its report; a judge is asked nothing twice, so calling it again continues.

    Raises UnknownName, InputError, and JudgeError when a judge cannot be asked; what it had answered stays stored.
    """
    report = named(name).load()(database, settings, environment=environment, on_progress=on_progress)
    services.audits.results.keep(database, settings.benchmark, named(name), report)
    return report
