"""How an id or a word is written: the form in which two tables know the same customer."""

import math
from decimal import Decimal

import numpy as np

from workbench.errors import InputError


def written(values):
    """Return ids or words as text, in the order given; a missing one is None.

    1, 1.0 and Decimal("1.00") are written "1"; an empty text, NaN and None are missing.

    Parameters
    ----------
    values : Series, Index or array
        Of any type a person's table holds.

    Returns
    -------
    Series or array
        Objects; a Series where a Series was given, with its index.

    Raises
    ------
    InputError
        For binary values, lists and the like.
    """
    import pandas as pd

    series = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    if isinstance(series.dtype, pd.CategoricalDtype):
        names = np.append(_written(pd.Series(series.cat.categories)), None)
        text = names[series.cat.codes.to_numpy()]
    else:
        text = _written(series)
    return (
        pd.Series(text, series.index, dtype=object, name=series.name)
        if isinstance(values, pd.Series)
        else text
    )


def _written(series):
    """Return the texts of a Series without categories as an array of objects."""
    import pandas as pd

    missing = series.isna().to_numpy()
    kind = series.dtype
    text = np.full(len(series), None, object)
    if pd.api.types.is_integer_dtype(kind):
        text[~missing] = series[~missing].astype(str).to_numpy(object)
        return text
    if isinstance(kind, pd.StringDtype) or str(kind) == "string":
        found = series.to_numpy(object)
        return np.where(missing | (series == "").fillna(True).to_numpy(bool), None, found)
    codes, different = pd.factorize(series.to_numpy(object)[~missing])
    text[~missing] = np.array([write(v) for v in different] or [None], object)[codes]
    return text


def write(value):
    """Return how one id or word is written, or None where it is missing."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, (bytes, bytearray, memoryview, list, tuple, dict, set, np.ndarray)):
        raise InputError(
            "engine.error_written",
            "{value:repr}: cannot be an id or a word; a text or a number is needed",
            value=value,
        )
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            return None
        return str(int(value)) if float(value).is_integer() else str(float(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        return str(int(value)) if value == value.to_integral_value() else str(value.normalize())
    if value != value:
        return None
    return str(value)


def coded_words(words, kind, literal):
    """Return (position, SQL constant) of the words that a column of a type can hold.

    Asked of a column of numbers, "1" and 1 are the number 1, and a word that is no number occurs
    nowhere.
    """
    found = []
    for i, word in enumerate(words):
        if kind.upper().startswith(_NUMERIC):
            try:
                number = float(str(word))
            except ValueError:
                continue
            found.append((i, str(int(number)) if number.is_integer() else repr(number)))
        elif kind.upper() == "BOOLEAN":
            truth = {"true": "TRUE", "false": "FALSE"}.get(str(word).lower())
            found += [(i, truth)] if truth else []
        elif kind.upper().startswith(("DATE", "TIMESTAMP")):
            moment = _moment(word)
            found += [(i, f"{kind} {literal(moment)}")] if moment else []
        else:
            found.append((i, literal(word)))
    return found


def _moment(word):
    """Return how a word that is a moment is written in SQL, or None."""
    import pandas as pd

    try:
        return str(pd.Timestamp(str(word)))
    except ValueError:
        return None


_NUMERIC = (
    *("TINYINT", "SMALLINT", "INT", "BIGINT", "UTINYINT", "USMALLINT", "UINT", "UBIGINT"),
    *("HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
)
