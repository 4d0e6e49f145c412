"""Every page of the app, as ``app/main.py`` lists them, so that no test or measurement forgets a new one."""

import ast
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from judgebench import services
from judgebench.resources import folder
from judgebench.services.pages import BattleFilter
from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class Page:
    """A line of the list."""

    screen: str  # its file in app/screens, without the ending
    title: str
    path: str  # in an address, without the leading slash
    in_menu: bool


def pages() -> list[Page]:
    """In their order there; the leaderboard has a second path, which no menu shows."""
    tree = ast.parse((folder("app") / "main.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.Page"]
    return [_page(call) for call in sorted(calls, key=lambda call: call.lineno)]


def screens() -> list[str]:
    """Each once."""
    return list(dict.fromkeys(page.screen for page in pages()))


def _page(call: ast.Call) -> Page:
    given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    screen = str(ast.literal_eval(call.args[0])).removeprefix("screens/").removesuffix(".py")
    path = "" if given.get("default") else str(given.get("url_path", screen))
    return Page(screen, str(given["title"]), path, given.get("visibility") != "hidden")


def views(database: Path, benchmark: str) -> list[str]:
    """An address of every page, with what those that no menu shows are about; and of one battle."""
    with closing(Database(str(database))) as opened:
        [row], _ = services.battles.battles(opened, benchmark, BattleFilter(), limit=1)
    about = {"model": row.model_a, "first": row.model_a, "second": row.model_b, "instruction": row.instruction}
    battle = {"instruction": row.instruction, "a": row.model_a, "b": row.model_b}
    paths = [f"/{page.path}" if page.in_menu else f"/{page.path}?{urlencode(about)}" for page in pages()]
    return [*paths, f"/battles?{urlencode(battle)}"]
