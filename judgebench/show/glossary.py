"""The glossary: one word a concept, and what the headings, filters and numbers on the app's pages mean.

The app's page, what stands under the pointer there and ``judgebench glossary`` are made of this; a test holds
docs/glossary.md to it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from judgebench.errors import UnknownName
from judgebench.leaderboard import METHODS
from judgebench.show.board import COLUMNS, HELP

_LEVEL = re.compile(r"\d[\d.]*% ")  # before the names of an interval's ends


@dataclass(frozen=True, slots=True)
class Term:
    """A word with its one meaning."""

    name: str
    meaning: str
    elsewhere: str = ""  # what others call it

    @property
    def anchor(self) -> str:
        """Its name in the address of a page."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


TERMS: tuple[Term, ...] = (
    Term("benchmark", "a named set of instructions", "eval set"),
    Term("instruction", "what the models were asked, one or several turns", "prompt, question"),
    Term("model", "an LLM under evaluation", "generator, competitor"),
    Term("lineage", "a model's family, its parent, and whose outputs it was trained on, as declared"),
    Term("output", "a model's reply to an instruction; it may be empty", "answer, response"),
    Term("baseline", "the model that the others are compared with", "reference model"),
    Term("reference", "a gold answer that may be shown to the judge", "ref_answer"),
    Term("checklist", "questions that a good output answers with yes", "rubric"),
    Term("judge", "an LLM, a template and decoding settings; immutable, named, digested", "annotator, grader"),
    Term("provider", "who answers for a judge's LLM: a server, this process, an installed package", "backend"),
    Term(
        "token",
        "what a script sends to the REST API to be known: of a role, for some benchmarks, for a time",
        "API key",
    ),
    Term(
        "goal",
        "something that the user of a dialogue wants to know or to have done, in one or several turns",
        "intent, task",
    ),
    Term("goal success rate", "share of the goals within scope that dialogues reached", "GSR"),
    Term("root cause", "why a goal was not reached: of the taxonomy's causes that hold, the first", "failure code"),
    Term("taxonomy", "the causes of failures, in order of precedence, with what is out of scope", "RCOF"),
    Term("template", "the text that turns a trial into the judge's messages", "prompt_template"),
    Term("scale", "what a reply's labels or numbers are worth"),
    Term("pairwise, pointwise", "two outputs compared, one output scored", "relative, absolute"),
    Term("battle", "two outputs to one instruction; A is the model whose name sorts first", "match, head-to-head"),
    Term("order", "AB or BA: which output the judge read first", "position"),
    Term("position swap", "trying a battle in both orders", "flip"),
    Term("trial", "one judge reading one battle once, in one order", "game"),
    Term("reading", "one judge reading one output once: the trial of a pointwise judge"),
    Term("completion", "the judge's raw reply", "judgment, annotation"),
    Term("verdict", "the parsed outcome of a trial, unswapped, with a status", "judgment, winner"),
    Term("status", "`ok`, `tie`, `unparsed`, `refused`, `truncated` or `failed`; the last four are failures, counted"),
    Term(
        "step",
        "a part of an output that is judged by itself: as its source cut it, else a paragraph, line or sentence",
        "process reward",
    ),
    Term("span", "a place in an output that is found fault with, by the words that stand there", "highlight"),
    Term("mark", "what a person, or a source, says of a step or a span", "process label"),
    Term("first error", "the first step that is bad; of what was never labelled behind it nothing is known"),
    Term("revision", "a later verdict on a trial, after a failure or by a better parser; the highest is in force"),
    Term("preference", "degree to which A is preferred, in [0, 1]; 0.5 is a tie that the judge *said*", "outcome"),
    Term("score", "a pointwise number on a stated scale", "rating (MT-Bench)"),
    Term("mass", "share of probability that the scale's labels hold at the verdict token"),
    Term("win rate", "mean preference for a model against the baseline or the field, ties half", "winrate"),
    Term(
        "length-controlled win rate",
        "the win rate as it would be if outputs were equally long, as in AlpacaEval 2",
        "LC win rate",
    ),
    Term("rating", "strength fitted to all battles at once (Bradley-Terry), or updated one by one (Elo)", "score"),
    Term("style control", "length, style or place as covariates in the ratings' log-odds"),
    Term(
        "estimate",
        "a number with its confidence interval, its level and its method; or the reason why there is none",
        "figure",
    ),
    Term("confidence interval", "lower and upper end, with level and method", "CI"),
    Term("rank range", "the ranks that the data leave open, for all models at once"),
    Term("coverage", "what of a benchmark a result counts, and what it leaves out, pools or marks"),
    Term(
        "flagged",
        "of a model: its newest submission audit has high findings, so that it is shown and is nobody's opponent",
    ),
    Term("tier", "models that the data do not separate from the best of them"),
    Term(
        "version",
        "a model that came after another one and is to take its place; the two are compared on the same instructions",
    ),
    Term("negative flip", "an output that was right in the old version and is wrong in the new one", "regression"),
    Term(
        "smallest difference seen",
        "the difference that a comparison of this size finds four times in five",
        "minimum detectable effect",
    ),
    Term("position bias", "preference for a place"),
    Term("length bias", "preference for length at equal quality, as far as that can be told apart", "verbosity bias"),
    Term("consistency", "share of battles whose two orders name the same winner", "positional consistency"),
    Term("self-preference", "a judge favouring its own outputs beyond what others find", "self-enhancement"),
    Term("family bias", "a judge favouring relatives of its own LLM"),
    Term(
        "preference leakage",
        "a judge favouring models that were trained on outputs of its own LLM or a relative",
        "contamination",
    ),
    Term("counterfactual leaderboard", "the ranking as it would be without an effect"),
    Term(
        "human label",
        "what one annotator says about a battle: a preference, or that both are bad",
        "vote, human preference",
    ),
    Term("annotator", "a person who labels battles, or an objective key; never a judge", "rater, voter"),
    Term(
        "human agreement",
        "mean over battles of the share of people who say what the judge says (by the mean of its verdicts): A, B or "
        "tie; of people with each other it is the ceiling",
        "human-judge agreement",
    ),
    Term(
        "accuracy",
        "share of the battles on which people name a winner where the judge names it too; its tie is half, its failure "
        "wrong",
    ),
    Term(
        "benchmark of judges",
        "pairs of outputs of which the better one is known, and rules that count how often a judge says so",
        "meta-evaluation",
    ),
    Term("null model", "an entrant whose output ignores the instruction", "cheater"),
    Term("audit", "a test of a judge, of submissions or of verdicts; not a ranking", "sanity check"),
    Term("finding", "one result of an audit, with its severity and its evidence"),
    Term("gate", "the limit at which an audit fails"),
    Term("study", "one specification: benchmark, models, judge, design", "config, task"),
    Term("run", "one execution of a study; the same study again continues it", "session, job"),
    Term(
        "job",
        "a run, an audit or a collection of outputs that is left to a worker; it may be stopped and resumed",
        "task",
    ),
    Term("worker", "a process that does jobs; whatever it holds when it ends is another's to go on with", "runner"),
    Term(
        "claim",
        "that a run is asking a trial now, so that another leaves it alone; it lapses when the run is gone",
        "lock, lease",
    ),
)
_LABELS: Mapping[str, str] = {
    # Of a leaderboard
    "Rank": HELP["rank"],
    "Ranks": HELP["rank"],
    "Tier": "Models that the data do not separate from the best of them share a tier.",
    "Model": "A language model whose outputs are compared; names open its page.",
    "Rating": "Strength fitted to the battles, on the Elo scale around 1000; 100 more is a chance of 64 percent.",
    "Log-odds": "Strength fitted to the battles, as natural log-odds.",
    "Value": "The estimate, as good as the data allow; its interval stands beside it.",
    "interval": HELP["interval"],
    "low": "Lower end of the confidence interval.",
    "high": "Upper end of the confidence interval.",
    "Marks": "What audits found in the model's outputs, and what else a reader must know of it.",
    "Note": "What audits found in the model's outputs, and what else a reader must know of it.",
    "Outputs": "Outputs that a judge scored.",
    "Outputs judged": "Outputs that a judge scored.",
    "As judged, %": "The win rate as the judges' verdicts have it.",
    "Held equal, %": "The win rate as it would be without the chosen effects.",
    "Change, points": "Held equal less as judged, in points of win rate.",
    "Change from": "Lower end of the change's interval.",
    "Change to": "Upper end of the change's interval.",
    "Would pass": "Models that it stands below as judged and would surely stand above without the effects.",
    # Of a model, and of two
    "Category": "The benchmark's own sorting of its instructions.",
    "Opponent": "The model that it was compared with.",
    "Won, lost, tied": "Verdicts for the model, against it, and for neither.",
    "Instruction": "What the models were asked.",
    "Preferred, %": "How often the model's output was preferred, the mean over verdicts.",
    "Score": "The mean of the scores that judges gave the output.",
    "Won": "Verdicts that prefer the first model.",
    "Lost": "Verdicts that prefer the second model.",
    "Tied": "Verdicts that say that neither is better.",
    "Against": "The model that it was compared with.",
    "Term": "The one word for it here.",
    "Meaning": "What the word stands for.",
    "Elsewhere called": "Words by which others name the same, and which do not stand here.",
    # Of a standing board
    "Pool": "The models among which new ones are ranked; the baseline is one of them.",
    "Profile": "A benchmark of the field whose published numbers new models get besides, by its own formulas.",
    # Of battles
    "A": "The model of the two whose name sorts first.",
    "B": "The model of the two whose name sorts second.",
    "A preferred": "How far the verdicts prefer the output of A, in percent; 50 is a tie.",
    "Verdicts": "What judges decided; a trial that failed has none.",
    "Agree": "Whether the verdicts on the battle name the same winner.",
    "Shown": "Which of the two outputs the judge read first.",
    "Samples": "Which of several outputs of each model were compared.",
    "Repeat": "How often the same question was asked before, and once more.",
    "Verdict": "What the judge decided, with its degree of preference.",
    "Label": "The words on a page; of a verdict the word or letter by which the judge named it.",
    "Read from": "Whether the verdict was read from the label, from probabilities, or was recorded by others.",
    "Detail": "Why there is no verdict, or what was odd about the reply.",
    # Of estimates and report cards
    "What": "What was estimated, or what something was done to.",
    "Interval": "The values that the data leave open at the level named; empty where they cannot tell.",
    "Difference": "New less old, paired by instruction, in points of a share or units of the score.",
    "Better": "Instructions on which the new version is better.",
    "Worse": "Instructions on which the new version is worse.",
    "Equal": "Instructions on which nothing changed.",
    "Negative flips": "Outputs that were right before and are wrong now.",
    "Positive flips": "Outputs that were wrong before and are right now.",
    "Lost in both orders": "Instructions on which the new version lost whichever was shown first.",
    "Won in both orders": "Instructions on which the new version won whichever was shown first.",
    "Margin": "How large the difference on an instruction is, whichever way.",
    "n": "How many observations the number rests on.",
    "Not known because": "Why the data give no number.",
    "What would give it": "A command that would bring the data that are missing.",
    "Grade": "A to D by the printed rule, from the whole interval: two letters are the best and the worst left open.",
    "Question": "What is asked about the judge.",
    "Rule": "The limits by which a grade is given, or which rule of an audit this is.",
    "Evidence": "What the number rests on.",
    "Judge": "A language model with a template and settings that compares or scores outputs.",
    "LLM": "The language model that the judge asks.",
    "Part": "What a benchmark of judges reports: all of it, or one of its sections.",
    "Share right": "How often the judge says which output is better, by the benchmark's own rules, with its interval.",
    "Labelled pairs": "Pairs of outputs of which the better one is known and about which the judge was asked.",
    "Failures": "Trials that ended unparsed, refused, truncated or failed.",
    "Cost": "What the judge's replies cost in all, where prices were known.",
    "Latency": "The mean time that a reply took.",
    "Template": "The text that turns a question into the judge's messages.",
    # Of audits
    "Entrant": "A null model: an output that ignores the instruction.",
    "What it is": "What the entrant says instead of an answer.",
    "Claim adds": "What a claim to be the better output adds to the win rate.",
    "Shown first": "Win rate where the output was shown first.",
    "Shown second": "Win rate where the output was shown second.",
    "Gate": "Whether the number stays below the limit at which the audit fails.",
    "Severity": "High findings set a model apart; medium and low ones are for a reader to judge.",
    "High": "Findings that set a model apart.",
    "Medium": "Findings that are for a reader to judge.",
    "Low": "Findings that honest submissions have, too.",
    "On the leaderboard": "What the findings do to the model's row there.",
    "Where": "The output, template or benchmark that holds the text.",
    "Similarity": "1: the same words, or the shorter stands in the longer; 0: below the threshold.",
    "Text": "The beginning of what stands in both.",
    "Lower": "Lower end of the confidence interval.",
    "Upper": "Upper end of the confidence interval.",
    "What is counted": "What the rule looks for in outputs.",
    "Worst null model's upper bound": "The most that any output that ignores the instruction may win.",
    # Of goals
    "Goal": "Something that the user of the dialogue wanted, in the judge's words.",
    "Turns": "The numbers of the user's turns that are about it, from 1.",
    "Reached": "Whether the user has it at the end; what is out of scope is in no rate.",
    "Cause": "Why it was not reached: of the taxonomy's causes that hold, the first.",
    "Failed at turn": "The user's turn whose reply failed.",
    "Why": "How it ended, in the judge's words.",
    "Goal success": "Goals reached over goals within scope.",
    "Goals": "Goals within scope, of several repeats the mean.",
    "Goals reached": "How many of them were reached.",
    "Out of scope": "Goals that this assistant is not there for; they are in no rate.",
    "Dialogues": "Of which a list of goals could be read.",
    "Not read": "Dialogues of which no list could be read; they are in no rate.",
    "Goals failed": "Goals that were not reached.",
    "Share of failures": "Of all goals that were not reached.",
    "Older version": "The model with which each other one is compared, on the same dialogues.",
    # Of steps and hindsight
    "Outputs read": "Of which the judge read the steps, or looked for faults.",
    "Without error": "Share of outputs without a bad step, or without a fault.",
    "First errors": "Harmonic mean of two shares: first errors named, and outputs without one that are said to have "
    "none.",
    "PRM score": "Mean of the F1 of steps that are not bad and of the F1 of bad ones.",
    "interval of first errors": "The values that the data leave open for it, at the level named.",
    "interval of the PRM score": "The values that the data leave open for it, at the level named.",
    "interval of those": "The values that the data leave open for the share, at the level named.",
    "Annotator": "Whose labels of steps count; without a choice everybody's.",
    "Judge without hindsight": "One that was not shown what happened afterwards.",
    "Judge with hindsight": "One that was shown what happened afterwards.",
    "Trials read both ways": "Trials with a verdict of both judges.",
    "Hindsight changes": "With hindsight less without: of the score, or of the preference for the model, in points.",
    "Named another": "Share of trials that name another winner, or give another score.",
    "Of": "Whose outputs were read.",
    "Without hindsight": "The preference for A, or the score, by the judge that was not shown it.",
    "With hindsight": "The preference for A, or the score, by the judge that was shown what happened afterwards.",
    "Change": "With hindsight less without.",
    # Of runs
    "Number": "The run's number in the database.",
    "Started, UTC": "When the run began.",
    "Finished": "When the run ended; empty while it goes on, or when it was stopped.",
    "Kind": "Whether questions were asked one by one, by a batch file, or verdicts imported.",
    "Trials": "Questions put to the judge: one reading of one battle in one order.",
    "Without verdict": "Trials that ended unparsed, refused, truncated or failed.",
    "Who": "The person who did it.",
    "When, UTC": "When it was done.",
    "Action": "What was done; as a filter shows these actions alone.",
    "Details": "What more was logged of it, such as a new name.",
    "Token": "The name of a token, by which a script shows the REST API who it is.",
    "Benchmarks": "What a token is good for; without a choice every benchmark.",
    "State": "Whether a token is good: valid, expired or revoked.",
    "Created by": "Who made the token, as the log has it.",
    "Expires": "The last day on which the token is good.",
    "Last used, UTC": "When the token was used last, to the minute.",
    "Role": "What somebody may do here; who may more may all that stands above, too.",
    "May, besides what those above may": "What the role adds to those above it.",
    # Filters
    "Benchmark": "A named set of instructions.",
    "Method": "How models are ranked, or how a number and its interval were computed.",
    "Search models": "Shows the models alone whose names hold this text.",
    "Columns": "Which numbers the table shows.",
    "Baseline": "The model that the others are compared with; automatic: the one that took part in every battle.",
    "Judges": "Whose verdicts count; without a choice those of the judge with most.",
    "Language (a guess)": "Instructions in this language, guessed from their letters and commonest words.",
    "Count": "All judges together, only instructions that all models share, and models set apart by an audit.",
    "Rank by": "Verdicts of judges, votes of people alone, or both beside each other on the leaderboard.",
    "Places in the picture": "A picture holds at most 40 models; tables hold all.",
    "Hold equal, to see how each model would move": "Ranks as if outputs were equally long, equally formatted, or no "
    "judge a relative of theirs.",
    "Beside others": "Other models, whose numbers stand beside this one's.",
    "Show": "Which part stands here: a chart, a table or a list; no other is made.",
    "Other model": "The second of the two that are compared.",
    "Models, one or two": "Battles of this model, or of these two with each other.",
    "Or these models": "Shows these models in place of those on the chosen places.",
    "Judges, one or two": "Whose report cards are shown, beside each other where they are two.",
    "Text contains": "Battles whose instruction or one of whose outputs holds this text.",
    "Instruction contains": "Battles whose instruction holds this text.",
    "Order": "Whether battles come as they were asked, or the most surprising ones first.",
    "Contradictory verdicts": "Verdicts on the same two outputs that name different winners.",
    "Trials without a verdict": "Trials that ended unparsed, refused, truncated or failed.",
    "Suspicious": "The judge gave its labels little probability, or a tenth of the length won surely.",
    "Judges against people": "People prefer the output that judges do not.",
    "First": "Which battles stand on top.",
    "Sample": "Which of several outputs of each model are shown.",
    "Search the glossary": "Shows the terms and labels that hold this text.",
    "As text": "Outputs letter by letter, not as headings, lists, tables and code.",
    "By": "Shows what these people did.",
    "Stay blind": "After a vote it is not told which model wrote what, nor what judges said.",
    # Starting an audit or a run, submitting and voting
    "Models": "Whose outputs are looked at; without a choice all.",
    "Have a judge compare outputs exchanged between so many instructions": "0 asks nobody; an output that wins under "
    "another instruction does not answer its own.",
    "Instructions": "How many of the benchmark's instructions are asked about.",
    "Instructions at most": "How many of the benchmark's instructions are asked about; fewer where it has fewer.",
    "Also measure each defence, beside the judge as it is": "Asks the judge behind each defence in turn, which takes "
    "as many questions again for each.",
    "Change the outputs of": "The model whose outputs are judged as they are and with something changed.",
    "They meet": "The model whose outputs stand beside those, unchanged.",
    "Orders": "Whether the judge reads each battle in both orders, in one drawn at random, or A first alone.",
    "First instructions only": "Judges so many instructions from the first one on.",
    "Stop at, USD": "No further question is asked once replies have cost so much.",
    "Stop at, calls": "No further question is asked after so many.",
    "Repeats": "How often each question is asked.",
    "Address": "Where the judge's server is asked; of several that serve the same model, with commas between them.",
    "Variable with its key": "The name of the environment variable that holds the server's key, never the key itself.",
    "USD per million tokens": "The price of prompts and of replies, with a comma between them.",
    "A known judge is the same at this new address, which is remembered": "Verdicts from both addresses count as those "
    "of one judge.",
    "Add instructions that the benchmark lacks to it": "Without it a file with unknown instructions is refused.",
    "New models": "Models that are judged against those on the leaderboard.",
    "Name of the judge": "What the judge is called on every page.",
    "Family": "Models of one family count as relatives of each other.",
    "Trained on outputs of": "The models that were its teachers.",
    "Models whose names are right": "Of these the lineage is declared as their names suggest it.",
    "Tuned from": "The model that this one was made of by further training.",
    "Name of the token": "Whose it is, or what for: the log says it of whatever the token does.",
    "Good for": "How long the token is good; revoked it is good for nothing at once.",
    "Your name": "The name that your votes are stored under.",
}


def _of_labels() -> dict[str, str]:
    """Columns and methods say themselves what they mean."""
    columns = {column.heading: column.help for column in COLUMNS}
    methods = {method.label: method.help for method in METHODS.values()}
    rates = {f"{method.label}, %": method.help for method in METHODS.values() if method.rates}
    return {**methods, **rates, **columns, **_LABELS}


LABELS: Mapping[str, str] = _of_labels()


def explained(label: str) -> str:
    """What a heading, filter or number's label means, in one sentence; empty where nothing is known of it."""
    return LABELS.get(label) or LABELS.get(_LEVEL.sub("", label, count=1), "")


def meaning(name: str) -> tuple[Term, ...]:
    """The term or label of this name or anchor, whatever its letters' case. Raises UnknownName."""
    known = [*TERMS, *(Term(label, help) for label, help in LABELS.items())]
    named = tuple(term for term in known if name.casefold() in (term.name.casefold(), term.anchor))
    if not named:
        raise UnknownName("term", name, [term.name for term in known])
    return named
