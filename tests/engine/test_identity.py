"""Where a judge is known to be reached."""

from pathlib import Path

from judgebench import services
from judgebench.engine.identity import known_addresses
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database


def test_an_added_judge_is_known_at_its_addresses(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "judges.db"), create=True)
    urls = ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")
    services.judges.add_judge(database, JudgeSpec(model="qwen", name="strict", url=urls))
    with database.read() as connection:
        assert known_addresses(connection, "strict") == list(urls)
