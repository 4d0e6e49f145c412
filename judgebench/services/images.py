"""Images as people look at them: copies made of pixels alone, by the digests of what is stored; nothing is fetched."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from judgebench import images, store
from judgebench.conversations import Blob, held_files
from judgebench.images import Copy
from judgebench.judging.showing import IMAGE
from judgebench.records import Instruction, Output
from judgebench.services.battles import JudgedBattle
from judgebench.store.database import Database

MOST_OF_A_PAGE = 48
MOST_BYTES = 24 << 20  # of a page's
_SIDE = 1024  # pixels: more than half a page is wide
_KEPT_BYTES = 64 << 20
_lock = threading.Lock()
_kept: OrderedDict[str, Copy | None] = OrderedDict()  # by digest, the same in every database; None: it is no image


def image_digests(instruction: Instruction, outputs: Iterable[Output]) -> list[str]:
    """Of the images that they hold, each once, the instruction's first."""
    trajectories = (output.trajectory for output in outputs)
    messages = [message for trajectory in trajectories if trajectory is not None for message in trajectory.messages]
    return held_files([*instruction.conversation.messages, *messages], IMAGE)


def copies(
    database: Database, digests: Sequence[str], *, most: int = MOST_OF_A_PAGE, most_bytes: int = MOST_BYTES
) -> dict[str, Copy]:
    """Those of the images that are stored and can be shown, by digest: the first ``most``, as many as take
    ``most_bytes`` together. A page says of the others that they are left out."""
    shown: dict[str, Copy] = {}
    size = 0
    with database.read() as connection:
        stored = [digest for digest in digests if digest in store.blobs.measures(connection, digests)]
    for digest in stored:
        copy = _copied(digest, partial(_original, database, digest)) if len(shown) < most else None
        if copy is not None and size + len(copy.data) <= most_bytes:
            shown[digest] = copy
            size += len(copy.data)
    return shown


def of_file(blobs: Mapping[str, Blob], answered: Iterable[tuple[Instruction, Output]]) -> dict[str, Copy]:
    """The same of outputs in a file that is yet to be stored. ``blobs``: files that its messages hold, by digest."""
    digests = [digest for instruction, output in answered for digest in image_digests(instruction, [output])]
    held = [digest for digest in dict.fromkeys(digests) if digest in blobs][:MOST_OF_A_PAGE]
    known = {digest: _copied(digest, partial(_held, blobs, digest)) for digest in held}
    return {digest: copy for digest, copy in known.items() if copy is not None}


def _original(database: Database, digest: str) -> bytes:
    with database.read() as connection:
        return store.blobs.read(connection, [digest])[digest].data


def _held(blobs: Mapping[str, Blob], digest: str) -> bytes:
    return blobs[digest].data


def of_battles(database: Database, battles: Iterable[JudgedBattle]) -> Mapping[str, Copy]:
    """Those that battles on one page hold; of a long page the first."""
    return of_outputs(
        database, ((battle.instruction, output) for battle in battles for pair in battle.outputs for output in pair)
    )


def of_outputs(database: Database, answered: Iterable[tuple[Instruction, Output]]) -> Mapping[str, Copy]:
    """Those that outputs on one page hold, and what they answer; of a long page the first."""
    digests: dict[str, None] = {}
    for instruction, output in answered:
        digests |= dict.fromkeys(image_digests(instruction, [output]))
    return copies(database, list(digests)) if digests else {}


def _copied(digest: str, original: Callable[[], bytes]) -> Copy | None:
    with _lock:
        if digest in _kept:
            _kept.move_to_end(digest)
            return _kept[digest]
    try:
        copy: Copy | None = images.copied(original(), side=_SIDE)
    except images.UnusableImage:
        copy = None
    with _lock:
        _kept[digest] = copy
        while sum(len(kept.data) for kept in _kept.values() if kept is not None) > _KEPT_BYTES:
            _kept.popitem(last=False)
    return copy
