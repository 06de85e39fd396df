"""A query in a mapping reads its own database and nothing else; a broken database is an error."""

import contextlib
import shutil
import sqlite3

import duckdb
import pandas as pd
import pytest

from workbench import load
from workbench.errors import InputError

COLUMNS = {"order_id": "id", "customer_id": "who", "ordered_at": "at", "amount": "eur"}
ROWS = [(i, f"c{i}", "2024-01-01", 5.0) for i in range(40)]


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request, tmp_path):
    """A database of either kind with one table of orders."""
    path = tmp_path / f"shop.{request.param}"
    connect = sqlite3.connect if request.param == "sqlite" else duckdb.connect
    with contextlib.closing(connect(str(path))) as con:
        con.execute('CREATE TABLE orders (id INTEGER, who TEXT, "at" TEXT, eur REAL)')
        con.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", ROWS)
        if request.param == "sqlite":
            con.commit()
    return path


def mapping(**more):
    """The mapping of orders with more keys."""
    return {"table": "orders", "zone": "UTC", "columns": COLUMNS, **more}


REACHING_OUT = [
    "ATTACH '{folder}/written.db' AS x",
    "COPY (SELECT 42) TO '{folder}/written.csv'",
    "EXPORT DATABASE '{folder}/written'",
    "SELECT 1 AS id, column0 AS who, '2024-01-01' AS \"at\", 5 AS eur FROM read_csv('{secret}')",
    "SELECT 1 AS id, content AS who, '2024-01-01' AS \"at\", 5 AS eur FROM read_text('{secret}')",
    "SELECT 1 AS id, file AS who, '2024-01-01' AS \"at\", 5 AS eur FROM glob('{folder}/*')",
    "SELECT 1 AS id, readfile('{secret}') AS who, '2024-01-01' AS \"at\", 5 AS eur",
    "SELECT 1 AS id, 'c' AS who, '2024-01-01' AS \"at\", writefile('{folder}/written', 'x') AS eur",
    "SELECT * FROM '{secret}'",
    "SELECT load_extension('{folder}/x') AS id, 'c' AS who, '2024-01-01' AS \"at\", 5 AS eur",
    "PRAGMA user_version = 7",
    "PRAGMA journal_mode = WAL",
    "VACUUM INTO '{folder}/written.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "CREATE TABLE other (a INTEGER)",
    "CREATE TEMP TABLE other AS SELECT 1 AS a",
    "DROP TABLE orders",
    "DELETE FROM orders",
    "UPDATE orders SET eur = 0",
    "INSERT INTO orders VALUES (1, 'a', '2024-01-01', 1)",
    "SELECT * FROM orders; COPY orders TO '{folder}/written.csv'",
    "SELECT * FROM orders; ATTACH '{folder}/written.db' AS x",
    "SET enable_external_access=true; SELECT * FROM orders",
    "-- nothing",
    "",
    "no query",
]


@pytest.mark.parametrize("query", REACHING_OUT)
def test_a_query_reads_its_own_database_and_nothing_else(database, tmp_path, query):
    """Attaching, copying, reading files, settings, extensions, changes: a clear error, and no file
    is written or changed.
    """
    secret = tmp_path / "secret.csv"
    secret.write_text("id,who,at,eur\n1,secret,2024-01-01,5\n")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    told = query.format(folder=tmp_path, secret=secret)
    with pytest.raises(InputError) as caught:
        load.file(database, mapping(read={"query": told}))
    assert len(str(caught.value).splitlines()) == 1
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    assert after == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM orders",
        "SELECT * FROM orders;",
        'WITH t AS (SELECT * FROM orders) SELECT id, upper(who) AS who, "at", eur FROM t',
        "SELECT a.* FROM orders a JOIN orders b ON a.id = b.id -- joined",
    ],
)
def test_an_honest_query_still_reads(database, query):
    """What only reads its own tables is read."""
    loaded = load.file(database, mapping(read={"query": query}))
    assert loaded.report.rows_kept == 40


@pytest.mark.parametrize("left", [0, 1, 15, 16, 100, 2048, 4096, 5000, 8000])
def test_a_database_that_was_cut_off(database, tmp_path, left):
    """Half a file: an error, no traceback."""
    cut = tmp_path / f"cut{database.suffix}"
    cut.write_bytes(database.read_bytes()[:left])
    with pytest.raises(InputError):
        load.file(cut, mapping())


@pytest.mark.parametrize("blob", [b"\xff\xfe", b"\x00\x01", b"", b"\xed\xa0\x80"])
def test_bytes_where_an_id_should_stand(tmp_path, blob):
    """A row whose id is no text: every row is kept or refused, or the error says so."""
    path = tmp_path / "blob.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as con:
        con.execute('CREATE TABLE orders (id INTEGER, who TEXT, "at" TEXT, eur REAL)')
        con.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)", [*ROWS, (99, blob, "2024-01-02", 1)]
        )
        con.commit()
    try:
        report = load.file(path, mapping()).report
    except InputError:
        return
    assert report.rows_in == 41
    assert report.rows_kept in (40, 41)
    assert report.rows_in - report.rows_kept == report.table["rows"].sum()


def logged(folder, *, left=False):
    """An SQLite file that keeps a log of what is written; with `left` the log still lies there."""
    home = folder / "home"
    home.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "made.sqlite")) as con:
        con.execute("PRAGMA journal_mode=wal")
        con.execute('CREATE TABLE orders (id, who, "at", eur)')
        con.execute("INSERT INTO orders VALUES (1, 'a', '2024-01-01', 5)")
        con.commit()
        for end in ("", "-wal") if left else ():
            shutil.copy(folder / f"made.sqlite{end}", home / f"f.sqlite{end}")
    if not left:
        shutil.copy(folder / "made.sqlite", home / "f.sqlite")
    return home / "f.sqlite"


@pytest.mark.parametrize("left", [False, True])
def test_nothing_is_written_beside_a_database(tmp_path, left):
    """One with a log either: what lies in the log is read, and the folder stays as it was."""
    path = logged(tmp_path, left=left)
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    assert load.file(path, mapping()).report.rows_in == 1
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before


def test_a_database_somebody_works_on_is_read(tmp_path):
    """With what was committed just now."""
    path = logged(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as con:
        con.execute("INSERT INTO orders VALUES (2, 'b', '2024-01-01', 5)")
        con.commit()
        assert load.file(path, mapping()).report.rows_in == 2


TABLE_IN_MEMORY = pd.DataFrame({"id": [1], "who": ["x"], "at": ["2024-01-01"], "eur": [5]})


@pytest.mark.parametrize("name", ["TABLE_IN_MEMORY", "statements", "folder", "path"])
def test_a_query_does_not_see_the_program_that_runs_it(tmp_path, name):
    """No table of pandas, and no variable."""
    path = tmp_path / "f.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE orders AS SELECT 1 AS id")
    with pytest.raises(InputError, match="does not exist"):
        load.file(path, mapping(read={"query": f"SELECT * FROM {name}"}))
