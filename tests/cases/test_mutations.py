"""Tables changed at random, over all functions: an answer, or one clear sentence."""

import numpy as np
import pandas as pd
import pytest
from calls import CALLS
from hostile import outcome, tables
from test_every_call import LONG

QUICK, ALL = 40, 1000


def shuffled(table, column, rng):
    """Rows in another order, their labels too."""
    return table.sample(frac=1, random_state=int(rng.integers(1 << 31)))


def dropped(table, column, rng):
    """A column less."""
    return table.drop(columns=column)


def with_nulls(table, column, rng):
    """Some values of a column missing."""
    return table.assign(**{column: table[column].mask(rng.random(len(table)) < 0.3)})


def repeated(table, column, rng):
    """Some rows twice."""
    return pd.concat([table, table[rng.random(len(table)) < 0.2]])


def as_text(table, column, rng):
    """A column written out."""
    return table.assign(**{column: table[column].astype(str)})


def as_category(table, column, rng):
    """A column of categories."""
    return table.assign(**{column: table[column].astype("category")})


def as_numbers(table, column, rng):
    """A column of small whole numbers."""
    return table.assign(**{column: pd.factorize(table[column])[0] % 7})


def as_moments(table, column, rng):
    """A column of moments."""
    return table.assign(**{column: pd.Timestamp("2024-01-01", tz="UTC")})


def constant(table, column, rng):
    """One value everywhere."""
    return table.assign(**{column: table[column].iloc[0] if len(table) else None})


def extreme(table, column, rng):
    """A few values beyond all measure."""
    hit = rng.random(len(table)) < 0.02
    if pd.api.types.is_bool_dtype(table[column]):
        return table
    if pd.api.types.is_numeric_dtype(table[column]):
        wild = rng.choice([np.inf, -np.inf, 1e308, -1e18, 1e-300])
        return table.assign(**{column: table[column].astype(float).mask(hit, wild)})
    if pd.api.types.is_datetime64_any_dtype(table[column]):
        wild = pd.Timestamp("2261-01-01", tz=table[column].dt.tz)
        return table.assign(**{column: table[column].mask(hit, wild)})
    return table.assign(**{column: table[column].astype(object).mask(hit, "x" * 5000)})


def blank(table, column, rng):
    """Some values of a column the empty text."""
    hit = rng.random(len(table)) < 0.2
    return table.assign(**{column: table[column].astype(object).mask(hit, "")})


def few(table, column, rng):
    """A handful of rows."""
    return table.head(int(rng.integers(0, 6)))


WAYS = (
    shuffled,
    dropped,
    with_nulls,
    repeated,
    as_text,
    as_category,
    as_numbers,
    as_moments,
    constant,
    extreme,
    blank,
    few,
)


def mutated(seed, names):
    """Call a function on tables changed at random; return what was done, and how it ended."""
    rng = np.random.default_rng(seed)
    name = names[rng.integers(len(names))]
    call = CALLS[name]
    more = (({}, *call.also))[rng.integers(1 + len(call.also))]
    argument, table = (found := list(tables(call)))[rng.integers(len(found))]
    done = []
    for _ in range(rng.integers(1, 4)):
        if not len(table.columns):
            break
        way = WAYS[rng.integers(len(WAYS))]
        column = table.columns[rng.integers(len(table.columns))]
        done.append(f"{way.__name__} {column}")
        table = way(table, column, rng)
    return f"{seed} {name} {sorted(more)} {argument}: {', '.join(done)}", outcome(
        lambda: call(**{**more, argument: table})
    )


def wrong(seeds, names):
    """Return the mutations that did not end well."""
    made = (mutated(seed, names) for seed in seeds)
    return [f"{what} → {bad}" for what, bad in made if bad]


def with_tables():
    """The functions that take a table of pandas."""
    return [n for n, c in CALLS.items() if n not in LONG and any(True for _ in tables(c))]


def test_some_mutations():
    """A few on every run."""
    assert wrong(range(QUICK), with_tables()) == []


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(ALL // 100))
def test_a_thousand_mutations(hundred):
    """The same law, looked at far more often."""
    assert wrong(range(1000 + 100 * hundred, 1100 + 100 * hundred), with_tables()) == []
