"""judgebench demo, judgebench app."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from judgebench import demo as demonstration
from judgebench.cli.app_command import Serving, launch
from judgebench.cli.progress import ProgressLine
from judgebench.cli.rank import print_board
from judgebench.cli.session import DEFAULT_DATABASE, Session, err, out, visible


def demo(context: typer.Context) -> None:
    """The whole way on a small benchmark of our own, with the judge that runs inside this process."""
    session: Session = context.obj
    with session.database(create=True) as database:
        for report in demonstration.submit(database):
            err().print(visible(f"submitted {report.model}: {report.new + report.matched} outputs"))
        err().print("judging every pair of models in both orders by likelihood")
        with ProgressLine() as line:
            demonstration.judge(database, session.environment, line.show)
        err().print('asking the same model "A or B?" about one pair, in both orders')
        with ProgressLine() as line:
            lesson = demonstration.ask_for_a_letter(database, session.environment, line.show)
        err().print("auditing the submissions, and the judge with outputs that ignore the instruction")
        with ProgressLine() as line:
            audited = demonstration.audit(database, session.environment, line.show)
        out().print()
        print_board(demonstration.board(database))
        out().print()
        for sentence in demonstration.trust(lesson, audited):
            out().print(sentence)
    named = "" if session.address == DEFAULT_DATABASE else f"--db {shlex.quote(session.shown_address)} "
    out().print(f"\nOpen it in the browser: judgebench {named}app")


def app(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: the first free one from 8501.")] = None,
    headless: Annotated[bool, typer.Option(help="Do not open a browser.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen at; others than this machine's need --access.")] = (
        "127.0.0.1"
    ),
    access: Annotated[
        Path | None, typer.Option(help="A TOML file that says how people log in and who may do what.")
    ] = None,
    judge_host: Annotated[
        list[str] | None, typer.Option(help="A further server that may be asked from the web; may be repeated.")
    ] = None,
) -> None:
    """Open the web app on the database."""
    session: Session = context.obj
    serving = Serving(port, headless, host, access, tuple(judge_host or ()))
    raise typer.Exit(launch(session.address, serving))
