"""A small judge that runs inside the process: SmolLM2-135M-Instruct on the CPU, with numpy alone.

It is real but weak: for trying the machine, not for ranking models. See docs/embedded-judge.md.
"""

from judgebench.clients.embedded.client import EmbeddedClient

__all__ = ["EmbeddedClient"]
