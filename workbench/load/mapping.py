"""A small YAML mapping turns any file into canonical tables.

A mapping names the canonical table, the source column behind each canonical one, and what the
file cannot say itself: the time zone of naive timestamps, the currency, rows to refuse.
"""

from workbench import project, schemas
from workbench.errors import InputError, one_of, unknown
from workbench.load.values import no_time_zone
from workbench.notes import Note

KEYS = {
    "table",
    "columns",
    "read",
    "zone",
    "currency",
    "require",
    "reject",
    "duplicates",
    "negative",
    "time_format",
    "description",
    "missing",
    "ignore_case",
    "incomplete",
    "files",
    "join",
    "query",
    "fill_down",
    "unpivot",
    "explode",
    "events",
}
KINDS = {
    "read": dict,
    "require": list,
    "reject": list,
    "zone": str,
    "currency": str,
    "time_format": str,
}
_KIND_NAMES = {
    list: Note("load.a_list", "a list"),
    str: Note("load.a_text", "a text"),
    dict: Note("load.a_block", "a block of keys"),
}


def read_mapping(source):
    """Return a mapping from a YAML file or a dictionary, its keys checked.

    Raises InputError for an unknown key, table or column.
    """
    if isinstance(source, dict):
        mapping, name = dict(source), "mapping"
    else:
        mapping, name = _from_file(source), str(source)
    _check_keys(mapping, name)
    _check_zone(mapping, name)
    _check_columns(mapping, name)
    one_of(f"{name}, duplicates", mapping.get("duplicates", "keep"), ("keep", "drop"))
    one_of(f"{name}, negative", mapping.get("negative", "reject"), ("keep", "reject"))
    return mapping


def _from_file(source):
    import yaml

    path = project.path(source)
    if not path.is_file():
        raise InputError("load.error_no_mapping", "{source}: no such mapping file", source=source)
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            "load.error_mapping_yaml",
            "{source}: not readable as YAML ({error})",
            source=source,
            error=str(error).splitlines()[0],
        ) from None


def _check_keys(mapping, name):
    if not isinstance(mapping, dict):
        raise InputError(
            "load.error_mapping_empty",
            "{name}: a mapping needs at least `table:` and `columns:`",
            name=name,
        )
    for key in mapping:
        if key not in KEYS:
            raise unknown(name, "key", key, sorted(KEYS))
    if not isinstance(mapping.get("columns"), dict) or "table" not in mapping:
        raise InputError(
            "load.error_mapping_keys", "{name}: `table:` and `columns:` are needed", name=name
        )
    if not isinstance(mapping["table"], str):
        raise InputError(
            "load.error_mapping_table",
            "{name}, table: one name is needed, found {table}",
            name=name,
            table=repr(mapping["table"]),
        )
    for key, kind in KINDS.items():
        if mapping.get(key) is not None and not isinstance(mapping[key], kind):
            raise InputError(
                "load.error_mapping_kind",
                "{name}, {key}: {kind} is needed, found {value}",
                name=name,
                key=key,
                kind=_KIND_NAMES[kind],
                value=repr(mapping[key]),
            )


def _check_zone(mapping, name):
    from zoneinfo import ZoneInfo

    if not mapping.get("zone"):
        return
    try:
        ZoneInfo(mapping["zone"])
    except (LookupError, OSError, TypeError, ValueError):
        raise no_time_zone(f"{name}, zone", mapping["zone"]) from None


def _check_columns(mapping, name):
    for column, source in mapping["columns"].items():
        if not _is_rule(source):
            raise InputError(
                "load.error_mapping_column",
                "{name}, columns, {column}: use a column name, `multiply: [a, b]` or `value: …`; "
                "found {source}",
                name=name,
                column=column,
                source=repr(source),
            )
    known = schemas.columns(mapping["table"], mapping["columns"])
    for column in mapping.get("require") or ():
        if column not in mapping["columns"]:
            raise unknown(f"{name}, require", "column", column, mapping["columns"])
    missing = [c for c, rule in known.items() if rule.required and c not in mapping["columns"]]
    if missing:
        raise InputError(
            "load.error_mapping_missing",
            "{name}: table '{table}' also needs {missing:text}",
            name=name,
            table=mapping["table"],
            missing=missing,
        )


def _is_rule(source):
    """Say whether a column's source is a name, a product of columns or one value for all rows."""
    if not isinstance(source, dict):
        return isinstance(source, (str, int, float))
    if set(source) == {"multiply"}:
        return isinstance(source["multiply"], list)
    return bool(
        set(source)
        & {
            *("value", "add", "subtract", "coalesce", "concat", "lower", "trim", "first_word"),
            *("first_number", "recode", "epoch", "day_number", "date"),
        }
    )
