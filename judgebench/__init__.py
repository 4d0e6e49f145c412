"""LLMs judge LLMs, and the judges are judged too."""
