"""judgebench tokens: create, list, revoke."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from judgebench import services
from judgebench.cli.options import Output, TokenBenchmarks, names
from judgebench.cli.session import opened, print_json, print_table, say, tell
from judgebench.errors import InputError

_HELP = """Tokens of the REST API: create, list, revoke.

$ judgebench tokens create ci --role submitter
$ judgebench tokens list
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)
_Roles = Literal["viewer", "voter", "submitter", "admin"]


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose, or what for: the log has it.")],
    role: Annotated[_Roles, typer.Option("--role", help="What it may do; each may do what those before it may.")],
    benchmark: TokenBenchmarks = None,
    days: Annotated[int | None, typer.Option("--days", help="How long it is good.", show_default="90")] = None,
    no_expiry: Annotated[bool, typer.Option("--no-expiry", help="It is good until it is revoked.")] = False,
    output: Output = "table",
) -> None:
    """Make a token and print it, once: it is stored nowhere.

    $ judgebench tokens create ci --role submitter
    $ judgebench tokens create dashboard --role viewer --benchmark demo --days 365
    """
    from judgebench.services.access import Role
    from judgebench.services.tokens import DAYS

    if no_expiry and days is not None:
        raise InputError("--no-expiry is for ever: leave it or --days out")
    lasting = None if no_expiry else DAYS if days is None else days
    with opened(context, create=True) as database:
        made = services.tokens.create(
            database, name, Role[role.upper()], benchmarks=tuple(names(benchmark or [])), days=lasting
        )
    if output == "json":
        print_json({"token": made.secret, **asdict(made.about)})
        return
    say(made.secret)
    until = "until it is revoked" if made.about.expires_at is None else f"until {made.about.expires_at[:10]}"
    tell(f"token {name!r}, {role}, good {until}: it is not shown again")


@app.command("list")
def list_tokens(context: typer.Context, output: Output = "table") -> None:
    """List tokens, without the tokens themselves.

    $ judgebench tokens list
    """
    with opened(context) as database:
        tokens, makers = services.tokens.tokens(database), services.tokens.makers(database)
    if output == "json":
        print_json([{**asdict(one), "state": one.state, "created_by": makers.get(one.name)} for one in tokens])
        return
    print_table(
        ("token", "role", "benchmarks", "state", "created", "created by", "expires", "last used"),
        [
            (
                *(token.name, token.role, ", ".join(token.benchmarks) or "all", token.state),
                *(token.created_at[:10], makers.get(token.name, "not known")),
                *((when or "never")[:10] for when in (token.expires_at, token.used_at)),
            )
            for token in tokens
        ],
    )


@app.command()
def revoke(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The token's name.")], output: Output = "table"
) -> None:
    """Make a token good for nothing, from this moment on.

    $ judgebench tokens revoke ci
    """
    with opened(context) as database:
        is_new = services.tokens.revoke(database, name)
    if output == "json":
        print_json({"token": name, "revoked": is_new})
    else:
        say(f"token {name!r} is good for nothing now" if is_new else f"token {name!r} was revoked already")
