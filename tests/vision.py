"""Judges' servers on loopback that see: they answer by the pixels that they were sent, and by nothing else."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from tests.fault_server import FaultServer, Reply, Request
from tests.pictures import decoded

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (30, 160, 60),
    "blue": (40, 60, 220),
    "yellow": (240, 220, 40),
    "black": (10, 10, 10),
    "white": (250, 250, 250),
}
_SAID = re.compile(r"<<< image (\d+), in (the instruction|output A|output B|output)\b[^\n]*>>>")


def seen_colour(data: bytes) -> str:
    """The name of the colour in the middle of an image."""
    image = decoded(data)
    pixel = image.getpixel((image.width // 2, image.height // 2))
    return min(COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(COLOURS[name], pixel, strict=True)))


def parts_of(request: Request) -> list[dict[str, Any]]:
    """The parts of the last message; a text is one."""
    if request.method == "GET":
        return []
    content = request.json["messages"][-1]["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def images_of(request: Request) -> list[bytes]:
    urls = [part["image_url"]["url"] for part in parts_of(request) if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


def text_of(request: Request) -> str:
    return "\n".join(part["text"] for part in parts_of(request) if part["type"] == "text")


def see(index: int, request: Request) -> Reply:
    """Names colours where it is asked for them; else prefers the output whose image has the colour that the
    instruction names, or gives it a 10."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "judge"}]})
    text, colours = text_of(request), [seen_colour(data) for data in images_of(request)]
    shown = _SAID.findall(text)
    if not shown:
        return Reply.chat(", ".join(colours) or "[[A]]")
    of = {holder: colours[int(number) - 1] for number, holder in shown}
    instruction = re.search(r"<<< begin instruction \w+\n(.*?)\nend instruction", text, re.DOTALL)
    wanted = next((name for name in COLOURS if instruction and f"a {name} " in instruction[1].lower()), None)
    if "output A" not in of and "output B" not in of:  # a question about an image
        said = {
            side: re.search(rf"<<< begin {side} \w+\n(.*?)\nend", text, re.DOTALL) for side in ("output A", "output B")
        }
        of |= {side: match[1].strip() for side, match in said.items() if match}
        wanted = of.get("the instruction")
    if "output A" not in of:
        return Reply.chat(f"Rating: [[{10 if str(wanted) in (of.get('output') or text) else 1}]]")
    return Reply.chat(
        "[[A]]" if str(wanted) in of["output A"] else "[[B]]" if str(wanted) in of["output B"] else "[[C]]"
    )


def seeing() -> FaultServer:
    return FaultServer(see)
