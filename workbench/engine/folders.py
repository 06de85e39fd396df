"""Folders of Parquet files: plain, one folder a value of a column, or a table of another kind."""

from workbench.errors import InputError

# What stands in the folder of a table whose files are not its rows, and how it is read.
OTHERS = {
    "_delta_log": ("Delta", "deltalake.DeltaTable(path).to_pyarrow_table()"),
    "metadata/version-hint.text": ("Iceberg", "pyiceberg, or DuckDB's iceberg_scan"),
    "metadata/*.metadata.json": ("Iceberg", "pyiceberg, or DuckDB's iceberg_scan"),
    ".hoodie": ("Hudi", "hudi, or Spark"),
}


def files(path):
    """Return the files of a path: itself, or a glob of what a folder holds.

    Raises InputError for a folder whose files are not its rows: those of a Delta, Iceberg or Hudi
    table hold removed and replaced rows too.
    """
    for folder in (path, *path.absolute().parents):
        for mark, (kind, reader) in OTHERS.items():
            if any(folder.glob(mark)):
                raise InputError(
                    "engine.error_other_table",
                    "{path}: part of a {kind} table, whose files hold removed rows too; read it "
                    "with its own reader ({reader}) and hand in what that gives",
                    path=path,
                    kind=kind,
                    reader=reader,
                )
        if (folder / ".git").exists():
            break
    if not path.is_dir():
        return str(path)
    if any(path.glob("*.parquet")):
        return str(path / "*.parquet")
    return str(path / "**" / "*.parquet")
