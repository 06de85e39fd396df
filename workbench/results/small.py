"""Small cells: what rests on too few people, orders or answers to be shown."""

import re

from workbench.notes import Note, slots

MINIMUM_CELL = 10  # below this many units a row is suppressed wherever it is shown
# Columns that hold how many stand behind a row.
BASES = ("n", "customers", "households", "people", "respondents")


def _words(text):
    return frozenset(text.split())


# Who or what is counted, such that a few of them could be told who they are.
_UNITS = _words("""
    accounts answers attempts baskets buyers carts choices complaints consumers contacts
    conversions customers deals devices donors durations employees episodes households invites
    mails members occasions offers opportunities orders patients people persons purchases
    redemptions referrals respondents reviews rows sessions shoppers spells students subscribers
    texts tickets trips users visitors visits""") | {"person"}
# Of these a limit does not tell a small number either.
_WHO = _words("""
    accounts answers buyers complaints consumers customers deals donors employees households
    members orders patients people persons person respondents shoppers students subscribers users
    visitors""")
# What a value called n may count as well: nobody is known by how many of these there are.
_OTHERS = _words("""
    ages attributes bins brands categories channels classes clusters cohorts columns components
    controls covariates criteria cells days definitions dimensions draws drivers factors features
    files folds groups hours iterations items kinds languages levels measures methods metrics
    milliseconds minutes models moments months names notebooks options pages parameters parts
    percent periods places points prices products quarters questions ratings reasons rivals rounds
    rules samples scales seconds segments series sources stages starts states steps stores tables
    terms tests themes times topics traits values variables variants ways weeks words years
    more""")


def is_small(count):
    """Say whether a count is one of few, above 0 and under ten; of a column, which of them are.

    >>> is_small(9.5), is_small(0), is_small(10)
    (True, False, False)
    """
    return (count > 0) & (count < MINIMUM_CELL)


def small_cells(table):
    """Return which rows rest on fewer units, or fewer customers, than may be shown."""
    import numpy as np
    import pandas as pd

    small = np.zeros(len(table), bool)
    for name in BASES:
        if name in table:
            small |= (
                is_small(pd.to_numeric(table[name], errors="coerce")).fillna(False).to_numpy(bool)
            )
    return small


def sayable(answer, unit):
    """Return the answer, or why there is none: too few units, or a number that cannot be known."""
    if any(_few_units(*counted) for counted in _counts(answer)):
        return Note(
            "result.too_few",
            "Too few to say: fewer than {least} {unit:word}.",
            least=MINIMUM_CELL,
            unit=unit,
        )
    values = [value for _, _, value in answer.facts()]
    if any(isinstance(value, float) and value != value for value in values):
        return Note("result.unknown", "These data do not allow an answer: see the limits below.")
    return answer


def withheld(note):
    """Return a note as it may be shown beside a table: few people are only said to be few, and
    their share is not said.

    >>> str(withheld(Note("demo", "{n} customer left", "{n} customers left", n=3)))
    '<10 customers left'
    """
    if not isinstance(note, Note):
        return note
    values = {name: _withheld(value) for name, value in note.values.items()}
    few = [name for name, value in values.items() if _few_people(note, name, value)]
    if few:
        shares = [slot.split(":")[0] for slot in slots(note.english) if ":%" in slot]
        values |= dict.fromkeys(shares) | dict.fromkeys(few, f"<{MINIMUM_CELL}")
    return note.having(**values)


def _withheld(value):
    return [withheld(part) for part in value] if isinstance(value, list) else withheld(value)


def _few_people(note, name, value):
    counted = isinstance(value, (int, float)) and not isinstance(value, bool)
    few = counted and bool(is_small(value)) and not _is_rate(note, name)
    return few and _noun(note, name) in _WHO


def _counts(note):
    """Yield the numbers of a note, and of the notes within it: note, name and number."""
    for name, value in note.values.items():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, Note):
                yield from _counts(part)
            elif isinstance(part, (int, float)) and not isinstance(part, bool):
                yield note, name, part


def _few_units(note, name, number):
    """Say whether a number is how many units there are, and fewer than may be shown; where nothing
    stands behind an answer there is none either.
    """
    few = number < MINIMUM_CELL if _is_base(name) else is_small(number)
    return few and _counts_units(note, name)


def _counts_units(note, name):
    """Say whether a value is how many units there are: by its name, and by the noun after it."""
    if name not in slots(note.english) and name not in slots(note.many or ""):
        # In a form such as a percentage it is an estimate.
        return _is_base(name)
    noun = _noun(note, name)
    if noun in _UNITS and not _is_rate(note, name):
        return True
    if name in _UNITS and not _is_rate(note, name):
        return noun not in _OTHERS
    return _is_base(name) and noun not in _OTHERS


def _is_rate(note, name):
    """Say whether a value is so many a customer, which is no number of units."""
    return bool(re.search(r"\{" + name + r"\} \w+ (?:a|an|per) ", note.english))


def _is_base(name):
    return name == "n" or name.endswith("_n")


def _noun(note, name):
    """Return the first word after a value that names a unit or another thing counted; None where
    the sentence names none.
    """
    for text in (note.many or note.english, note.english):
        after = re.search(r"\{" + name + r"\}((?:\s+[\w{}:-]+){1,3})", text)
        for said in after[1].split() if after else ():
            for word in (said, f"{said}s"):
                if word in _UNITS or word in _OTHERS:
                    return word
            if said in ("of", "to", "and", "in", "at", "with", "from") or "{" in said:
                break
    return None
