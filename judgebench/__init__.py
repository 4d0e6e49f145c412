"""LLMs judge LLMs, and the judges are judged too."""

__version__ = "0.1.0"
