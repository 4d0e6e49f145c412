"""A database of SQLite on another machine's disk is refused, before anything is written there."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.store import database, filesystems
from judgebench.store.database import Database


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "gpfs", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused_with_what_to_do(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / {tmp_path} rw shared:1 - {kind} server:/ rw\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    path = tmp_path / "study.db"
    with pytest.raises(InputError, match=rf"network file system \({kind}\).*db merge.*PostgreSQL"):
        Database(str(path), create=True)
    assert not path.exists()


def test_disks_of_this_machine_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    lines = [
        "1 0 0:5 / / rw - nfs4 server:/ rw",
        f"2 1 8:1 / {tmp_path} rw - xfs /dev/sda rw",
        "3 1 0:9 / /other rw - nfs4 s:/ rw",
    ]
    mounts.write_text("\n".join(lines))
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    Database(str(tmp_path / "study.db"), create=True).close()
    monkeypatch.setattr(filesystems, "_MOUNTS", tmp_path / "missing")
    assert database.network_of(tmp_path) is None
