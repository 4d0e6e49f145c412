"""The one-file leaderboard: complete, offline, and nothing that others wrote becomes markup or runs."""

import base64
import hashlib
import re
from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services
from judgebench.show.board_page import board_page
from judgebench.store.database import Database
from tests import kinds
from tests.app import hostile
from tests.filling import judged


def page(path: Path, benchmark: str) -> str:
    with closing(Database(str(path))) as database:
        board = services.leaderboards.leaderboard(database, benchmark)
        beside = services.leaderboards.beside(database, benchmark, board, controlled=False)
        rates = services.part_rates.category_rates(database, benchmark)
        battles = services.battles.upsets(database, benchmark, board.judges)
        return board_page(benchmark, board, beside, rates, battles)


@pytest.mark.parametrize("kind", ["pairwise", "both"])
def test_every_model_and_battle_is_in_it(tmp_path: Path, kind: str) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS[kind](database)
    text = page(tmp_path / "j.db", "bench")
    for model in kinds.MODELS:
        assert f'<th scope="row">{model}</th>' in text
        assert f"{model} says 0." in text
    assert text.count('<details class="battle">') == 18
    assert "<h2>Win rate and mean length</h2>" in text
    assert "<h2>Models by category</h2>" in text
    assert "Not audited" in text or "was audited" in text


def test_the_policy_lets_its_own_script_run_and_nothing_else(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        judged(database)
    text = page(tmp_path / "j.db", "bench")
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_what_others_wrote_stays_text(tmp_path: Path) -> None:
    hostile.build(tmp_path / "h.db")
    text = page(tmp_path / "h.db", hostile.BENCHMARK)
    assert text.count("<script") == 1
    for tag in ("<img", "<iframe", "<svg onload", "<b onmouseover"):
        assert tag not in text
    assert "&lt;script&gt;" in text
