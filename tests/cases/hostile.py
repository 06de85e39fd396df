"""Ways in which an ordinary table goes wrong, and what may come of it."""

import re
import warnings

import numpy as np
import pandas as pd
from calls import Made

from workbench.errors import WorkbenchError
from workbench.results import Result

# A name of ours that a user's column may have too.
OURS = (
    "step",
    "step_number",
    "count",
    "n",
    "estimate",
    "std_error",
    "measure",
    "conf_low",
    "group",
    "customer",
    "day",
    "days",
    "t",
    "index",
    "stage",
    "state",
    "period",
    "total",
)
IDS = {"customer_id", "order_id", "respondent_id", "device_id", "session_id", "choice_id"}


def tables(call):
    """Yield the name and the pandas table of every argument that is one."""
    for name, value in call.given.items():
        value = value.make() if isinstance(value, Made) else value
        if isinstance(value, pd.DataFrame):
            yield name, value


def words(table):
    """Return the columns of words that are no ids."""
    return [c for c in table if is_word(table[c]) and c not in IDS]


def is_word(column):
    """Whether a column holds words."""
    kind = column.dtype
    return (pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype)) and not (
        column.dropna().map(lambda v: isinstance(v, bool)).any()
    )


def swapped(value, names):
    """Return an argument with names replaced, however deep they lie."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, (list, tuple)):
        return type(value)(swapped(v, names) for v in value)
    if isinstance(value, dict):
        return {swapped(k, names): swapped(v, names) for k, v in value.items()}
    return value


def changed(call, more, name, table, names):
    """Return the arguments with another table, and with names that changed with it."""
    given = {**call.given, **more}
    rest = {a: swapped(v, names) for a, v in given.items() if a not in dict(tables(call))}
    return {**rest, name: table}


# ------------------------------------------------------------- mutations of one table and its names


def empty(table):
    """No row at all."""
    return table.iloc[:0]


def one_row(table):
    """A single row."""
    return table.iloc[:1]


def all_missing(table):
    """Rows, but no value."""
    return table.apply(lambda c: c.where(pd.Series(False, index=c.index)))


def missing_ids(table):
    """No row has an id."""
    found = [c for c in table if c in IDS]
    return table.assign(**dict.fromkeys(found)) if found else None


def doubled(table):
    """Every row twice, as after loading a file two times."""
    return pd.concat([table, table], ignore_index=True)


def no_event(table):
    """A new group whose customers do nothing that counts."""
    late = table.tail(12).copy()
    for column in words(table):
        late[column] = "new"
    for column in table.select_dtypes(["number", "bool"]):
        if set(table[column].dropna().unique()) <= {0, 1}:
            late[column] = late[column] * 0
    for column in IDS & set(table):
        if is_word(table[column]):
            late[column] = "new " + late[column].astype(str)
    return pd.concat([table, late], ignore_index=True)


def nulls(table):
    """Every tenth value of every column missing."""
    return table.apply(lambda c: c.mask(pd.Series(np.arange(len(c)) % 10 == 3, index=c.index)))


def said_missing(table):
    """The word "missing" beside values that are."""
    found = words(table)
    if not found:
        return None
    beside = {
        c: table[c]
        .mask(pd.Series(np.arange(len(table)) % 9 == 2, table.index))
        .mask(pd.Series(np.arange(len(table)) % 9 == 5, table.index), "missing")
        for c in found
    }
    return table.assign(**beside)


PLAIN = {
    f.__name__: f
    for f in (empty, one_row, all_missing, missing_ids, doubled, no_event, nulls, said_missing)
}


def coded(kind):
    """A mutation in which words become integers, categories, booleans or names with an arrow."""

    def mutate(table):
        found = words(table)
        values = sorted({v for c in found for v in table[c].dropna().unique()}, key=str)
        if not found or len(values) > 200:
            return None, {}
        names = {
            "integers": {v: i + 1 for i, v in enumerate(values)},
            "categories": {v: v for v in values},
            "integer_categories": {v: i + 1 for i, v in enumerate(values)},
            "arrows": {v: f"{v} > {v}" for v in values},
            "strings": {v: v for v in values},
        }.get(kind)
        if kind == "booleans":
            per = {c: sorted(table[c].dropna().unique(), key=str) for c in found}
            found = [c for c in found if len(per[c]) <= 2]
            if not found:
                return None, {}
            names = {v: bool(i) for c in found for i, v in enumerate(per[c])}
        new = {c: table[c].map(names) for c in found}
        if "categories" in kind:
            new = {c: v.astype("category") for c, v in new.items()}
        if kind == "strings":
            new = {c: table[c].astype("string") for c in found}
        return table.assign(**new), names

    return mutate


CODED = {
    k: coded(k)
    for k in ("integers", "booleans", "categories", "integer_categories", "arrows", "strings")
}


def fixed(call):
    """Return the columns whose names are the user's: they stand among the arguments."""
    said = set()

    def walk(value):
        if isinstance(value, str):
            said.add(value)
        elif isinstance(value, (list, tuple)):
            for v in value:
                walk(v)
        elif isinstance(value, dict):
            for k, v in value.items():
                walk(k)
                walk(v)

    for more in ({}, *call.also):
        for name, value in {**call.given, **more}.items():
            if name not in dict(tables(call)):
                walk(value)
    return said


# ----------------------------------------------------------------------------- what may come of it

BAD = re.compile(r"\bNone\b|\bnan\b|\bNaT\b|\bNULL\b|Traceback|object at 0x|<class|dtype")


def outcome(run):
    """Return None where a call ends well: in an answer that can be shown, or in one clear sentence
    of ours. Else say what went wrong.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            made = run()
        except WorkbenchError as error:
            return unclear(str(error))
        except Exception as error:  # noqa: BLE001 - whatever escapes is what is looked for
            return f"{type(error).__name__}: {str(error)[:200]}"
        try:
            return shown(made)
        except Exception as error:  # noqa: BLE001 - so is what cannot be shown
            return f"shown: {type(error).__name__}: {str(error)[:200]}"


def unclear(text):
    """Say what is wrong with the sentence of an error, if anything is."""
    if not 10 < len(text.split("\n")[0]) < 600:
        return f"no sentence: {text[:200]}"
    found = BAD.search(text)
    return f"unclear ({found.group()}): {text[:300]}" if found else None


def shown(made):
    """Show a Result in words, and say what is wrong with it, if anything is."""
    if not isinstance(made, Result):
        return None
    repr(made)
    made._repr_html_()
    for note in (made.question, made.answer, made.method, *made.limits):
        # "None of 868 attempts …" is English.
        said = re.search(r"\bNone\b(?! of \d)|\bnan\b|\bNaT\b", str(note or ""))
        if said:
            return f"says {said.group()}: {str(note)[:200]}"
    table = made.table
    for name in ("conf_low", "conf_high", "std_error"):
        if name in table and np.isinf(table[name].astype(float)).any():
            return f"{name} is infinite"
    return None
