"""Honest submissions made of random sentences, sets of them, and what is found in one."""

from collections.abc import Callable

import numpy as np

from judgebench.audits.findings import Finding
from judgebench.audits.rules import audit_submissions
from judgebench.audits.submission_set import SubmissionSet
from judgebench.spec import load_template

CONTENT = """water city music history light paper travel engine garden number friend market season mountain river
teacher window story language planet kitchen doctor winter summer coffee bridge letter picture"""
GLUE = "the a of in and to with for on by from that which because when while is was can will may often"
WORDS = (GLUE + " " + CONTENT).split()
TEMPLATES = [load_template(name) for name in ("pairwise/two-way", "pairwise/arena-hard", "pointwise/mt-bench")]
REFUSAL = "I'm sorry, but I can't help with that request."


def sentence(rng: np.random.Generator) -> str:
    places = rng.integers(0, len(WORDS), size=rng.integers(6, 16))
    return " ".join(WORDS[place] for place in places).capitalize() + "."


def instructions(count: int) -> dict[str, str]:
    rng = np.random.default_rng(7)
    return {f"i{number}": f"Question {number}: {sentence(rng)}" for number in range(count)}


def honest(questions: dict[str, str], rng: np.random.Generator) -> dict[str, str]:
    """Outputs of a model with habits: an opening, a closing, a length, a share of refusals and of one-word answers."""
    opening = "Certainly! Here is an overview of what you asked for. " if rng.random() < 0.4 else ""
    closing = " I hope this helps! Let me know if you have any other questions." if rng.random() < 0.4 else ""
    sentences, refusals, short = rng.integers(4, 12), 0.08 * rng.random(), 0.1 * rng.random()
    texts = {}
    for key, question in questions.items():
        draw = rng.random()
        if draw < refusals:
            texts[key] = REFUSAL
        elif draw < refusals + short:
            texts[key] = str(rng.choice(["Yes", "No", "42", ""]))
        else:
            body = " ".join(sentence(rng) for _ in range(max(1, rng.poisson(sentences))))
            texts[key] = opening + (question + " " if rng.random() < 0.1 else "") + body + closing
    return texts


def submission_set(count: int = 60, models: int = 4, **planted: dict[str, str]) -> SubmissionSet:
    """``models`` honest ones, named m0 on, and the planted outputs."""
    questions = instructions(count)
    outputs = {f"m{number}": honest(questions, np.random.default_rng(100 + number)) for number in range(models)}
    return SubmissionSet.of(questions, outputs | planted)


def findings_in(outputs: dict[str, str], count: int = 60) -> dict[str, Finding]:
    """What the rules find in a submission planted among honest ones, by rule."""
    report = audit_submissions(submission_set(count, planted=outputs), TEMPLATES, models=["planted"])
    return {finding.rule: finding for finding in report.findings}


def altered(change: Callable[[str], str], count: int = 60) -> dict[str, str]:
    """An honest submission with every output passed through ``change``."""
    return {key: change(text) for key, text in honest(instructions(count), np.random.default_rng(5)).items()}
