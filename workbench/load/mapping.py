"""A small YAML mapping turns any file into canonical tables.

A mapping names the canonical table, the source column behind each canonical one, and what the
file cannot say itself: the time zone of naive timestamps, the currency, rows to refuse. Its typed
model is `workbench.load.model`; what it cannot know by itself is checked here.
"""

from workbench import project, schemas
from workbench.errors import InputError, unknown
from workbench.load import mistakes, yaml_text
from workbench.load.values import no_time_zone
from workbench.notes import Note

NUMBERS_ONLY = ("multiply", "add", "subtract")
TIMES_ONLY = ("epoch", "day_number", "date")
# What these keys bring need not stand under `columns:`.
BROUGHT = {"events": ("event", "occurred_at"), "unpivot": ("item", "value")}
_WRONG_KIND = Note(
    "load.expression_kind",
    "`{expression}:` gives {gives:text}, and '{column}' takes none",
    expression="",
    gives="",
    column="",
)
_ONE_NAME = Note(
    "load.one_name",
    "'{other}' and '{column}' differ in case alone; give one of them another name",
    other="",
    column="",
)
_A_NUMBER = Note("load.gives_number", "a number")
_A_MOMENT = Note("load.gives_moment", "a moment")
_NO_FILES = Note("load.needs_files", "`files:` is needed, with a name for each file")
_NO_JOIN = Note("load.needs_join", "several files need `join:` or one `query:` over them")
_READ_EACH = Note(
    "load.read_each",
    "`{option}` stands under each file: `files: {{name: {{path: …, read: {{{option}: …}}}}}}`",
    option="",
)
_JOIN_AND_QUERY = Note("load.join_or_query", "`join:` or `query:` is needed, not both")


def read_mapping(source):
    """Return a mapping from a YAML file or a dictionary, checked: a dictionary of the keys given.

    Raises InputError that says every mistake on a line: where it stands, what was found there and
    the nearest name.
    """
    if isinstance(source, dict):
        mapping, name = source, "mapping"
    else:
        mapping, name = _from_file(source), str(source)
    if not isinstance(mapping, dict):
        raise InputError(
            "load.error_mapping_empty",
            "{name}: a mapping needs at least `table:` and `columns:`",
            name=name,
        )
    mapping = _typed(mapping, name)
    problems = [problem for check in CHECKS for problem in check(mapping, name)]
    if problems:
        raise mistakes.MappingError(problems)
    return mapping


def _from_file(source):
    path = project.path(source)
    if not path.is_file():
        raise InputError("load.error_no_mapping", "{source}: no such mapping file", source=source)
    return yaml_text.read(path)


def _typed(mapping, name):
    """Return the mapping as its typed model understands it."""
    from pydantic import ValidationError

    from workbench.load import model

    try:
        typed = model.Mapping.model_validate(mapping)
    except ValidationError as error:
        known = list(model.EXPRESSIONS)
        raise mistakes.MappingError(mistakes.notes(name, error, model.keys_at, known)) from None
    return typed.model_dump(by_alias=True, exclude_unset=True)


def _table(mapping, name):
    """Yield what is wrong with the table and the names of its columns."""
    table, columns = mapping["table"], mapping["columns"]
    if table not in schemas.TABLES:
        yield unknown(mistakes.place(name, ["table"]), "table", table, schemas.TABLES).note
        return
    for column in columns:
        try:
            schemas.columns(table, [column])
        except InputError as error:
            yield mistakes.OTHER.having(where=name, problem=error.note)
    yield from _alike(columns, name)
    brought = [c for key, names in BROUGHT.items() if mapping.get(key) for c in names]
    rules = schemas.columns(table)
    missing = [c for c, r in rules.items() if r.required and c not in (*columns, *brought)]
    if missing:
        yield Note(
            "load.error_mapping_missing",
            "{name}: table '{table}' also needs {missing:text}",
            name=name,
            table=table,
            missing=missing,
        )


def _alike(columns, name):
    """Yield names of canonical columns that an engine cannot tell apart."""
    known = {}
    for column in columns:
        other = known.setdefault(column.casefold(), column)
        if other != column:
            problem = _ONE_NAME.having(column=column, other=other)
            yield mistakes.OTHER.having(where=mistakes.place(name, ["columns"]), problem=problem)


def _zone(mapping, name):
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(mapping.get("zone", "UTC"))
    except (LookupError, OSError, TypeError, ValueError):
        yield no_time_zone(mistakes.place(name, ["zone"]), mapping["zone"]).note


def _expressions(mapping, name):
    """Yield where a column takes neither the number nor the moment an expression gives."""
    rules = schemas.TABLES.get(mapping["table"], {})
    for column, source in mapping["columns"].items():
        kind = rules[column].kind if column in rules else "own"
        told = next(iter(source), None) if isinstance(source, dict) else None
        for only, wanted, gives in (
            (NUMBERS_ONLY, "number", _A_NUMBER),
            (TIMES_ONLY, "time", _A_MOMENT),
        ):
            if told in only and kind not in (wanted, "own"):
                yield mistakes.OTHER.having(
                    where=mistakes.place(name, ["columns", column]),
                    problem=_WRONG_KIND.having(expression=told, gives=gives, column=column),
                )


def _named_columns(mapping, name):
    """Yield names of canonical columns, outside `columns:`, that stand for none."""
    columns = mapping["columns"]
    for key in ("require", "ignore_case"):
        for column in mapping.get(key, ()):
            if column not in columns:
                yield unknown(mistakes.place(name, [key]), "column", column, columns).note
    for number, rule in enumerate(mapping.get("reject", ())):
        if rule.get("whole", next(iter(columns))) not in columns:
            where = mistakes.place(name, ["reject", number, "whole"])
            yield unknown(where, "column", rule["whole"], columns).note


def _files(mapping, name):
    """Yield what several files lack to become one table."""
    files, joins = mapping.get("files", {}), mapping.get("join")
    here = mistakes.place(name, ["files"])
    if "join" in mapping and "query" in mapping:
        yield mistakes.OTHER.having(where=name, problem=_JOIN_AND_QUERY)
    elif not files and ("join" in mapping or "query" in mapping):
        yield mistakes.OTHER.having(where=name, problem=_NO_FILES)
    elif len(files) > 1 and "join" not in mapping and "query" not in mapping:
        yield mistakes.OTHER.having(where=here, problem=_NO_JOIN)
    for number, join in enumerate(joins or ()):
        if files and join["file"] not in list(files)[1:]:
            where = mistakes.place(name, ["join", number, "file"])
            yield unknown(where, "file", join["file"], list(files)[1:]).note


def _read_of_files(mapping, name):
    """Yield options of reading that several files do not have in common."""
    where = mistakes.place(name, ["read"])
    for option in mapping.get("read", {}) if "files" in mapping else ():
        if option != "decimal":
            yield mistakes.OTHER.having(where=where, problem=_READ_EACH.having(option=option))


CHECKS = (_table, _zone, _expressions, _named_columns, _files, _read_of_files)
