"""judgebench reparse."""

from typing import Annotated

import typer

from judgebench import engine
from judgebench.cli.options import Output
from judgebench.cli.session import opened, print_json, say
from judgebench.show.text import count


def reparse(
    context: typer.Context, judge: Annotated[str, typer.Argument(help="Name of a judge.")], output: Output = "table"
) -> None:
    """Read a judge's stored replies again with the current parser; no call is made.

    $ judgebench reparse embedded
    $ judgebench reparse gpt-5:pairwise/three-way --format json
    """
    with opened(context) as database:
        read, changed = engine.run.reparse(database, judge)
    if output == "json":
        print_json({"read": read, "changed": changed})
    else:
        say(f"{count(read, 'reply')} read again, {count(changed, 'verdict')} changed")
