"""Limits that several analyses of loyalty share."""

from workbench.notes import Note

BUYERS_ONLY = Note(
    "loyalty.buyers_only",
    "The data hold buyers only: penetrations are shares of buyers, and whoever bought nothing is "
    "not seen. Name `households`.",
)


def few(n, least, unit):
    """Return a note that there are few, with the common minimum."""
    return Note(
        "loyalty.few",
        "{n} {unit:word} are few: {least} is a common minimum.",
        n=int(n),
        unit=unit,
        least=least,
    )


def recent_answers(n, window):
    """Return a note on answers that cannot be followed for the whole window yet."""
    return Note(
        "loyalty.recent_answers",
        "{n} answer is too recent to be followed for {window:span} and is left out.",
        "{n} answers are too recent to be followed for {window:span} and are left out.",
        n=n,
        window=window,
    )
