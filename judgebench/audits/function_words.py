"""The words of which any text of a language is full, whatever it is about."""

import numpy as np

from judgebench.audits.reading import Words, read

_ENGLISH = """a about after again all almost already also although always am among an and another any are around as at
away back be because been before being between both but by can could did do does doing done down during
each either else enough etc even ever every few first for from further get gets give given go good had
has have having he her here hers him his how however i if in indeed instead into is it its just keep let
like likely made make makes making many may me might more most much must my need never new no nor not
now of off often on once one only or other others our out over own per perhaps please put rather really
same see several she should since so some such than that the their them then there therefore these they
thing things this those though through thus to together too toward towards two under unless until up
upon us use used using usually very via was way we well were what when where whether which while who
whom whose why will with within without would yet you your yours yourself"""
_OTHERS = """de la que el en y los se del las un por con una su para es al lo como más o pero sus le ya este sí
porque esta entre cuando muy sin sobre también me hasta hay donde quien desde nos todo uno les ni contra
otros ese eso ante ellos e esto mí le les des et à du dans qui une est pour sur pas plus par ce il au ne
se sont avec son mais comme ou si leur nous elle vous cette aux tout dont être fait ont même ces sa ses
je der die und das den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus
er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum kann oder wir ihr il di
che e per non con sono della nel alla gli anche più ha da si come ma dei delle nella o a os as do da em
um uma não com para dos mais no na foi ao ele das tem à seu sua ou ser quando muito nos já het een van
en dat niet te zijn voor op met aan ook maar dan bij nog och att det som är på för av inte till den har
jag w na się nie że z do jest o jak ve bir bu için ile da ne gibi och og ikke er i på til af yang dan di
itu dengan untuk tidak ini dari dalam akan pada"""


def _ids(*texts: str) -> Words:
    return np.unique(read(texts).words)


ENGLISH_WORDS = tuple(_ENGLISH.split())
ENGLISH = _ids(_ENGLISH)
COMMON = _ids(_ENGLISH, _OTHERS)  # English, and nine languages beside it
