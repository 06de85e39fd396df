"""Counts the records of a delimited file without the reader that reads it, so that no row can be
lost unseen.
"""

import re
from dataclasses import dataclass, field

CHUNK = 1 << 22
BREAK, RETURN, BLANK = 10, 13, 32
# A column whose cells are nearly all written alike has a shape.
ALIKE = 0.9
# A record of more bytes is taken for one behind a quote that is never closed.
LONGEST = 1 << 28
# Blanks beyond the ordinary one, in UTF-8, or how their bytes begin.
_UNICODE_BLANKS = (
    *(b"\xc2\xa0", b"\xc2\x85", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80"),
    *(b"\xef\xbb\xbf", b"\xc2\xad", b"\xe2\x81\xa0"),
)
_NUMBER = re.compile(r"[€$£]?\s*[+-]?\d[\d.,\s]*\s*[€$£]?")
_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")


@dataclass
class Census:
    """What a count of bytes knows: `records` that are no blank lines, and whether the quotes are
    `regular`: each one opens or closes a field, or is doubled within one. `steps` lists where the
    line of a record moves on by more than one: (record, lines more), `swallowed` the line of a
    record that is several rows behind an open quote, `longest` the bytes of the longest line.
    `padded` says whether a cell may have blanks around it, `underscored` whether an underscore
    stands anywhere.
    """

    records: int = 0
    regular: bool = True
    steps: list = field(default_factory=list)
    swallowed: int | None = None
    longest: int = 0
    several_lines: bool = False
    padded: bool = False
    underscored: bool = False


@dataclass
class Shapes:
    """How a file's columns are written, learnt from its first rows."""

    delimiter: str
    columns: int
    shapes: list

    def are_rows(self, lines):
        """Say whether each of these lines, quotes ignored, is a row of this file by itself."""
        known = False
        for line in lines:
            cells = [cell.strip().strip("\"'") for cell in line.split(self.delimiter)]
            if len(cells) != self.columns:
                return False
            for cell, shape in zip(cells, self.shapes, strict=True):
                if shape is None or not cell:
                    continue
                known = True
                if not _has(shape, cell):
                    return False
        return known


def shapes_of(rows, delimiter, columns):
    """Learn how the columns are written from rows that were read."""
    rows = [row for row in rows if len(row) == columns]
    found = []
    for place in range(columns):
        cells = [row[place].strip() for row in rows if row[place].strip()]
        found.append(_shape(cells))
    return Shapes(delimiter, columns, found)


def _shape(cells):
    if not cells:
        return None
    for shape in ("day", "number", _pattern(cells[0])):
        if sum(_has(shape, cell) for cell in cells) >= ALIKE * len(cells):
            return shape
    return None


def _has(shape, cell):
    if shape == "number":
        return _NUMBER.fullmatch(cell) is not None
    return _DAY.fullmatch(cell) is not None if shape == "day" else _pattern(cell) == shape


def _pattern(cell):
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell))


def count(path, start, delimiter, quote, shapes):
    """Count the records of a UTF-8 file from a byte on; `quote` is None where nothing is quoted."""
    counter = _Counter(delimiter.encode(), quote.encode() if quote else None, shapes)
    with open(path, "rb") as stream:
        stream.seek(start)
        rest = b""
        while counter.census.regular and (chunk := stream.read(CHUNK)):
            rest = counter.take(rest + chunk)
            counter.census.regular &= len(rest) < LONGEST
    if rest and counter.census.regular:
        # What is left after a last line break is a record behind a quote that is never closed.
        counter.census.regular &= not counter.take(rest + b"\n")
    return counter.census


def lines(path, start, numbers):
    """Yield the lines of a file, counted from a byte on, whose numbers are given in order."""
    import numpy as np

    done, taken, rest = 0, 0, b""
    with open(path, "rb") as stream:
        stream.seek(start)
        while taken < len(numbers) and (chunk := stream.read(CHUNK)):
            chunk, rest = rest + chunk, b""
            breaks = np.flatnonzero(np.frombuffer(chunk, np.uint8) == BREAK)
            here = np.searchsorted(numbers, done + len(breaks))
            for number in numbers[taken:here]:
                place = int(number) - done
                begin = breaks[place - 1] + 1 if place else 0
                yield chunk[begin : breaks[place]].rstrip(b"\r")
            done, taken = done + len(breaks), here
            rest = chunk[breaks[-1] + 1 :] if len(breaks) else chunk
    if taken < len(numbers):
        yield rest


def _has_blank_line(data, breaks):
    """Say whether a line holds nothing."""
    import numpy as np

    length = np.diff(breaks, prepend=-1) - 1
    returned = (length == 1) & (data[breaks - 1] == RETURN)
    return bool((returned | (length == 0)).any())


class _Counter:
    """Takes chunks that begin with a record, and gives back what is no whole record yet."""

    def __init__(self, delimiter, quote, shapes):
        self.delimiter, self.quote, self.shapes = delimiter, quote, shapes
        self.census = Census()
        self.line = 0

    def take(self, chunk):
        """Count the records of a chunk and return what comes after the last of them."""
        import numpy as np

        cut = chunk.rfind(b"\n") + 1
        data = np.frombuffer(chunk, np.uint8, cut)
        # All that is asked of most files is told by their few bytes of breaks and blanks.
        low = np.flatnonzero(data <= BLANK)
        kind = data[low]
        returns = low[kind == RETURN]
        if len(returns) and (data[returns + 1] != BREAK).any():
            self.census.regular = False
            return b""
        breaks = low[kind == BREAK]
        self._look_for_padding(chunk, data, low, kind)
        self.census.underscored = self.census.underscored or b"_" in chunk
        if (self.quote is not None and self.quote in chunk) or _has_blank_line(data, breaks):
            return self._by_place(chunk)
        lines = len(breaks)
        self.census.records += lines
        self.line += lines
        if len(chunk) > (lines or 1) << 16:
            self.census.longest = max(self.census.longest, len(chunk))
        return chunk[cut:]

    def _look_for_padding(self, chunk, data, low, kind):
        """See whether a cell may have blanks around it; then cells are trimmed."""
        import numpy as np

        if self.census.padded or not len(data):
            return
        # Below the ordinary blank stand line breaks, tabs where they cut, and nothing else.
        usual = [BLANK, BREAK, RETURN, *([self.delimiter[0]] if self.delimiter == b"\t" else [])]
        rare = not np.isin(kind, usual).all()
        other = not chunk.isascii() and any(mark in chunk for mark in _UNICODE_BLANKS)
        self.census.padded = bool(
            rare or other or self._quoted_break(chunk) or self._beside(data, low[kind == BLANK])
        )

    def _quoted_break(self, chunk):
        """Say whether a line break stands beside a quote within a field."""
        if self.quote is None or self.quote not in chunk:
            return False
        marks = (self.delimiter + b'"\n', b'\n"' + self.delimiter, b'"\r\n"')
        return any(mark in chunk for mark in marks)

    def _beside(self, data, blanks):
        """Say whether a blank stands beside a delimiter, a quote or a line break."""
        import numpy as np

        if not len(blanks):
            return False
        if blanks[0] == 0 or blanks[-1] == len(data) - 1:
            return True
        edge = np.zeros(256, bool)
        edge[[self.delimiter[0], BREAK, RETURN, ord('"')]] = True
        return bool(edge[data[blanks - 1]].any() or edge[data[blanks + 1]].any())

    def _by_place(self, chunk):
        import numpy as np

        data = np.frombuffer(chunk, np.uint8)
        breaks = np.flatnonzero(data == 10)
        marks = np.flatnonzero(data == self.quote[0]) if self.quote else breaks[:0]
        within = np.searchsorted(marks, breaks) % 2 == 1
        ends = breaks[~within]
        last = ends[-1] + 1 if len(ends) else 0
        if not self._regular(data, marks[marks < last]):
            self.census.regular = False
            return b""
        if len(ends):
            self._records(chunk, data, ends, np.flatnonzero(~within))
        return chunk[last:]

    def _regular(self, data, marks):
        """Say whether quotes open after a delimiter or line break and close before one."""
        import numpy as np

        closing = np.arange(len(marks)) % 2 == 1
        before = np.where(marks > 0, data[np.maximum(marks - 1, 0)], 10)
        after = data[np.minimum(marks + 1, len(data) - 1)]
        cut = (self.delimiter[0], 10, self.quote[0] if self.quote else 10)
        return bool(
            np.isin(before[~closing], cut).all() and np.isin(after[closing], (*cut, 13)).all()
        )

    def _records(self, chunk, data, ends, place):
        """Count the records that end in this chunk, and note where lines and records part."""
        import numpy as np

        starts = np.concatenate([[0], ends[:-1] + 1])
        length = ends - starts
        blank = (length == 0) | ((length == 1) & (data[starts] == 13))
        lines = np.diff(np.concatenate([[-1], place]))
        number = self.census.records + np.cumsum(~blank) - ~blank
        began = self.line + np.cumsum(lines) - lines
        self.census.longest = max(self.census.longest, int(length.max()))
        for i in np.flatnonzero(blank | (lines > 1)):
            if blank[i]:
                self.census.steps.append((int(number[i]), 1))
            else:
                self._several(chunk[starts[i] : ends[i]], int(number[i]), int(began[i]))
        self.census.records += int((~blank).sum())
        self.line += int(lines.sum())

    def _several(self, text, number, line):
        """Note a record of several lines, and whether it is several rows behind an open quote."""
        self.census.several_lines = True
        self.census.steps.append((number + 1, text.count(b"\n")))
        if self.census.swallowed is None:
            lines = text.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
            if self.shapes.are_rows(lines):
                self.census.swallowed = line
