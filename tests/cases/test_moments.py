"""Moments that are none, lie outside all data, or that the clock skips."""

import datetime

import numpy as np
import pandas as pd
import pytest
from calls import CALLS
from hostile import outcome

from workbench import schemas
from workbench.errors import InputError

WITH_UNTIL = [
    n
    for n, c in CALLS.items()
    if any("until" in d for d in (c.given, *c.also)) and n not in ("stages.fit_latent",)
]
BAD = (
    "2023-01-01",
    "2024-03-31 02:30",
    "2024-10-27 02:30",
    "9999-12-31",
    "0001-01-01",
    20240101,
    20240101.0,
    True,
    "03-08-2026",
    "soon",
    np.int64(5),
)


@pytest.mark.parametrize("until", BAD, ids=str)
@pytest.mark.parametrize("name", WITH_UNTIL)
def test_an_end_that_makes_no_sense(name, until):
    """Before all data, beyond all calendars, on no clock, or no moment: one sentence, or an
    answer.
    """
    call = CALLS[name]
    zone = (
        {"zone": "Europe/Amsterdam"} if any("zone" in d for d in (call.given, *call.also)) else {}
    )
    assert outcome(lambda: call(until=until, **zone)) is None


def test_no_moment_is_no_moment():
    """Missing is not the same as not given."""
    with pytest.raises(InputError, match="cannot read"):
        schemas.moment("until", pd.NaT)


def test_what_a_moment_is():
    """Text that begins with the year, dates and timestamps; in summer time only what is clear."""
    day = 86_400_000_000
    end = 19_754 * day - 1
    for same in ("2024-01-31", datetime.date(2024, 1, 31), pd.Timestamp(end, unit="us")):
        assert schemas.moment("until", same) == end
    assert schemas.moment("until", np.datetime64("2024-02-01")) == end + 1
    for value, match in (
        ("2024-03-31 02:30", "skips"),
        ("2024-10-27 02:30", "twice"),
        ("9999-12-31", "outside the years"),
        (20240101, "cannot read 20240101"),
    ):
        with pytest.raises(InputError, match=match):
            schemas.moment("until", value, "Europe/Amsterdam")
    late = schemas.moment("until", "2024-10-27 02:30+01:00", "Europe/Amsterdam")
    assert late - schemas.moment("until", "2024-10-27 02:30+02:00", "UTC") == day // 24
