"""Names that the user chose, of events, groups and columns, where they meet names of ours."""

from workbench import engine
from workbench.errors import InputError, nearest
from workbench.notes import Note, say

__all__ = [
    "absent",
    "filled",
    "in_path",
    "label",
    "listed",
    "missing",
    "occurring",
    "path",
    "several",
    "with_missing",
    "written",
]


def __dir__():
    return __all__


MISSING = "missing"  # the group of those without a value
# What says which row it is, or what was counted or estimated, in the tables of Results.
OURS = frozenset(
    {
        *("count", "n", "estimate", "std_error", "conf_low", "conf_high", "p_value", "p_holm"),
        *("basis", "step_number", "step", "immature", "measure", "days", "customers", "rate"),
        *("rest_rate", "restricted_mean", "order", "entry", "kind", "definition", "statistic"),
        *("stage", "outcome", "customer_id", "group"),
    }
)


def several(names):
    """Return one name, or several, as a tuple: text and numbers are one.

    >>> several("view"), several(1), several(["view", "cart"])
    (('view',), (1,), ('view', 'cart'))
    """
    if isinstance(names, (str, bytes)) or not hasattr(names, "__iter__"):
        return (names,)
    return tuple(names)


def listed(names):
    """Return names as a list, as they are written.

    >>> listed(["view", 2.0]), listed("view")
    (['view', '2'], ['view'])
    """
    return [written(name) for name in several(names)]


def written(name):
    """Return how a name is written, whatever its type: 1, 1.0 and "1" are the same name.

    >>> written(1.0), written("view"), written(True)
    ('1', 'view', 'true')
    """
    return engine.write(name) or ""


def occurring(where, asked, known, *, noun="event"):
    """Return the names asked for, as they are written; say of each that does not occur that it
    counts 0, and which name it may be a slip for.

    Parameters
    ----------
    where : str
        The argument they were given in.
    asked : sequence
    known : sequence
        The names that do occur.
    noun : str
        What they name.

    Raises
    ------
    InputError
        For a name that is missing.
    """
    known = [written(name) for name in known]
    found = [written(name) for name in asked]
    if "" in found:
        raise InputError(
            "names.error_missing",
            "{where}: a name is needed, found an empty one",
            where=where,
        )
    for name in dict.fromkeys(found):
        if name not in known:
            say(absent(where, noun, name, known))
    return found


def absent(where, noun, name, known):
    """Return the note of a name that does not occur."""
    near = nearest(name, known)
    values = {"where": where, "noun": noun, "name": name}
    if near is None:
        return Note(
            "names.absent",
            "{where}: the {noun:word} '{name}' does not occur in the data and counts 0.",
            **values,
        )
    return Note(
        "names.absent_near",
        "{where}: the {noun:word} '{name}' does not occur in the data and counts 0. Did you mean "
        "'{near}'?",
        near=near,
        **values,
    )


def label(by, columns=OURS):
    """Return the column in which a table keeps the user's groups: named as theirs, or "group" where
    the table has a column of that name itself.

    >>> label("channel"), label("step"), label(None)
    ('channel', 'group', None)
    """
    return "group" if by in columns else by


def missing(groups):
    """Return the name of the group of those without a value, one that no group has itself.

    >>> missing(["web", "shop"]), missing(["web", "missing"])
    ('missing', 'not_given')
    """
    taken = {written(group) for group in groups}
    free = (MISSING, "not_given", *(f"not_given_{i}" for i in range(2, 100)))
    return next(name for name in free if name not in taken)


def with_missing(groups):
    """Return groups and, as the last one, that of those without a value."""
    return [*groups, missing(groups)]


def filled(groups):
    """Return a column of groups in which those without a value have a name of their own."""
    plain = groups.astype(object)
    return plain.where(plain.notna(), missing(plain.dropna().unique()))


def path(names):
    """Return names as a path; one that holds an arrow itself stands in quotes, so that no two paths
    look alike.

    >>> path(["view", "cart"]), path(["view > cart"])
    ('view > cart', '"view > cart"')
    """
    return " > ".join(in_path(name) for name in names)


def in_path(name):
    """Return a name as a path shows it."""
    text = written(name)
    if ">" in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text
