"""A token is stored as its digest, and never under a name that the log has already."""

from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services, store
from judgebench.errors import Conflict
from judgebench.services.access import Role
from judgebench.services.tokens import BadToken, bearer, create, tokens
from judgebench.store.database import Database
from judgebench.store.tokens import Token
from tests import postgres
from tests.filling import judged

TOKEN = Token("ci", "viewer", (), "2026-01-01T00:00:00+00:00", None, None, None)


def test_a_name_is_one_token_s_for_ever(database: Database) -> None:
    with database.write() as connection:
        store.tokens.add(connection, TOKEN, "0" * 64)
        assert store.tokens.revoke(connection, "ci")
        assert not store.tokens.revoke(connection, "ci")
    with pytest.raises(Conflict, match="another name"), database.write() as connection:
        store.tokens.add(connection, TOKEN, "1" * 64)


def test_what_is_stored_is_no_token(database: Database) -> None:
    secret = create(database, "ci", Role.VIEWER).secret
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_tokens").all()
    assert secret.removeprefix("jb_") not in repr(rows)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_copy_takes_no_token_and_a_backup_all(
    database: Database, engine: str, tmp_path: Path, postgres_server: str
) -> None:
    secret = create(database, "ci", Role.ADMIN).secret
    assert services.repeats.begin(database, "token ci", "key", "request") is None
    target = str(tmp_path / "copy.db") if engine == "sqlite" else postgres.fresh(postgres_server)
    counts = services.upkeep.copy(database, target)
    assert (counts["api_tokens"], counts["idempotency_keys"]) == (1, 0)
    services.upkeep.backup(database, tmp_path / "saved.db")
    with closing(Database(target)) as copied:
        assert tokens(copied)[0].state == "revoked"
        with pytest.raises(BadToken):
            bearer(copied, secret)
        with copied.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM idempotency_keys").scalar() == 0
    with closing(Database(str(tmp_path / "saved.db"))) as saved:
        assert bearer(saved, secret).token == "ci"
    assert bearer(database, secret).token == "ci"


def test_a_token_follows_its_benchmark_to_another_name(database: Database) -> None:
    judged(database)
    create(database, "ci", Role.VIEWER, benchmarks=("bench",))
    services.upkeep.rename(database, "benchmark", "bench", "seat", yes=True)
    assert tokens(database)[0].benchmarks == ("seat",)
