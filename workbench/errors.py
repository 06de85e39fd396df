"""What went wrong, where, what was found and what to do about it."""

from difflib import get_close_matches


class WorkbenchError(Exception):
    """Base of every error the workbench raises on purpose."""


class InputError(WorkbenchError):
    """The user's input (file, table, mapping, argument) cannot be used as it is."""


class DataError(InputError):
    """The rows of a table break its rules; `.problems` lists every one of them.

    `.problems` is a DataFrame with the columns reason, rows and example.
    """

    def __init__(self, message, problems=None):
        super().__init__(
            message if problems is None else f"{message}\n{problems.to_string(index=False)}"
        )
        self.problems = problems


class NotEnoughData(WorkbenchError):
    """The number asked for is undefined on these data."""


class ReportFailed(WorkbenchError):
    """A notebook did not run to a whole and verified report."""


class AlreadyRunning(WorkbenchError):
    """Another run holds the lock."""


def at_least(what, found, needed, least):
    """Return `found` where it holds what is needed and enough of it; raise InputError otherwise."""
    missing = [n for n in needed if n not in found]
    if missing or len(found) < least:
        raise InputError(
            f"{what}: at least {least} are needed, {', '.join(needed)} among them; found"
            f" {', '.join(found) or 'none'}. Name your purchase event, or give rules that turn your"
            " events into stages (see docs/mapping.md)."
        )
    return found


def unknown(where, noun, name, known):
    """Return an InputError that names the nearest known spelling and all valid ones.

    >>> print(unknown("steps", "event", "bye", ["buy", "cart"]))
    steps: no event named 'bye'. Did you mean 'buy'? Events present: buy, cart
    """
    known = [str(k) for k in known]
    folded = {k.casefold(): k for k in reversed(known)}
    near = [folded[n] for n in get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)]
    hint = f" Did you mean '{near[0]}'?" if near else ""
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    plural = noun.capitalize()[:-1] + "ies" if noun.endswith("y") else noun.capitalize() + "s"
    return InputError(
        f"{where}: no {noun} named '{name}'.{hint} {plural} present: {shown or 'none'}"
    )


def need_columns(where, present, *names):
    """Raise an InputError naming the first of `names` that is no column present; a name of None
    asks for nothing.
    """
    for name in names:
        if name is not None and name not in present:
            raise unknown(where, "column", name, present)


def one_of(where, value, allowed):
    """Raise an InputError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise unknown(where, "option", value, allowed)
