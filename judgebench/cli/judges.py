"""judgebench judges: add, list, show, test, evaluate, remove-address. Without a command they are listed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgebench import services
from judgebench.cli.connection import ConnectionOptions
from judgebench.cli.options import (
    Address,
    Benchmark,
    BoardOutput,
    EvaluatedAs,
    JudgeAddress,
    JudgeKeyVariable,
    KeyVariable,
    Level,
    Output,
    Price,
    SameJudge,
    ServedModel,
    Settings,
    Template,
    VllmFlags,
    WorkerOptions,
    flat,
    given,
    settings_of,
)
from judgebench.cli.session import Session, opened, print_json, print_table, say, tell, write
from judgebench.show.numbers import amount
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.clients.image_probe import ImageAbility
    from judgebench.clients.probe import Report
    from judgebench.services.judges import KnownJudge

app = typer.Typer(invoke_without_command=True)
NameArgument = Annotated[str, typer.Argument(help="Name of a judge.")]


@app.callback()
def judges(context: typer.Context, output: Output = "table") -> None:
    """Judges by name: add, list, show, test and evaluate them. Without a command they are listed.

    $ judgebench judges
    $ judgebench judges add position --model scripted:always-first --template pairwise/three-way
    """
    if context.invoked_subcommand is None:
        list_judges(context, output)


@app.command("list")
def list_judges(context: typer.Context, output: Output = "table") -> None:
    """List judges.

    $ judgebench judges list
    """
    with opened(context) as database:
        known = services.judges.known_judges(database)
    if output == "json":
        print_json([_document(judge) for judge in known])
        return
    print_table(
        ("judge", "model", "template", "address"),
        [(row.judge.name, row.judge.model, row.judge.template, _address(row)) for row in known],
    )


@app.command()
@flat
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the judge, for run --judge NAME.")],
    model: ServedModel,
    connection: ConnectionOptions,
    url: Address = None,
    key_env: KeyVariable = None,
    template: Template = None,
    setting: Settings = None,
    price: Price = None,
    vllm: VllmFlags = None,
    same_judge: SameJudge = False,
) -> None:
    """Remember a judge under a name; nothing is asked, and no key is stored.

    $ judgebench judges add position --model scripted:always-first --template pairwise/three-way
    $ judgebench judges add gpt --model gpt-5 --url https://api.openai.com/v1 --key-env OPENAI_API_KEY
    $ judgebench judges add azure --model gpt-5 --url https://a.example/v1 --key-env AZURE_KEY --key-header api-key
    $ judgebench judges add local --model qwen3 --url http://127.0.0.1:8000/v1 --set temperature=0
    """
    from judgebench.spec import JudgeSpec, make
    from judgebench.spec.addresses import as_given

    fields = {"name": name, "model": model, "url": as_given(url), "key_env": key_env, "template": template}
    fields |= {"price": price, "vllm": vllm, **connection.fields()}
    more = {"settings": settings_of(setting), "same_judge": same_judge}
    spec = make(JudgeSpec, fields | more, where="flags")
    with opened(context, create=True) as database:
        judge = services.judges.add_judge(database, spec)
    say(f"judge {judge.name}: {judge.model} with template {judge.template}")


@app.command("remove-address")
def remove_address(
    context: typer.Context, name: NameArgument, url: Annotated[str, typer.Argument(help="One of its addresses.")]
) -> None:
    """Ask a judge that was added no longer at one of its addresses; its verdicts stay.

    $ judgebench judges remove-address local http://127.0.0.1:8000/v1
    """
    with opened(context) as database:
        services.judges.remove_address(database, name, url)
    say(f"judge {name}: {url} removed")


@app.command()
def show(context: typer.Context, name: NameArgument, output: Output = "table") -> None:
    """Show everything that is stored about a judge.

    $ judgebench judges show position
    """
    with opened(context) as database:
        document = _document(services.judges.known_judge(database, name))
        document["known_at"] = services.judges.addresses(database, name)
    if output == "json":
        print_json(document)
        return
    for field, value in document.items():
        say(f"{field:<16}{json.dumps(value) if isinstance(value, dict | list | tuple) else value}")


@app.command("test")
@flat
def try_judge(
    context: typer.Context,
    name: NameArgument,
    connection: ConnectionOptions,
    workers: WorkerOptions,
    judge_url: JudgeAddress = None,
    judge_key_env: JudgeKeyVariable = None,
    vllm: VllmFlags = None,
    output: Output = "table",
) -> None:
    """Ask a judge four short questions: does it answer, as which model, and what can its server do?

    $ judgebench judges test position
    """
    from judgebench.spec.addresses import as_given

    session: Session = context.obj
    fields = given(url=as_given(judge_url), key_env=judge_key_env, vllm=vllm) | connection.fields() | workers.fields()
    with session.database() as database:
        known = services.judges.known_judge(database, name)
        report = services.judges.try_judge(database, name, session.environment, fields)
    price = None if known.spec is None else known.spec.price
    if output == "json":
        answers = (
            {}
            if report is None
            else asdict(report) | {"left_out": list(report.left_out), "changed": list(report.changed)}
        )
        print_json({"judge": name, "reachable": True, "price": price, **answers})
    else:
        say(*_lines(known.judge.model, report, price))


@app.command()
def evaluate(
    context: typer.Context,
    benchmark: Benchmark,
    judge: Annotated[
        list[str] | None,
        typer.Argument(metavar="[JUDGES]...", help="Names of judges.", show_default="all that were asked"),
    ] = None,
    profile: EvaluatedAs = None,
    level: Level = 0.95,
    output: BoardOutput = "table",
) -> None:
    """How often judges are right on a benchmark of judges, by its own sections and rules, with intervals.

    Its labels say which output is better; 'run --all-pairs' asks the judges. Beside the numbers stand cost and latency.

    $ judgebench judges evaluate --benchmark scalerlab
    $ judgebench judges evaluate claude-3-haiku-20240307 --benchmark scalerlab --format json
    """
    from judgebench.show import judge_board as shown

    with opened(context) as database:
        board = services.judge_benchmarks.evaluate_judges(
            database, benchmark, judges=judge or (), profile=profile, level=level
        )
    if output == "json":
        print_json(shown.document(benchmark, board))
    elif output == "csv":
        tell(*shown.sentences(board))
        write(shown.as_csv(board))
    elif output == "markdown":
        write(shown.as_markdown(board))
    else:
        print_table(shown.headings(board), [shown.cells(board, row) for row in board.rows], text=("judge",))
        say("")
        print_table(shown.PART_HEADINGS, shown.part_cells(board), text=("part", "judge"))
        say(*shown.sentences(board))


def _lines(model: str, report: Report | None, price: str | None) -> list[str]:
    if report is None:
        return [f"{_place(model)}: there is no server to try, and no price"]
    held = {True: "yes", False: "no"}
    other = "" if report.model in (None, model) else f", not {model!r} as asked"
    tokens = report.context_tokens
    context = "the server does not tell" if tokens is None else count(tokens, "token")
    latency = "" if report.latency_s is None else f" in {amount(report.latency_s, 's')}"
    return [
        f"reachable           yes, it answered{latency}",
        f"verdict             {_verdict(report)}",
        f"model               {report.model or 'the server does not tell'}{other}",
        f"log-probabilities   {held[report.logprobs]}",
        f"JSON schema         {held[report.json_schema]}",
        f"choice              {held[report.choice]} (structured_outputs, as in vLLM)",
        *(f"images              {_images(report.images)}" for _ in [0] if report.images is not None),
        f"settings not taken  {', '.join(report.left_out) or 'none'}",
        *(f"asked with          {change}" for change in report.changed),
        f"context             {context}",
        f"price               {f'{price} USD per million tokens' if price else 'not known (judges add --price)'}",
    ]


def _images(ability: ImageAbility) -> str:
    """Whether it sees, and what its server says to that."""
    if ability.takes is None:
        return f"not known: {ability.why}"
    if not ability.takes:
        return f"no: {ability.why}"
    return "yes" if ability.most is None else f"yes, at most {ability.most:,} in a question"


def _verdict(report: Report) -> str:
    """How a trial by the judge's template ended."""
    why = f": {report.detail}" if report.detail else ""
    return f"{report.verdict}, of a trial with its template and settings{why}"


def _document(known: KnownJudge) -> dict[str, Any]:
    judge, spec = known.judge, known.spec
    return {
        "judge": judge.name,
        "model": judge.model,
        "template": judge.template,
        "digest": judge.digest,
        "settings": dict(judge.settings),
        "url": None if spec is None else spec.url,
        "key_env": None if spec is None else spec.key_env,
        "price": None if spec is None else spec.price,
        "vllm": known.vllm,
        "connection": known.connection,
    }


def _address(known: KnownJudge) -> str:
    if known.spec is None:
        return ""
    return ", ".join(known.spec.urls) or _place(known.spec.model).removeprefix("runs ").removeprefix("is asked ")


def _place(model: str) -> str:
    """Where a model without an address is asked."""
    from judgebench.clients.providers import is_local, takes_url

    if is_local(model):
        return "runs in this process"
    return "is asked by another package" if takes_url(model) else "is asked on a server that a run starts"
