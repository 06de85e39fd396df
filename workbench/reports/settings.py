"""The typed models of reports/schedule.yml and reports/theme/theme.yml: what may stand there.

Imported only where one of them is read.
"""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictStr,
    ValidationError,
    model_validator,
)

from workbench.errors import InputError, first_line, unknown
from workbench.load import mistakes
from workbench.load.mistakes import Mistake
from workbench.load.model import Block, Text
from workbench.notes import Note

FIRST_DAY, LAST_DAY = 1, 28  # every month has these
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_A_TIME = Note("reports.a_time", 'a time such as "06:00" (in quotes) is needed')
_A_ZONE = Note("reports.a_zone", "a time zone such as Europe/Amsterdam is needed")
_A_COLOUR = Note("reports.a_colour", 'a colour such as "#0b3c5d" is needed')
_NO_DAY = Note("reports.no_day", "`every: day` takes no `day:`")
_DAY_OF_MONTH = Note(
    "reports.day_of_month",
    "a day of the month from {first} to {last} is needed",
    first=FIRST_DAY,
    last=LAST_DAY,
)


def _time(value):
    # Without quotes YAML reads 17:00 as the number 1020.
    if not isinstance(value, str) or not re.fullmatch(r"\d\d:\d\d", value):
        raise Mistake(_A_TIME)
    try:
        return datetime.time.fromisoformat(value)
    except ValueError:
        raise Mistake(_A_TIME) from None


def _zone(value):
    try:
        ZoneInfo(value)
    except (LookupError, OSError, ValueError):
        raise Mistake(_A_ZONE) from None
    return value


def _colour(value):
    if not re.fullmatch("#[0-9a-fA-F]{6}", value):
        raise Mistake(_A_COLOUR)
    return value


Time = Annotated[datetime.time, BeforeValidator(_time)]
Zone = Annotated[StrictStr, AfterValidator(_zone)]
Colour = Annotated[StrictStr, AfterValidator(_colour)]


class Report(Block):
    """One entry of the schedule: which report, with which parameters, and when."""

    name: Text
    notebook: Text
    every: Literal["day", "week", "month"]
    # "day", not "on": YAML reads a bare `on` as true.
    day: Any = None
    at: Time = datetime.time(6)
    zone: Zone = "UTC"
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _day_of_its_period(self):
        match self.every:
            case "day" if "day" in self.model_fields_set:
                raise Mistake(_NO_DAY)
            case "week" if self.day not in (None, *WEEKDAYS):
                raise Mistake(unknown("day", "option", self.day, WEEKDAYS).note)
            case "month" if self.day is not None and not _is_day_of_month(self.day):
                raise Mistake(_DAY_OF_MONTH)
        return self

    def on(self) -> str | int | None:
        """Return the day it runs on: of the week, of the month, or None for every day."""
        return self.day or {"week": WEEKDAYS[0], "month": FIRST_DAY}.get(self.every)


def _is_day_of_month(value):
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and FIRST_DAY <= value <= LAST_DAY


class Schedule(Block):
    """All entries; a misspelt key must not look like nothing to do."""

    # `reports:` with nothing behind it is an empty schedule; without the key it is a mistake.
    reports: Annotated[list[Report], BeforeValidator(lambda entries: entries or [])] = Field(...)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_not_given(cls, data):
        return data


class Theme(Block):
    """Colours, logo and name of whoever makes the reports."""

    brand: Colour = None
    ink: Colour = None
    soft: Colour = None
    line: Colour = None
    alarm: Colour = None
    logo: Text = None
    name: StrictStr = None


def keys_of_schedule(loc):
    """Return the keys that may stand in the block a place of the schedule lies in."""
    return list((Report if loc else Schedule).model_fields)


def keys_of_theme(_):
    """Return the keys of a theme."""
    return list(Theme.model_fields)


def read_yaml(path: Path) -> dict:
    """Return what a YAML file holds.

    Raises InputError for a file that cannot be read as YAML.
    """
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            "reports.error_yaml",
            "{name}: not readable as YAML ({error})",
            name=path.name,
            error=first_line(error),
        ) from None


def checked(model: type[Block], given: object, name: str, keys_at: Callable) -> Block:
    """Return what was read as a typed model understands it.

    Raises MappingError, which says every mistake on a line of its own.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise mistakes.MappingError(mistakes.notes(name, error, keys_at, [])) from None
