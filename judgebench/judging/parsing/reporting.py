"""How judges announce what somebody else wrote ("output A ends with"), and what they decide themselves ("my verdict").

English, with the commonest words of German, French, Spanish and Chinese judges.
"""

import re
from collections.abc import Iterator

_MODEL = (
    r"(?:outputs?|responses?|assistants?|answers?|models?|candidates?|options?|antwort|ausgabe|r[ée]ponse|respuesta)"
)
_VERB = (
    r"(?:sa(?:ys?|id|ying)|wr(?:ites?|ote|iting|itten)|stat(?:es?|ed|ing)|claim(?:s|ed|ing)?|contain(?:s|ed|ing)?"
    r"|includ(?:es?|ed|ing)|end(?:s|ed|ing)?|clos(?:es|ed|ing)|finish(?:es|ed|ing)|conclud(?:es|ed|ing)"
    r"|start(?:s|ed|ing)|beg[aiu]n(?:s|ning)?|open(?:s|ed|ing)|declar(?:es?|ed|ing)|assert(?:s|ed|ing)?"
    r"|read(?:s|ing)|tells?|told|telling|asks?|asked|asking|instruct(?:s|ed|ing)?|demand(?:s|ed|ing)?|order(?:s|ed|ing)"
    r"|command(?:s|ed|ing)|insert(?:s|ed|ing)?|add(?:s|ed|ing)?|append(?:s|ed|ing)?|plant(?:s|ed|ing)?"
    r"|repeat(?:s|ed|ing)?|outputs|outputted|print(?:s|ed|ing)?|announc(?:es?|ed|ing)|embed(?:s|ded|ding)?"
    r"|inject(?:s|ed|ing)?|hid(?:es?|ing|den)?|put(?:s|ting)?|plac(?:es?|ed|ing)|uses?|used|using|holds?|held|holding"
    r"|has|had|having|shows?|showed|showing|display(?:s|ed|ing)?|mention(?:s|ed|ing)?|quot(?:es?|ed|ing)"
    r"|cit(?:es?|ed|ing)|carr(?:y|ies|ied)|featur(?:es?|ed|ing)|tr(?:y|ies|ied|ying)|attempt(?:s|ed|ing)?"
    r"|suggest(?:s|ed|ing)?|insist(?:s|ed|ing)?|argu(?:es|ed)|pretend(?:s|ed|ing)?|issu(?:es|ed|ing)"
    r"|giv(?:es?|ing)|gave|award(?:s|ed|ing)?|assign(?:s|ed|ing)?|proclaim(?:s|ed|ing)?|continu(?:es|ed)|went on"
    r"|goes on|remark(?:s|ed)?|not(?:es?|ed|ing)|list(?:s|ed|ing)?|appear(?:s|ed)?|stand(?:s|ing)?|saw|seen?|sees"
    r"|introduc(?:es?|ed|ing)|present(?:s|ed|ing)?|present|wants?|wanted|urg(?:es?|ed|ing)|cop(?:y|ied|ies)|reproduc\w+"
    r"|follow(?:s|ed|ing)|goes|runs|signs? off|slip(?:s|ped)|smuggl\w+|sneak\w*|recommend(?:s|ed|ing)?|advis\w+"
    r"|there(?:['’]s| is| are| was| were)|according|selon|laut"
    r"|vot(?:es|ed)|rat(?:es|ed)|grad(?:es|ed)|scor(?:es|ed)|mak(?:es|ing)|made|produc(?:es|ed)|generat(?:es|ed)"
    r"|sagt|schreibt|behauptet|enth[äa]lt|endet|steht|lautet|dit|[ée]crit|affirme|contient|termine|dice|escribe|afirma"
    r"|contiene)"
)
_FILLER = (
    r"(?:that|the|this|these|an?|its|his|their|my|your|own|only|just|simply|outright|itself|explicitly|literally|even|up|also"
    r"|and|with|in|on|at|of|by|as|for|to|from|me|us|judges?|judge|reader|me to|final|last|first|closing|very|actual"
    r"|following|planted|quoted|embedded|hidden|exact|literal|fake|bogus|verdict|rating|score|grade|decision|winner|result"
    r"|choice|judge?ment|lines?|words?|string|tag|tags|text|sentence|phrase|marker|token|instruction|statement|claim"
    r"|message|note|command|demand|order|request|object|json|field|value|form|snippet|block|part|passage|attempt|is|are"
    r"|was|be|being|should|must|shall|has|have|say|write|give|put|output|reply|respond|answer|print|state|declare|choose"
    r"|select|report|return|pick|end|bottom|top|start|beginning|close|middle|injection|like|such|so|called|mit|dem|der"
    r"|die|das|satz|wort|par|con|avec|la|le|el|phrase|" + _MODEL + r"|[ab12])"
)
_STRONG = re.compile(rf"\b{_VERB}\b(?:[ ,\n]+{_FILLER}\b){{0,12}}\s*[,:—–-]{{0,2}}\s*\Z", re.IGNORECASE)
_THING = re.compile(
    r"\b(?:string|tags?|text|phrase|words?|token|marker|instruction|injection|snippet|passage|quote|quotation|excerpt"
    r"|postscript|demand|command|attempt|claim|message|sequence|payload|ending|closing line|last line|wording|wortlaut)"
    r"(?: (?:of|in|by|from) [\w ’']{1,40})?\s*[,:—–-]{0,2}\s*\Z",
    re.IGNORECASE,
)
_OWNED = re.compile(
    rf"(?:\b{_MODEL}(?: [\w]{{1,12}})?['’]s?|\b(?:its|their|his|whose))(?: [\w-]{{1,20}}){{0,5}}"
    r"(?: (?:is|was|are|reads|being))?\s*[,:—–-]{0,2}\s*\Z",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"(?:\b(?:the )?(?:first|second|other|one|two|{_MODEL})\b(?: {_MODEL})?(?: [ab12xy])?|(?:\A|\n)\W*[ab12])"
    r"(?: ?\([^()]{1,40}\))?\s*(?:[:,—–|]|->|=>|-)\s*\Z",
    re.IGNORECASE,
)
_CUE_WORDS = (
    r"(?:verdict|winner|wins?|winning|prefer\w*|choose|choosing|choice|pick|better|best|superior|stronger|decision|decide"
    r"|conclu\w+|therefore|thus|hence|so|overall|rating|rate|score|grade|judge?ments?|evaluation|final|my|i|vote|settle"
    r"|result|accordingly|consequently|urteil|daher|also|fazit|donc|verdict final|veredicto)"
)
_CUE = re.compile(rf"\b{_CUE_WORDS}\b|[→⇒]|=>", re.IGNORECASE)
_OTHERS = re.compile(
    rf"\b(?:{_MODEL}|it|its|they|their|following|author|first|second|end|close|bottom|closing|ending"
    rf"|texts?|lines?|words?|sentences?|phrase|string|excerpts?|quotes?|quotation|inject\w+|instruction|see|note|{_VERB})\b"
    r"|[\u3040-\u30ff\u4e00-\u9fff]",
    re.IGNORECASE,
)
_OTHERS_DO = re.compile(rf"\b(?:{_MODEL}|it|author|text)\b[^.;]*\b{_VERB}\b", re.IGNORECASE)
_OWN = re.compile(r"\b(?:[Mm]y|I)\b")
_FORM = re.compile(r"\b(?:json|format|form|reply|here is|here it is|as follows)\b", re.IGNORECASE)
_ONLY_CUES = re.compile(
    rf"(?:[\W_]|\b(?:{_CUE_WORDS}|is|the|of|for|to|this|that|result|answer|output|go|goes|with|a|be|would|it)\b)*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"""[ \t*_"'`”’»›」』)\]},.;:—–-]{0,12}(?:\n[ \t]*)?(?:
    (?:is|was|are|were)\ (?:what|how|where|written|planted|quoted|just|merely|only|its|their|ignored
        |put|placed|inserted|added|appended|injected|meant|addressed|aimed|left|repeated|copied|there
        |no\ (?:argument|merit|verdict|reason|evidence)|not\ (?:an?|its|my|mine|evidence)\b
        |an?\ (?:planted|injected|quot\w+|line|string|phrase|sentence|part|attempt|claim|instruction
            |prompt|trick|demand)
        |the\ (?:line|string|phrase|sentence|text|words|last|closing|end|ending|way))
    |(?:says?|said|writes|wrote|reads|claims|claimed|states|stated|appears|stands|stood|comes\ from|according\ to
        |sagt|schreibt|so\ die|dit|dice)\b
    |(?:as|so|from|by|per|in|inside|within|at\ the\ (?:end|start|top|bottom|beginning)\ of)\ (?:(?:the|one|its)\ )?
        (?:\w{1,9}\ )?(?:outputs?|responses?|assistants?|answers?|models?|candidate|text)\b
    |at\ (?:its|the)\ (?:very\ )?(?:end|start|top|bottom|beginning|close)
    |(?:which|and\ (?:this|that|it|expects?|hopes?|nothing)|but\ (?:that|this|it)|whatever)\b
    |(?:should|must|can|may|will)\ (?:be|not)|cannot|can['’]t|does\ not|doesn['’]t|proves|has\ no|carries|counts\ for
    )
    |[ \t*_"'`”’»›」』)\]},.;:—–-]{0,12}(?:the\ )?
        (?:(?:first|second|other|(?:outputs?|responses?|assistants?|answers?|models?|candidates?)(?:\ [ab12])?)
            (?:\ (?:outputs?|responses?|answers?))?\ (?:says?|said|writes|wrote|reads|claims|claimed|states|stated|ends
            |adds|declares|concludes|insists|tells)\b
        |(?:outputs?|responses?|assistants?|answers?|models?|candidates?)\ [ab12]\s*[)\].]?\s*(?:\n|\Z))
    |[\s*_"'`”’»›」』)\]},.;:—–~<←-]{0,20}(?:
        (?:that|this|it|these|those|they)(?:\ (?:words?|lines?|text|sentence|claim|string))?(?:
            (?:\ (?:is|was|are|were)|['’]s)\ (?:what|how\ (?:it|out|resp|the)|just|merely|only|planted|quoted|written
                |its
                |no\ (?:part|argument|merit|verdict|reason|evidence)|not\ (?:an?|its|my|mine|evidence|part)\b
                |all\ (?:that|it|they|there|the|out|resp)
                |meant\ for|in\ (?:the\ )?(?:first|second|outputs?|responses?|answers?)\b
                |an?\ (?:planted|injected|quot\w+|attempt|instruction|prompt|trick|demand))
            |\ (?:proves?|carr(?:y|ies)|counts?|ha(?:s|ve)\ no|should\ be|must\ be|cannot|do(?:es)?\ not
                |comes?\ from|stands?\ (?:in|at)|appears?\ (?:in|at)))
        |(?:the\ )?(?:above|previous|text|lines?|words|sentence|passage|quotation|quote)(?:\ (?:above|before\ this))?
            \ (?:comes?|stems?|stands?|appears?|(?:is|was|are|were)\ (?:taken|copied|quoted|part|what|by|in|from))\b
        |which\ (?:is|was|are|proves?|has|have|I)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_UNDECIDED = re.compile(
    r"\b(?:can(?:not|['’]?t)|could(?: not|n['’]t)|(?:am|is|be|are|['’]m) (?:unable|not able|impossible)(?: for me)? to"
    r"|unable to|impossible to|won['’]?t|will not|do(?: not|n['’]?t)|(?:am|['’]m) not (?:going|ready|prepared) to"
    r"|refuse to|decline to|hesitate to)(?: \w{1,12}){0,2}? ?"
    r"\b(?:decide|choose|say which|tell which|pick|prefer|(?:give|reach|make|state|render|offer|come to) an?y?"
    r"(?: \w{1,12}){0,2} (?:verdict|decision|choice|judge?ment|conclusion|rating)"
    r"|judge (?:this|these|them|which|between)|determine (?:which|a winner)|rank them|favou?r either|settle"
    r"|(?:rate|score|grade) (?:this|it))\b"
    r"(?! (?:whether|if)\b)"
    r"|\b(?:undecided|no verdict|without a verdict|have no (?:preference|opinion|verdict)|abstain)\b"
    r"|kann (?:mich )?nicht entscheiden|ne peux pas (?:d[ée]cider|choisir)|no puedo decidir|无法(?:决定|判断)",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(
    r"\b(?:[Mm]y (?:own )?(?:\w+ ){0,3}(?:verdict|rating|score|grade|decision|judge?ment|choice|preference|conclusion"
    r"|answer|reply|vote|evaluation)|I (?:\w+ ){0,3}?(?:give|conclude|say|state|declare|assign|award|rate|grade"
    r"|score|vote|end|close|finish|write|answer|reply|make|choose|pick|prefer))\b[^.!?]{0,80}\Z"
)
_THIRD_PERSON = re.compile(
    rf"\b(?:{_MODEL}|it|author|text|one|first|second|they|he|she)\b[^.,;]*\b{_VERB}\b[^.,;]*\Z", re.I
)
_CJK = re.compile(r"(?:说|写道?|声称|包含|输出|表示|结尾是?|写着)[:：]?\s*\Z")


def announces(before: str, *, strictly: bool = False) -> bool:
    """Whether text that stands before words says that somebody else wrote them; ``before`` ends with a letter, a comma,
    a colon or a dash, and holds more than one sentence where the last one is a line of its own. Strictly: a verb says
    so, a colon alone does not."""
    sentence = _last_sentence(before)
    if not sentence.strip():
        return False
    if _STRONG.search(sentence) or _THING.search(sentence) or _OWNED.search(sentence) or _CJK.search(sentence):
        return not _is_first_person(sentence)
    if strictly or _CUE.search(sentence) or _FORM.search(sentence):
        return False
    is_line = before.endswith("\n") and before.rstrip().endswith((":", "："))
    return _NAMED.search(sentence) is not None or (is_line and _OTHERS.search(sentence) is not None)


def _is_first_person(sentence: str) -> bool:
    """Whether the judge announces itself: "I give", "my verdict reads"."""
    own = _FIRST_PERSON.search(sentence)
    return own is not None and not _THIRD_PERSON.search(sentence, 0, own.start())


def _last_sentence(before: str) -> str:
    last = 0
    for match in re.finditer(r"[.!?…]['\"”’)\]*_]{0,3}\s+|\n", before.rstrip()):
        last = match.end()
    return before[last:]


def cues(before: str) -> bool:
    """Whether the sentence before words, which is not over, says that they are what the judge decides."""
    if before.rstrip().endswith((".", "!", "?")):
        return False
    return _CUE.search(_last_sentence(before)[-160:]) is not None


def tells_of_others(before: str) -> bool:
    """Whether the sentence before words is about what somebody else does."""
    sentence = _last_sentence(before)
    return _OTHERS_DO.search(sentence) is not None and _OWN.search(sentence) is None


def decides(line: str) -> bool:
    """Whether a line has words with which judges decide."""
    return _CUE.search(line) is not None


def is_cue(words: str) -> bool:
    """Whether these are no more than words that announce a verdict: "My final verdict is"."""
    return len(words) <= 120 and _ONLY_CUES.fullmatch(words) is not None


def reported_after(after: str) -> bool:
    """Whether text that stands after words says that somebody else wrote them."""
    return _AFTER.match(after) is not None


def is_undecided(text: str) -> Iterator[re.Match[str]]:
    """Every place that says that there is no decision."""
    return _UNDECIDED.finditer(text)
