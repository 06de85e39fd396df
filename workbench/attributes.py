"""What alternatives are like, in numbers: words become indicators, and an alternative without
attributes, such as "none of these", has 0 everywhere.
"""

from workbench import names as own
from workbench.errors import InputError, need_columns
from workbench.notes import Note, say

__all__ = [
    "column",
    "expanded",
    "numeric",
    "without_any",
]


def __dir__():
    return __all__


MOST_LEVELS = 50


def expanded(choices, attributes):
    """Return the attributes with those of words as one indicator a level, but for a base.

    Parameters
    ----------
    choices : DataFrame
    attributes : sequence of str
        Columns of numbers or words, or indicators that were expanded before ("brand: B").

    Returns
    -------
    tuple of str
        An indicator is named "ATTRIBUTE: LEVEL"; the first level in alphabet is the base, which a
        note names.

    Raises
    ------
    InputError
        For a missing column, or words that are all the same.
    """
    made = []
    for name in own.several(attributes):
        if _indicated(choices, name):
            made.append(name)
            continue
        need_columns("choices", choices.columns, name)
        if numeric(choices[name]) is not None:
            made.append(name)
            continue
        base, *others = levels = _levels(choices[name])
        if len(levels) > MOST_LEVELS:
            raise InputError(
                "attributes.error_many_levels",
                "attributes: '{name}' holds {n} different words such as '{word}', too many for an "
                "estimate each; if they are numbers, read them with pandas.to_numeric first",
                name=name,
                n=len(levels),
                word=base,
            )
        if not others:
            raise InputError(
                "attributes.error_one_level",
                "attributes: '{name}' is always {base:repr}; leave it out",
                name=name,
                base=base,
            )
        made += [f"{name}: {level}" for level in others]
        say(
            Note(
                "attributes.base",
                "Words of '{name:header}' are compared with '{base:word}'.",
                name=name,
                base=base,
            )
        )
    return tuple(made)


def column(choices, name):
    """Return an attribute, or the indicator of one, as a column of numbers; missing stays missing.

    Raises InputError for words where the attribute was of numbers.
    """
    if _indicated(choices, name):
        attribute, level = name.split(": ", 1)
        words = choices[attribute].map(own.written, na_action="ignore")
        return (words == level).astype(float).where(words.notna())
    need_columns("choices", choices.columns, name)
    values = numeric(choices[name])
    if values is None:
        raise InputError(
            "attributes.error_words",
            "choices: '{name}' must hold numbers, found {found:repr}",
            name=name,
            found=next(v for v in choices[name].dropna()),
        )
    return values


def numeric(values):
    """Return a column as numbers, or None where it holds words."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.astype(float)
    plain = values.astype(object)
    if plain.map(lambda v: isinstance(v, str)).any():
        return None
    made = pd.to_numeric(plain, errors="coerce")
    return made.astype(float) if made.notna().sum() == values.notna().sum() else None


def without_any(choices, columns, constants):
    """Return which rows belong to an alternative that has no attributes at all, and say so.

    Its rows count 0 everywhere, and its constant says how often it is chosen.

    Parameters
    ----------
    choices : DataFrame
    columns : list of Series
        The attributes in numbers.
    constants : bool
        Whether alternatives have constants; without one such an alternative cannot be fitted.
    """
    import numpy as np
    import pandas as pd

    if not columns:
        return pd.Series(False, choices.index)
    lacks = np.column_stack([values.to_numpy(float) for values in columns])
    none = pd.Series(np.isnan(lacks).all(axis=1), choices.index)
    if not none.any():
        return none
    bare = none.groupby(choices["alternative"]).transform("all").astype(bool)
    if bare.any():
        name = own.written(choices.loc[bare, "alternative"].iloc[0])
        if not constants:
            raise InputError(
                "attributes.error_no_constant",
                "choices: the alternative '{name}' has no attributes, so only a constant can say "
                "how often it is chosen; ask for constants, or leave its rows out",
                name=name,
            )
        say(
            Note(
                "attributes.bare",
                "The alternative '{name:word}' has no attributes: they count 0 there, and its "
                "constant says how often it is chosen.",
                name=name,
            )
        )
    return bare


def _levels(values):
    return sorted({own.written(v) for v in values.dropna()} - {""}) or [""]


def _indicated(choices, name):
    """Whether a name is an indicator of a column of words."""
    return isinstance(name, str) and name not in choices and name.split(": ", 1)[0] in choices
