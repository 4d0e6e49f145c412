"""Boards as benchmarks publish them: a scorer a benchmark, verdicts in, the published numbers out.

None of these numbers is this project's own estimate; where a benchmark's interval takes rows to be independent that
share an instruction, one by instructions stands beside it.
"""
