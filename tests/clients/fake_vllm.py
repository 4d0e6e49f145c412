"""Stands in for the ``vllm`` program: it takes its flags, waits, and lists its model; standard library only.

Flags of its own: --crash ends it at once, --deaf makes it ignore SIGTERM, --worker starts a child that outlives it.
"""

import json
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


def main() -> None:
    arguments = sys.argv[1:]
    print("fake vllm", arguments, flush=True)
    if "--crash" in arguments:
        sys.exit("ValueError: no such model")
    if "--deaf" in arguments:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--worker" in arguments:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print("worker", child.pid, flush=True)
    time.sleep(0.2)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": arguments[1], "object": "model"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    HTTPServer(("127.0.0.1", int(arguments[arguments.index("--port") + 1])), Handler).serve_forever()


if __name__ == "__main__":
    main()
