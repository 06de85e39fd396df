"""A small YAML mapping turns any file into canonical tables and an honest count of what was
refused.

A mapping names the canonical table, the source column behind each canonical one, and what the
file cannot say itself: the time zone of naive timestamps, the currency, rows to refuse.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from workbench import engine, project, schemas
from workbench.errors import DataError, InputError, need_columns, one_of, unknown
from workbench.load import files
from workbench.load.cards import sha256
from workbench.texts import number, t, word

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
}
_REASON = "_reason"
# share of an own attribute's values that must be numbers before the others count as mistakes
MOSTLY = 0.9


@dataclass(frozen=True, eq=False)
class LoadReport:
    """What a load kept and refused.

    `.table` has one row per reason: reason, rows, example (the first line of the file with it; for
    sources without lines the row, from 1). `.rejected` holds the refused rows as they stood, with
    _reason, _line and, for lines that are no rows, _text.
    """

    source: str
    rows_in: int
    rows_kept: int
    table: object
    rejected: object = field(repr=False)
    duplicates: int = 0
    duplicates_rule: str = "keep"
    notes: dict = field(default_factory=dict)

    def __str__(self):
        lines = [
            t("load.source", source=self.source),
            t(
                "load.rows",
                rows=number(self.rows_in),
                kept=number(self.rows_kept),
                rejected=number(self.rows_in - self.rows_kept),
            ),
        ]
        lines += [
            f"  {number(r.rows):>9}  {_in_words(r.reason)}"
            f" ({t('load.example', line=number(r.example))})"
            for r in self.table.itertuples()
        ]
        if self.duplicates:
            lines.append(t(f"load.duplicates_{self.duplicates_rule}", n=number(self.duplicates)))
        lines += [f"  {word(k)}: {word(v)}" for k, v in self.notes.items()]
        return "\n".join(lines)

    def _repr_html_(self):
        import html

        return "<pre>" + html.escape(str(self)) + "</pre>"

    def write_rejected(self, path):
        """Write the refused rows with their reasons to a CSV file and return its path, or None if
        there are none.
        """
        if not len(self.rejected):
            return None
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rejected.to_csv(path, index=False)
        return path


@dataclass(frozen=True, eq=False)
class Loaded:
    """Canonical tables by name, the report of how they came about, and the time zone the mapping
    names.
    """

    tables: dict
    report: LoadReport
    zone: str = "UTC"
    mapping: str = "mapping"

    def __getitem__(self, name):
        if name not in self.tables:
            raise InputError(
                f"{self.mapping}: gives the table{'s' if len(self.tables) > 1 else ''}"
                f" {', '.join(self.tables)}; here '{name}' is needed. Set `table: {name}` in the"
                " mapping and name its columns (docs/mapping.md)"
            )
        return self.tables[name]


def read_mapping(source):
    """Return a mapping from a YAML file or a dictionary, its keys checked.

    Raises InputError for an unknown key, table or column.
    """
    import yaml

    if isinstance(source, dict):
        mapping, name = dict(source), "mapping"
    else:
        path = project.path(source)
        name = str(source)
        if not path.is_file():
            raise InputError(f"{source}: no such mapping file")
        try:
            mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(
                f"{source}: not readable as YAML ({str(error).splitlines()[0]})"
            ) from None
    if not isinstance(mapping, dict):
        raise InputError(f"{name}: a mapping needs at least `table:` and `columns:`")
    for key in mapping:
        if key not in KEYS:
            raise unknown(name, "key", key, sorted(KEYS))
    if not isinstance(mapping.get("columns"), dict) or "table" not in mapping:
        raise InputError(f"{name}: `table:` and `columns:` are needed")
    if not isinstance(mapping["table"], str):
        raise InputError(f"{name}, table: one name is needed, found {mapping['table']!r}")
    for key, kinds in (
        ("read", dict),
        ("require", list),
        ("reject", list),
        ("zone", str),
        ("currency", str),
        ("time_format", str),
    ):
        if mapping.get(key) is not None and not isinstance(mapping[key], kinds):
            raise InputError(
                f"{name}, {key}: a"
                f" {'list' if kinds is list else 'text' if kinds is str else 'block of keys'} is"
                f" needed, found {mapping[key]!r}"
            )
    if mapping.get("zone"):
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(mapping["zone"])
        except (LookupError, OSError, TypeError, ValueError):
            raise InputError(
                f"{name}, zone: {mapping['zone']!r} is no time zone name; use one such as"
                " 'Europe/Amsterdam'"
            ) from None
    for column, source in mapping["columns"].items():
        rule = isinstance(source, dict)
        fit = isinstance(source, (str, int, float)) or (
            rule and set(source) in ({"multiply"}, {"value"})
        )
        if not fit or (rule and "multiply" in source and not isinstance(source["multiply"], list)):
            raise InputError(
                f"{name}, columns, {column}: use a column name, `multiply: [a, b]` or `value: …`;"
                f" found {source!r}"
            )
    known = schemas.columns(mapping["table"], mapping["columns"])
    for column in mapping.get("require") or ():
        if column not in mapping["columns"]:
            raise unknown(f"{name}, require", "column", column, mapping["columns"])
    missing = [c for c, rule in known.items() if rule.required and c not in mapping["columns"]]
    if missing:
        raise InputError(f"{name}: table '{mapping['table']}' also needs {', '.join(missing)}")
    one_of(f"{name}, duplicates", mapping.get("duplicates", "keep"), ("keep", "drop"))
    one_of(f"{name}, negative", mapping.get("negative", "reject"), ("keep", "reject"))
    return mapping


def file(path, mapping):
    """Load a file through a mapping into canonical tables.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, Excel, Parquet, JSON lines, or a DuckDB or SQLite file; a relative path is taken
        from the project's root.
    mapping : str, Path or dict
        YAML file or its content; see `data/mappings/` for examples.

    Returns
    -------
    Loaded
        The table the mapping names; order lines that carry customer and time bring `orders` too.

    Raises
    ------
    InputError
        If the file or the mapping cannot be used; the message says what was found and what to do.
    DataError
        If values cannot be settled (mixed currencies, mixed zones, no usable row).
    """
    import pandas as pd

    if mapping is None:
        raise InputError(
            f"{path}: a file needs a mapping; see data/mappings/ for examples and docs/mapping.md"
            " for the keys"
        )
    source, mapping = mapping, read_mapping(mapping)
    path = project.path(path)
    raw, unreadable, notes = files.read(path, mapping.get("read") or {})
    if not len(raw):
        raise DataError(f"{path}: no row can be used", None)
    raw.columns = [str(c) for c in raw.columns]
    kind = mapping["table"]
    lines = notes.pop("lines", raw.index.to_numpy() + 1)
    refused = raw.assign(**{_REASON: None})[[_REASON]]
    for rule in mapping.get("reject") or ():
        _refuse(
            refused,
            _matches(raw, rule, mapping, path),
            rule.get("reason") or "rejected by the mapping",
        )
    table = _canonical(raw, mapping, kind, refused, notes, path)
    failures = schemas.validate(table, kind)
    needed = [c for c in ("customer_id", "ordered_at") if kind == "order_lines" and c in table]
    for column in dict.fromkeys((*(mapping.get("require") or ()), *needed)):
        _refuse(refused, table[column].isna(), f"{column}: missing")
    if failures is not None:
        for (column, reason), rows in failures.groupby(["column", "reason"], sort=True):
            _refuse(refused, table.index.isin(rows["index"]), f"{column}: {reason}")
    for column, rule in schemas.columns(kind, table.columns).items():
        if rule.kind == "time" and column in table:
            # One mistyped year would make everyone look watched for ages.
            _refuse(
                refused,
                table[column] > pd.Timestamp.now("UTC") + pd.Timedelta("1D"),
                f"{column}: in the future",
            )
            _refuse(
                refused,
                table[column] < pd.Timestamp("1970-01-01", tz="UTC"),
                f"{column}: before 1970",
            )
    if mapping.get("negative", "reject") == "reject":
        for column, rule in schemas.columns(kind, table.columns).items():
            if (
                rule.kind == "number"
                and column in table
                and column in ("amount", "quantity", "list_price")
            ):
                _refuse(refused, table[column] < 0, f"{column}: negative")
    if kind == "order_lines" and "customer_id" in table:
        owners = table[refused[_REASON].isna()].groupby("order_id")["customer_id"].nunique()
        _refuse(
            refused, table["order_id"].isin(owners[owners > 1].index), "order of several customers"
        )
    kept = table[refused[_REASON].isna()]
    doubles = raw.loc[kept.index].duplicated()
    if mapping.get("duplicates") == "drop":
        _refuse(refused, table.index.isin(kept.index[doubles]), "exact duplicate line")
        kept = kept[~doubles]
    project.record_input(path, len(raw))
    report = _report(
        path, raw, unreadable, refused, kept, int(doubles.sum()), mapping, notes, lines
    )
    if not len(kept):
        raise DataError(f"{path}: no row can be used", report.table)
    kept = kept.reset_index(drop=True)
    kept.attrs = {"simulated": True} if raw.attrs.get("simulated") else {}
    tables = {kind: kept}
    if kind == "order_lines" and {"customer_id", "ordered_at"} <= set(kept):
        tables["orders"] = orders_from_lines(kept)
    return Loaded(
        tables,
        report,
        mapping.get("zone") or "UTC",
        "mapping" if isinstance(source, dict) else str(source),
    )


def answers(path):
    """Load answers to "where are you now?": a CSV file with the columns customer_id, answered_at
    (UTC unless it says otherwise) and stage.

    A relative path is taken from the project's root. Returns a DataFrame; raises InputError for a
    missing file, an unreadable one or a missing column.
    """
    import pandas as pd

    path = project.path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file of answers")
    try:
        table = pd.read_csv(path, dtype={"customer_id": str})
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as CSV ({type(error).__name__})") from None
    need_columns(str(path), table.columns, "customer_id", "answered_at", "stage")
    project.record_input(path, len(table))
    try:
        return table.assign(answered_at=pd.to_datetime(table["answered_at"], utc=True))
    except ValueError as error:
        raise InputError(f"{path}, column 'answered_at': {str(error).splitlines()[0]}") from None


def orders_from_lines(lines):
    """Add order lines up to orders: one row per order_id, its first moment and the sum of its
    amounts.

    Takes order lines with order_id, customer_id, ordered_at, amount on any engine; returns a
    DataFrame with order_id, customer_id, ordered_at (UTC), amount, and channel or store_id if
    present.
    """
    import pandas as pd

    present = engine.columns(lines)
    also = [c for c in ("store_id", "channel", "side") if c in present]
    view = engine.view(
        lines,
        order_id=engine.key("order_id"),
        customer_id=engine.key("customer_id"),
        t=engine.micros("ordered_at"),
        amount=engine.real("amount"),
        **{c: engine.raw(c) for c in also},
    )
    rest = "".join(f", min({c}) AS {c}" for c in also)
    orders = engine.run(
        f"""
          SELECT order_id, min(customer_id) AS customer_id, min(t) AS t,
            sum(amount) AS amount{rest}
          FROM l GROUP BY order_id ORDER BY t, order_id""",
        l=view,
    )
    orders.insert(
        2,
        "ordered_at",
        pd.to_datetime(orders.pop("t"), unit="us", utc=True).astype("datetime64[us, UTC]"),
    )
    return orders


def _in_words(reason):
    """Return a reason in the language in use: the column as it stands, the rest translated."""
    head, sign, tail = reason.rpartition(": ")
    if fields := re.fullmatch(r"(\d+) fields instead of (\d+)", reason):
        return t("load.fields", found=fields[1], wanted=fields[2])
    return f"{head}{sign}{word(tail)}"


def _refuse(refused, hit, reason):
    """Give rows a reason, unless they have one: the first reason found stands."""
    import numpy as np

    hit = np.asarray(hit.fillna(False) if hasattr(hit, "fillna") else hit, dtype=bool)
    refused.loc[hit & refused[_REASON].isna().to_numpy(), _REASON] = reason


def _column(raw, name, path):
    if name not in raw:
        hint = ""
        if len(raw.columns) == 1:
            found = [d for d in files.DELIMITERS if d in raw.columns[0]]
            hint = (
                f" The file has one column only; its delimiter is probably {found[0]!r}, not the"
                " one that was used."
                if found
                else ""
            )
        raise InputError(str(unknown(str(path), "column", name, raw.columns)) + hint)
    return raw[name]


def _matches(raw, rule, mapping, path):
    """Return where a mapping's reject rule holds."""
    tests = ("starts_with", "equals", "one_of", "missing", "at_most", "at_least")
    named = [k for k in rule if k not in ("column", "reason")] if isinstance(rule, dict) else []
    if len(named) != 1 or named[0] not in tests or "column" not in rule:
        raise InputError(
            f"mapping, reject: each rule needs `column:`, `reason:` and one of {', '.join(tests)};"
            f" found {rule}"
        )
    test, value = named[0], rule[named[0]]
    column = _column(raw, rule["column"], path)
    where = f"mapping, reject, column '{rule['column']}'"
    if test == "missing":
        return column.isna() == bool(value)
    if test in ("at_most", "at_least"):
        if not isinstance(value, (int, float)):
            raise InputError(f"{where}: {test} needs a number, found {value!r}")
        numbers, _ = _numbers(column, (mapping.get("read") or {}).get("decimal"), where)
        return numbers <= value if test == "at_most" else numbers >= value
    if test == "one_of" and not isinstance(value, list):
        raise InputError(f"{where}: one_of needs a list, found {value!r}")
    text = _words(column)
    if test == "starts_with":
        return text.str.startswith(str(value)).fillna(False)
    return text.isin([str(v) for v in (value if test == "one_of" else [value])])


def _canonical(raw, mapping, kind, refused, notes, path):
    """Return the canonical table, row for row; unreadable values are missing and their rows
    refused.
    """
    import pandas as pd

    out, known = {}, schemas.columns(kind, mapping["columns"])
    for name, source in mapping["columns"].items():
        rule = known[name]
        if isinstance(source, dict):
            if "value" in source:
                if rule.kind in ("time", "number", "flag"):
                    raise InputError(
                        f"mapping, columns, {name}: `value:` is for words such as a channel or"
                        f" side, found {source['value']!r}"
                    )
                out[name] = pd.Series([source["value"]] * len(raw), index=raw.index)
                continue
            values = pd.Series(1.0, index=raw.index)
            for part in source["multiply"]:
                values = values * _number(raw, part, mapping, refused, notes, path)
            out[name] = values.round(10)
            continue
        if rule.kind == "number":
            out[name] = _number(raw, source, mapping, refused, notes, path)
        elif rule.kind == "time":
            out[name] = _times(_column(raw, source, path), mapping, refused, name, path)
        elif rule.kind == "flag":
            out[name] = _flags(_column(raw, source, path), refused, name)
        elif rule.kind == "own":
            out[name] = _own(raw, source, mapping, refused, notes, path)
        else:
            out[name] = _words(_column(raw, source, path))
    table = pd.DataFrame(out, index=raw.index)
    _one_currency(table, mapping, refused, path)
    return table


def _words(column):
    """Return identifiers and words as trimmed text; 17850.0 is the number 17850 read as a float."""
    import pandas as pd

    if pd.api.types.is_float_dtype(column):
        whole = column.dropna()
        if (whole == whole.round()).all():
            column = column.astype("Int64")
    text = column.astype("string").str.strip()
    if column.dtype == object:
        text = text.str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    return text.mask(text == "").astype("str")


def _number(raw, name, mapping, refused, notes, path):
    column = _column(raw, name, path)
    values, decimal = _numbers(
        column, (mapping.get("read") or {}).get("decimal"), f"{path}, column '{name}'"
    )
    if decimal == ",":
        notes["decimal"] = ","
    _refuse(refused, values.isna() & column.notna(), f"{name}: not a number")
    return values


def _own(raw, name, mapping, refused, notes, path):
    """Return an attribute of the user's own as what it is: numbers, yes or no, or words. Where most
    are numbers the others are mistakes, and refused.
    """
    column = _column(raw, name, path)
    filled = column.dropna()
    text = filled.astype("string").str.strip().str.lower()
    if len(filled) and text.isin(["true", "false", "yes", "no", "ja", "nee"]).all():
        return _flags(column, refused, name).astype("Float64").astype(float)
    signs = text.str.fullmatch(r"[€$£]?\s*[+-]?[\d.,]+([e][+-]?\d+)?\s*[€$£]?").fillna(False)
    if len(filled) and signs.mean() >= MOSTLY:
        return _number(raw, name, mapping, refused, notes, path)
    return _words(column)


_DOT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?")


def _numbers(column, decimal, where="column"):
    """Return a column as floats and the decimal sign it was read with; unreadable values are
    missing.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float), None
    text = column.astype("string").str.strip().str.replace(r"^[€$£]\s*|\s*[€$£]$", "", regex=True)
    marked = text[text.str.contains("[.,]", regex=True).fillna(False)].unique()
    if decimal is None and len(marked):
        dots = [v for v in marked if _DOT.fullmatch(v) and not _COMMA.fullmatch(v)]
        commas = [v for v in marked if _COMMA.fullmatch(v) and not _DOT.fullmatch(v)]
        if dots and commas:
            raise InputError(
                f"{where}: some numbers are written like {dots[0]!r}, others like {commas[0]!r}."
                " Say which is meant with `read: {decimal: ','}` or '.'; the others are then"
                " refused."
            )
        both = [v for v in marked if _COMMA.fullmatch(v) and _DOT.fullmatch(v)]
        if both and not dots and not commas:
            raise InputError(
                f"{where}: {both[0]!r} may be a fraction or thousands. "
                "Say which with `read: {decimal: ','}` or '.'."
            )
        decimal = "," if commas else "."
    decimal = decimal or "."
    valid = text.str.fullmatch((_COMMA if decimal == "," else _DOT).pattern).fillna(False) & (
        text.fillna("") != ""
    )
    special = text.str.lower().isin(["inf", "-inf", "infinity", "-infinity"])
    clean = text.str.replace("." if decimal == "," else ",", "", regex=False).str.replace(
        ",", ".", regex=False
    )
    return (
        pd.to_numeric(clean.where(valid | special).astype("str"), errors="coerce").astype(float),
        decimal,
    )


def _times(column, mapping, refused, name, path):
    """Return moments in UTC. Naive ones need the mapping's zone; a mix of zoned and naive is
    refused whole.
    """
    import pandas as pd

    zone = mapping.get("zone")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    if pd.api.types.is_datetime64_dtype(column):
        moments, zoned = column, pd.Series(False, index=column.index)
    else:
        text = column.astype("string").str.strip()
        zoned = text.str.contains(r"(?:[+-]\d{2}:?\d{2}|Z|UTC)$", regex=True).fillna(
            False
        ) & text.str.contains(":").fillna(False)
        told = mapping.get("time_format")
        if told is None:
            day_first = text.str.match(r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}").fillna(False)
            if day_first.sum() > text.notna().sum() / 2:
                raise InputError(
                    f"{path}, column '{column.name}': {text[day_first].iloc[0]!r} can be read day"
                    " or month first. Say which with `time_format:`, for instance '%d-%m-%Y"
                    " %H:%M'."
                )
        if zoned.any() and not zoned[text.notna()].all():
            raise DataError(
                f"{path}, column '{column.name}': {int(zoned.sum()):,} times carry a zone and"
                f" {int((text.notna() & ~zoned).sum()):,} do not (such as"
                f" {text[text.notna() & ~zoned].iloc[0]!r}). Give all of them a zone, or none and"
                " name it with `zone:`."
            )
        moments = pd.to_datetime(
            text, format=told or "ISO8601", errors="coerce", utc=bool(zoned.any())
        )
        _refuse(refused, moments.isna() & column.notna(), f"{name}: not a time")
        if zoned.any():
            return moments.astype("datetime64[us, UTC]")
    if zone is None and (moments.dropna() != moments.dropna().dt.normalize()).any():
        raise InputError(
            f"{path}, column '{column.name}': the times carry no zone. Name it in the mapping, "
            "for instance `zone: Europe/Amsterdam` (or `zone: UTC`)."
        )
    try:
        local = moments.dt.tz_localize(zone or "UTC", ambiguous="NaT", nonexistent="NaT")
    except (LookupError, OSError, TypeError, ValueError):
        raise InputError(
            f"mapping, zone: {zone!r} is no time zone name; use one such as 'Europe/Amsterdam'"
        ) from None
    _refuse(
        refused,
        local.isna() & moments.notna(),
        f"{name}: the clock change makes this time ambiguous or impossible",
    )
    return local.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def _flags(column, refused, name):
    text = column.astype("string").str.strip().str.lower().str.replace(r"\.0$", "", regex=True)
    truth = {
        "true": True,
        "1": True,
        "yes": True,
        "ja": True,
        "false": False,
        "0": False,
        "no": False,
        "nee": False,
    }
    values = text.map(truth)
    _refuse(refused, values.isna() & column.notna(), f"{name}: not yes or no")
    return values.astype("boolean")


def _one_currency(table, mapping, refused, path):
    """Settle the one currency of an analysis; several are an error unless the mapping names one."""
    told = mapping.get("currency")
    if "currency" not in table:
        if told:
            table["currency"] = told
        return
    found = table.loc[refused[_REASON].isna(), "currency"].dropna().str.upper().value_counts()
    if told:
        _refuse(
            refused,
            table["currency"].notna() & (table["currency"].str.upper() != told.upper()),
            "other currency",
        )
    elif len(found) > 1:
        shown = ", ".join(f"{k} ({v:,} rows)" for k, v in found.items())
        raise DataError(
            f"{path}: several currencies: {shown}. One analysis has one currency: convert them"
            " first, or keep one with `currency:` in the mapping; the other rows are then refused"
            " and counted."
        )


def _report(path, raw, unreadable, refused, kept, duplicates, mapping, notes, lines):
    import pandas as pd

    bad = refused[_REASON].notna()
    rejected = raw[bad].assign(_reason=refused.loc[bad, _REASON], _line=lines[bad.to_numpy()])
    if unreadable:
        broken = pd.DataFrame(unreadable, columns=["_line", "_text", "_reason"])
        rejected = pd.concat([rejected, broken], ignore_index=True)
    summary = (
        rejected.groupby("_reason", sort=True)
        .agg(rows=("_reason", "size"), example=("_line", "min"))
        .rename_axis("reason")
        .reset_index()
    )
    summary = summary.sort_values(["rows", "reason"], ascending=[False, True], ignore_index=True)
    when = next(
        (
            c
            for c in (
                "ordered_at",
                "occurred_at",
                "exposed_at",
                "answered_at",
                "created_at",
                "opened_at",
            )
            if c in kept
        ),
        None,
    )
    if when and len(kept):
        notes = {
            **notes,
            "period": f"{kept[when].min():%Y-%m-%d %H:%M} – {kept[when].max():%Y-%m-%d %H:%M} UTC",
        }
    if mapping.get("zone"):
        notes = {**notes, "zone": mapping["zone"]}
    notes = {**notes, "sha256": sha256(path)}
    return LoadReport(
        path.name,
        len(raw) + len(unreadable),
        len(kept),
        summary,
        rejected,
        duplicates,
        mapping.get("duplicates", "keep"),
        notes,
    )
