"""Whether a file lies on another machine, where SQLite's locks and its log cannot be relied on.

SQLite's own documents: all processes that use a database with a write-ahead log must be on one machine.
"""

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORKED = frozenset(
    (
        *("afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "orangefs", "pvfs2", "smb3"),
        *("smbfs", "fuse.ceph", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.mount-s3", "fuse.rclone"),
        *("fuse.s3fs", "fuse.sshfs"),
    )
)


def network_of(path: Path, mounts: str | None = None) -> str | None:
    """The kind of network file system that holds the file, or would; None where it is none, or cannot be told.

    ``mounts``: as Linux lists them in proc(5), ``/proc/PID/mountinfo``; None: those of this process.

    >>> listed = "1 0 8:1 / / rw - ext4 /dev/sda rw" + chr(10) + "2 1 0:5 / /my\\\\040home rw shared:1 - nfs4 host:/ rw"
    >>> network_of(Path("/my home/me/study.db"), listed), network_of(Path("/tmp/study.db"), listed)
    ('nfs4', None)
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
        except OSError:  # another system than Linux
            return None
    place = path.resolve()
    held_by, kind = Path(), ""
    for line in mounts.splitlines():
        mount, _, filesystem = line.partition(" - ")
        fields, kinds = mount.split(" "), filesystem.split(" ")
        point = Path(_unescaped(fields[4])) if len(fields) > 4 else Path()
        # Of several on one place the last is in force.
        if place.is_relative_to(point) and len(point.parts) >= len(held_by.parts):
            held_by, kind = point, kinds[0]
    return kind if kind in _NETWORKED else None


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)
