"""Small groups of one's own customers: merged into one before a report computes anything by them.

A share of a group of four, or a total beside the others, tells of four people. In a report on
somebody's own data groups under the minimum become one group before an analysis sees them.
"""

import os
from collections import Counter

from workbench import engine, names
from workbench.errors import InputError
from workbench.notes import Note, say
from workbench.results.kinds import columns_of, is_table
from workbench.results.small import MINIMUM_CELL

MERGED = "other_small"  # the group of the small ones
# Names the log of a report being made, as in display.record.
_REPORT = "WORKBENCH_TABLES"
# What names a person in a table; without it a row stands for one.
_WHO = ("customer_id", "respondent_id", "household_id")
# A number of more values than this is a quantity that the analysis cuts into groups itself.
_MOST_NUMBERS = 50
# Their `by` is no column of groups: a quantity, or a way of counting.
_ARGUMENT = {"attribution.paths": "column"}  # where the groups are not in `by`
_OTHERWISE = {"contrast_in_market", "loyalty_groups", "purchase_panel", "skip_contrast"}


def in_report():
    """Say whether a report is being made, to be read by others than who made it."""
    return bool(os.environ.get(_REPORT))


def small(sizes):
    """Return which groups are merged: those under the minimum and, where they are too few together,
    the smallest of the others with them.

    >>> small({"web": 900, "shop": 40, "fair": 3})
    ['fair', 'shop']
    >>> small({"web": 900, "shop": 40})
    []
    """
    in_size = sorted(sizes, key=lambda name: (sizes[name], str(name)))
    few = [name for name in in_size if sizes[name] < MINIMUM_CELL]
    if not few:
        return []
    together = sum(sizes[name] for name in few)
    for name in in_size[len(few) :]:
        if together >= MINIMUM_CELL:
            break
        few.append(name)
        together += sizes[name]
    return few


def before(function, bound):
    """Merge small groups in the arguments of an analysis, in a report on own data, and say so.

    Parameters
    ----------
    function : callable
    bound : inspect.BoundArguments
        Changed in place. Groups are told by `by`: the name of a column of the first
        table that has it, or a Series of customers and their groups.
    """
    if not in_report() or function.__name__ in _OTHERWISE:
        return
    arguments, named = bound.arguments, _ARGUMENT.get(_name(function), "by")
    if named not in bound.signature.parameters:
        return
    by = arguments.get(named, bound.signature.parameters[named].default)
    if by is None:
        return
    tables = {name: value for name, value in arguments.items() if is_table(value)}
    if any(_is_ours(table) for table in tables.values()):
        return
    if isinstance(by, str):
        holder = next((name for name, table in tables.items() if by in columns_of(table)), None)
        if holder:
            arguments[holder] = merged(tables[holder], by)
    elif getattr(by, "ndim", None) == 1 and hasattr(by, "value_counts"):
        arguments[named] = _of_series(by)


def merged(table, column, parts=()):
    """Return a table whose small groups are one, and say how many they were.

    Parameters
    ----------
    table : table
        Of any kind an analysis takes.
    column : str
        Of the groups; a group has as many people as have a row in it.
    parts : sequence of table
        Parts of the table that are shown side by side, such as months: a group is small where it
        is in one of them.

    Returns
    -------
    table
        The same one where no group is small; else with the column as text.
    """
    sizes, numbers = _sizes(table, column)
    if numbers and len(sizes) > _MOST_NUMBERS:
        return table
    several = [_sizes(part, column)[0] for part in parts] or [sizes]
    few = sorted({name for one in several for name in small(one)})
    if not few:
        return table
    _say(len(few))
    return _replaced(table, column, few)


def _of_series(by):
    sizes = Counter(names.written(group) for group in by.dropna())
    few = small(sizes)
    if not few:
        return by
    _say(len(few))
    return _in_text(by, few)


def _say(n):
    say(
        Note(
            "result.merged",
            "Groups of fewer than {least} people are not told apart: before anything was computed "
            "{n} group was merged into one with what is left.",
            "Groups of fewer than {least} people are not told apart: before anything was computed "
            "{n} groups were merged into one.",
            n=n,
            least=MINIMUM_CELL,
        )
    )


def _name(function):
    room = function.__module__.removeprefix("workbench.").partition(".")[0]
    return f"{room}.{function.__name__}"


def _is_ours(table):
    marks = getattr(table, "attrs", None)
    ours = isinstance(marks, dict) and bool(marks.get("built_in"))
    return ours or engine.simulated(table)


def _sizes(table, column):
    """Return how many people each group has, by its written name, and whether groups are numbers;
    those without a group are no group.
    """
    who = next((name for name in _WHO if name in columns_of(table)), None)
    counted = "count(*)" if who is None else "count(DISTINCT who)"
    roles = {"g": engine.raw(column)} | ({"who": engine.raw(who)} if who else {})
    try:
        seen = engine.view(table, **roles)
        sql = f"SELECT g, {counted} AS n FROM v WHERE g IS NOT NULL GROUP BY g"
        found = engine.run(sql, v=seen)
    except InputError:
        # The analysis itself says what is wrong with the column.
        return {}, False
    sizes = Counter()
    for group, n in zip(found["g"], found["n"], strict=True):
        if names.written(group):
            sizes[names.written(group)] += int(n)
    return sizes, found["g"].dtype.kind in "iuf"


def _replaced(table, column, few):
    if hasattr(table, "iloc"):
        return table.assign(**{column: _in_text(table[column], few)})
    if hasattr(table, "frame"):
        # What lies in a file is written to another, as analyses take it.
        return table.selected(_sql(table, column, few))
    frame = engine.run("SELECT * FROM src", src=table)
    return frame.assign(**{column: _in_text(frame[column], few)})


def _in_text(values, few):
    """Return groups as text, the small ones under one name; those without one stay without."""
    few = set(few)
    text = values.astype(object).map(names.written, na_action="ignore")
    return text.where(~text.isin(few), MERGED)


def _sql(table, column, few):
    quoted = '"' + column.replace('"', '""') + '"'
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in few)
    kept = ", ".join(
        f"CASE WHEN CAST({quoted} AS VARCHAR) IN ({listed}) THEN '{MERGED}' "
        f"ELSE CAST({quoted} AS VARCHAR) END AS {quoted}"
        if name == column
        else '"' + name.replace('"', '""') + '"'
        for name in columns_of(table)
    )
    return f"SELECT {kept} FROM t"
