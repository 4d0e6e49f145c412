"""Outputs of models, submitted by a token."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

from tests.factories import instruction
from tests.server.serving import JSONL, Answer, Api


def rows(model: str, *numbers: int) -> bytes:
    lines = [{"instruction": instruction(number).text, "output": f"{model} says {number}"} for number in numbers]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def submit(api: Api, model: str, who: str = "submitter", headers: Mapping[str, str] = JSONL, **more: Any) -> Answer:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    body = rows(model, 0, 1, 2)
    packed = gzip.compress(body) if headers.get("Content-Encoding") == "gzip" else body
    return api.ask("POST", f"/outputs?benchmark=bench&model={model}{query}", who, packed, headers)
