"""Files in other files (.gz, a .zip of one file) and files that lie in a folder."""

import gzip
import lzma
import shutil
import zipfile
import zlib
from pathlib import Path

from workbench.errors import InputError, first_line

PACKED = (".gz", ".zip")
# Folders that list their own files: what lies in them is not what their table holds.
LEFT = ("thumbs.db", "desktop.ini")
TABLE_FORMATS = {"_delta_log": "Delta", "metadata": "Iceberg", ".hoodie": "Hudi"}


def unpacked(workspace, path):
    """Return the one file within a .gz or .zip, written out, or the path itself."""
    if path.suffix.lower() not in PACKED:
        return path
    try:
        with open(path, "rb") as stream:
            magic = stream.read(2)
        if magic == b"\x1f\x8b":
            target = workspace.folder / _inner_name(path)
            with gzip.open(path) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 22)
            return target
        return _from_zip(workspace, path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None
    except (RuntimeError, NotImplementedError) as error:  # a password, an unknown method
        raise _damaged(path, error) from None


def _inner_name(path):
    name = path.name[: -len(path.suffix)]
    return f"unpacked-{name}"


def _from_zip(workspace, path):
    with zipfile.ZipFile(path) as archive:
        names = [
            i.filename
            for i in archive.infolist()
            if not i.is_dir() and not any(map(_is_left, Path(i.filename).parts))
        ]
        if len(names) != 1:
            raise InputError(
                "load.error_zip",
                "{path}: holds {n} files ({names:text}); one is needed. Unpack it and name the "
                "file, or name several under `files:` in the mapping.",
                path=path,
                n=len(names),
                names=names[:5] or "–",
            )
        target = workspace.folder / f"unpacked-{Path(names[0]).name}"
        with archive.open(names[0]) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 22)
        return target


def _damaged(path, error):
    return InputError(
        "load.error_packed",
        "{path}: cannot be unpacked; it may have been cut off while copying, or has a password "
        "({error})",
        path=path,
        error=first_line(error),
    )


def files_of(path):
    """Return the files of a folder or a pattern, sorted; None for one file.

    Raises InputError for a folder whose files are not its table, and for none at all.
    """
    if any(sign in str(path) for sign in "*?[") and not path.exists():
        base = Path(path.anchor or ".")
        found = sorted(p for p in base.glob(str(path.relative_to(base))) if p.is_file())
        return _some(path, [p for p in found if not _is_hidden(p.name)])
    if not path.is_dir():
        return None
    _no_table_format(path)
    found = [
        p
        for p in sorted(path.rglob("*"))
        if p.is_file() and not any(map(_is_hidden, p.relative_to(path).parts))
    ]
    return _some(path, found)


def _is_left(name):
    """Say whether a part of a name in a .zip is none of the data: left there by a program."""
    return (
        name == "__MACOSX"
        or (name.startswith(".") and name.strip(".") != "")
        or (name.lower() in LEFT)
    )


def _is_hidden(name):
    """Say whether a file or folder is none of the data: hidden, or left there by a program."""
    left = name.lower().endswith(("-wal", "-shm", "-journal", ".wal", ".lock"))
    return left or name.startswith(("_", ".", "~$")) or name.lower() in LEFT


def _no_table_format(path):
    for name, kind in TABLE_FORMATS.items():
        inner = path / name
        if inner.is_dir() and (kind != "Iceberg" or list(inner.glob("*.metadata.json"))):
            raise InputError(
                "load.error_table_format",
                "{path}: this is a {kind} table. Its files are not its rows (deleted ones lie "
                "there too); read it with a reader of {kind} and save what it gives as Parquet.",
                path=path,
                kind=kind,
            )


def _some(path, found):
    if not found:
        raise InputError(
            "load.error_directory",
            "{path}: no file lies in this directory",
            path=path,
        )
    endings = sorted({_ending(p) for p in found})
    if len(endings) > 1:
        raise InputError(
            "load.error_directory_mixed",
            "{path}: this is a directory with files of several kinds ({endings:text}); name one "
            "file, or a pattern such as '*{first}'",
            path=path,
            endings=endings,
            first=endings[0],
        )
    return found


def _ending(path):
    """Return the ending of a file, of what is packed in it where it is."""
    ending = path.suffix.lower()
    return (Path(path.stem).suffix.lower() or ending) if ending in PACKED else ending
