"""Databases of others: a DuckDB or SQLite file, read-only, and no query reaches beyond it."""

import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path

from workbench.engine.duck import literal, quote
from workbench.engine.workspace import MEMORY
from workbench.errors import InputError, first_line, unknown

BATCH = 20_000
# What a query may do in SQLite: read, and call its own functions.
_SQLITE_MAY = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    getattr(sqlite3, "SQLITE_RECURSIVE", 33),
}
_SQLITE_NEVER = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}


def is_sqlite(path):
    """Say whether a file is an SQLite database (True), a DuckDB database (False), or neither.

    Raises InputError where it is neither.
    """
    with open(path, "rb") as stream:
        magic = stream.read(100)
    if magic.startswith(b"SQLite format 3"):
        _must_be_whole(path, magic)
        return True
    if magic[8:12] == b"DUCK":
        return False
    raise InputError(
        "engine.error_no_database",
        "{path}: neither a DuckDB nor an SQLite database",
        path=path,
    )


def _must_be_whole(path, head):
    """Refuse an SQLite file that is shorter than its head says: what lacks would read as zeros."""
    size = int.from_bytes(head[16:18], "big")
    size = 65536 if size == 1 else size
    # The number of pages counts only where the newest version wrote it (file format, 1.3).
    pages = int.from_bytes(head[28:32], "big") if head[24:28] == head[92:96] else 0
    if len(head) < 100 or path.stat().st_size < pages * size:
        raise InputError(
            "engine.error_cut_off",
            "{path}: not a whole database; it may have been cut off while copying",
            path=path,
        )


def sqlite_rows(path, query, table):
    """Return the column names of a query or table in an SQLite file, and its rows, streamed.

    Values are as SQLite has them; text that is no UTF-8 comes as bytes.
    """
    con, copied = _connected(path)
    try:
        con.text_factory = _text
        names = [
            name
            for (name,) in con.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                "AND name NOT LIKE 'sqlite_%'"
            )
        ]
        sql = query or f"SELECT * FROM {quote(_named(path, table, names))}"
        con.set_authorizer(_reads_only)
        cursor = con.execute(sql)
        if cursor.description is None:
            raise _failed(path, "it gives no rows")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # A broken file may have names, or errors that name them, which are no text.
        _close(con, copied)
        raise _failed(path, error) from None
    except InputError:
        _close(con, copied)
        raise
    return [column for column, *_ in cursor.description], _streamed(path, con, copied, cursor)


def _connected(path):
    """Open an SQLite file for reading, and say in which folder it was copied, if it was.

    A file that keeps a log beside it (WAL) would get one anew when it is opened: where nobody is
    at work on it, it is read without, or copied together with the log that was left.
    """
    with open(path, "rb") as stream:
        logs = stream.read(20)[18:] == b"\x02\x02"
    log, shared = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    if not logs or shared.exists():
        return sqlite3.connect(f"file:{_uri(path)}?mode=ro", uri=True), None
    if not log.exists():
        return sqlite3.connect(f"file:{_uri(path)}?mode=ro&immutable=1", uri=True), None
    copied = tempfile.TemporaryDirectory(prefix="workbench-load-")
    for file in (path, log):
        shutil.copyfile(file, Path(copied.name) / file.name)
    place = _uri(Path(copied.name) / path.name)
    return sqlite3.connect(f"file:{place}?mode=ro", uri=True), copied


def _close(con, copied):
    con.close()
    if copied is not None:
        copied.cleanup()


def duckdb_to_parquet(path, query, table, folder):
    """Write a query or table of a DuckDB file to Parquet in a folder; return the file and the
    columns with their types.
    """
    import duckdb

    try:
        con = duckdb.connect(str(path), read_only=True, config={"allow_unsigned_extensions": False})
    except duckdb.Error as error:
        raise _failed(path, error) from None
    with con:
        listed = "SELECT table_name FROM information_schema.tables ORDER BY table_name"
        with _as_input_error(path):
            names = [name for (name,) in con.execute(listed).fetchall()]
        sql = query or f"SELECT * FROM {quote(_named(path, table, names))}"
        return _locked_copy(con, path, sql, folder)


def query_files(files, query, folder):
    """Run one query over files in Parquet, known by their names, and nothing else.

    `files` gives, by name, the Parquet file, its engine columns by name, and the SQL of each.
    Returns the Parquet file of the answer and its columns with their types.
    """
    import duckdb

    with duckdb.connect() as con:
        for name, (path, shown) in files.items():
            columns = ", ".join(f"{sql} AS {quote(column)}" for column, sql in shown.items())
            with _as_input_error("mapping, files"):
                con.execute(
                    f"CREATE VIEW {quote(name)} AS SELECT {columns} "
                    f"FROM read_parquet({literal(str(path))})"
                )
        return _locked_copy(con, "mapping, query", query, folder)


@contextmanager
def _as_input_error(path):
    """Turn what the engine says of a user's query or file into an error that says so.

    Only what is a user's runs within it: an error in a statement of ours stays as it is.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _failed(path, error) from None


def _locked_copy(con, path, query, folder):
    """Write what one SELECT gives to Parquet, with nothing but the folder within reach."""
    import duckdb

    with _as_input_error(path):
        statements = con.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise _failed(path, "a query is one SELECT; it may only read this database")
    text = statements[0].query.strip().rstrip(";")
    con.execute("SET TimeZone='UTC'")
    con.execute(f"SET memory_limit={literal(MEMORY)}")
    con.execute("SET python_enable_replacements=false")
    con.execute("SET autoinstall_known_extensions=false")
    con.execute("SET preserve_insertion_order=true")
    con.execute(f"SET allowed_directories=[{literal(str(folder))}]")
    con.execute(f"SET temp_directory={literal(str(folder))}")
    con.execute("SET enable_external_access=false")
    con.execute("SET lock_configuration=true")
    with _as_input_error(path):
        described = con.execute(f"DESCRIBE ({text}\n)").fetchall()
    columns = [(name, kind) for name, kind, *_ in described]
    inner = ", ".join(f"c{i}" for i in range(len(columns)))
    shown = ", ".join(_parquet_can(f"c{i}", kind) for i, (_, kind) in enumerate(columns))
    target = folder / "query.parquet"
    with _as_input_error(path):
        con.execute(
            f"COPY (SELECT {shown} FROM ({text}\n) q({inner})) "
            f"TO {literal(str(target))} (FORMAT parquet)"
        )
    return target, columns


def _parquet_can(column, kind):
    """Keep what Parquet would turn into floating point, or cannot hold, as text."""
    odd = kind in ("HUGEINT", "UHUGEINT", "VARINT", "BIGNUM", "INTERVAL", "BIT", "UUID")
    return f"CAST({column} AS VARCHAR) AS {column}" if odd else column


def _streamed(path, con, copied, cursor):
    try:
        while rows := cursor.fetchmany(BATCH):
            yield from rows
    except (sqlite3.Error, OverflowError) as error:
        raise _failed(path, error) from None
    finally:
        _close(con, copied)


def _text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _reads_only(action, name, function, *_):
    denied = action == sqlite3.SQLITE_FUNCTION and str(function).lower() in _SQLITE_NEVER
    return sqlite3.SQLITE_OK if action in _SQLITE_MAY and not denied else sqlite3.SQLITE_DENY


def _uri(path):
    from urllib.parse import quote as quoted

    return quoted(str(path))


def _failed(path, error):
    return InputError(
        "engine.error_query",
        "{path}: the query failed ({error})",
        path=path,
        error=first_line(error),
    )


def _named(path, table, names):
    if table is None and len(names) == 1:
        return names[0]
    if table is None:
        raise InputError(
            "engine.error_several_tables",
            "{path}: several tables ({names:text}); name one with `read: {{table: …}}` or a "
            "`query:`",
            path=path,
            names=names or "–",
        )
    if table not in names:
        raise unknown(str(path), "table", table, names)
    return table
