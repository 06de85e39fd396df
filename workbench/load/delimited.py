"""Text files with a delimiter: encoding, header and rows, nothing swallowed unseen."""

import csv
import itertools
import re
from collections import Counter
from dataclasses import replace
from functools import partial

from workbench.engine.duck import literal
from workbench.errors import InputError
from workbench.load import census, text
from workbench.load.raw import BLANKS, ROW, Raw, columns_of, keep_unreadable
from workbench.notes import Note

DELIMITERS = ",;\t|"
SAMPLE = 200
# A file of more rows is judged while it is read, as the first ones are written.
HEAD = 20_000
FEW = 100_000
BATCH = 50_000
# The line with which office programs name the delimiter.
SEP = re.compile(r"\ufeff?\"?sep\s*=\s*([^\s\"]|\t)\"?[ \t]*(?:\r\n|\r|\n|$)", re.IGNORECASE)
_NO_QUOTES = Note(
    "load.noticed_no_quotes",
    "Quotation marks are taken as they stand: read as quotes, line {line} would not be a row. "
    "`read: {{quote: none}}` settles it.",
    line=0,
)

_ASSUMED = Note(
    "load.noticed_encoding",
    "The file is not in UTF-8 and is taken for Windows Western (cp1252), as in {word:repr} in line "
    "{line}. Is that not how it is written? `read: {{encoding: …}}` names another: cp1250 or "
    "iso8859-2 (Central Europe), mac-roman, cp850.",
    word="",
    line=0,
)


class _Layout:
    """Where the rows of a file begin and how they are cut."""

    def __init__(self, path, options, source):
        self.path, self.source = path, source
        self.quote = {"none": None}.get(options.get("quote", '"'), options.get("quote", '"'))
        skip = options.get("skip_rows", 0)
        named = {"\\t": "\t"}.get(options.get("delimiter"), options.get("delimiter"))
        with open(source, encoding="utf-8", newline="") as stream:
            above = [stream.readline() for _ in range(skip)]
            first = _below_blank(stream, above)
            if told := SEP.fullmatch(first):
                named = named or told[1]
                above.append(first)
                first = _below_blank(stream, above)
            head = [first, *itertools.islice(stream, SAMPLE)]
        if not "".join(head).strip():
            raise InputError("load.error_no_text", "{path}: the file holds no text", path=path)
        self.delimiter = named or _delimiter("".join(head[:60]), self.quote)
        if len(self.delimiter) != 1:
            raise InputError(
                "load.error_delimiter",
                "{path}: a delimiter is one character, found {delimiter:repr}",
                path=path,
                delimiter=self.delimiter,
            )
        rows = self.reader([head[0].removeprefix("\ufeff"), *head[1:]], strict=False)
        self.header = _named(path, next(rows))
        # What stands above the first row; the engine and a reader of bytes know no lone return.
        above += head[: rows.line_num]
        self.first_line, self.above = len(above), "".join(above)
        self.lone_returns = "\r" in self.above.replace("\r\n", "")
        sample = list(itertools.islice(rows, SAMPLE))
        self.header_below = self._header_below(skip, sample)
        self.shapes = census.shapes_of(sample, self.delimiter, len(self.header))

    def _header_below(self, skip, sample):
        """Return how many lines to skip to begin at the first line as wide as most, where what was
        taken for the header is not; else None.
        """
        widths = Counter(len(row) for row in sample if row)
        usual = max(widths, key=widths.get, default=0)
        if usual <= len(self.header) or len(self.header) > usual / 2 or widths[usual] < 2:
            return None
        lines = self.first_line
        for row in sample:
            if len(row) == usual:
                return lines
            lines += 1 + sum(cell.count("\n") for cell in row)
        return None

    def reader(self, lines, strict=True):
        """Cut lines into fields as this file does."""
        if self.quote is None:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            skipinitialspace=self.delimiter != " ",
            strict=strict,
        )

    def start(self):
        """Return the byte at which the first row begins."""
        return len(self.above.encode())


def _below_blank(stream, above):
    """Return the next line that is not blank; those that are stand above it."""
    while (line := stream.readline()) and not line.strip("\ufeff \t\r\n"):
        above.append(line)
    return line


def read(workspace, path, options, *, at_once=False):
    """Return a delimited text file as a Raw table of text; `at_once` may leave its rows in the
    file, to be judged while they are read.
    """
    csv.field_size_limit(census.LONGEST)
    found = text.in_utf8(workspace, path, options.get("encoding"))
    layout = _Layout(path, options, found.path)
    counted = census.count(
        found.path, layout.start(), layout.delimiter, layout.quote, layout.shapes
    )
    if counted.swallowed is not None:
        raise _open_quote(path, layout.first_line + counted.swallowed + 1)
    # Not UTF-8 and not named: Windows Western is the usual one, but a guess is said to be one.
    encoding = "cp1252 (assumed)" if found.guessed else found.encoding
    shown = {"\t": "tab"}.get(layout.delimiter, layout.delimiter)

    def settled():
        raw = _by_engine(workspace, layout, counted) or _by_csv(workspace, layout)
        raw.header_below = layout.header_below
        if not raw.rows:
            raise no_rows(path, layout.header)
        raw.notes = {"encoding": encoding, "delimiter": shown, **raw.notes}
        raw.noticed += [_ASSUMED.having(**found.odd)] if found.odd else []
        return raw

    if not at_once or counted.padded or counted.records <= HEAD or not _for_engine(layout, counted):
        return settled()
    raw = _head(workspace, layout, counted)
    if raw is None:
        return settled()
    raw.notes, raw.settled = {"encoding": encoding, "delimiter": shown}, settled
    raw.noticed += [_ASSUMED.having(**found.odd)] if found.odd else []
    return raw


def _head(workspace, layout, counted):
    """Return a Raw table that holds the first rows of a file and knows how to read all of them;
    None where the engine cannot.
    """
    whole = _engine_reads(layout, counted.longest)
    if not workspace.try_run(
        f"CREATE OR REPLACE TEMP TABLE file_rows AS FROM {whole} LIMIT {HEAD}"
    ):
        return None
    workspace.forget_rejects()
    raw = _raw(workspace, layout, counted.records, [], list(counted.steps))
    # Where each line is a record, a few of them are found without reading all as columns.
    pick = None if counted.steps else partial(_picked, layout)
    known = {"padded": False, "underscored": counted.underscored}
    return replace(raw, whole=whole, pick=pick, **known)


def _picked(layout, workspace, numbers):
    """Return the rows whose numbers a query gives as an Arrow table; None where they are many, or
    some cell is quoted.
    """
    import pyarrow as pa

    wanted = workspace.array(f"SELECT CAST({ROW} AS UBIGINT) FROM ({numbers})", FEW + 1)
    if wanted is None:
        return None
    wanted.sort()
    lines = [line.decode() for line in census.lines(layout.source, layout.start(), wanted)]
    if layout.quote and any(layout.quote in line for line in lines):
        return None
    cells = list(zip(*(line.split(layout.delimiter) for line in lines), strict=True))
    cells = cells or [[] for _ in layout.header]
    columns = {
        f"c{i}": pa.array([c or None for c in column], pa.string())
        for i, column in enumerate(cells)
    }
    return pa.table({ROW: pa.array(wanted.astype("int64")), **columns})


def no_rows(path, columns):
    """Return the error of a file with a header only."""
    return InputError(
        "load.error_no_rows",
        "{path}: no rows below the header (columns: {columns:text})",
        path=path,
        columns=list(columns) or "–",
    )


def _named(path, header):
    # A trailing delimiter makes nameless columns: harmless, and given a name. Blanks around a name
    # are none of it, unless two names differ in nothing else.
    bare = [h.strip(BLANKS) for h in header]
    header = bare if len(set(bare)) == len(set(header)) else header
    return single_names(path, [h or f"unnamed_{i}" for i, h in enumerate(header, 1)])


def single_names(path, names):
    """Return the names of columns; InputError where one stands twice."""
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        raise InputError(
            "load.error_header_twice",
            "{path}: the header names {doubled:repr} twice",
            path=path,
            doubled=doubled,
        )
    return names


def _by_engine(workspace, layout, counted):
    """Read with the engine; None where its rows are not those of the count."""
    if not _for_engine(layout, counted):
        return None
    whole = _engine_reads(layout, counted.longest)
    if not workspace.try_run(f"CREATE OR REPLACE TEMP TABLE file_rows AS FROM {whole}"):
        return None
    rows = workspace.one("SELECT count(*) FROM file_rows")
    lines = workspace.rows(
        "SELECT line, any_value(csv_line), any_value(error_type) FROM reject_errors "
        "GROUP BY line ORDER BY line"
    )
    workspace.forget_rejects()
    odd = {kind for *_, kind in lines} - {"MISSING COLUMNS", "TOO MANY COLUMNS"}
    shifted = lines and counted.steps
    if odd or shifted or rows + len(lines) != counted.records:
        return None
    # Where fields are quoted, the engine shows a line with the break before it.
    lines = [(line, found.strip("\r\n")) for line, found, _ in lines]
    bad = [(line, found, _fields(layout, found)) for line, found in lines]
    steps = list(counted.steps)
    # A line that is no row moves the lines of the rows behind it.
    steps += [(line - layout.first_line - 1 - i, 1) for i, (line, *_) in enumerate(bad)]
    raw = _raw(workspace, layout, rows, bad, steps)
    raw.padded = counted.padded
    return raw


def _for_engine(layout, counted):
    """Say whether the engine may read a file by the letter."""
    regular = counted.regular and not layout.lone_returns
    return regular and len(layout.header) > 1 and _plain(layout.delimiter)


def _plain(delimiter):
    return delimiter.isascii() and delimiter not in "\\\"'\r\n"


def _fields(layout, line):
    found = len(next(layout.reader(line.splitlines(keepends=True), strict=False), []))
    return f"{found} fields instead of {len(layout.header)}"


def _engine_reads(layout, longest):
    """Return the SQL with which the engine reads the rows; lines that are none it sets aside."""
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(layout.header)))
    quoting = literal(layout.quote or "")
    # The engine's buffer must hold the longest line.
    size = f", max_line_size={longest + 1024}" if longest > 1 << 20 else ""
    return f"""read_csv({literal(layout.source)}, auto_detect=false, header=false,
      null_padding=false, skip={layout.first_line}, delim={literal(layout.delimiter)},
      quote={quoting}, escape={quoting}, columns={{{columns}}}, store_rejects=true,
      rejects_limit=0, strict_mode=true{size})"""


def _by_csv(workspace, layout):
    """Read with Python's reader, slowly and by the letter: what is oddly quoted, or has lone
    carriage returns.
    """
    if layout.quote and layout.delimiter == "\t" and (line := _breaks_quotes(layout)):
        layout.quote = None
        noticed = [_NO_QUOTES.having(line=line)]
    else:
        noticed = []
    rows = _CsvRows(layout)
    workspace.table_from_batches("file_rows", *rows.batches())
    raw = _raw(workspace, layout, rows.good, rows.bad, rows.steps)
    raw.noticed = noticed
    return raw


def _breaks_quotes(layout):
    """Return the line at which quotes are at odds with themselves, where all lines are rows once
    nothing is quoted.
    """
    try:
        rows = _CsvRows(layout)
        for _ in rows.rows():
            pass
        return None
    except InputError:
        place = rows.began
    wanted = len(layout.header) - 1
    with open(layout.source, encoding="utf-8", newline="") as stream:
        lines = itertools.islice(stream, layout.first_line, None)
        if all(line.count(layout.delimiter) == wanted for line in lines if line.strip("\r\n")):
            return place
    return None


class _CsvRows:
    """The rows of a file by Python's csv, with the lines that are none."""

    def __init__(self, layout):
        self.layout = layout
        self.good, self.bad, self.steps = 0, [], []
        self.began = layout.first_line + 1
        self._lines = []

    def batches(self):
        """Return the schema and a stream of Arrow batches of text."""
        import pyarrow as pa

        schema = pa.schema([(f"c{i}", pa.string()) for i in range(len(self.layout.header))])

        def made():
            rows = self.rows()
            while block := list(itertools.islice(rows, BATCH)):
                arrays = [
                    pa.array([v if v != "" else None for v in column], pa.string())
                    for column in zip(*block, strict=True)
                ]
                yield pa.record_batch(arrays, schema=schema)

        return schema, made()

    def rows(self):
        """Yield the rows that have as many fields as the header."""
        layout, wanted = self.layout, len(self.layout.header)
        with open(layout.source, encoding="utf-8", newline="") as stream:
            for _ in range(layout.first_line):
                stream.readline()
            reader = layout.reader(self._noted(stream))
            while True:
                self._lines.clear()
                self.began = layout.first_line + reader.line_num + 1
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    raise _open_quote(layout.path, self.began, str(error)) from None
                if row is None:
                    return
                if self._kept(row, wanted):
                    yield row

    def _noted(self, stream):
        for line in stream:
            self._lines.append(line)
            yield line

    def _kept(self, row, wanted):
        """Count a record; say whether it is a row."""
        lines = len(self._lines)
        if not row:
            self.steps.append((self.good, lines))
            return False
        if len(row) != wanted:
            found = "".join(self._lines).rstrip("\r\n")
            self.bad.append((self.began, found, f"{len(row)} fields instead of {wanted}"))
            self.steps.append((self.good, lines))
            return False
        if lines > 1:
            if self.layout.shapes.are_rows([line.rstrip("\r\n") for line in self._lines]):
                raise _open_quote(self.layout.path, self.began)
            self.steps.append((self.good + 1, lines - 1))
        self.good += 1
        return True


def _raw(workspace, layout, good, bad, steps):
    """Return the table of the rows, each with its line as an editor shows it."""
    workspace.run(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT rowid AS {ROW}, * FROM file_rows")
    count = keep_unreadable(workspace, bad)
    columns = columns_of(layout.header)
    line, joined = _line(workspace, layout.first_line, steps)
    return Raw(
        workspace,
        "raw",
        columns,
        dict.fromkeys(layout.header, "VARCHAR"),
        rows=good + count,
        unreadable=count,
        line=line,
        lines_from=joined,
    )


def _line(workspace, first, steps):
    """Return the SQL of a row's line and the join it needs; steps say after which rows lines move
    on by more than one.
    """
    plain = f"r.{ROW} + {first + 1}"
    if not steps:
        return plain, ""
    import pyarrow as pa

    more, table = 0, {}
    for number, lines in sorted(steps):
        more += lines
        table[number] = more
    workspace.table_from(
        "line_steps", pa.table({"began": list(table), "more": list(table.values())})
    )
    joined = f"ASOF LEFT JOIN line_steps s ON r.{ROW} >= s.began"
    return f"{plain} + coalesce(s.more, 0)", joined


def _open_quote(path, line, error=""):
    return InputError(
        "load.error_open_quote",
        "{path}: a quotation mark near line {line} is not closed, or stands where none can "
        "{error}; read on, it would swallow the rows after it. Close or remove it, or say "
        "`read: {{quote: none}}` where the file quotes nothing.",
        path=path,
        line=line,
        error=f"({error})" if error else "",
    )


def _delimiter(head, quote):
    """Return the delimiter that cuts the first lines into most fields, equally many a line."""
    best, score = "", (0, 0)
    usual = {}
    quoting = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    for candidate in DELIMITERS:
        rows = csv.reader(head.splitlines(), delimiter=candidate, **quoting)
        counts = [len(row) for row in rows if row]
        if counts and counts[0] > 1:
            same = sum(c == counts[0] for c in counts) / len(counts)
            score, best = max((score, best), ((round(same, 1), counts[0]), candidate))
        width, times = Counter(counts).most_common(1)[0] if counts else (0, 0)
        usual[candidate] = width if times > 1 else 0
    # Where a title of one field stands above the table, the lines below it tell.
    below = max(usual, key=usual.get)
    return best or (below if usual[below] > 1 else ",")
