"""Opening a database of either engine, its snapshots and transactions, and how rows go in and come out fast.

Errors of the drivers become DatabaseError here.
"""

import json
import os
import re
import sqlite3
import time
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url

from judgebench.actors import own_name
from judgebench.errors import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseError,
    DatabaseUpgraded,
    InputError,
    MissingExtra,
    NoDatabase,
    UnknownName,
)
from judgebench.resources import folder
from judgebench.store.filesystems import network_of
from judgebench.store.schema import SCHEMA_REVISION, events, metadata

Connection = sa.Connection  # what every function of the store works in; from ``Database.read`` or ``Database.write``
_MOST_CONNECTIONS = 1000  # of a process; servers take 100 in all by default
_BUSY_TIMEOUT_S = 30
_IN_THE_WAY_S = 5  # that others may be, where all that is stored is written anew
_REVISION = re.compile("(?!0000)[0-9]{4}")
_UPGRADE_TIMEOUT_S = 900  # for another process that upgrades the same database
_AWAY_S = 120  # that a server may be started anew in while a plan is read
_LOOK_AGAIN_S = 0.5
# Of PostgreSQL, SQLSTATE: class 08 are broken connections, 57P01 to 57P03 shutting down, crashed and starting up.
_NO_VALUES = (None, "22003", "22021", "22P05")  # a zero byte, by the driver; out of range; no characters
_AWAY = re.compile("08...|57P0[123]")
_NOT_NOW = re.compile("starting up|shutting down|recovery|too many clients|connection slots|too many connections")
_T = TypeVar("_T")
_ADVISORY_LOCK = 0x6A75646765  # "judge" in ASCII
_SQLITE_PRAGMAS = (
    f"busy_timeout={1000 * _BUSY_TIMEOUT_S}",
    *("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL", "temp_store=MEMORY"),
    # Trials' keys come in no order: their index must fit (KiB), and its pages are written again and again (pages).
    *("cache_size=-16384", "wal_autocheckpoint=16000"),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """How many of the things handed over were new, and how many were there already."""

    new: int
    known: int


def row_id(connection: sa.Connection, table: sa.Table, kind: str, name: str) -> int:
    """Raises UnknownName."""
    known = connection.scalar(sa.select(table.c.id).where(table.c.name == name))
    if known is None:
        raise UnknownName(kind, name, connection.scalars(sa.select(table.c.name)))
    return int(known)


def insert(connection: sa.Connection, table: sa.Table, **values: object) -> int:
    """The new row's id."""
    return int(connection.scalars(sa.insert(table).values(**values).returning(table.c.id)).one())


@contextmanager
def undone(connection: sa.Connection) -> Iterator[None]:
    """Whatever is written in the block is taken back at its end: to see whether it could be."""
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


def in_snapshot(connection: sa.Connection) -> bool:
    """Whether all that the connection reads is of one state: nobody writes in its transaction."""
    return not connection.get_execution_options().get("judgebench_write", False)


def now() -> str:
    """The moment as the store writes it, e.g. "2026-01-31T23:59:59.123456+00:00"."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Database:
    """An open database. Raises DatabaseError when it is unreachable, empty of tables, or newer than this code.

    ``create``: build the schema where there is none; otherwise a missing database is an error, so that reading
    never leaves a file behind. ``actor``: under whose name the log has what is done; the user of this machine.

    Whoever brings an older one to this code's schema is told by a warning, DatabaseUpgraded.
    """

    def __init__(self, address: str, *, create: bool = False, actor: str | None = None) -> None:
        self.actor = actor or own_name()
        self.job: int | None = None  # whose work this process does: its number stands with the runs that are begun
        self.url, pool = without_pool(parse_address(address))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and not create and not os.path.exists(self.url.database or ""):
            raise NoDatabase(self.name)
        self.read_only = self.is_sqlite and _is_read_only(Path(self.url.database or ""))
        if self.is_sqlite and self.url.database and not self.read_only:
            _refuse_network(Path(self.url.database))
        self.engine = _engine(self.url, pool, read_only=self.read_only)
        event.listen(self.engine, "handle_error", _refuse_value)
        # PostgreSQL otherwise takes a snapshot a statement, which a writer needs who has waited for another.
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading = self.engine.execution_options(**level)
        revision = self.revision()
        if revision is None and not create:
            raise InputError(f"the database {self.name} is empty: submit or import something first")
        if revision is not None and revision > SCHEMA_REVISION:
            raise DatabaseError(
                f"the database {self.name} is newer (schema {revision}) than this judgebench (schema {SCHEMA_REVISION})"
                ": upgrade judgebench"
            )
        if revision != SCHEMA_REVISION:
            self.upgrade()

    @property
    def name(self) -> str:
        """The address without its password."""
        return self.url.database or ":memory:" if self.is_sqlite else without_password(self.url)

    def __repr__(self) -> str:
        return f"Database({self.name!r})"

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection in one consistent snapshot."""
        with self._translated(), self._reading.connect() as connection, _explained(connection):
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in one transaction that no other writer shares; committed at the end, or not at all.

        Raises DatabaseError where the database can only be read.
        """
        self._check_writable()
        with self._translated(), self.engine.connect() as plain:
            by = {"judgebench_actor": self.actor, "judgebench_job": self.job}
            connection = plain.execution_options(judgebench_write=True, **by)
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                    # Else a reference to a table that was empty is checked by reading all of it, as long as the
                    # connection lasts: PostgreSQL keeps that plan until it analyzes the table.
                    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                with _explained(connection):
                    yield connection

    def patiently(self, work: Callable[[sa.Connection], _T]) -> _T:
        """What ``work`` makes of a snapshot, of another one where the server went away meanwhile. Raises DatabaseAway
        once it has been away for long."""
        until = time.monotonic() + _AWAY_S
        while True:
            try:
                with self.read() as connection:
                    return work(connection)
            except DatabaseAway:
                if time.monotonic() > until:
                    raise
                time.sleep(_LOOK_AGAIN_S)

    def revision(self) -> str | None:
        """The schema's revision; None where there is no schema."""
        with self.read() as connection:
            return self._revision(connection)

    def _revision(self, connection: sa.Connection) -> str | None:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revisions = list(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
        if len(revisions) > 1 or not all(_REVISION.fullmatch(str(revision)) for revision in revisions):
            reason = f"its schema is {str(revisions)[:60]}, which no judgebench made: restore a backup"
            raise DatabaseError(f"the database {self.name} cannot be used: {reason}")
        return revisions[0] if revisions else None

    def upgrade(self) -> None:
        """Bring the schema to this code's revision. Raises DatabaseError where the database can only be read."""
        with self._changing() as connection:
            older = self._revision(connection)  # now that nobody else can do it at the same time
            migrate(connection)
        if older not in (None, SCHEMA_REVISION):
            schemas = f"from schema {older} to {SCHEMA_REVISION}"
            notice = f"upgraded {self.name} {schemas}: older versions of judgebench no longer open it"
            warnings.warn(notice, DatabaseUpgraded, stacklevel=3)

    def compact(self) -> None:
        """Write what is stored anew, so that nothing is left of what was deleted, neither in an SQLite file nor in the
        tables of a server. Raises DatabaseBusy where others use the database meanwhile."""
        self._check_writable()
        with self._translated(), self.engine.connect() as plain:
            driver: Any = plain.connection.driver_connection
            if self.is_sqlite:
                try:
                    driver.execute(f"PRAGMA busy_timeout={1000 * _IN_THE_WAY_S}")
                    driver.execute("PRAGMA temp_store=FILE")  # of the size of the database
                    driver.execute("VACUUM")
                    busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                finally:
                    if not plain.invalidated:  # an interrupt has closed it
                        _prepare_sqlite(driver, None)
                if busy:
                    raise DatabaseBusy(f"the database {self.name} is used by another process")
                return
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(f"SET lock_timeout = '{_IN_THE_WAY_S}s'")
            try:  # what the planner remembers of columns holds texts of them, too
                connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {', '.join(metadata.tables)}")
            finally:
                connection.exec_driver_sql("RESET lock_timeout")

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        """``write`` for a change of the schema: tables that others refer to can be built anew."""
        self._check_writable()
        if not self.is_sqlite:
            with self.write() as connection:
                yield connection
            return
        with self._translated(), self.engine.connect() as plain:
            driver: Any = plain.connection.driver_connection
            # Both are nothing to SQLite within a transaction. In a file, since what is sorted may be large.
            driver.execute("PRAGMA foreign_keys=OFF")
            driver.execute("PRAGMA temp_store=FILE")
            try:
                _await_writer(driver)
                connection = plain.execution_options(judgebench_write=True)
                with connection.begin():
                    yield connection
                    self._check_references(connection)
                _give_back_space(driver)
            finally:
                if not plain.invalidated:  # an interrupt has closed it
                    _prepare_sqlite(driver, None)

    def _check_references(self, changing: sa.Connection) -> None:
        """Raises DatabaseError where a change leaves rows that refer to missing ones, beyond those there before it."""
        if dangling := _dangling(changing):
            with self.read() as before:
                new = dangling - _dangling(before)
            if new:
                where = ", ".join(f"{table} to {other}" for table, other in sorted(new))
                raise DatabaseError(f"the database {self.name} cannot be upgraded: rows would refer to none ({where})")

    def _check_writable(self) -> None:
        if self.read_only:
            raise DatabaseError(
                f"the database {self.name} can only be read, its file or folder is write-protected: copy it to a "
                "folder of your own for what writes"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        driver: Any = self.engine.dialect.loaded_dbapi
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._error(error.orig) from error
        except sa.exc.TimeoutError as error:
            raise DatabaseBusy(
                f"all connections of this process to the database {self.name} are in use: try again, or have it take "
                "more by pool_size and max_overflow in its address"
            ) from error
        except driver.Error as error:  # from bulk_insert, which by-passes SQLAlchemy
            raise self._error(error) from error
        except UnicodeDecodeError as error:  # SQLite quotes a damaged schema, and Python cannot read the quotation
            raise DatabaseError(
                f"the database {self.name} cannot be used: its file is damaged, restore a backup"
            ) from error

    def _error(self, error: BaseException | None) -> DatabaseError:
        reason = _scrubbed(str(error)).partition("\n")[0]
        if (newer := self._newer_by_now()) is not None:
            return DatabaseError(
                f"the database {self.name} was upgraded meanwhile (schema {newer}) by a newer judgebench than this "
                f"(schema {SCHEMA_REVISION}): upgrade judgebench, and do again what was stopped"
            )
        if any(kind.__name__ == "IntegrityError" for kind in type(error).__mro__):
            return DatabaseError(f"the database {self.name} refused a row: {reason}")
        if not self.is_sqlite and _is_away(error):
            return DatabaseAway(f"the server of the database {self.name} does not answer: {reason}")
        if "locked" in reason or "lock timeout" in reason:
            return DatabaseBusy(f"the database {self.name} is locked by another process: {reason}")
        return DatabaseError(f"the database {self.name} cannot be used: {reason}")

    def _newer_by_now(self) -> str | None:
        """The schema's revision where another program has brought it past this code's; None also where none is read."""
        with suppress(sa.exc.SQLAlchemyError, UnicodeDecodeError), self.engine.connect() as connection:
            revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return revision if revision is not None and str(revision) > SCHEMA_REVISION else None
        return None


@contextmanager
def _explained(connection: sa.Connection) -> Iterator[None]:
    """An unknown name's error says whether it was deleted or renamed."""
    try:
        yield
    except UnknownName as error:
        e = events.c
        query = sa.select(e.at, e.action, e.details).where(e.kind == error.kind, e.name == error.name)
        last = connection.execute(query.where(e.action.in_(("deleted", "renamed"))).order_by(e.id.desc()).limit(1))
        for at, action, details in last:
            to = f" to {json.loads(details)['new']!r}" if action == "renamed" else ""
            error.explain(f"it was {action}{to} on {at[:10]}")
        raise


def migrate(connection: Connection, revision: str = SCHEMA_REVISION) -> None:
    """Bring the schema up to a revision, in the connection's transaction."""
    from alembic import command  # slow to import, and only an upgrade needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def without_password(url: URL) -> str:
    """The address as it may be printed and stored."""
    hidden = {name: "***" for name in url.query if "password" in name}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def parse_address(address: str) -> URL:
    """A URL, or a plain path for SQLite. Raises InputError for anything but SQLite and PostgreSQL."""
    if "://" not in address:
        return URL.create("sqlite", database=address)
    try:
        url = make_url(address)
    except sa.exc.ArgumentError as error:
        raise InputError(
            f"the database address {_scrubbed(address)!r} cannot be read: write a path, sqlite:///PATH or "
            "postgresql://USER@HOST/NAME"
        ) from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(f"databases of kind {url.get_backend_name()!r} are not supported: use SQLite or PostgreSQL")
    return url


def without_pool(url: URL) -> tuple[URL, dict[str, int]]:
    """The address that the driver takes, and how many connections a process keeps open (``pool_size``) and takes beyond
    these (``max_overflow``), where the address says so. Raises InputError for what is no such number."""
    pool: dict[str, int] = {}
    for name, least in (("pool_size", 1), ("max_overflow", 0)):
        text = url.query.get(name)
        if text is None:
            continue
        if url.get_backend_name() == "sqlite":
            raise InputError(f"{name} is of connections to a server, and an SQLite database has none: leave it out")
        if not (isinstance(text, str) and text.isdecimal() and least <= int(text) <= _MOST_CONNECTIONS):
            raise InputError(
                f"{name}={text!r} of the database address: write a number from {least} to {_MOST_CONNECTIONS}"
            )
        pool[name] = int(text)
    return url.difference_update_query(pool), pool


def bulk_insert(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, each with a value for every column in the table's order, by the engine's fastest way."""
    if not rows:
        return
    columns = ", ".join(f'"{column.name}"' for column in table.columns)  # quotes mean the same to both engines
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))  # noqa: S608
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_postgres_type(column.type) for column in table.columns])
        for row in rows:
            copy.write_row(row)


def next_ids(connection: sa.Connection, table: sa.Table, count: int) -> Sequence[int]:
    """So many ids for new rows of a table, in the connection's write transaction."""
    if connection.dialect.name == "sqlite":
        first = (connection.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
        return range(first, first + count)
    query = sa.text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
    return sorted(connection.scalars(query, {"name": table.name, "count": count}))


def _postgres_type(kind: sa.types.TypeEngine[Any]) -> str:
    """As binary COPY must be told, which converts nothing."""
    named: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
        (sa.Text, "text"),
        (sa.String, "varchar"),
        (sa.SmallInteger, "int2"),
        (sa.Boolean, "bool"),
        (sa.BigInteger, "int8"),
        (sa.Integer, "int4"),
        (sa.Float, "float8"),
        (sa.LargeBinary, "bytea"),
    )
    return next(name for type_, name in named if isinstance(kind, type_))


def _is_read_only(path: Path) -> bool:
    """Whether an SQLite database is there that nobody here can write to: its journals need its folder."""
    effective = os.access in os.supports_effective_ids
    places = (path, path.absolute().parent)
    return path.exists() and not all(os.access(place, os.W_OK, effective_ids=effective) for place in places)


def _refuse_network(path: Path) -> None:
    if kind := network_of(path):
        raise InputError(
            f"the database {path} is on a network file system ({kind}), where SQLite cannot keep it whole: put it on a "
            "disk of this machine, as $TMPDIR of a cluster's node, and bring several together by 'judgebench db "
            "merge'; or use PostgreSQL, which many machines can write to"
        )


def _read_only_url(path: str) -> URL:
    """What another process may yet write stands in a log beside the database; without one it is taken to stay as it is,
    because SQLite could not make the files by which readers and writers agree."""
    log = Path(f"{path}-wal")
    mode = {"mode": "ro"} if log.exists() and log.stat().st_size else {"immutable": "1"}
    return URL.create("sqlite", database=f"file:{quote(path)}", query={"uri": "true", **mode})


def _engine(url: URL, pool: Mapping[str, int], *, read_only: bool = False) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        if url.database and not Path(url.database).absolute().parent.is_dir():
            raise InputError(f"the folder of the database {url.database} does not exist: create it first")
        if read_only:
            url = _read_only_url(url.database or "")
        engine = sa.create_engine(url, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", add_functions)
        event.listen(engine, "connect", _prepare_reading if read_only else _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        # Statements prepared while a table was empty would be planned for an empty table for ever after. A connection
        # that was closed meanwhile, by a restart or a firewall, is replaced before it is used.
        return sa.create_engine(url, connect_args={"prepare_threshold": None}, pool_pre_ping=True, **pool)
    except ModuleNotFoundError as error:
        raise MissingExtra("PostgreSQL needs its driver: pip install 'judgebench[postgres]'") from error


def _is_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL's driver says that the connection is no more, or cannot be made."""
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return _AWAY.fullmatch(state) is not None
    # Of a connection that cannot be made there is only a text: FATAL, where the server answers that it refuses.
    is_refused = "FATAL" in str(error) and not _NOT_NOW.search(str(error))
    return not is_refused and any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)


def _refuse_value(context: sa.ExceptionContext) -> None:
    """Raises InputError for what no driver can send, and for what PostgreSQL's says is no value of its columns."""
    error = context.original_exception
    is_refused = any(kind.__name__ == "DataError" for kind in type(error).__mro__)
    if isinstance(error, UnicodeEncodeError | OverflowError) or (
        is_refused and getattr(error, "sqlstate", None) in _NO_VALUES
    ):
        raise InputError(f"the database cannot hold this name, text or number: {str(error).splitlines()[0]}")


class _Doubles:
    """The aggregate ``doubles(number)``: the numbers of all rows, none of which may be null, as 8 bytes each."""

    def __init__(self) -> None:
        numbers = array("d")
        self.step, self.finalize = numbers.append, numbers.tobytes


def add_functions(connection: Any, _record: Any) -> None:
    """To a driver's connection to SQLite, the functions of ours that queries call."""
    connection.create_aggregate("doubles", 1, _Doubles)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, never by the driver
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _prepare_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA temp_store=MEMORY")


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("judgebench_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _await_writer(driver: Any) -> None:
    """Wait for another process to end its upgrade, a second at a time, so that an interrupt ends the waiting."""
    driver.execute("PRAGMA busy_timeout=1000")
    for waited in range(_UPGRADE_TIMEOUT_S):
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or waited == _UPGRADE_TIMEOUT_S - 1:
                raise
        else:
            driver.execute("ROLLBACK")
            return


def _give_back_space(driver: Any) -> None:
    """What tables held that were built anew; where there is no room or another writer, it is used again later."""
    free, pages = (driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    if free > pages // 10:
        with suppress(sqlite3.OperationalError):
            driver.execute("VACUUM")


def _dangling(connection: sa.Connection) -> Counter[tuple[str, str]]:
    """How many rows of a table refer to missing ones of another."""
    return Counter((row[0], row[2]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check"))


def _scrubbed(text: str) -> str:
    """The text without a password in an address."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text).strip()
