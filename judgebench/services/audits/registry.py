"""The table of audits, which the command line, Python, the app and the documents read.

To add one: rules or entrants in ``judgebench.audits``, a service that returns an AuditReport, and its settings and an
entry here. Nothing heavy is loaded before an audit is run.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from judgebench import engine, services
from judgebench.audits import INTEGRITY, NULL_MODELS, ROBUSTNESS, SUBMISSIONS
from judgebench.errors import InputError, UnknownName
from judgebench.keys import content_key
from judgebench.spec.study import wrong_field

if TYPE_CHECKING:
    from judgebench.audits.findings import AuditReport
    from judgebench.engine.judges import ResolvedJudge
    from judgebench.engine.runner import OnProgress
    from judgebench.spec import JudgeSpec
    from judgebench.store.database import Database

Benchmark = Annotated[str, Field(description="Name of the benchmark.")]
Concurrency = Annotated[int, Field(description="Questions in flight at most.", ge=1, le=4096)]
MaxCalls = Annotated[int | None, Field(description="Stop after so many calls; the same command continues.", ge=1)]
MaxCost = Annotated[float | None, Field(description="Stop once this many USD are spent; the same continues.", gt=0)]
_HERE = "judgebench.services.audits"
_ROBUSTNESS = "judgebench audit robustness --benchmark demo --model demo-careful --opponent demo-hasty"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionAudit:
    """Which submissions are audited, and what a judge is asked about them."""

    benchmark: Benchmark
    model: Annotated[tuple[str, ...], Field(description="Only this model; may be repeated. Default: all.")] = ()
    template: Annotated[
        tuple[str, ...], Field(description="An own template file that judges are asked with; may be repeated.")
    ] = ()
    judge: "str | JudgeSpec | ResolvedJudge | None" = None  # whom to ask; None: nobody
    baseline: Annotated[str | None, Field(description="The model that exchanged outputs meet.")] = None
    permuted: Annotated[int, Field(description="Judge outputs exchanged between so many instructions.", ge=0)] = 0
    likelihoods: Annotated[int, Field(description="Weigh outputs to so many instructions by a local judge.", ge=0)] = 0
    seed: Annotated[int, Field(description="Seed of the instructions drawn.")] = 0
    concurrency: Concurrency = 16
    max_calls: MaxCalls = None
    max_cost: MaxCost = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NullModelAudit:
    """Which judge null models are entered against, and how far that may go."""

    benchmark: Benchmark
    judge: "str | JudgeSpec | ResolvedJudge"  # one that was added or ran before, by its name
    baseline: Annotated[str | None, Field(description="The model that null models meet.")] = None
    fail_above: Annotated[float, Field(description="Win rate that none may reach.", ge=0.001, le=1.0)] = 0.1
    error: Annotated[float, Field(description="Chance of a wrong decision.", ge=0.0001, le=0.5)] = 0.05
    limit: Annotated[
        int, Field(description="Instructions at most; it stops once the gate is decided.", ge=2, le=10**12)
    ] = 400
    seed: Annotated[int, Field(description="Seed of the instructions' order and of the shuffled entrant.")] = 0
    concurrency: Concurrency = 16
    defence: Annotated[
        tuple[str, ...],
        Field(description="Ask under this defence: fixed, escaped, sandwich ...; with --defences several."),
    ] = ()
    defences: Annotated[
        bool, Field(description="Measure all defences, or those named, and their price, side by side.")
    ] = False
    honest: Annotated[int, Field(description="With --defences: instructions with honest verdicts.", ge=1)] = 20
    random_search: Annotated[
        int, Field(description="Search a prefix for so many steps, on judges with log-probabilities.", ge=0, le=100_000)
    ] = 0
    every_entrant: Annotated[bool, Field(description="Decide every entrant, also when one has failed the gate.")] = (
        False
    )
    max_calls: MaxCalls = None
    max_cost: MaxCost = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessAudit:
    """Which judge is shown changed outputs, and whose."""

    benchmark: Benchmark
    judge: "str | JudgeSpec | ResolvedJudge"  # one that was added or ran before, by its name
    model: Annotated[str, Field(description="The model whose outputs are changed.")]
    opponent: Annotated[str, Field(description="The model that they meet.")]
    limit: Annotated[int, Field(description="Instructions.", ge=2, le=10**12)] = 30
    seed: Annotated[int, Field(description="Seed of the instructions drawn.")] = 0
    concurrency: Concurrency = 16
    max_calls: MaxCalls = None
    max_cost: MaxCost = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityAudit:
    """Whose verdicts are audited."""

    benchmark: Benchmark
    round_trip: Annotated[
        bool, Field(description="Copy the whole database to a temporary file and compare every row.")
    ] = True


class AuditSettings(Protocol):
    """What an audit is asked for: a frozen dataclass; each field but the judge has a ``pydantic.Field``."""

    @property
    def benchmark(self) -> str: ...


@dataclass(slots=True)
class Budget:
    """What an audit may still ask for and spend; all that ask in it share one."""

    calls: int | None = None  # None: as many as it takes
    cost_usd: float | None = None

    @property
    def spent(self) -> str:
        """The limit that is reached; "" where none is."""
        if self.calls is not None and self.calls <= 0:
            return "max_calls"
        return "max_cost" if self.cost_usd is not None and self.cost_usd <= 0 else ""

    def spend(self, calls: int, cost_usd: float | None) -> None:
        self.calls = None if self.calls is None else self.calls - calls
        self.cost_usd = None if self.cost_usd is None else self.cost_usd - (cost_usd or 0.0)


@dataclass(frozen=True, slots=True)
class Asking:
    """How a judge is asked."""

    environment: Mapping[str, str]  # holds its key
    on_progress: "OnProgress | None" = None
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit."""

    name: str
    subject: Literal["judge", "submissions", "verdicts"]  # what it audits, and what its report is kept with
    help: str  # a line
    examples: tuple[str, ...]  # commands
    settings: type[Any]  # see AuditSettings
    service: str  # "module:function", called with the database, settings and Asking; it returns an AuditReport
    question: str = ""  # that it answers, in plain words
    calls: str = (
        ""  # "module:function", called with the database and settings; the calls of a judge that it takes at most
    )

    @property
    def hints(self) -> dict[str, Any]:
        """The settings' annotations; a judge's is Any, since whoever calls finds it by its name."""
        return get_type_hints(self.settings, localns={"JudgeSpec": Any, "ResolvedJudge": Any}, include_extras=True)

    @property
    def needed(self) -> tuple[str, ...]:
        """The settings that have no usual value."""
        return tuple(setting.name for setting in fields(self.settings) if setting.default is MISSING)

    def command(self, **values: str) -> str:
        """The command that runs it with these settings; for others that it needs, what to fill in."""
        values = {name: name.upper() for name in self.needed} | values
        return self.command_of(
            [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
        )

    def command_of(self, flags: Sequence[str]) -> str:
        """The command that runs it with these flags."""
        return shlex.join(["judgebench", "audit", self.name, *flags])

    def fill(self, values: Mapping[str, object]) -> AuditSettings:
        """The settings with these values, the others as usual. Raises InputError naming the setting."""
        hints = self.hints
        for name in values:
            if name not in hints:
                raise UnknownName(f"setting of audit {self.name}", name, hints)
        for name in sorted(set(self.needed) - values.keys()):
            raise InputError(f"audit {self.name} needs {name}")
        filled: AuditSettings = self.settings(**{name: _checked(name, hints[name], values[name]) for name in values})
        return filled


_FINITE = ConfigDict(allow_inf_nan=False)  # no limit is one without an end, nor can JSON say it


def _checked(name: str, hint: Any, value: object) -> Any:
    try:
        return TypeAdapter(hint, config=_FINITE).validate_python(value)
    except ValidationError as error:
        raise InputError(f"{name}: {wrong_field(error)}") from error


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
            SubmissionAudit,
            f"{_HERE}.submissions:submissions",
            "Does a model's output ignore its instruction, address the judge, or copy another model's?",
            f"{_HERE}.submissions:most_calls",
        ),
        Audit(
            NULL_MODELS,
            "judge",
            "Enter models that ignore the instruction, and see whether the judge lets one of them win.",
            (
                "judgebench audit null-models --benchmark demo --judge embedded",
                "judgebench audit null-models --benchmark demo --judge scripted:coin --defences --limit 20",
            ),
            NullModelAudit,
            f"{_HERE}.null_models:null_models",
            "Can outputs that ignore the instruction, or only claim to be good, win this judge's verdicts?",
            f"{_HERE}.null_models:most_calls",
        ),
        Audit(
            ROBUSTNESS,
            "judge",
            "Change outputs in ways that should not, or must, matter, and see what the judge makes of it.",
            (f"{_ROBUSTNESS} --judge embedded", f"{_ROBUSTNESS} --judge scripted:coin --limit 5 --format json"),
            RobustnessAudit,
            f"{_HERE}.robustness:robustness",
            "Does the judge notice worse outputs, and stay with its verdict when only looks and claims change?",
            f"{_HERE}.robustness:most_calls",
        ),
        Audit(
            INTEGRITY,
            "verdicts",
            "Hold stored verdicts against their completions, and look for what is missing, doubled or one-sided.",
            (
                "judgebench audit integrity --benchmark demo",
                "judgebench audit integrity --benchmark demo --no-round-trip --format json",
            ),
            IntegrityAudit,
            f"{_HERE}.integrity:integrity",
            "Are the stored verdicts what the judges replied, and is none missing, doubled or one-sided?",
        ),
    )
}


def named(name: str) -> Audit:
    """Raises UnknownName."""
    if name not in AUDITS:
        raise UnknownName("audit", name, AUDITS)
    return AUDITS[name]


def audit_of(settings: AuditSettings) -> Audit:
    """The audit that takes settings of this class. Raises UnknownName."""
    kind = type(settings)
    return named(next((audit.name for audit in AUDITS.values() if audit.settings is kind), kind.__name__))


def audit(
    database: "Database",
    name: str,
    settings: AuditSettings,
    *,
    environment: Mapping[str, str],
    on_progress: "OnProgress | None" = None,
    spent_usd: float = 0.0,
) -> "AuditReport":
    """Run an audit and keep its report; a judge is asked nothing twice, so calling it again continues. What was stopped
    before its end, by a limit or an interrupt, is not kept. ``spent_usd``: what was spent on the same before, which its
    limit counts too.

    Raises UnknownName, InputError, Conflict while the same audit is going on elsewhere, and JudgeError when a judge
    cannot be asked; what it had answered stays stored.
    """
    from judgebench.clients.ray_cluster import CONNECTION
    from judgebench.clients.vllm_server import SERVERS

    limits = Budget(getattr(settings, "max_calls", None), getattr(settings, "max_cost", None))
    limits.spend(0, spent_usd)
    service = _function(named(name).service)
    key = _key(database, name, settings)
    alone = engine.claims.alone(database, key, f"this audit of {settings.benchmark!r}")
    with alone, SERVERS.kept(), CONNECTION.kept():
        report: AuditReport = service(database, settings, Asking(environment, on_progress, limits))
        if report.finished:
            services.audits.results.keep(database, settings.benchmark, named(name), report)
    return report


def is_going_on(database: "Database", name: str, settings: AuditSettings) -> bool:
    """Whether the same audit is run now, wherever it was started. Raises as ``audit`` does."""
    return engine.claims.is_claimed(database, _key(database, named(name).name, settings))


def _key(database: "Database", name: str, settings: AuditSettings) -> str:
    """Of audits that are the same, however far each may go: of the same outputs, by the same judge."""
    judge = getattr(settings, "judge", None)
    by = "" if judge is None else services.judges.resolved(database, judge).judge.name
    of = [getattr(settings, field, None) for field in ("benchmark", "model", "opponent")]
    return content_key("audit", name, by, of)


def most_calls(database: "Database", name: str, settings: AuditSettings) -> int:
    """How often the audit asks a judge at most; 0 where it only reads. Raises as ``audit`` does."""
    calls = named(name).calls
    return int(_function(calls)(database, settings)) if calls else 0


def _function(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
