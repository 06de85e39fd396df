"""Bytes as text: which encoding, nothing that is no text, a copy in UTF-8 where it is another."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InputError

CHUNK = 1 << 22
LOOK = 4096  # bytes that tell UTF-16 without a mark
LINES = 1_000_000  # that are looked at for a second encoding
_ASCII = bytes(range(128))
# Characters of several bytes in UTF-8.
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
ENCODINGS = ("utf-8", "cp1252")
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A text file in UTF-8 without a mark of byte order, and the encoding it had; of an encoding
    that was assumed the first word that hangs on it, and its line.
    """

    path: Path
    encoding: str
    guessed: bool
    odd: dict | None = None


def in_utf8(workspace, path, encoding=None):
    """Return a text file as UTF-8: itself where it is, else a copy in the workspace's folder.

    Raises InputError for an unknown or wrong encoding and for zero bytes.
    """
    guessed = encoding is None
    encoding = encoding or _encoding(path)
    try:
        kind = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise _no_encoding(path, encoding) from None
    plain = kind == "utf-8" and not _starts_with_mark(path)
    target = None if plain else workspace.folder / f"{path.name}.utf-8"
    _copy(path, encoding if kind != "utf-8" else "utf-8-sig", target)
    assumed = guessed and kind == "cp1252"
    odd = _first_odd(target) if assumed else None
    return Text(path if plain else target, encoding, assumed, odd)


def _first_odd(path):
    """Return the first word of a text that is not plain ASCII, and its line."""
    with open(path, encoding="utf-8", newline="") as stream:
        for line, text in enumerate(stream, 1):
            if not text.isascii():
                words = re.findall(r"[^\W_]*[^\x00-\x7f]+[^\W_]*", text)
                return {"word": words[0][:40], "line": line}
    return None


def _starts_with_mark(path):
    with open(path, "rb") as stream:
        return stream.read(3) == b"\xef\xbb\xbf"


def _copy(path, encoding, target):
    """Read the whole file in its encoding, and write it as UTF-8 where a target is named."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except (AttributeError, TypeError):
        raise _no_encoding(path, encoding) from None
    out = open(target, "w", encoding="utf-8", newline="") if target else None  # noqa: SIM115
    seen = 0
    try:
        with open(path, "rb") as stream:
            while True:
                chunk = stream.read(CHUNK)
                text = decoder.decode(chunk, final=not chunk)
                if "\x00" in text:
                    raise InputError(
                        "load.error_no_text_file",
                        "{path}: this is no text file (it holds zero bytes)",
                        path=path,
                    )
                if out:
                    out.write(text)
                if not chunk:
                    return
                seen += len(chunk)
    except UnicodeError as error:
        raise _wrong(path, encoding, seen + getattr(error, "start", 0)) from None
    finally:
        if out:
            out.close()


def _no_encoding(path, encoding):
    return InputError(
        "load.error_no_encoding",
        "{path}: no encoding is called {encoding:repr}; common ones are utf-8, cp1252 and latin-1",
        path=path,
        encoding=encoding,
    )


def _wrong(path, encoding, place):
    with open(path, "rb") as stream:
        line = stream.read(place).count(b"\n") + 1
    return InputError(
        "load.error_encoding",
        "{path}: not {encoding} (byte {start}, line {line}). Leave `encoding` out to have it "
        "found, or name the right one, such as cp1252.",
        path=path,
        encoding=encoding.removesuffix("-sig"),
        start=place,
        line=line,
    )


def _encoding(path):
    """Return the first encoding in which the whole file can be read."""
    with open(path, "rb") as stream:
        start = stream.read(LOOK)
    if name := marked(start) or unmarked(start):
        return name
    for name in ENCODINGS:
        if name == "cp1252":
            _not_mixed(path)
        if _readable(path, name):
            return name
    raise InputError(
        "load.error_encoding_unknown",
        "{path}: neither UTF-8 nor Windows Western; name the encoding with `read: {{encoding: …}}`",
        path=path,
    )


def marked(start):
    """Return the encoding that the first bytes name, or None."""
    return next((name for mark, name in MARKS if start.startswith(mark)), None)


def unmarked(start):
    """Return the encoding of text in which every other byte is a zero, or None.

    >>> unmarked("id,name".encode("utf-16-le")), unmarked(b"id,name")
    ('utf-16-le', None)
    """
    pairs = len(start) // 2
    low, high = (start[i : 2 * pairs : 2].count(0) for i in (0, 1))
    if pairs > 1 and max(low, high) > 0.7 * pairs and min(low, high) == 0:
        return "utf-16-be" if low > high else "utf-16-le"
    return None


def _not_mixed(path):
    """Raise where most of what is no ASCII is UTF-8: a few lines are in another encoding."""
    line, good, bad, first = 0, 0, 0, 0
    with open(path, "rb") as stream:
        for line, text in enumerate(stream, 1):
            if text.isascii():
                continue
            good += len(_MULTIBYTE.findall(text))
            if odd := len(_MULTIBYTE.sub(b"", text).translate(None, _ASCII)):
                bad, first = bad + odd, first or line
            if line > LINES:
                break
    if good >= bad and good and bad:
        raise InputError(
            "load.error_encodings_mixed",
            "{path}: written in two encodings: most of it in UTF-8, but not line {line}. Mend that "
            "line, or name one encoding for all with `read: {{encoding: …}}`.",
            path=path,
            line=first,
        )


def _readable(path, encoding):
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
