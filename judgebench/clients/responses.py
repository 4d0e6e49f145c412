"""The Responses API in the words of chat completions, so that a judge that is asked there is any judge."""

from collections.abc import Iterator, Mapping
from typing import Any

ENDPOINT = "/responses"
_RENAMED = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_LOGPROBS = "message.output_text.logprobs"


def as_responses(question: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a question. Nothing of it is kept at the server."""
    body: dict[str, Any] = {"store": False}
    for name, value in question.items():
        if name == "messages":
            body["input"] = [_message(message) for message in value]
        elif name == "logprobs":
            body |= {"include": [_LOGPROBS]} if value else {}
        elif name == "response_format":
            body["text"] = {"format": _form(value)}
        elif name == "reasoning_effort":
            body["reasoning"] = {"effort": value}
        else:
            body[_RENAMED.get(name, name)] = value
    return body


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Texts stay; parts, which messages with images have, are called otherwise there."""
    content = message["content"]
    if not isinstance(content, list):
        return dict(message)
    parts = [
        {"type": "input_text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "input_image", "image_url": part["image_url"]["url"], "detail": "auto"}
        for part in content
    ]
    return {**message, "content": parts}


def _form(form: Any) -> Any:
    if isinstance(form, Mapping) and isinstance(schema := form.get("json_schema"), Mapping):
        return {"type": "json_schema", **schema}
    return form


def as_chat(reply: Any) -> Any:
    """A reply as a chat completion; as it is where it is none, so that its error is read."""
    if not isinstance(reply, dict) or not isinstance(reply.get("output"), list) or reply.get("error"):
        return reply
    texts, refusals, thoughts = [], [], []
    logprobs: list[Any] = []
    for part in _parts(reply["output"]):
        if part.get("type") == "output_text":
            texts.append(part.get("text"))
            logprobs += part["logprobs"] if isinstance(part.get("logprobs"), list) else []
        elif part.get("type") == "refusal":
            refusals.append(part.get("refusal"))
        elif part.get("type") in ("summary_text", "reasoning_text"):
            thoughts.append(part.get("text"))
    message = {"content": _joined(texts), "refusal": _joined(refusals), "reasoning": _joined(thoughts)}
    details = reply.get("incomplete_details")
    why = details.get("reason") if isinstance(details, dict) else None
    choice: dict[str, Any] = {"message": message, "finish_reason": _REASONS.get(str(why), why) or "stop"}
    if logprobs:
        choice["logprobs"] = {"content": logprobs}
    usage = reply["usage"] if isinstance(reply.get("usage"), dict) else {}
    counted = {"prompt_tokens": usage.get("input_tokens"), "completion_tokens": usage.get("output_tokens")}
    return {"choices": [choice], "model": reply.get("model"), "usage": counted}


def _parts(output: list[Any]) -> Iterator[Mapping[str, Any]]:
    """Those of messages and of reasoning, in their order."""
    for item in output:
        for name in ("summary", "content"):
            parts = item.get(name) if isinstance(item, dict) else None
            yield from (part for part in parts or () if isinstance(part, dict)) if isinstance(parts, list) else ()


def _joined(texts: list[Any]) -> str | None:
    return "".join(text for text in texts if isinstance(text, str)) or None
