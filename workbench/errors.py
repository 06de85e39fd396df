"""What went wrong, where, what was found and what to do about it; said in the language in use."""

from difflib import get_close_matches

from workbench.notes import Note

__all__ = [
    "AlreadyRunning",
    "DataError",
    "InputError",
    "NotEnoughData",
    "ReportFailed",
    "WorkbenchError",
    "at_least",
    "check_draws",
    "countable",
    "first_line",
    "nearest",
    "need_columns",
    "one_of",
    "unknown",
]


def __dir__():
    return __all__


LEAST_DRAWS, USUAL_DRAWS = 2, 1000
LONGEST_VALUE, LONGEST_ONE = 250, 60  # letters of a value, and of one of many, in a message
# Beyond it, squares and sums leave what a computer can hold.
BEYOND = 1e100


class WorkbenchError(Exception):
    """Base of every error the workbench raises on purpose.

    Parameters are those of a Note: an id, the English sentence and its values. One that is a
    Note already, or text from beneath, is taken as it is.
    """

    def __init__(self, message, english=None, /, **values):
        values = {name: _short(value) for name, value in values.items()}
        self.note = message if english is None else Note(message, english, **values)
        super().__init__(self.note)

    def __str__(self):
        return str(self.note)


def _short(value, most=LONGEST_VALUE):
    """Return a value of a message cut to what a sentence can hold."""
    if isinstance(value, str) and len(value) > most:
        return value[: most - 1] + "…"
    if isinstance(value, (list, tuple)):
        return [_short(one, LONGEST_ONE) for one in value]
    if isinstance(value, Note):
        return value.having(**{name: _short(one) for name, one in value.values.items()})
    return value


class InputError(WorkbenchError):
    """The user's input (file, table, mapping, argument) cannot be used as it is."""


class DataError(InputError):
    """The rows of a table break its rules; `.problems` lists every one of them.

    `.problems` is a DataFrame with the columns reason, rows and example.
    """

    def __init__(self, message, problems=None):
        super().__init__(message)
        self.problems = problems

    def __str__(self):
        if self.problems is None:
            return str(self.note)
        from workbench.display import header

        return f"{self.note}\n{self.problems.rename(columns=header).to_string(index=False)}"


class NotEnoughData(WorkbenchError):
    """The number asked for is undefined on these data."""


class ReportFailed(WorkbenchError):
    """A notebook did not run to a whole and verified report."""


class AlreadyRunning(WorkbenchError):
    """Another run holds the lock."""


def first_line(error):
    """Return the first line of what a library says is wrong; the name of its error where it says
    nothing.

    >>> first_line(ValueError("no\\nmore")), first_line(MemoryError())
    ('no', 'MemoryError')
    """
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def at_least(what, found, needed, least):
    """Return `found` where it holds what is needed and enough of it; raise InputError otherwise."""
    missing = [n for n in needed if n not in found]
    if missing or len(found) < least:
        raise InputError(
            "errors.at_least",
            "{what}: at least {least} are needed, {needed:text} among them; found {found:text}. "
            "Name your purchase event, or give rules that turn your events into stages (see "
            "docs/mapping.md).",
            what=what,
            least=least,
            needed=list(needed),
            found=list(found) or Note("errors.none", "none"),
        )
    return found


def unknown(where, noun, name, known):
    """Return an InputError that names the nearest known spelling and all valid ones.

    >>> print(unknown("steps", "event", "bye", ["buy", "cart"]))
    steps: no event named 'bye'. Did you mean 'buy'? Present: buy, cart
    """
    known = [str(k) for k in known]
    near = nearest(name, known)
    first, left = known[:20], len(known) - 20
    values = {"where": where, "noun": noun, "name": name, "known": first or "–"}
    if left > 0:
        values["known"] = [*first, Note("errors.more", "{n} more", n=left)]
    if near is None:
        return InputError(
            "errors.unknown",
            "{where}: no {noun:word} named '{name}'. Present: {known:text}",
            **values,
        )
    return InputError(
        "errors.unknown_near",
        "{where}: no {noun:word} named '{name}'. Did you mean '{near}'? Present: {known:text}",
        near=near,
        **values,
    )


def nearest(name, known):
    """Return the known name that is written most like one, or None where none is near.

    >>> nearest("bye", ["buy", "cart"]), nearest("refund", ["buy", "cart"])
    ('buy', None)
    """
    folded = {str(k).casefold(): str(k) for k in reversed(list(known))}
    near = get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    return folded[near[0]] if near else None


def need_columns(where, present, *names):
    """Raise an InputError naming the first of `names` that is no column present; a name of None
    asks for nothing.
    """
    for name in names:
        if name is not None and name not in present:
            raise unknown(where, "column", name, present)


def countable(where, name, values):
    """Raise an InputError where numbers are infinite, or so large that sums of squares would be."""
    import numpy as np

    n = int((np.abs(np.asarray(values, float)) > BEYOND).sum())
    if n:
        raise InputError(
            "errors.beyond",
            "{where}: '{column}' holds {n} values that are infinite or too large to count with; "
            "correct them, or set them to missing",
            where=where,
            column=name,
            n=n,
        )


def one_of(where, value, allowed):
    """Raise an InputError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise unknown(where, "option", value, allowed)


def check_draws(draws):
    """Raise an InputError unless there are enough draws for an interval."""
    try:
        whole = not isinstance(draws, bool) and int(draws) == draws
    except (TypeError, ValueError):
        whole = False
    if not whole or draws < LEAST_DRAWS:
        raise InputError(
            "errors.draws",
            "draws: a whole number of at least {least} is needed, found {draws:repr}; {usual} are "
            "common",
            least=LEAST_DRAWS,
            draws=draws,
            usual=USUAL_DRAWS,
        )
