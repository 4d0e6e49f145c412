"""Parts of a benchmark by themselves: a category, and what most models answered.

A leaderboard can be of a category, or of the instructions that models have in common. Outputs that no rule minds among
all of a model's may be most of what counts there: what is a severe share of such a part is severe. Parts are read
only where a finding in the whole says that it would be.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from judgebench.audits.findings import Finding, FindingRule, Severity, share_estimate
from judgebench.audits.rules import RULES, audit_submissions
from judgebench.audits.submission_set import SubmissionSet
from judgebench.judging.templates import Template

FEWEST = 10  # outputs of a part; fewer tell too little to accuse
_RULES = {rule.name: rule for rule in RULES}


def part_findings(
    submissions: SubmissionSet,
    findings: Sequence[Finding],
    templates: Sequence[Template],
    *,
    categories: Mapping[str, str | None],
) -> Iterator[tuple[str, Finding]]:
    """Severe findings in parts of ``submissions``, each with the part's name, where ``findings`` of the whole have the
    same rule as less.

    ``categories``: instruction key -> category. Shares are of the model's outputs in the part.
    """
    for model in sorted({finding.model for finding in findings} & {*submissions.by_model}):
        milder = [finding for finding in findings if finding.model == model and finding.severity is not Severity.HIGH]
        for name, keys in _parts(submissions, model, categories).items():
            if any(_would_be_severe(finding, keys) for finding in milder):
                report = audit_submissions(submissions.among(keys), templates, models=[model])
                yield from ((name, finding) for finding in report.severe)


def _parts(
    submissions: SubmissionSet, model: str, categories: Mapping[str, str | None]
) -> Mapping[str, Collection[str]]:
    """The parts that hold some but not all of a model's outputs: name -> keys of those outputs."""
    mine = submissions.by_model[model].texts
    by_name: dict[str, set[str]] = defaultdict(set)
    for key in mine:
        if categories.get(key) is not None:
            by_name[f"category {categories[key]!r}"].add(key)
    others = submissions.others(model)
    answers = Counter(key for other in others for key in other.texts if key in mine)
    by_name["what most models answered"] = {key for key, number in answers.items() if 2 * number >= len(others)}
    return {name: keys for name, keys in by_name.items() if FEWEST <= len(keys) < len(mine)}


def _would_be_severe(finding: Finding, keys: Collection[str]) -> bool:
    rule: FindingRule | None = _RULES.get(finding.rule)
    if rule is None or rule.high is None:
        return False
    share = share_estimate(len({*finding.outputs} & {*keys}), len(keys))
    return rule.severity(share.ends[0]) is Severity.HIGH


def told(model: str, name: str, findings: Collection[Finding]) -> str:
    """What a report says of severe findings in a part."""
    rules = ", ".join(sorted({finding.rule for finding in findings}))
    return f"{model}: {rules} in {name} alone, of which a leaderboard can be made; the shares are of that part"
