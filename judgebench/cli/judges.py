"""judgebench judges: add, list, show, test. Without a command they are listed."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from judgebench import services
from judgebench.cli.options import settings_of
from judgebench.cli.session import Format, Session, out, print_json, visible
from judgebench.clients.probe import Report
from judgebench.spec import make_judge

app = typer.Typer(help="Judges by name: add, list, show and test them.", invoke_without_command=True)


FormatOption = Annotated[Format, typer.Option("--format")]


NameArgument = Annotated[str, typer.Argument(help="Name of a judge.")]


@app.callback()
def judges(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """Judges by name: add, list, show and test them. Without a command they are listed."""
    if context.invoked_subcommand is None:
        list_judges(context, output)


@app.command("list")
def list_judges(context: typer.Context, output: FormatOption = Format.TABLE) -> None:
    """List judges."""
    session: Session = context.obj
    with session.database() as database:
        found = services.judges.known_judges(database)
    if output is Format.JSON:
        print_json([_document(each) for each in found])
        return
    table = Table("judge", "model", "template", "address", box=None, pad_edge=False)
    for each in found:
        judge = each.judge
        table.add_row(*(visible(cell) for cell in (judge.name, judge.model, judge.template, _address(each))))
    out().print(table)


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the judge, for run --judge NAME.")],
    model: Annotated[str, typer.Option(help="Its server's name for it, 'embedded', or 'scripted:NAME'.")],
    url: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")] = None,
    key_env: Annotated[
        str | None, typer.Option(help="NAME of the environment variable that holds the server's key.")
    ] = None,
    template: Annotated[str | None, typer.Option(help="A template, e.g. pairwise/two-way, or a file.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A decoding setting; may be repeated.")
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="PROMPT,COMPLETION", help="USD per million tokens, e.g. 2.5,10")
    ] = None,
) -> None:
    """Remember a judge under a name; nothing is asked, and no key is stored."""
    session: Session = context.obj
    fields = {"name": name, "model": model, "url": url, "key_env": key_env, "template": template, "price": price}
    spec = make_judge(fields | {"settings": settings_of(setting or [])}, where="flags")
    with session.database(create=True) as database:
        judge = services.judges.add_judge(database, spec)
    out().print(visible(f"judge {judge.name}: {judge.model} with template {judge.template}"))


@app.command()
def show(context: typer.Context, name: NameArgument, output: FormatOption = Format.TABLE) -> None:
    """Show everything that is stored about a judge."""
    session: Session = context.obj
    with session.database() as database:
        document = _document(services.judges.known_judge(database, name))
    if output is Format.JSON:
        print_json(document)
        return
    for field, value in document.items():
        out().print(visible(f"{field:<16}{json.dumps(value) if isinstance(value, dict) else value}"))


@app.command("test")
def try_judge(context: typer.Context, name: NameArgument, output: FormatOption = Format.TABLE) -> None:
    """Ask a judge four short questions: does it answer, as which model, and what can its server do?"""
    session: Session = context.obj
    with session.database() as database:
        known = services.judges.known_judge(database, name)
        report = services.judges.try_judge(database, name, session.environment)
    price = None if known.spec is None else known.spec.price
    if output is Format.JSON:
        found = {} if report is None else asdict(report) | {"left_out": list(report.left_out)}
        print_json({"judge": name, "reachable": True, "price": price, **found})
        return
    for line in _lines(known.judge.model, report, price):
        out().print(visible(line))


def _lines(asked: str, report: Report | None, price: str | None) -> list[str]:
    if report is None:
        return ["runs in this process: there is no server to try, and no price"]
    held = {True: "yes", False: "no"}
    other = "" if report.model in (None, asked) else f", not {asked!r} as asked"
    context = "the server does not tell" if report.context_tokens is None else f"{report.context_tokens:,} tokens"
    latency = "" if report.latency_s is None else f" in {report.latency_s:.2f} s"
    return [
        f"reachable           yes, it answered{latency}",
        f"model               {report.model or 'the server does not tell'}{other}",
        f"log-probabilities   {held[report.logprobs]}",
        f"JSON schema         {held[report.json_schema]}",
        f"choice              {held[report.choice]} (structured_outputs, as in vLLM)",
        f"settings not taken  {', '.join(report.left_out) or 'none'}",
        f"context             {context}",
        f"price               {f'{price} USD per million tokens' if price else 'not known (judges add --price)'}",
    ]


def _document(known: services.judges.KnownJudge) -> dict[str, Any]:
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
    }


def _address(known: services.judges.KnownJudge) -> str:
    if known.spec is None:
        return ""
    return known.spec.url or "in this process"
