"""The options that commands share, each declared once, and the records that hold those that belong together.

A command takes a record through ``flat``: each of its fields is an option. No option's name is declared twice; where it
means something narrower in a command, ``varied`` gives it other words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from functools import wraps
from inspect import Parameter, Signature, getdoc, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

import typer

from judgebench.errors import InputError
from judgebench.leaderboard import BY_SYNONYMS, LEVELS, METHODS, Cluster
from judgebench.leaderboard import By as BoardBy
from judgebench.leaderboard.judge_benchmarks import JUDGE_BENCHMARKS
from judgebench.leaderboard.profiles import PROFILES
from judgebench.spec.study import Orders

if TYPE_CHECKING:
    from judgebench.cli.connection import ConnectionOptions
    from judgebench.leaderboard import Method
    from judgebench.leaderboard.judge_benchmarks import JudgeBenchmarkName
    from judgebench.leaderboard.profiles import ProfileName
    from judgebench.services.scope import Scope
    from judgebench.spec import Study
    from judgebench.store.database import Database
else:
    Method = Literal[tuple(METHODS)]  # whatever the table holds when the command line starts
    ProfileName = Literal[tuple(PROFILES)]
    JudgeBenchmarkName = Literal[tuple(JUDGE_BENCHMARKS)]

Format = Literal["table", "json"]
_ADDRESS = (
    "Address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1; repeat it for several of one model. "
    "@FILE: one a line, read again while a run goes."
)
_KEY = "NAME of the environment variable that holds the server's key."


def varied(option: Any, words: str | None = None, *, default: str | None = None) -> Any:
    """The option with other words for what it means in a command, or for what holds where it is not given."""
    other = copy(option)
    other.help = words or option.help
    other.show_default = option.show_default if default is None else default
    return other


_AGAINST = typer.Option("--against", help="Another benchmark.")
_ANNOTATOR = typer.Option("--annotator", help="Only this annotator's labels.")
_BASELINE = typer.Option("--baseline", help="Compare every model with this one.")
_BENCHMARK = typer.Option("--benchmark", help="Name of the benchmark.")
_CLUSTER = typer.Option("--cluster", help="What verdicts share, for Bradley-Terry's analytic intervals.")
_DRY_RUN = typer.Option("--dry-run", help="Print what would be asked, and ask nothing.")
_FORMAT = typer.Option("--format", help="How to print the result.")
_JUDGE = typer.Option("--judge", help="Name of the judge.")
_LIMIT = typer.Option("--limit", min=1, max=10**9, help="Take the first N instructions.")
_STOP_AFTER = typer.Option("--stop-after", metavar="TIME", help="End after 90s, 55m or 1h30m.")
_MARGIN = typer.Option("--margin", min=0, help="Rank by pointwise scores; a tie where they differ by at most this.")
_MAX_COST = typer.Option("--max-cost", help="Stop asking once this many USD are spent.")
_METHOD = typer.Option("--method", help="How to rank.")
_QUESTION = typer.Option("--question", help="By what people compared, not overall.")
_MODEL = typer.Option("--model", help="Name of the model.")
_PORT = typer.Option("--port", min=1, max=65535, help="Port to listen at.")
_PROFILE = typer.Option("--profile", help="Compute the numbers that this benchmark publishes.")
_REPEATS = typer.Option("--repeats", help="How often each order is asked.")
_SEED = typer.Option("--seed", min=0, help="Seed of everything that is drawn at random.")
_TEMPLATE = typer.Option("--template", help="A template, e.g. pairwise/two-way, or a file.")
_YES = typer.Option("--yes", help="Do it; without, only say what it would change.")

# What is looked at.
Last = Annotated[int | None, typer.Option("--last", min=1, max=10**9, help="Only the newest N.", show_default="all")]
StopAfter = Annotated[str | None, _STOP_AFTER]
Queue = Annotated[bool, typer.Option("--queue", help="Leave it to a worker: judgebench worker, judgebench jobs.")]
StudyFile = Annotated[Path | None, typer.Argument(metavar="[STUDY]", help="A study file in YAML; flags win over it.")]
Benchmark = Annotated[str, _BENCHMARK]
AnyBenchmark = Annotated[str | None, _BENCHMARK]
CardBenchmark = Annotated[str | None, varied(_BENCHMARK, default="where the judge gave most verdicts")]
TokenBenchmarks = Annotated[list[str] | None, varied(_BENCHMARK, default="every one; may be repeated")]
Judge = Annotated[str, _JUDGE]
BoardJudges = Annotated[
    list[str] | None,
    varied(
        _JUDGE, "By this judge's verdicts; may be repeated, which pools them.", default="the one with most verdicts"
    ),
]
AllJudges = Annotated[bool, typer.Option("--all-judges", help="By the verdicts of all judges, pooled.")]
PlacingJudges = Annotated[
    list[str] | None, varied(_JUDGE, "A judge that was added or ran before; may be repeated.", default="the board's")
]
PlacingJudge = Annotated[
    str | None, varied(_JUDGE, "With --rank: a judge that was added or ran before.", default="the board's")
]
Judges = Annotated[list[str] | None, varied(_JUDGE, "Only this judge's verdicts; may be repeated.", default="all")]
CardJudges = Annotated[list[str], varied(_JUDGE, "The judge; may be repeated, which sets cards beside each other.")]
ComparedJudges = Annotated[list[str], varied(_JUDGE, "A judge whose replies are compared; name two or more.")]
OneJudge = Annotated[str | None, varied(_JUDGE, "Only this judge's verdicts.", default="all")]
StepJudge = Annotated[str | None, varied(_JUDGE, "The judge of steps.", default="the only one there is")]
StepAnnotator = Annotated[str | None, varied(_ANNOTATOR, default="everybody's")]
Model = Annotated[str, _MODEL]
WriterOf = Annotated[str | None, varied(_MODEL, "The model whose outputs these are.", default="as the file says")]
PlacedModels = Annotated[list[str], varied(_MODEL, "A model to place, whose outputs are stored; may be repeated.")]
Models = Annotated[list[str] | None, varied(_MODEL, "Only this model; may be repeated.", default="all")]


def _whose_say(word: str) -> str:
    """One of the names, also by another word for it. Raises BadParameter."""
    name = BY_SYNONYMS.get(word, word)
    if name not in get_args(BoardBy):
        raise typer.BadParameter(f"'{word}' is not one of {', '.join(map(repr, get_args(BoardBy)))}.")
    return name


By = Annotated[
    str,
    typer.Option(
        "--by",
        parser=_whose_say,
        metavar=f"[{'|'.join(get_args(BoardBy))}]",
        help="Whose say ranks: judges' verdicts, people's votes alone, or both, beside each other.",
    ),
]
Voters = Annotated[
    list[str] | None, varied(_ANNOTATOR, "By this annotator's votes; may be repeated.", default="everybody's")
]
Question = Annotated[str, varied(_QUESTION, default="which is better")]
Questions = Annotated[
    list[str] | None, varied(_QUESTION, "Ask voters this too, for example accuracy; may be repeated.", default="none")
]
Category = Annotated[str | None, typer.Option("--category", help="Only the instructions of this category.")]
Annotator = Annotated[str | None, _ANNOTATOR]
LabelledBy = Annotated[
    str | None, varied(_ANNOTATOR, "Who labelled, where the file does not say.", default="the file's name")
]
Against = Annotated[str | None, varied(_AGAINST, default="the same")]
SoughtIn = Annotated[list[str] | None, varied(_AGAINST, "In this benchmark; may be repeated.", default="all others")]
Templates = Annotated[
    list[str] | None, varied(_TEMPLATE, "In this template, by name or file; may be repeated.", default="all")
]

Language = Annotated[
    str | None, typer.Option("--language", help="Only the instructions in this language, as it is guessed.")
]
Common = Annotated[
    bool, typer.Option("--common", help="Only the instructions that all models of the board were judged on.")
]
WithFlagged = Annotated[
    bool, typer.Option("--with-flagged", help="Count models that a submission audit flagged as all others.")
]

# How it is computed.
Baseline = Annotated[str | None, _BASELINE]
BoardBaseline = Annotated[str | None, varied(_BASELINE, default="the one that met all, or the field")]
VersionsBaseline = Annotated[
    str | None,
    varied(_BASELINE, "By what each did against this model.", default="each other, or the opponent they share"),
]
RankingMethod = Annotated[Method, _METHOD]
PublishedAs = Annotated[ProfileName | None, _PROFILE]
AskedAs = Annotated[
    ProfileName | None, varied(_PROFILE, "Ask as this benchmark does: template, settings, orders, baseline.")
]
Clusters = Annotated[Cluster, _CLUSTER]
Dependence = Annotated[
    Literal["dialogue", "category"], varied(_CLUSTER, "Instructions that share this depend on each other.")
]
ScoreMargin = Annotated[float | None, _MARGIN]
VersionsMargin = Annotated[
    float, varied(_MARGIN, "How much worse NEW may be: 0.05 is 5 points of a share; of graded scores, in their units.")
]
StandingJudge = Annotated[str | None, varied(_JUDGE, "Who judges: a judge that was added or ran before.")]
StandingBaseline = Annotated[
    str | None, varied(_BASELINE, "Whom new models meet; without, they meet the whole pool.", default="the profile's")
]
StandingProfile = Annotated[
    ProfileName | None, varied(_PROFILE, "Also give new models the numbers that this benchmark publishes.")
]
LengthMargin = Annotated[
    int | None,
    typer.Option(
        "--length-margin",
        min=-1,
        metavar="K",
        help="WildBench's: slight wins of outputs more than K characters longer are ties; -1: none.",
        show_default="500",
    ),
]
QualityMethod = Annotated[Literal["win-rate", "bradley-terry", "length-controlled"], _METHOD]
EvaluatedAs = Annotated[
    JudgeBenchmarkName | None,
    varied(_PROFILE, "The benchmark of judges whose rules count.", default="told by the benchmark"),
]
Level = Annotated[float, typer.Option("--level", min=LEVELS[0], max=LEVELS[1], help="Level of intervals and tests.")]
Resamples = Annotated[int, typer.Option("--resamples", min=50, max=100_000, help="Number of resamples.")]
Seed = Annotated[int, _SEED]
StudySeed = Annotated[int | None, varied(_SEED, default="0")]

# How it is printed, and where it goes.
Output = Annotated[Format, _FORMAT]
BoardOutput = Annotated[Literal["table", "json", "csv", "markdown"], _FORMAT]
ComparisonOutput = Annotated[Literal["table", "json", "csv"], _FORMAT]
Html = Annotated[Path | None, typer.Option("--html", help="Also write it into this HTML file, which opens offline.")]
Shown = Annotated[int, varied(_LIMIT, "Show so many at most.")]
To = Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to write.")]
AppPort = Annotated[int | None, varied(_PORT, default="the first free one from 8501")]
LoopbackPort = Annotated[int | None, varied(_PORT, "Port of this machine.", default="a free one")]

# What is stored.
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="The column of a field, or a path into one: instruction=question, output=choices.0.text; may be repeated.",
    ),
]
Sheet = Annotated[str | None, typer.Option("--sheet", help="Of an Excel workbook, the sheet that holds the rows.")]
Extend = Annotated[bool, typer.Option("--extend", help="Add to the benchmark what it lacks.")]
Audited = Annotated[
    bool, typer.Option("--audit/--no-audit", help="Audit the outputs; without it leaderboards call them unaudited.")
]
NewBenchmark = Annotated[
    bool, typer.Option("--new-benchmark", help="Create the benchmark although its name is hardly another's.")
]
Family = Annotated[str | None, typer.Option("--family", help="The model's family, e.g. llama-3.")]
Parent = Annotated[str | None, typer.Option("--parent", help="The model it was tuned from.")]
TrainedOn = Annotated[
    list[str] | None,
    typer.Option("--trained-on", help="A model whose outputs were in its training data; may be repeated."),
]

# Who is asked, and how.
AskedJudge = Annotated[
    str | None,
    varied(_JUDGE, "Whom to ask: a judge that was added, its server's name for it, or PROVIDER:NAME, as 'vllm:NAME'."),
]
ServedModel = Annotated[str, varied(_MODEL, "Its server's name for it, 'embedded', or 'scripted:NAME'.")]
Address = Annotated[list[str] | None, typer.Option("--url", help=_ADDRESS)]
JudgeAddress = Annotated[list[str] | None, typer.Option("--judge-url", help=_ADDRESS)]
ModelAddress = Annotated[list[str] | None, typer.Option("--model-url", help=_ADDRESS)]
KeyVariable = Annotated[str | None, typer.Option("--key-env", help=_KEY)]
JudgeKeyVariable = Annotated[str | None, typer.Option("--judge-key-env", help=_KEY)]
ModelKeyVariable = Annotated[str | None, typer.Option("--model-key-env", help=_KEY)]
SameJudge = Annotated[
    bool, typer.Option("--same-judge", help="A known judge is the same at this new address, which is remembered.")
]
JudgeName = Annotated[
    str | None, typer.Option("--judge-name", help="Store the judge under this name.", show_default="model and template")
]
PlacingTemplate = Annotated[str | None, varied(_TEMPLATE, default="the judge's")]
Template = Annotated[
    str | None, varied(_TEMPLATE, default="pairwise/two-way; pairwise/likelihood for the embedded judge")
]
JudgeTemplate = Annotated[str | None, typer.Option("--judge-template", help="The template that it is asked with.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A decoding setting; may be repeated.")
]
Price = Annotated[
    str | None, typer.Option("--price", metavar="PROMPT,COMPLETION", help="USD per million tokens, e.g. 2.5,10")
]
Prices = Annotated[
    Path | None,
    typer.Option("--prices", envvar="JUDGEBENCH_PRICES", help="A YAML file of prices: lines like 'my-model: 2.5,10'."),
]
VllmFlags = Annotated[
    str | None,
    typer.Option("--vllm", metavar="FLAGS", help="For a model 'vllm:NAME': vLLM's flags, e.g. '--max-model-len 8192'."),
]
Limit = Annotated[int | None, _LIMIT]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", help="Questions in flight at most.", show_default="16")
]
Shard = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Ask only this part of the instructions, as 1/3, 2/3 and 3/3."),
]
MaxCost = Annotated[float | None, _MAX_COST]
Cap = Annotated[float | None, varied(_MAX_COST, default="10, where a price is known")]
Yes = Annotated[bool, varied(_YES, "Ask without a question back, whatever it may cost up to --max-cost.")]
Done = Annotated[bool, _YES]
PlacingRepeats = Annotated[int | None, varied(_REPEATS, default="as the board was judged")]
DryRun = Annotated[bool, _DRY_RUN]
DryMatch = Annotated[bool, varied(_DRY_RUN, "Print how the outputs match, and store nothing.")]


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """The judge"""

    judge: AskedJudge = None
    judge_url: JudgeAddress = None
    judge_key_env: JudgeKeyVariable = None
    judge_name: JudgeName = None
    same_judge: SameJudge = False
    template: Template = None
    price: Price = None
    vllm: VllmFlags = None

    def fields(self) -> dict[str, Any]:
        """Those that were given, under the names that a study has for them. Raises InputError on an unusable file."""
        from judgebench.spec.addresses import as_given

        own = {"same_judge": self.same_judge or None, "judge_url": as_given(self.judge_url)}
        options = given(**asdict(self) | own).items()
        return {"model" if name == "judge" else name.removeprefix("judge_"): value for name, value in options}


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Workers of a Ray cluster"""

    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            help="Run it in workers of Ray: 'local' for this machine, 'auto' for the cluster around, or HOST:PORT.",
        ),
    ] = None
    workers: Annotated[
        int | None, typer.Option("--workers", help="How many.", show_default="one an address, or as many as have room")
    ] = None
    worker_resources: Annotated[
        str | None,
        typer.Option(
            "--worker-resources",
            metavar="JSON",
            help="What each needs of its node, e.g. '{\"GPU\": 1}'.",
            show_default='{"CPU": 1}',
        ),
    ] = None

    def fields(self) -> dict[str, Any]:
        """As ``ray`` of a study's judge, where anything was given. Raises InputError."""
        if self.ray is None:
            if self.workers is None and self.worker_resources is None:
                return {}
            raise InputError("--workers and --worker-resources belong to --ray: give --ray local, or --ray auto")
        resources: Any = None
        if self.worker_resources is not None:
            try:
                resources = json.loads(self.worker_resources)
            except ValueError:
                resources = None
            if not isinstance(resources, dict):
                raise InputError(f"--worker-resources {self.worker_resources[:80]!r}: write JSON, as '{{\"GPU\": 1}}'")
        return {"ray": given(address=self.ray, workers=self.workers, resources=resources)}


@dataclass(frozen=True, slots=True)
class DesignOptions:
    """What is judged"""

    benchmark: AnyBenchmark = None
    models: Annotated[
        list[str] | None,
        typer.Option("--models", help="Models that meet; may be repeated or separated by commas.", show_default="all"),
    ] = None
    baseline: Baseline = None
    all_pairs: Annotated[bool | None, typer.Option("--all-pairs", help="Compare every pair of models.")] = None
    pairs: Annotated[
        list[str] | None, typer.Option("--pair", metavar="A,B", help="Compare these two models; may be repeated.")
    ] = None
    orders: Annotated[
        Orders | None, typer.Option("--orders", help="Orders in which the outputs are shown.", show_default="both")
    ] = None
    repeats: Annotated[int | None, varied(_REPEATS, default="1")] = None
    limit: Limit = None
    category: Category = None
    shard: Shard = None
    seed: StudySeed = None


@dataclass(frozen=True, slots=True)
class ScopeOptions:
    """What counts"""

    judge: BoardJudges = None
    all_judges: AllJudges = False
    category: Category = None
    language: Language = None
    common: Common = False
    with_flagged: WithFlagged = False

    def scope(self) -> Scope:
        """As the services take it."""
        from judgebench.services.scope import Scope

        return Scope(
            tuple(self.judge or ()), self.category, self.language, self.all_judges, self.common, self.with_flagged
        )


@dataclass(frozen=True, slots=True)
class BoardScopeOptions(ScopeOptions):
    """What counts"""

    by: By = "judges"
    annotator: Voters = None
    question: Question = ""

    def scope(self) -> Scope:
        """As the services take it; of both, that of judges."""
        chosen = ScopeOptions.scope(self)
        if self.by == "both":
            return chosen
        return replace(
            chosen, people=self.by == "people", annotators=tuple(self.annotator or ()), question=self.question
        )


@dataclass(frozen=True, slots=True)
class PaceOptions:
    """How fast, and how much"""

    concurrency: Concurrency = None
    max_cost: MaxCost = None
    max_calls: Annotated[
        int | None, typer.Option("--max-calls", help="Stop asking once so many requests were sent, retries included.")
    ] = None
    max_failures: Annotated[
        int | None, typer.Option("--max-failures", help="Give up after so many failures in a row.", show_default="25")
    ] = None
    max_errors: Annotated[
        int | None, typer.Option("--max-errors", help="Stop asking once so many questions have failed in all.")
    ] = None
    stop_after: Annotated[str | None, varied(_STOP_AFTER, "Stop asking after 90s, 55m or 1h30m.")] = None
    drain: Annotated[
        float | None,
        typer.Option(
            "--drain", help="Seconds left to questions in flight on a signal to terminate.", show_default="8.0"
        ),
    ] = None


def given(**values: object) -> dict[str, Any]:
    """What was given; None stands for what was not."""
    return {name: value for name, value in values.items() if value is not None}


def flat(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of a parameter that is a record.

    The record's docstring, where it is a few words without a full stop, names the fields' panel in the help.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        hint = hints[parameter.name]
        parameters += _options_of(hint) if is_dataclass(hint) else [_keyword(parameter.name, hint, parameter.default)]
    records: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    @wraps(command)
    def _flattened(**values: Any) -> None:
        built = {
            name: record(**{field.name: values.pop(field.name) for field in fields(record)})
            for name, record in records.items()
        }
        command(**values, **built)

    _flattened.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    _flattened.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return _flattened


def _options_of(record: Any) -> list[Parameter]:
    hints = get_type_hints(record, include_extras=True)
    panel = getdoc(record) or "."
    return [
        _keyword(field.name, hints[field.name] if "." in panel else _in_panel(hints[field.name], panel), field.default)
        for field in fields(record)
    ]


def _in_panel(hint: Any, panel: str) -> Any:
    kind, option = get_args(hint)
    option = copy(option)
    option.rich_help_panel = panel
    return Annotated[kind, option]


def _keyword(name: str, hint: Any, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint, default=default)


def names(listed: list[str]) -> tuple[str, ...]:
    """From repeated or comma-separated names."""
    return tuple(name.strip() for text in listed for name in text.split(",") if name.strip())


def settings_of(listed: list[str] | None) -> dict[str, Any]:
    """From "FIELD=VALUE", several times. Values are JSON where they can be read as such, and text otherwise."""
    settings: dict[str, Any] = {}
    for text in listed or []:
        field, equals, value = text.partition("=")
        if not (field.strip() and equals):
            raise InputError(f"--set {text!r}: write FIELD=VALUE, e.g. --set temperature=0")
        try:
            settings[field.strip()] = json.loads(value)
        except ValueError:
            settings[field.strip()] = value
    return settings


def columns_of(listed: list[str] | None) -> dict[str, str]:
    """What --map says: our field -> the file's column. Raises InputError where it is not FIELD=COLUMN."""
    columns = {}
    for text in listed or []:
        field, equals, column = text.partition("=")
        if not (field and equals and column):
            raise InputError(f"--map {text!r}: write FIELD=COLUMN, e.g. --map instruction=question")
        columns[field.strip()] = column.strip()
    return columns


def study_of(
    database: Database,
    file: Path | None,
    design: DesignOptions,
    judge: JudgeOptions,
    prices: Path | None,
    *,
    connection: ConnectionOptions | None = None,
    workers: WorkerOptions | None = None,
    more: Mapping[str, Any] | None = None,
    profile: str | None = None,
    otherwise: str | None = None,
    taxonomy: Path | None = None,
) -> Study:
    """The study of the file with the flags laid over it; a judge without an address may be one that was added.

    ``more``: further fields of the study; ``profile``: a benchmark's, under file and flags; ``otherwise``: the address
    of a judge that has none; ``taxonomy``: the file of its causes. Raises InputError.
    """
    from judgebench import services
    from judgebench.spec import Study, load_study, make
    from judgebench.spec.connection import laid_over
    from judgebench.spec.taxonomies import taxonomy_setting

    study: dict[str, Any] = {} if file is None else _fields_of(load_study(file))
    study |= given(**asdict(design)) | dict(more or {})
    if design.models:
        study["models"] = names(design.models)
    if design.pairs:
        study["pairs"] = [tuple(name.strip() for name in text.split(",")) for text in design.pairs]
        for text, sides in zip(design.pairs, study["pairs"], strict=True):
            if len(sides) != 2 or not all(sides):
                raise InputError(f"--pair {text!r}: write two models, A,B")
    fields = judge.fields() | ({} if connection is None else connection.fields())
    fields |= {} if workers is None else workers.fields()
    served = laid_over(study.get("judge", {}), fields)
    if "benchmark" not in study:
        raise InputError("say which benchmark: --benchmark NAME, or a study file")
    if profile is not None:
        study, served = _under(database, profile, study, served)
    if taxonomy is not None:
        served["settings"] = {**served.get("settings", {}), **taxonomy_setting(taxonomy)}
    if "model" not in served:
        raise InputError("say which judge: --judge MODEL --judge-url URL, --judge embedded, or a study file")
    spec = services.judges.find_judge(database, served, otherwise=otherwise)
    if prices is not None:
        spec = spec.model_copy(update=priced(served, prices, model=spec.model))
    return make(Study, study | {"judge": spec}, where=str(file or "flags"))


def _fields_of(study: Study) -> dict[str, Any]:
    """Those that were given, with the judge's workers, which no dump holds."""
    fields = study.model_dump(exclude_defaults=True)
    return fields if study.judge.ray is None else fields | {"judge": fields["judge"] | {"ray": study.judge.ray}}


def _under(
    database: Database, profile: str, study: Mapping[str, Any], served: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of a study and its judge, with those of the profile where nothing else was said."""
    from judgebench import services

    compares = any(study.get(name) for name in ("baseline", "all_pairs", "pairs"))
    category = study.get("category")
    fields = services.benchmark_runs.study_fields(
        *(database, study["benchmark"], profile), category=category, compares=compares, template=served.get("template")
    )
    judge = fields.pop("judge")
    settings = {**judge["settings"], **served.get("settings", {})}
    return {**fields, **study}, {**judge, **served, "settings": settings}


def priced(served: Mapping[str, Any], prices: Path, *, model: str = "") -> dict[str, Any]:
    """The price of a model that was given none, from the price table; ``model``: its name, where a judge is named."""
    from judgebench.spec import load_prices

    listed = [price for name, price in load_prices(prices).items() if name in (served["model"], model)]
    return {"price": listed[0]} if "price" not in served and listed else {}
