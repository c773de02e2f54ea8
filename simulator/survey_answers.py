"""Reading a question as a person does, and answering it."""

import re
from collections.abc import Sequence
from random import Random

_OPTION = re.compile(r"^\s*[【\[(（]?(\d{1,2}|[A-Ha-h])[】\])）]?\s*[.、．:：)）]?\s*(\S.*?)\s*$", re.MULTILINE)
_RANGE = re.compile(r"(\d{1,3})\s*(?:[-–—~～]|到|至)\s*(\d{1,3})")


def to(question: str, again: bool, answers: Sequence[str], random: Random) -> str | None:
    """An answer, None when nothing is asked. Of listed options the number or the words; within a range a number; else a free answer.

    `again` says that the same question came a second time: then a number is worth a try.
    """
    asked = max(question.find("？"), question.find("?"))
    options = _OPTION.findall(question[asked + 1 :]) if asked >= 0 else _OPTION.findall(question)
    if len(options) > 1:
        number, text = random.choice(options)
        return str(number if random.random() < 0.6 else text)
    if found := _RANGE.search(question):
        least, most = sorted((int(found[1]), int(found[2])))
        return str(random.randint(least, most))
    if asked < 0:
        return None
    if again or not answers:
        return str(random.randint(1, 10))
    return random.choice(answers)
