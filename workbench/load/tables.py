"""Files → canonical tables: every row is kept, or refused for a reason."""

from collections.abc import Mapping

from workbench import engine, project
from workbench.engine.duck import literal, quote
from workbench.errors import InputError, first_line, need_columns
from workbench.load import files, kept, questions, several, together
from workbench.load.in_place import InPlace
from workbench.load.mapping import read_mapping
from workbench.load.noticed import look
from workbench.load.progress import Progress
from workbench.load.raw import ROW, Doubt
from workbench.load.refusals import ALIVE, GIVEN_BACK, Judge
from workbench.load.report import Loaded, LoadReport, Refused, circumstances, no_usable_row
from workbench.load.reshape import RESHAPED, reshaped
from workbench.load.values import Values
from workbench.notes import Note

_GIVEN_BACK = Note(
    "load.given_back",
    "{n} order was given back in full (its lines add up to 0) and is no purchase: it is left out "
    "of the orders.",
    "{n} orders were given back in full (their lines add up to 0) and are no purchases: they are "
    "left out of the orders.",
    n=0,
)


def file(path, mapping):
    """Load a file through a mapping into canonical tables.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, Excel, Parquet, JSON, or a DuckDB or SQLite file; a relative path is taken
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
    parts = _paths(path, mapping, source)
    found = kept.digests(parts.values())
    key = kept.key(parts, found, mapping)
    place, told = kept.find(key) or _load(parts, mapping, found, key)
    report = _report(place, told, next(iter(parts.values())))
    for one in parts.values():
        for path in kept.files(one):
            project.record_input(path, report.rows_in)
    name = "mapping" if isinstance(source, dict) else str(source)
    tables = Tables({table: place / f"{table}.parquet" for table in told["tables"]})
    return Loaded(tables, report, mapping.get("zone") or "UTC", name)


def _paths(path, mapping, source):
    """Return the files a load reads, by the names a mapping gives them."""
    if not mapping.get("files"):
        return {"": project.path(path)}
    return together.paths(mapping, _folder_of(path, source))


def _load(parts, mapping, found, key):
    """Read, judge and keep; return the folder with the tables and what the report says."""
    made = kept.draft()
    try:
        size = sum(f.stat().st_size for p in parts.values() for f in kept.files(p))
        with engine.open_workspace() as work, Progress(work, size) as bar:
            first = next(iter(parts.values()))
            if mapping.get("files"):
                raw = together.read(work, mapping, parts)
            else:
                plain = not any(key in mapping for key in RESHAPED)
                raw = files.read(work, first, mapping.get("read") or {}, at_once=plain)
            bar.next()
            raw, mapping = reshaped(raw, mapping, first)
            told = _judged(raw, mapping, list(parts.values()), made, found, bar)
        return kept.keep(made, key, told), told
    except BaseException:
        kept.forget(made)
        raise


def _report(place, told, origin):
    """Return the report of a load from what was kept of it."""
    path = place / "refused.parquet"
    counted = tuple(tuple(row) for row in told["refused"])
    refused = Refused(path if counted else None, sum(n for _, n, *_ in counted), counted)
    return LoadReport(
        told["source"],
        told["rows_in"],
        told["rows_in"] - refused.rows,
        refused.by_reason,
        refused,
        told["duplicates"],
        told["duplicates_rule"],
        told["notes"],
        kept.restored(told["noticed"]),
        str(origin),
    )


def _folder_of(path, source):
    """Return the folder from which the files of a mapping are named."""
    if path is not None:
        return together.folder_of(path)
    return None if isinstance(source, dict) else project.path(source).parent


def _judged(raw, mapping, paths, folder, found, bar):
    """Judge the rows of a file and write what is kept, and what is refused, into a folder."""
    kind, work, path = mapping["table"], raw.workspace, paths[0]
    if raw.rows == raw.unreadable:
        problems = _refused(raw, [], folder).problems()
        raise no_usable_row(path, problems, raw)
    raw.draft = folder / "rows.draft" if raw.whole else None
    judge = _judge(raw, mapping, path)
    raw = judge.raw
    doubles = judge.duplicates()
    refused = _refused(raw, judge.reasons, folder)
    if raw.rows == refused.rows:
        raise no_usable_row(path, refused.problems(), raw)
    bar.next()
    tables = [kind]
    _write(judge, folder / f"{kind}.parquet", raw.simulated)
    noticed = [*([several.counted(raw)] if raw.files else []), *raw.noticed, *look(judge)]
    notes = circumstances(paths, work.row(_period(judge)), mapping, raw.notes, found)
    if kind == "order_lines" and {"customer_id", "ordered_at"} <= set(judge.columns):
        tables.append("orders")
        given_back = _write_orders(judge, folder / "orders.parquet", raw.simulated)
        if given_back:
            noticed.append(_GIVEN_BACK.having(n=given_back))
    if raw.texts is not None:
        tables.append("texts")
        _write_texts(raw.texts, mapping, path, folder)
    judge.forget()
    return {
        "source": ", ".join(p.name for p in paths),
        "rows_in": raw.rows,
        "refused": refused.counted,
        "duplicates": doubles,
        "duplicates_rule": mapping.get("duplicates", "keep"),
        "notes": notes,
        "noticed": kept.dumped(noticed),
        "tables": tables,
    }


def _judge(raw, mapping, path):
    """Judge the rows of a file: while they are read where its first rows speak for all of them,
    else those that were read.
    """
    if raw.whole:
        judge = Judge(Values(raw, mapping, path), mapping["table"])
        try:
            judge.run()
        except (Doubt, InputError):
            judge.forget()
            raw = raw.settled()
        else:
            return judge
    judge = Judge(Values(raw, mapping, path), mapping["table"])
    judge.run()
    return judge


def _write(judge, path, simulated):
    """Write the rows kept as canonical Parquet, where that was not done while they were read."""
    if judge.take_rows(path):
        return path
    shown = []
    for name, (_, kind) in judge.columns.items():
        own = quote(judge.column(name))
        shown.append(f"{_moment(own) if kind == 'time' else own} AS {quote(name)}")
    judge.work.write_parquet(
        f"SELECT {', '.join(shown)} FROM {ALIVE}",
        path,
        engine.SAID if simulated else None,
    )
    return path


def _moment(column):
    return f"make_timestamptz(epoch_us({column}))"


def _write_orders(judge, path, simulated):
    """Write the orders that the lines add up to; return how many were given back in full."""
    if judge.orders_written():
        judge.done.orders.path.rename(path)
        return judge.done.orders.given_back
    judge.orders()
    also = judge.of_orders()
    shown = "".join(f", {c}" for c in also)
    judge.work.write_parquet(
        f"SELECT order_id, customer_id, {_moment('ordered_at')} AS ordered_at, "
        f"amount{shown} FROM orders WHERE NOT given_back ORDER BY orders.ordered_at, order_id",
        path,
        engine.SAID if simulated else None,
    )
    return judge.work.one("SELECT count(*) FROM orders WHERE given_back")


def _write_texts(raw, mapping, path, folder):
    """Write the open answers of a survey as the canonical table texts."""
    columns = mapping["columns"]
    made = {
        "text_id": {"concat": [columns["response_id"], columns["item"]], "separator": "-"},
        # As it stands: the number that a label begins with is asked for in answers only.
        "text": mapping["unpivot"].get("value", "value"),
        "created_at": columns["answered_at"],
        "customer_id": columns["respondent_id"],
        "source": columns["item"],
        **({"question_text": questions.COLUMN} if questions.COLUMN in raw.columns else {}),
    }
    judge = Judge(Values(raw, {**mapping, "table": "texts", "columns": made}, path), "texts")
    judge.run()
    return _write(judge, folder / "texts.parquet", raw.simulated)


def _period(judge):
    from workbench.load.report import MOMENTS

    when = next((c for c in MOMENTS if c in judge.columns), None)
    return f"SELECT min({when}), max({when}) FROM {ALIVE}" if when else "SELECT NULL, NULL"


def _refused(raw, reasons, folder):
    """Write the rows refused, as they stood, with reason and line, and count them by reason."""
    import pyarrow as pa

    work, path = raw.workspace, folder / "refused.parquet"
    work.table_from(
        "reasons",
        pa.table(
            {
                "code": pa.array(range(len(reasons)), pa.int32()),
                "reason": pa.array(reasons, pa.string()),
            }
        ),
    )
    shown = f", {raw.file} AS _file" if raw.file else ""
    shown += "".join(f", r.{own} AS {quote(name)}" for name, own in _beside_ours(raw.columns))
    parts = []
    if reasons and work.one("SELECT count(*) FROM judged WHERE _refusal IS NOT NULL"):
        raw.bring(f"SELECT {ROW} FROM judged WHERE _refusal IS NOT NULL")
        parts.append(
            f"SELECT x.reason AS _reason, {raw.line} AS _line{shown} FROM judged f "
            f"JOIN reasons x ON x.code = f._refusal JOIN {raw.relation} r ON r.{ROW} = f.{ROW} "
            f"{raw.lines_from}"
        )
    if raw.unreadable:
        file = ", file AS _file" if raw.file else ""
        parts.append(
            f"SELECT reason AS _reason, line AS _line, text AS _text{file} FROM unreadable"
        )
    if not parts:
        return Refused(None, 0, ())
    order = "_file, _line" if raw.file else "_line"
    work.write_parquet(
        f"SELECT * FROM ({' UNION ALL BY NAME '.join(parts)}) ORDER BY {order}", path
    )
    # A first line is one of the first file.
    first = "min_by(_line, (_file, _line)), min(_file)" if raw.file else "min(_line)"
    counted = work.rows(
        f"SELECT _reason, count(*), {first} FROM read_parquet({literal(path)}) "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    return Refused(path, sum(n for _, n, *_ in counted), counted)


def _beside_ours(columns):
    """Yield a name for each column of a file that is neither one of ours nor another's, whatever
    its case, and the engine's column.
    """
    taken = {"_reason", "_line", "_text", "_file"}
    for name, own in columns.items():
        # The engine has no name that is empty or holds a zero.
        name = name.replace("\0", "\\0") or "unnamed"
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        yield name, own


class Tables(Mapping):
    """Canonical tables by name, each read into pandas when it is first asked for; `places` has
    them where they lie.
    """

    def __init__(self, paths):
        self.places = {name: InPlace(name, path) for name, path in paths.items()}

    def __getitem__(self, name):
        return self.places[name].frame()

    def __contains__(self, name):
        # Mapping's own asks for the value, which would be read into memory.
        return name in self.places

    def __iter__(self):
        return iter(self.places)

    def __len__(self):
        return len(self.places)


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
            error=first_line(error),
        ) from None


def orders_from_lines(lines):
    """Add order lines up to orders: one row per order_id, its first moment and the sum of its
    amounts; an order of which all that was paid has come back is none.

    Takes order lines with order_id, customer_id, ordered_at, amount on any engine; returns a
    DataFrame with order_id, customer_id, ordered_at (UTC), amount, and what of channel, store_id,
    side and currency is present.
    """
    import pandas as pd

    present = engine.columns(lines)
    also = [c for c in ("store_id", "channel", "side", "currency") if c in present]
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
          FROM l GROUP BY order_id HAVING NOT {GIVEN_BACK} ORDER BY t, order_id""",
        l=view,
    )
    orders.insert(
        2,
        "ordered_at",
        pd.to_datetime(orders.pop("t"), unit="us", utc=True).astype("datetime64[us, UTC]"),
    )
    return orders
