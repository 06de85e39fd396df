"""What the typed model of a mapping finds wrong, one clear line each."""

import re

from workbench.errors import InputError, unknown
from workbench.notes import Note

LONGEST = 60  # characters shown of what was found
MOST = 8  # mistakes shown at once
KINDS = {
    "string_type": Note("load.a_text", "a text"),
    "list_type": Note("load.a_list", "a list"),
    "dict_type": Note("load.a_block", "a block of keys"),
    "model_type": Note("load.a_block", "a block of keys"),
    "model_attributes_type": Note("load.a_block", "a block of keys"),
    "int_type": Note("load.a_whole_number", "a whole number"),
    "int_from_float": Note("load.a_whole_number", "a whole number"),
    "float_type": Note("load.a_number", "a number"),
    "bool_type": Note("load.a_flag", "true or false"),
    "greater_than_equal": Note("load.not_below_zero", "a whole number of 0 or more"),
    "too_long": Note("load.two_of_them", "a list of two"),
    "too_short": Note("load.not_empty", "a list or block that is not empty"),
}
ONE_EXPRESSION = Note(
    "load.one_expression",
    "use a column name or one expression, such as `multiply: [a, b]` or `value: …`",
)
_PLACE = Note("load.place", "{name}, {place:text}", name="", place="")
_FOUND = Note(
    "load.mistake_found", "{where}: {problem}; found {found}", where="", problem="", found=""
)
_KIND = Note(
    "load.error_mapping_kind",
    "{where}: {kind} is needed, found {value}",
    where="",
    kind="",
    value="",
)
_NEEDED = Note("load.error_mapping_needed", "{where}: `{key}:` is needed", where="", key="")
OTHER = Note("load.error_mapping_other", "{where}: {problem}", where="", problem="")
_MORE = Note("load.mistakes_more", "… and {n} more", n=0)


class Mistake(ValueError):
    """A value the model refuses, with the sentence that says why."""

    def __init__(self, note):
        super().__init__(str(note))
        self.note = note


class MappingError(InputError):
    """A mapping with mistakes; `.problems` lists them as notes, and each is said on a line."""

    def __init__(self, problems):
        super().__init__(problems[0])
        self.problems = list(problems)

    def __str__(self):
        lines = [str(problem) for problem in self.problems[:MOST]]
        left = len(self.problems) - MOST
        return "\n".join([*lines, *([str(_MORE.having(n=left))] if left > 0 else [])])


def shown(value):
    """Return what was found, short and without a character that a terminal would obey."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = type(value).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def place(name, loc):
    """Return where in a mapping something stands, as a note."""
    parts = [str(p + 1) if isinstance(p, int) else p for p in loc if not _inner(p)]
    return _PLACE.having(name=name, place=", ".join(parts)) if parts else name


def notes(name, error, keys_at, expressions):
    """Return a note for every mistake of a pydantic ValidationError.

    `keys_at` gives the keys that may stand at a place, `expressions` the names of expressions.
    """
    return [_note(name, found, keys_at, expressions) for found in error.errors(include_url=False)]


def _inner(part):
    """Say whether a part of a place is the model's own and means nothing to a reader."""
    return isinstance(part, str) and (part == "[key]" or (part[:1], part[-1:]) == ("<", ">"))


def _note(name, found, keys_at, expressions):
    loc, value = found["loc"], found["input"]
    here, around = place(name, loc), place(name, loc[:-1])
    match found["type"]:
        case "extra_forbidden" | "invalid_key":
            return unknown(around, "key", loc[-1], keys_at(loc[:-1])).note
        case "missing":
            return _NEEDED.having(where=around, key=loc[-1])
        case "literal_error":
            return unknown(here, "option", value, _allowed(found)).note
        case "union_tag_not_found":
            return _no_expression(here, value, expressions)
        case "value_error":
            error = found["ctx"]["error"]
            note = error.note if isinstance(error, Mistake) else str(error)
            return _FOUND.having(where=here, problem=note, found=shown(value))
    if found["type"] in KINDS:
        return _KIND.having(where=here, kind=KINDS[found["type"]], value=shown(value))
    return OTHER.having(where=here, problem=found["msg"])


def _allowed(found):
    """Return the options a literal allows, from the library's own sentence."""
    return re.findall(r"'([^']*)'", found["ctx"]["expected"])


def _no_expression(here, value, expressions):
    if isinstance(value, dict) and value:
        return unknown(here, "expression", shown_name(next(iter(value))), expressions).note
    return _FOUND.having(where=here, problem=ONE_EXPRESSION, found=shown(value))


def shown_name(name):
    """Return a name as it may be printed."""
    return shown(name) if not isinstance(name, str) or not name.isprintable() else name
