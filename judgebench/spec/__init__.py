"""What a user writes down, as values: studies and templates. The only reader of their files."""

from judgebench.spec.study import JudgeSpec, Study, load_study, make_judge, make_study
from judgebench.spec.templates import load_template, templates

__all__ = ["JudgeSpec", "Study", "load_study", "load_template", "make_judge", "make_study", "templates"]
