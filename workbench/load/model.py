"""The typed model of a mapping: every key, what may stand there, and what it is for.

Imported only where a mapping is read; `python -m workbench.load.model` writes its JSON Schema anew.
"""

import codecs
import json
import math
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from workbench import schemas
from workbench.load.mistakes import Mistake
from workbench.load.time_formats import time_format_problem
from workbench.notes import Note

SCHEMA = Path(__file__).parent / "mapping.schema.json"
TESTS = ("missing", "equals", "one_of", "starts_with", "at_most", "at_least")
NOT_BLANK = Note("load.not_blank", "a text that is not empty is needed")
BARE_NUMBER = Note(
    "load.bare_number",
    "write `{{value: {number}}}` for a number, or put the name of a column in quotes",
    number="",
)
A_NUMBER = Note("load.finite_number", "a finite number is needed")
A_SCALAR = Note("load.a_scalar", "a text, a number, or true or false is needed")
READS = Note("load.no_encoding", "no such encoding; use one such as utf-8 or cp1252")
ONE_CHARACTER = Note("load.one_character", "one character is needed")
ONE_TEST = Note(
    "load.one_test",
    "each rule needs `column:`, `reason:` and one of {tests:text}",
    tests=list(TESTS),
)
ONE_OR_OTHER = Note("load.one_or_other", "`columns:` or `except:` is needed, one of the two")


def _named(value):
    """Take a whole number for the name of a column or sheet; a YAML file need not quote it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _not_blank(value):
    if not value.strip():
        raise Mistake(NOT_BLANK)
    return value


def _encoding(value):
    try:
        known = codecs.lookup(value)._is_text_encoding
    except (LookupError, ValueError):
        known = False
    if not known:
        raise Mistake(READS)
    return value


def _delimiter(value):
    value = "\t" if value == "\\t" else value
    if len(value) != 1 or value in '"\r\n\0':
        raise Mistake(ONE_CHARACTER)
    return value


def _quote(value):
    if value != "none" and (len(value) != 1 or value in "\r\n\0"):
        raise Mistake(ONE_CHARACTER)
    return value


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise Mistake(A_NUMBER)
    return value


def _scalar(value):
    if not isinstance(value, (str, bool, int, float)):
        raise Mistake(A_SCALAR)
    return value


def _one_or_list(value):
    return "<list>" if isinstance(value, list) else "<one>"


def _path_or_block(value):
    return "<one>" if isinstance(value, str) else "<file>"


def _time_format(value):
    problem = time_format_problem(value)
    if problem:
        raise Mistake(problem)
    return value


_TEXT = WithJsonSchema({"type": "string", "pattern": r"\S"})
_NAME = WithJsonSchema({"type": ["string", "integer"], "pattern": r"\S"})
Text = Annotated[StrictStr, AfterValidator(_not_blank), _TEXT]
Name = Annotated[StrictStr, BeforeValidator(_named), AfterValidator(_not_blank), _NAME]
Encoding = Annotated[StrictStr, AfterValidator(_encoding)]
Delimiter = Annotated[
    StrictStr,
    AfterValidator(_delimiter),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 2}),
]
Quote = Annotated[StrictStr, AfterValidator(_quote)]
TimeFormat = Annotated[StrictStr, AfterValidator(_time_format)]
Number = Annotated[Any, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
Scalar = Annotated[
    Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Names = Annotated[list[Name], Field(min_length=1)]
OneOrMore = Annotated[
    Annotated[Name, Tag("<one>")] | Annotated[Names, Tag("<list>")], Discriminator(_one_or_list)
]


class Block(BaseModel):
    """A block of keys; a key that is not listed is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_not_given(cls, data):
        # `zone:` with nothing behind it is a line somebody left open, not a mistake.
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


class Value(Block):
    """One value for all rows."""

    value: Scalar


class Multiply(Block):
    """The product of several."""

    multiply: "Annotated[list[Operand], Field(min_length=1)]"


class Add(Block):
    """The sum of several."""

    add: "Annotated[list[Operand], Field(min_length=1)]"


class Subtract(Block):
    """The first less the second."""

    subtract: "Annotated[list[Operand], Field(min_length=2, max_length=2)]"


class Coalesce(Block):
    """The first that is filled."""

    coalesce: "Annotated[list[Expression], Field(min_length=1)]"


class Concat(Block):
    """The words of several, one after another."""

    concat: "Annotated[list[Expression], Field(min_length=1)]"
    separator: StrictStr = " "


class Lower(Block):
    """In lower case."""

    lower: "Expression"


class Trim(Block):
    """Without blanks around it."""

    trim: "Expression"


class FirstWord(Block):
    """The first word of a label."""

    first_word: "Expression"


class FirstNumber(Block):
    """The first number of a label: 10 of "10 - Extremely likely"."""

    first_number: "Expression"


class Recode(Block):
    """Each code by its meaning; codes that are not listed are kept, missing or refused."""

    recode: "Expression"
    codes: Annotated[
        dict[Annotated[StrictStr, BeforeValidator(_named)], Scalar], Field(min_length=1)
    ]
    other: Literal["keep", "missing", "reject"] = "reject"


class Epoch(Block):
    """A moment counted since 1970 UTC."""

    epoch: "Expression"
    unit: Literal["s", "ms", "us", "ns"]


class DayNumber(Block):
    """A day as spreadsheets count them, since 1899-12-30."""

    day_number: "Expression"


class DateAndTime(Block):
    """A moment whose day and time of day stand in two columns."""

    date: "Expression"
    time: "Expression"


EXPRESSIONS = {
    "value": Value,
    "multiply": Multiply,
    "add": Add,
    "subtract": Subtract,
    "coalesce": Coalesce,
    "concat": Concat,
    "lower": Lower,
    "trim": Trim,
    "first_word": FirstWord,
    "first_number": FirstNumber,
    "recode": Recode,
    "epoch": Epoch,
    "day_number": DayNumber,
    "date": DateAndTime,
}


def _kind(value):
    """Say which expression is meant: by its first key that names one."""
    if isinstance(value, BaseModel):
        return next(f"<{n}>" for n, model in EXPRESSIONS.items() if type(value) is model)
    if isinstance(value, dict):
        return next((f"<{key}>" for key in EXPRESSIONS if key in value), None)
    return "<name>"


def _no_bare_number(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise Mistake(BARE_NUMBER.having(number=str(value)))
    return value


_ONE_OF = [Annotated[model, Tag(f"<{name}>")] for name, model in EXPRESSIONS.items()]
Expression = Annotated[
    reduce(or_, _ONE_OF, Annotated[Name, Tag("<name>")]),
    Discriminator(_kind),
]
Operand = Annotated[Expression, BeforeValidator(_no_bare_number)]


class Read(Block):
    """How a file is read."""

    format: Literal[
        "csv", "excel", "parquet", "jsonl", "json", "database", "spss", "stata", "arrow"
    ] = None
    delimiter: Delimiter = None
    quote: Quote = '"'
    encoding: Encoding = None
    decimal: Literal[".", ","] = None
    skip_rows: Annotated[StrictInt, Field(ge=0)] = 0
    sheet: OneOrMore = None
    table: Name = None
    query: Text = None


class Rule(Block):
    """Rows to refuse, and why."""

    column: Name
    reason: Text = None
    whole: Name = None
    missing: StrictBool = None
    equals: Scalar = None
    one_of: Annotated[list[Scalar], Field(min_length=1)] = None
    starts_with: Name = None
    at_most: Number = None
    at_least: Number = None

    @model_validator(mode="after")
    def _one_test(self):
        if len(self.model_fields_set & set(TESTS)) != 1:
            raise Mistake(ONE_TEST)
        return self


class File(Block):
    """One of several files."""

    path: Text
    read: Read = None


OneFile = Annotated[
    Annotated[Text, Tag("<one>")] | Annotated[File, Tag("<file>")], Discriminator(_path_or_block)
]


class Join(Block):
    """A file put beside those before it."""

    file: Name
    on: OneOrMore
    how: Literal["inner", "left"] = "left"


class FillDown(Block):
    """Columns filled on the first row of an order only."""

    columns: Names
    within: Name


class Unpivot(Block):
    """A column a question becomes a row an answer."""

    columns: Names = None
    except_: Annotated[Names, Field(alias="except")] = None
    item: Name = "item"
    value: Name = "value"
    texts: StrictBool = False
    question_row: Annotated[StrictInt, Field(ge=1)] = None

    @model_validator(mode="after")
    def _one_or_other(self):
        if (self.columns is None) == (self.except_ is None):
            raise Mistake(ONE_OR_OTHER)
        return self


class Explode(Block):
    """A list of nested keys and values becomes columns."""

    column: Name
    key: Name = "key"
    keep: Names


for _model in EXPRESSIONS.values():
    _model.model_rebuild()


class Mapping(Block):
    """How a file, or several, become one canonical table."""

    table: Text
    description: StrictStr = None
    columns: Annotated[dict[Name, Expression], Field(min_length=1)]
    zone: Text = None
    time_format: TimeFormat = None
    currency: Text = None
    require: list[Name] = None
    reject: list[Rule] = None
    duplicates: Literal["keep", "drop"] = "keep"
    negative: Literal["keep", "reject"] = "reject"
    incomplete: Literal["reject", "keep"] = "reject"
    read: Read = None
    missing: list[Name] = None
    ignore_case: list[Name] = None
    files: Annotated[dict[Name, OneFile], Field(min_length=1)] = None
    join: list[Join] = None
    query: Text = None
    fill_down: FillDown = None
    unpivot: Unpivot = None
    explode: Explode = None
    events: Annotated[dict[Name, Name], Field(min_length=1)] = None


BLOCKS = {
    **{f"<{name}>": model for name, model in EXPRESSIONS.items()},
    "<file>": File,
    "read": Read,
    "reject": Rule,
    "join": Join,
    "fill_down": FillDown,
    "unpivot": Unpivot,
    "explode": Explode,
    "": Mapping,
}


def keys_at(loc):
    """Return the keys that may stand in the block a place lies in."""
    name = next((p for p in reversed(loc) if isinstance(p, str) and p in BLOCKS), "")
    return [field.alias or key for key, field in BLOCKS[name].model_fields.items()]


# Tables whose columns need not all be mapped: `events:` and `unpivot:` bring some.
BROUGHT = ("events", "surveys")


def json_schema():
    """Return the JSON Schema of a mapping, with the columns of each canonical table."""
    schema = Mapping.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["table"]["enum"] = sorted(schemas.TABLES)
    schema["allOf"] = [_columns_schema(table) for table in sorted(schemas.TABLES)]
    blocks = schema["$defs"]
    blocks["Rule"]["oneOf"] = [{"required": [test]} for test in TESTS]
    blocks["Unpivot"]["oneOf"] = [{"required": [key]} for key in ("columns", "except")]
    return _without_null(schema)


def _without_null(part):
    """Return a schema in which what may be left out is not shown as if it were null."""
    if isinstance(part, dict):
        kept = {k: v for k, v in part.items() if not (k == "default" and v is None)}
        return {k: _without_null(v) for k, v in kept.items()}
    return [_without_null(p) for p in part] if isinstance(part, list) else part


def _columns_schema(table):
    """Return what holds for `columns:` where a mapping gives this table."""
    known = schemas.TABLES[table]
    columns: dict[str, Any] = {"properties": dict.fromkeys(known, True)}
    if table not in schemas.EXTRA:
        columns["propertyNames"] = {"enum": sorted(known)}
    if table not in BROUGHT:
        columns["required"] = [name for name, column in known.items() if column.required]
    return {
        "if": {"properties": {"table": {"const": table}}, "required": ["table"]},
        "then": {"properties": {"columns": columns}},
    }


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(json_schema(), indent=1) + "\n", encoding="utf-8")
