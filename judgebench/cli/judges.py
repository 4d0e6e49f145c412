"""judgebench judges: add, list, show, test. Without a command they are listed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgebench import services
from judgebench.cli.options import Address, KeyVariable, Output, Price, ServedModel, Settings, Template, settings_of
from judgebench.cli.session import Session, opened, print_json, print_table, say
from judgebench.show.numbers import amount

if TYPE_CHECKING:
    from judgebench.clients.probe import Report
    from judgebench.services.judges import KnownJudge

app = typer.Typer(invoke_without_command=True)
NameArgument = Annotated[str, typer.Argument(help="Name of a judge.")]


@app.callback()
def judges(context: typer.Context, output: Output = "table") -> None:
    """Judges by name: add, list, show and test them. Without a command they are listed.

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
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the judge, for run --judge NAME.")],
    model: ServedModel,
    url: Address = None,
    key_env: KeyVariable = None,
    template: Template = None,
    setting: Settings = None,
    price: Price = None,
) -> None:
    """Remember a judge under a name; nothing is asked, and no key is stored.

    $ judgebench judges add position --model scripted:always-first --template pairwise/three-way
    $ judgebench judges add gpt --model gpt-5 --url https://api.openai.com/v1 --key-env OPENAI_API_KEY
    $ judgebench judges add local --model qwen3 --url http://127.0.0.1:8000/v1 --set temperature=0
    """
    from judgebench.spec import JudgeSpec, make

    fields = {"name": name, "model": model, "url": url, "key_env": key_env, "template": template, "price": price}
    spec = make(JudgeSpec, fields | {"settings": settings_of(setting)}, where="flags")
    with opened(context, create=True) as database:
        judge = services.judges.add_judge(database, spec)
    say(f"judge {judge.name}: {judge.model} with template {judge.template}")


@app.command()
def show(context: typer.Context, name: NameArgument, output: Output = "table") -> None:
    """Show everything that is stored about a judge.

    $ judgebench judges show position
    """
    with opened(context) as database:
        document = _document(services.judges.known_judge(database, name))
    if output == "json":
        print_json(document)
        return
    for field, value in document.items():
        say(f"{field:<16}{json.dumps(value) if isinstance(value, dict) else value}")


@app.command("test")
def try_judge(context: typer.Context, name: NameArgument, output: Output = "table") -> None:
    """Ask a judge four short questions: does it answer, as which model, and what can its server do?

    $ judgebench judges test position
    """
    session: Session = context.obj
    with session.database() as database:
        known = services.judges.known_judge(database, name)
        report = services.judges.try_judge(database, name, session.environment)
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


def _lines(model: str, report: Report | None, price: str | None) -> list[str]:
    if report is None:
        from judgebench.clients.providers import is_local

        place = "runs in this process" if is_local(model) else "is asked by another package"
        return [f"{place}: there is no server to try, and no price"]
    held = {True: "yes", False: "no"}
    other = "" if report.model in (None, model) else f", not {model!r} as asked"
    context = "the server does not tell" if report.context_tokens is None else f"{report.context_tokens:,} tokens"
    latency = "" if report.latency_s is None else f" in {amount(report.latency_s, 's')}"
    return [
        f"reachable           yes, it answered{latency}",
        f"verdict             {_verdict(report)}",
        f"model               {report.model or 'the server does not tell'}{other}",
        f"log-probabilities   {held[report.logprobs]}",
        f"JSON schema         {held[report.json_schema]}",
        f"choice              {held[report.choice]} (structured_outputs, as in vLLM)",
        f"settings not taken  {', '.join(report.left_out) or 'none'}",
        *(f"asked with          {change}" for change in report.changed),
        f"context             {context}",
        f"price               {f'{price} USD per million tokens' if price else 'not known (judges add --price)'}",
    ]


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
    }


def _address(known: KnownJudge) -> str:
    if known.spec is None:
        return ""
    from judgebench.clients.providers import is_local

    return known.spec.url or ("in this process" if is_local(known.spec.model) else "by another package")
