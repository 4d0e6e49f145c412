"""What stands beside an output wherever it is shown: its images, its steps as judges rate them, and its goals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from judgebench.images import Copy
from judgebench.services.images import MOST_BYTES, image_digests
from judgebench.show import conversations, goals, steps

if TYPE_CHECKING:
    from judgebench.services.seen import Seen, SeenOutput

_NO_IMAGES: Mapping[str, Copy] = {}


class BesideOutputs:
    """What stands beside the outputs of one page, as HTML. An image is repeated beside each output that holds it, until
    all take ``MOST_BYTES``; of further ones it says that they are left out.

    ``images``: copies, by the digests of their originals.
    """

    def __init__(self, seen: "Seen", images: Mapping[str, Copy] = _NO_IMAGES) -> None:
        self._seen = seen
        self._images = images
        self._left = MOST_BYTES

    def markup(self, key: str, model: str) -> str:
        """Of the model's outputs to the instruction with this key; empty where they are texts that no judge cut into
        steps or goals, or are not stored."""
        return "".join(map(self._beside, self._seen.get((key, model), ())))

    def _beside(self, seen: "SeenOutput") -> str:
        return (
            conversations.figures(seen.instruction, seen.output, self._room(seen))
            + steps.lists(seen.steps, seen.output)
            + goals.markup(seen.goals, seen.instruction, seen.output)
        )

    def _room(self, seen: "SeenOutput") -> Mapping[str, Copy]:
        """Those of the output's images for which there still is room."""
        shown = {}
        for digest in image_digests(seen.instruction, [seen.output]):
            copy = self._images.get(digest)
            if copy is not None and len(copy.data) <= self._left:
                shown[digest] = copy
                self._left -= len(copy.data)
        return shown
