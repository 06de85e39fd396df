"""Exercises that ask for judgement: read a written answer, hold it against the Results, help.

A notebook's exercises stand in a module of their own in `notebooks/exercises/`: what is right (a
function of the Results handed in, so that it holds under any parameters), and sentences that help.
Their Dutch stands in the notebook's catalogue.
"""

import importlib.util
import re
import sys
from dataclasses import dataclass, field
from math import floor, isfinite, log10

from workbench.errors import NotEnoughData, unknown
from workbench.reports import prose
from workbench.reports.words import Unanswered, Words

UNREADABLE = (
    "**Not a number I can read.** Write the number alone, such as `0.4`, `'40 %'` or `'1,014'`."
)
NO_TRUTH = "**These data are too few to answer this.** Take another source or other parameters."
# Answers this close are not told apart: a tenth of what the data themselves leave open.
PART_OF_INTERVAL = 0.1


@dataclass(frozen=True)
class Truth:
    """What is right: a number with its interval, or a word; and what known mistakes give.

    `value` is a number, or a word or tuple of words (any of them is right). `low` and `high` are
    the interval of the number: answers closer than a tenth of it are right, and so is the number
    rounded to two digits. Without an interval a number is right to its last digit. `share` says
    that 40 is a way to write 40 %. `mistakes` gives for the name of a hint the answer that a known
    mistake leads to.
    """

    value: object
    low: float = None
    high: float = None
    share: bool = False
    mistakes: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Exercise:
    """One exercise: the function that finds what is right, and the sentences that help."""

    truth: object
    first: str
    right: str
    otherwise: str
    hints: dict


class Exercises:
    """The exercises of one notebook.

    Example::

        exercises = Exercises("30_retention")

        @exercises.add(1, first="…", right="…", otherwise="…", hints={"whole": "…"})
        def share_back(repeats):
            row = repeats.table.iloc[0]
            return Truth(row["estimate"], row["conf_low"], row["conf_high"], share=True)
    """

    def __init__(self, notebook):
        self.notebook, self.numbered = notebook, {}

    def add(self, number, *, first, right, otherwise, hints=None):
        """Return a decorator that makes a function of Results an exercise.

        `first` helps who has not answered yet, `right` tells why an answer is right, `hints` help
        after a known mistake (by its name in `Truth.mistakes`), `otherwise` after any other.
        """

        def added(function):
            self.numbered[number] = Exercise(function, first, right, otherwise, hints or {})
            return function

        return added

    def check(self, number, answer, *results):
        """Return what to say about an answer, in the language in use: well done, or a hint."""
        if number not in self.numbered:
            raise unknown("check", "exercise", str(number), [str(n) for n in self.numbered])
        exercise = self.numbered[number]
        if answer is None:
            return self._say(exercise.first)
        try:
            unanswered = any(isinstance(result, Unanswered) for result in results)
            truth = None if unanswered else exercise.truth(*results)
        except NotEnoughData:
            truth = None
        if truth is None or truth.value != truth.value:
            return self._say(NO_TRUTH, prose.SHARED)
        judged = judge(answer, truth)
        if judged == "unreadable":
            return self._say(UNREADABLE, prose.SHARED)
        hints = {"right": exercise.right, **exercise.hints}
        return self._say(hints.get(judged, exercise.otherwise))

    def sentences(self):
        """Return every English sentence these exercises may say."""
        return [
            text
            for e in self.numbered.values()
            for text in (e.first, e.right, *e.hints.values(), e.otherwise)
        ]

    def _say(self, english, name=None):
        return Words(prose.sentence(english, name or self.notebook))


def judge(answer, truth):
    """Return "right", "unreadable", the name of the mistake that gives this answer, or "other"."""
    if not isinstance(truth.value, (int, float)) and not hasattr(truth.value, "dtype"):
        return _judge_word(answer, truth)
    given = readings(answer, share=truth.share)
    if not given:
        return "unreadable"
    spread = 0.0 if truth.low is None else PART_OF_INTERVAL * (truth.high - truth.low)
    spread = spread if isfinite(spread) else 0.0
    rounds = truth.low is not None
    if any(_same(x, float(truth.value), spread, rounds) for x in given):
        return "right"
    for name, value in truth.mistakes.items():
        if any(_same(x, float(value), spread, rounds) for x in given):
            return name
    return "other"


def readings(answer, *, share=False):
    """Return the numbers an answer may mean, the likeliest first.

    >>> readings("40,0 %"), readings("1.014"), readings("1,014.5"), readings(40, share=True)
    ([0.4], [1.014, 1014.0], [1014.5], [40.0, 0.4])
    """
    if isinstance(answer, str):
        numbers, per_cent = _written(answer)
    else:
        numbers, per_cent = _plain_number(answer), False
    numbers = [x for x in numbers if isfinite(x)]
    if per_cent:
        return [x / 100 for x in numbers]
    return numbers + [x / 100 for x in numbers if share and 1 < abs(x) <= 100]


def sentences(path):
    """Return the sentences of the exercises a notebook imports, or none."""
    import nbformat

    for cell in nbformat.read(path, as_version=4).cells:
        found = re.search(r"^from exercises import (\w+)", cell.source, re.MULTILINE)
        if cell.cell_type == "code" and found:
            return module(path.parent, found[1]).exercises.sentences()
    return []


def module(folder, name):
    """Return the module of exercises called `name` beside the notebooks in `folder`."""
    file = folder / "exercises" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"exercises_of_{name}", file)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def _judge_word(answer, truth):
    word = str(answer).strip().casefold()
    if word in _words(truth.value):
        return "right"
    return next((n for n, wrong in truth.mistakes.items() if word in _words(wrong)), "other")


def _words(value):
    return {str(v).strip().casefold() for v in ((value,) if isinstance(value, str) else value)}


def _plain_number(answer):
    if isinstance(answer, bool):
        return []
    try:
        return [float(answer)]
    except (TypeError, ValueError):
        return []


def _written(text):
    """Return the numbers a text may mean, and whether it says per cent.

    A sign of currency or a unit may stand around the number; "1.014" may be a little over one or a
    little over a thousand.
    """
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    form = r"[^\d+\-.,]*([+-]?)([\d.,'\s\u00a0\u202f]*\d)\s*([^\d]*)"
    found = re.fullmatch(form, text)
    if not found:
        return [], False
    sign, digits, unit = found.groups()
    digits = re.sub(r"['\s]", "", digits)
    per_cent = bool(re.match(r"(%|per ?cent|procent(?!punt))", unit.strip(), re.IGNORECASE))
    factor = -1 if sign == "-" else 1
    return [factor * float(d) for d in _digit_readings(digits)], per_cent


def _digit_readings(digits):
    separators = re.findall(r"[.,]", digits)
    grouped = re.fullmatch(r"\d{1,3}([.,]\d{3})+", digits)
    if not separators:
        return [digits]
    if len(set(separators)) == 2:
        decimal = separators[-1]
        if separators.count(decimal) > 1:
            return []
        return [digits.replace("," if decimal == "." else ".", "").replace(decimal, ".")]
    whole = re.sub(r"[.,]", "", digits)
    if len(separators) > 1:
        return [whole] if grouped else []
    once = digits.replace(",", ".")
    return [once, whole] if grouped else [once]


def _same(given, value, spread, rounds):
    """Say whether a number is the value, within `spread` or, where allowed, rounded."""
    if not isfinite(value):
        return False
    if abs(given - value) <= max(spread, 1e-9 * abs(value)):
        return True
    if not rounds or value == 0:
        return False
    places = 1 - floor(log10(abs(value)))
    return any(abs(given - round(value, p)) <= 1e-9 * abs(value) for p in (places, places + 1))
