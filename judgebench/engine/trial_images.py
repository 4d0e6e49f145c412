"""The images of trials, as a judge is shown them: copies by its rules, made when they are first needed, and kept.

A file that is no image which can be shown, stored before such were refused, is as one that is not held: the prompt says
that it is not shown, and it is counted.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from judgebench import images, store
from judgebench.conversations import held_files
from judgebench.judging.pictures import ImageRules, image_rules
from judgebench.judging.showing import IMAGE
from judgebench.judging.templates import Template, is_plain, sides
from judgebench.records import PromptImage, Reading, Trial
from judgebench.store.database import Database

_KEPT_BYTES = 128 << 20  # of copies; what many trials show, such as an instruction's, is copied once
_NO_IMAGES: Mapping[str, PromptImage] = {}


def image_digests(trial: Trial | Reading) -> list[str]:
    """Of the images that the messages of a trial hold, each once."""
    if is_plain(trial):
        return []
    instruction, shown = sides(trial)
    messages = [*instruction.conversation.messages]
    for _, output in shown.values():
        messages += [] if output.trajectory is None else output.trajectory.messages
    return held_files(messages, IMAGE)


class TrialImages:
    """Of trials of a database, for a judge by this template and these settings."""

    def __init__(self, database: Database, template: Template, settings: Mapping[str, object]) -> None:
        self._database = database
        self.rules: ImageRules | None = image_rules(settings) if template.shows_images else None
        self._copies: OrderedDict[str, PromptImage | None] = OrderedDict()  # None: there is none
        self._bytes = 0
        self._frames: dict[str, int] = {}  # of images that were measured
        self._lock = threading.Lock()  # copies are made in threads, and kept by one at a time

    @property
    def most(self) -> int:
        return 0 if self.rules is None else self.rules.most

    async def of(self, trial: Trial | Reading) -> Mapping[str, PromptImage]:
        """``copies``, made in a thread."""
        digests = self._digests(trial)
        return await asyncio.to_thread(self._of, digests) if digests else _NO_IMAGES

    def copies(self, trial: Trial | Reading) -> Mapping[str, PromptImage]:
        """Those that can be shown, by the digests of their originals; none where the template shows none."""
        return self._of(self._digests(trial))

    def measured(self, trials: Iterable[Trial | Reading]) -> Mapping[str, PromptImage]:
        """As ``copies`` of all the trials, without the bytes, and no pixel is decoded."""
        digests = list(dict.fromkeys(digest for trial in trials for digest in self._digests(trial)))
        if self.rules is None or not digests:
            return _NO_IMAGES
        with self._database.read() as connection:
            known = store.blobs.measures(connection, digests)
            untold = [digest for digest in known if digest not in self._frames]
            moving = store.blobs.frames(connection, untold) if untold else {}
        self._frames |= {digest: moving.get(digest, 1) for digest in untold}
        return {d: _scaled(d, *size, self._frames[d], self.rules.side) for d, size in known.items()}

    def _digests(self, trial: Trial | Reading) -> list[str]:
        return [] if self.rules is None else image_digests(trial)

    def _of(self, digests: Sequence[str]) -> Mapping[str, PromptImage]:
        with self._lock:
            copies = {digest: self._copies[digest] for digest in digests if digest in self._copies}
            for digest in copies:
                self._copies.move_to_end(digest)
        missing = [digest for digest in digests if digest not in copies]
        if missing:
            with self._database.read() as connection:
                originals = store.blobs.read(connection, missing)
            made = {d: self._copied(d, originals[d].data) if d in originals else None for d in missing}
            self._keep(made)
            copies |= made
        return {digest: copy for digest, copy in copies.items() if copy is not None}

    def _copied(self, digest: str, data: bytes) -> PromptImage | None:
        if self.rules is None:
            return None
        try:
            copy = images.copied(data, side=self.rules.side, form=self.rules.form)
        except images.UnusableImage:
            return None
        return PromptImage(digest, copy.width, copy.height, copy.frames, copy.media_type, copy.data)

    def _keep(self, made: Mapping[str, PromptImage | None]) -> None:
        with self._lock:
            for digest, copy in made.items():
                if digest not in self._copies:
                    self._copies[digest] = copy
                    self._bytes += 0 if copy is None else len(copy.data)
            while self._bytes > _KEPT_BYTES:
                _, oldest = self._copies.popitem(last=False)
                self._bytes -= 0 if oldest is None else len(oldest.data)


def _scaled(digest: str, width: int, height: int, frames: int, side: int) -> PromptImage:
    scale = min(1.0, side / max(width, height))
    return PromptImage(digest, max(1, round(width * scale)), max(1, round(height * scale)), frames)
