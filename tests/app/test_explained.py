"""Whatever heads a column, filters or stands over a number on a page has an explanation there, from the glossary."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from judgebench.resources import folder
from judgebench.show.board import HELP
from judgebench.show.glossary import LABELS
from tests.app.pages import screens

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
MODELS = {"model": "demo-careful", "first": "demo-careful", "second": "demo-hasty"}
FILTERS = ("selectbox", "multiselect", "button_group", "text_input", "number_input", "toggle", "checkbox", "metric")
# Names of what is compared head columns, too: models in matrices, judges beside each other, categories.
NAMED = re.compile(r'class="(?:upright|n)"><(?:a|span title)|<small>')
OTHERS = {"The mean over verdicts.", "The mean over verdicts; 50 is a tie.", "The same, of verdicts in this order."}


def opened(page: str, monkeypatch: pytest.MonkeyPatch, database: Path) -> "testing.AppTest":
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(database))
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=60)
    for key, name in MODELS.items():
        app.query_params[key] = name
    if page != "leaderboard":
        app.switch_page(f"screens/{page}.py")
    app.run()
    assert not app.exception
    return app


def labels(app: "testing.AppTest") -> Iterator[tuple[str, str]]:
    """What a label says, and what stands under the pointer."""
    for kind in FILTERS:
        yield from ((element.label, element.proto.help) for element in app.get(kind))
    assert not app.dataframe  # which scrolls sideways on a phone, and whose links open another window
    for html in app.get("html"):
        for heading in re.findall(r'<th scope="?col"?.*?</th>', html.proto.body):
            if not NAMED.search(heading):
                tip = re.search(r'role="tooltip">(.*?)</span>', heading)
                yield re.sub(r"<.*?>", "", heading.replace(tip[0] if tip else "", "")), tip[1] if tip else ""


@pytest.mark.parametrize("page", screens())
def test_every_label_has_an_explanation(page: str, monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    known = {help.replace("'", "&#x27;") for help in (*LABELS.values(), *HELP.values(), *OTHERS)} | {*LABELS.values()}
    unknown = [(label, help) for label, help in labels(opened(page, monkeypatch, demo_database)) if not help]
    assert unknown == [], "say in judgebench/show/glossary.py what these mean"
    strange = [help for _, help in labels(opened(page, monkeypatch, demo_database)) if help not in known]
    assert strange == [], "these are not in the glossary"
