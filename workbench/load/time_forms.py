"""How a moment is written, by the look of one: what to say in a mapping that does not say it."""

import itertools
import re
from contextlib import suppress
from datetime import datetime

from workbench.errors import DataError, InputError
from workbench.load.months import english, in_english
from workbench.notes import Note

_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d %B %Y", "%d. %B %Y", "%d-%b-%Y", "%d-%b-%y"),
    *("%d/%b/%Y", "%d%b%Y", "%d.%b.%Y", "%b %d, %Y", "%b %d %Y", "%a, %d %b %Y", "%a %d %b %Y"),
    *("%a %b %d %Y", "%G-W%V-%u", "%GW%V%u", "%Y-%j"),
)
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S"),
    *(":%H:%M:%S", " %Hu%M", " %Hh%M", " %H.%M", ", %H:%M", ", %I:%M %p"),
)
_ZONES = ("", " %z", "%z")
_AMBIGUOUS = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2})(\D|$)")


def likely(value):
    """Return the time_format that a value is written in, or None where no usual one is.

    >>> likely("5 januari 2025 14:00"), likely("2025-W03-1"), likely("05/Jan/2025:10:00:00 +0100")
    ('%d %B %Y %H:%M', '%G-W%V-%u', '%d/%b/%Y:%H:%M:%S %z')
    """
    text = english(value).replace("a.m.", "am").replace("p.m.", "pm")
    if re.fullmatch(r"\d{14}", text):
        return "%Y%m%d%H%M%S"
    for date, zone, clock in itertools.product(_DATES, _ZONES, _CLOCKS):
        if "%j" in date and not re.match(r"\d{4}-\d{3}(\D|$)", text):
            continue
        with suppress(ValueError):
            datetime.strptime(text, in_english(date) + clock + zone)
            return date + clock + zone
    return None


def unknown(where, value):
    """Return the error of a column none of whose values is a moment as they are written."""
    if _AMBIGUOUS.match(value):
        return InputError(
            "load.error_day_or_month",
            "{where}: {value:repr} can be read day or month first. Say which with "
            "`time_format:`, for instance '%d-%m-%Y %H:%M'.",
            where=where,
            value=value,
        )
    form = likely(value)
    if form is None:
        return DataError(
            Note(
                "load.error_time_unknown",
                "{where}: {value:repr} is written in no way that is known. Say how moments are "
                "written with `time_format:`, for instance '%d-%m-%Y %H:%M'.",
                where=where,
                value=value,
            )
        )
    return InputError(
        "load.error_time_form",
        "{where}: the times are written like {value:repr}. Say so in the mapping, with what "
        "the other values allow: `time_format: '{form}'`.",
        where=where,
        value=value,
        form=form,
    )
