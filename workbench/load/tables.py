"""Files → canonical tables: every row is kept, or refused for a reason."""

from workbench import engine, project, schemas
from workbench.errors import DataError, InputError, need_columns
from workbench.load import files, values
from workbench.load.mapping import read_mapping
from workbench.load.report import (
    REASON,
    Loaded,
    LoadReport,
    by_reason,
    circumstances,
    no_usable_row,
    refuse,
    rejected_rows,
)
from workbench.notes import Note

TESTS = ("starts_with", "equals", "one_of", "missing", "at_most", "at_least")
NOT_NEGATIVE = ("amount", "quantity", "list_price")
_CURRENCY = Note("load.currency_rows", "{currency} ({n} row)", "{currency} ({n} rows)", n=0)


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
    if mapping is None:
        raise InputError(
            "load.error_needs_mapping",
            "{path}: a file needs a mapping; see data/mappings/ for examples and docs/mapping.md "
            "for the keys",
            path=path,
        )
    source, mapping = mapping, read_mapping(mapping)
    path = project.path(path)
    raw, unreadable, notes = files.read(path, mapping.get("read") or {})
    if not len(raw):
        raise no_usable_row(path)
    raw.columns = [str(c) for c in raw.columns]
    kind = mapping["table"]
    lines = notes.pop("lines", raw.index.to_numpy() + 1)
    refused = raw.assign(**{REASON: None})[[REASON]]
    _refuse_by_mapping(raw, mapping, refused, path)
    table = _canonical(raw, mapping, kind, refused, notes, path)
    _refuse_by_rules(table, kind, mapping, refused)
    kept = table[refused[REASON].isna()]
    doubles = raw.loc[kept.index].duplicated()
    if mapping.get("duplicates") == "drop":
        refuse(refused, table.index.isin(kept.index[doubles]), "exact duplicate line")
        kept = kept[~doubles]
    project.record_input(path, len(raw))
    rejected = rejected_rows(raw, unreadable, refused, lines)
    report = LoadReport(
        path.name,
        len(raw) + len(unreadable),
        len(kept),
        by_reason(rejected),
        rejected,
        int(doubles.sum()),
        mapping.get("duplicates", "keep"),
        circumstances(path, kept, mapping, notes),
        str(path),
    )
    if not len(kept):
        raise no_usable_row(path, report.problems())
    kept = kept.reset_index(drop=True)
    kept.attrs = {"simulated": True} if raw.attrs.get("simulated") else {}
    tables = {kind: kept}
    if kind == "order_lines" and {"customer_id", "ordered_at"} <= set(kept):
        tables["orders"] = orders_from_lines(kept)
    name = "mapping" if isinstance(source, dict) else str(source)
    return Loaded(tables, report, mapping.get("zone") or "UTC", name)


def answers(path):
    """Load answers to "where are you now?": a CSV file with the columns customer_id, answered_at
    (UTC unless it says otherwise) and stage.

    A relative path is taken from the project's root. Returns a DataFrame; raises InputError for a
    missing file, an unreadable one or a missing column.
    """
    import pandas as pd

    path = project.path(path)
    if not path.is_file():
        raise InputError("load.error_no_answers", "{path}: no such file of answers", path=path)
    try:
        table = pd.read_csv(path, dtype={"customer_id": str})
    except (OSError, ValueError) as error:
        raise InputError(
            "load.error_answers_csv",
            "{path}: not readable as CSV ({error})",
            path=path,
            error=type(error).__name__,
        ) from None
    need_columns(str(path), table.columns, "customer_id", "answered_at", "stage")
    project.record_input(path, len(table))
    try:
        return table.assign(answered_at=pd.to_datetime(table["answered_at"], utc=True))
    except ValueError as error:
        raise InputError(
            "load.error_answered_at",
            "{path}, column 'answered_at': {error}",
            path=path,
            error=str(error).splitlines()[0],
        ) from None


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


def _refuse_by_mapping(raw, mapping, refused, path):
    for rule in mapping.get("reject") or ():
        reason = rule.get("reason") if isinstance(rule, dict) else None
        refuse(refused, _matches(raw, rule, mapping, path), reason or "rejected by the mapping")


def _refuse_by_rules(table, kind, mapping, refused):
    """Refuse rows in which a value breaks the rules of its canonical table."""
    failures = schemas.validate(table, kind)
    needed = [c for c in ("customer_id", "ordered_at") if kind == "order_lines" and c in table]
    for column in dict.fromkeys((*(mapping.get("require") or ()), *needed)):
        refuse(refused, table[column].isna(), f"{column}: missing")
    if failures is not None:
        for (column, reason), rows in failures.groupby(["column", "reason"], sort=True):
            refuse(refused, table.index.isin(rows["index"]), f"{column}: {reason}")
    known = {c: r for c, r in schemas.columns(kind, table.columns).items() if c in table}
    _refuse_times(table, [c for c, rule in known.items() if rule.kind == "time"], refused)
    if mapping.get("negative", "reject") == "reject":
        _refuse_negative(table, known, refused)
    if kind == "order_lines" and "customer_id" in table:
        owners = table[refused[REASON].isna()].groupby("order_id")["customer_id"].nunique()
        several = table["order_id"].isin(owners[owners > 1].index)
        refuse(refused, several, "order of several customers")


def _refuse_negative(table, known, refused):
    for column, rule in known.items():
        if rule.kind == "number" and column in NOT_NEGATIVE:
            refuse(refused, table[column] < 0, f"{column}: negative")


def _refuse_times(table, columns, refused):
    """Refuse moments to come and those before 1970: one mistyped year would make everyone look
    watched for ages.
    """
    import pandas as pd

    latest = pd.Timestamp.now("UTC") + pd.Timedelta("1D")
    for column in columns:
        refuse(refused, table[column] > latest, f"{column}: in the future")
        refuse(refused, table[column] < pd.Timestamp(0, tz="UTC"), f"{column}: before 1970")


def _matches(raw, rule, mapping, path):
    """Return where a mapping's reject rule holds."""
    test = _test_of(rule)
    value = rule[test]
    column = values.column_of(raw, rule["column"], path)
    where = Note(
        "load.reject_column", "mapping, reject, column '{column}'", column=str(rule["column"])
    )
    if test == "missing":
        return column.isna() == bool(value)
    if test in ("at_most", "at_least"):
        if not isinstance(value, (int, float)):
            raise InputError(
                "load.error_reject_number",
                "{where}: {test} needs a number, found {value}",
                where=where,
                test=test,
                value=repr(value),
            )
        numbers, _ = values.numbers(column, (mapping.get("read") or {}).get("decimal"), where)
        return numbers <= value if test == "at_most" else numbers >= value
    if test == "one_of" and not isinstance(value, list):
        raise InputError(
            "load.error_reject_list",
            "{where}: one_of needs a list, found {value}",
            where=where,
            value=repr(value),
        )
    text = values.words(column)
    if test == "starts_with":
        return text.str.startswith(str(value)).fillna(False)
    return text.isin([str(v) for v in (value if test == "one_of" else [value])])


def _test_of(rule):
    named = [k for k in rule if k not in ("column", "reason")] if isinstance(rule, dict) else []
    if len(named) != 1 or named[0] not in TESTS or "column" not in rule:
        raise InputError(
            "load.error_reject_rule",
            "mapping, reject: each rule needs `column:`, `reason:` and one of {tests:text}; "
            "found {rule}",
            tests=list(TESTS),
            rule=str(rule),
        )
    return named[0]


def _canonical(raw, mapping, kind, refused, notes, path):
    """Return the canonical table, row for row; unreadable values are missing and their rows
    refused.
    """
    import pandas as pd

    known, out = schemas.columns(kind, mapping["columns"]), {}
    for name, source in mapping["columns"].items():
        kind = known[name].kind
        if isinstance(source, dict) and "value" in source:
            out[name] = _one_value(raw, name, kind, source["value"])
        elif isinstance(source, dict):
            product = pd.Series(1.0, index=raw.index)
            for part in source["multiply"]:
                product = product * values.number(raw, part, mapping, refused, notes, path)
            out[name] = product.round(10)
        elif kind == "number":
            out[name] = values.number(raw, source, mapping, refused, notes, path)
        elif kind == "own":
            out[name] = values.own(raw, source, mapping, refused, notes, path)
        else:
            column = values.column_of(raw, source, path)
            out[name] = _by_kind(column, kind, mapping, refused, name, path)
    table = pd.DataFrame(out, index=raw.index)
    _one_currency(table, mapping, refused, path)
    return table


def _by_kind(column, kind, mapping, refused, name, path):
    if kind == "time":
        return values.times(column, mapping, refused, name, path)
    return values.flags(column, refused, name) if kind == "flag" else values.words(column)


def _one_value(raw, name, kind, value):
    """Return a column with one word in every row."""
    import pandas as pd

    if kind in ("time", "number", "flag"):
        raise InputError(
            "load.error_value_rule",
            "mapping, columns, {name}: `value:` is for words such as a channel or side, found "
            "{value}",
            name=name,
            value=repr(value),
        )
    return pd.Series([value] * len(raw), index=raw.index)


def _one_currency(table, mapping, refused, path):
    """Settle the one currency of an analysis; several are an error unless the mapping names one."""
    told = mapping.get("currency")
    if "currency" not in table:
        if told:
            table["currency"] = told
        return
    found = table.loc[refused[REASON].isna(), "currency"].dropna().str.upper().value_counts()
    if told:
        other = table["currency"].notna() & (table["currency"].str.upper() != told.upper())
        refuse(refused, other, "other currency")
    elif len(found) > 1:
        raise DataError(
            Note(
                "load.error_currencies",
                "{path}: several currencies: {found}. One analysis has one currency: convert them "
                "first, or keep one with `currency:` in the mapping; the other rows are then "
                "refused and counted.",
                path=path,
                found=[_CURRENCY.having(currency=k, n=v) for k, v in found.items()],
            )
        )
