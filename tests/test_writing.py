"""How single values are written: whatever they are, in every form and in both languages."""

import datetime
import math
import re
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.display import marks, speaking, writing
from workbench.display.writing import FORMS, date, key, money, number, percent, plain, points, span
from workbench.notes import Note
from workbench.results.charts import Points

MISSING = [
    None,
    float("nan"),
    np.float64("nan"),
    np.float32("nan"),
    np.datetime64("NaT"),
    np.timedelta64("NaT"),
    pd.NaT,
    pd.NA,
    Decimal("NaN"),
]
INFINITE = [math.inf, np.float64(math.inf), np.float32(math.inf), Decimal("Infinity")]
NUMERIC = ("", "%", "%0", "%2", "%3", "p", "plain", "points", "money", "1", "3", "8")
EVERY = (*FORMS, "1", "3", "8")


def said(value, form, **more):
    """A value in a sentence, in one of the forms."""
    return str(Note("d", f"{{v:{form}}}" if form else "{v}", v=value, **more))


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("form", EVERY)
def test_what_is_missing_or_infinite_has_one_sign(form, language):
    """None, NaN, NaT and pandas' NA are a dash; infinity is its sign; with a currency too."""
    write = writing.FORMS.get(form, number)
    with speaking(language):
        for value in MISSING:
            assert {said(value, form), said(value, form, currency="EUR"), write(value)} == {"–"}
        for value in INFINITE:
            assert {said(value, form), said(value, form, currency="EUR"), write(value)} == {"∞"}
            assert {said(-value, form), write(-value)} == {"-∞"}
        assert said([None, math.inf, pd.NA], form) == "–, ∞, –"


@pytest.mark.parametrize("form", NUMERIC)
@settings(max_examples=40)
@given(value=st.floats(-1e290, 1e290))
def test_any_number_is_written_in_any_form(form, value):
    """Tiny and huge ones, of every type; what is rounded to nothing has no sign."""
    for language in ("en", "nl"):
        with speaking(language), warnings.catch_warnings():
            warnings.simplefilter("error")
            for one in (value, np.float64(value), Decimal(value)):
                text = said(one, form, currency="EUR")
                assert len(text) < 45 and "nan" not in text and "inf" not in text.lower()
                assert re.search("[1-9]", text) or not text.startswith("-"), (text, value)
            assert said(np.float64(value), form) == said(value, form) == said(Decimal(value), form)


@given(st.floats(1e-4, 1e12), st.integers(2, 8))
def test_a_number_keeps_its_significant_figures(value, digits):
    """Rounding up to the next power of ten adds none; what is shown is the nearest there is."""
    text = number(value, digits)
    figures = text.replace(",", "").replace(".", "").lstrip("0")
    near = float(text.replace(",", ""))
    if value != int(value):
        assert len(figures) == max(digits, len(str(int(near))))
    assert abs(near - value) <= 0.5000001 * 10.0 ** (math.floor(math.log10(value)) - digits + 1)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (number(9.9999), "10.00"),
        (number(0.99996), "1.000"),
        (number(0.000099999), "0.0001000"),
        (number(99999.5), "100,000"),
        (number(-9.9999), "-10.00"),
        (number(-0.0), "0"),
        (number(1e18), "1e+18"),
        (number(2**70), "1.18e+21"),
        (number(10**400), "∞"),
        (number(np.int8(3)), "3"),
        (number(True), "1"),
        (percent(-0.0001), "0.0 %"),
        (percent(-0.000001, 0), "0 %"),
        (points(-1e-9), "0.0"),
        (plain(-1e-12), "0"),
        (money(-0.001, "EUR"), "€0.00"),
        (money(9999.999, "EUR"), "€10,000"),
        (money(Decimal("12.5"), "EUR"), "€12.50"),
        (money(np.float32(2), "EUR"), "€2.00"),
        (span(datetime.timedelta(days=2)), "2 days"),
        (span(pd.Timedelta("90min")), "90 minutes"),
        (span(np.timedelta64(1, "h")), "1 hour"),
        (span(datetime.timedelta(milliseconds=250)), "250 milliseconds"),
        (date(np.datetime64("2025-01-02T05")), "2 January 2025"),
        (date(pd.Timestamp("2025-01-02", tz="UTC")), "2 January 2025"),
        (date(pd.Period("2025-01", "M")), "2025-01"),
        (key(datetime.timedelta(hours=5)), "5 hours"),
        (key(None, "group"), "–"),
        (said(datetime.timedelta(days=1), ""), "1 day"),
        (said(np.bool_(True), ""), "yes"),
        (marks.value(pd.NA, Points(label=["a"])), "–"),
    ],
)
def test_edges(written, wanted):
    """One of each."""
    assert written == wanted
