"""What is asked of judges, of submissions and of verdicts before they are trusted. Pure: texts and numbers in, findings
out."""

# By these names audits are called, kept and found again; ``services.audits.registry`` is the table of them.
SUBMISSIONS = "submissions"
NULL_MODELS = "null-models"
ROBUSTNESS = "robustness"
INTEGRITY = "integrity"

NET_FLIP = "net-flip"  # the rule of a robustness audit by which leaderboards are marked
