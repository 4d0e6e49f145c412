"""Stands in for the ``vllm`` program: it takes its flags, waits, lists its models and judges; standard library only.

It prefers "A". Flags of its own: --crash ends it at once, --deaf makes it ignore SIGTERM, --worker starts a child that
outlives it, --silent makes it never answer, --slow makes it answer questions after minutes, --named N gives it another
name, --dies ends it at its fifth question.
"""

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def values(arguments: list[str], flag: str) -> list[str]:
    """The words after a flag, up to the next one."""
    if flag not in arguments:
        return []
    rest = arguments[arguments.index(flag) + 1 :]
    return rest[: next((at for at, word in enumerate(rest) if word.startswith("--")), len(rest))]


def say(line: str) -> None:
    """In one piece, since others may write to the same log, and Python may be told to write each word at once."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    arguments = sys.argv[1:]
    say(f"fake vllm {arguments} pid {os.getpid()}")
    if "--crash" in arguments:
        sys.exit("ValueError: no such model")
    if "--deaf" in arguments:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--worker" in arguments:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        say(f"worker {child.pid}")
    time.sleep(0.2)
    loaded = values(arguments, "--named") or values(arguments, "--served-model-name") or [arguments[1]]
    questions: list[object] = []
    adapters = [adapter.split("=")[0] for adapter in values(arguments, "--lora-modules")]
    names = loaded + (adapters if "--enable-lora" in arguments else [])
    key = os.environ.get("VLLM_API_KEY") or next(iter(values(arguments, "--api-key")), None)
    if "--silent" in arguments:
        time.sleep(600)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.may():
                self.reply(200, {"data": [{"id": name, "object": "model"} for name in names]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "--slow" in arguments:
                say("question")
                time.sleep(600)
            if not self.may():
                return
            questions.append(asked)
            if "--dies" in arguments and len(questions) > 4:
                print("out of memory", flush=True)
                os._exit(7)
            if asked["model"] not in names:
                self.reply(404, {"error": {"message": f"The model `{asked['model']}` does not exist.", "code": 404}})
            elif self.path == "/classify":
                self.reply(200, {"data": [{"probs": [1.0 / len(str(asked["messages"]))]}], "model": asked["model"]})
            else:
                message = {"role": "assistant", "content": "[[A]]"}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                usage = {"prompt_tokens": 10, "completion_tokens": 1}
                self.reply(200, {"choices": [choice], "model": asked["model"], "usage": usage})

        def may(self) -> bool:
            """Whether the key is right; only /v1 is guarded."""
            if key is None or not self.path.startswith("/v1") or self.headers["Authorization"] == f"Bearer {key}":
                return True
            self.reply(401, {"error": "Unauthorized"})
            return False

        def reply(self, status: int, document: object) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", int(arguments[arguments.index("--port") + 1])), Handler).serve_forever()


if __name__ == "__main__":
    main()
