"""A draft of a mapping: keys with a comment beside every doubt, written out as YAML."""

import os
import textwrap
from pathlib import Path

from workbench.load.guessing import seen
from workbench.load.yaml_text import flow
from workbench.notes import Note

ORDER = (
    "table",
    "description",
    "read",
    "files",
    "join",
    "zone",
    "time_format",
    "currency",
    "missing",
    "fill_down",
    "unpivot",
    "explode",
    "events",
    "columns",
    "ignore_case",
    "require",
    "reject",
    "incomplete",
    "duplicates",
    "negative",
)
LONGEST = 96  # characters of a line, before its comment
WIDTH = 38  # column in which comments begin, where the line leaves room
ASK = "# ? "
TOLD = "# "
_HEAD = Note(
    "guess.head", "Written by `workbench guess` from {files:text}: {layout}.", files="", layout=""
)
_READ_IT = Note(
    "guess.read_it",
    "A line with a question mark after its # asks what the file does not say. Look with "
    "`workbench check` before you run.",
)
ZONE = Note(
    "guess.zone",
    "in which time zone does the file's clock run? Such as Europe/Amsterdam",
)
DAY_OR_MONTH = Note(
    "guess.day_or_month", "day or month first? {first:repr} or {second:repr}", first="", second=""
)
CURRENCIES = Note(
    "guess.currencies",
    "the most frequent ({share:%} of {n} values); rows in {others:text} are refused and counted",
    share=0.0,
    n=0,
    others="",
)
NO_TIME = Note("guess.no_time", "is this a time? Such as {value:repr}", value="")
DECIMAL = Note("guess.decimal", "numbers are written such as {value:repr}", value="")
NEGATIVE = Note(
    "guess.negative",
    "{n} amount below 0 is refused; if it is a refund, write keep",
    "{n} amounts below 0 are refused; if they are refunds, write keep",
    n=0,
)
ENCODING = Note("guess.encoding", "assumed: the file is not UTF-8")
SHEETS = Note("guess.sheets", "not read: {sheets:text}", sheets="")
CONFLICT = Note("guess.two_formats", "left out: its times are written in another way")


class Draft:
    """What a mapping will say, and what it asks."""

    def __init__(self, table, layout, *peeks):
        self.layout, self.peeks = layout, peeks
        self.keys = {"table": (table, None)}
        self.columns = {}
        self.rejects = []
        self.questions = 0
        if len(peeks) == 1:
            self._set_read(peeks[0])

    def _set_read(self, peek):
        if peek.read:
            note = ENCODING if "encoding" in peek.read else None
            if peek.sheets:
                note = SHEETS.having(sheets=peek.sheets)
            self.set("read", dict(peek.read), note)

    def set(self, key, value, note=None):
        """Write a key, with a comment."""
        self.keys[key] = (value, note)

    def ask(self, key, note):
        """Leave a key open: a person answers it."""
        if key not in self.keys:
            self.keys[key] = (None, note)

    def answer(self, zone=None, currency=None):
        """Write what a person says at once, where the file does not say it itself."""
        if zone and self.keys.get("zone", (0,))[0] is None:
            self.set("zone", zone)
        if currency and "currency" not in self.keys and "amount" in self.columns:
            self.set("currency", currency)

    def column(self, name, expression, note=None):
        """Write where a canonical column comes from."""
        self.columns[name] = (expression, note)

    def columns_of(self, peek, **names):
        """Write the columns whose source is there, by canonical name."""
        for name, source in names.items():
            if source in peek.columns:
                self.column(name, source)

    def ask_column(self, name, note):
        """Leave a canonical column open."""
        self.columns[name] = (None, note)

    def reject(self, rule, note=None, *, ask=False):
        """Refuse rows; with `ask` the rule stands as a comment, for a person to decide."""
        self.rejects.append((rule, note, ask))

    def moment(self, name, peek, source, note=None):
        """Write a column of moments, and what its way of writing asks for."""
        found = seen.times(peek.values(source), peek.typed.get(source))
        if found is None:
            example = next(iter(peek.values(source)), "")
            self.column(name, source, NO_TIME.having(value=example))
            return
        if not self._same_form(found):
            self.column(name, None, CONFLICT)
            return
        if found.expression:
            self.column(name, {"epoch": source, **found.expression}, note)
        else:
            self.column(name, source, note)
        self.form(found)

    def _same_form(self, found):
        told = self.keys.get("time_format", (None, None))[0]
        return told is None or told == found.form

    def form(self, found, tail=""):
        """Write how times are written and ask for their zone where they carry none."""
        if found.form:
            self.set("time_format", found.form + tail)
        elif found.forms:
            first, second = (form + tail for form in found.forms)
            self.ask("time_format", DAY_OR_MONTH.having(first=first, second=second))
        if not found.zoned and (found.clock or tail):
            self.ask("zone", ZONE)

    def money(self, peek, *sources):
        """Write the decimal sign and the currency the amounts show."""
        values = [v for source in sources for v in peek.values(source) if source]
        texts = [v for s in sources if s and peek.typed.get(s) != "number" for v in peek.values(s)]
        if seen.decimal_comma(texts):
            read, _ = self.keys.get("read", ({}, None))
            example = next(v for v in texts if "," in v)
            self.set("read", {**read, "decimal": ","}, DECIMAL.having(value=example))
        if below := seen.below_zero(values):
            self.set("negative", "reject", NEGATIVE.having(n=below))
        sign = seen.currency_sign(values)
        if sign and "currency" not in self.keys:
            self.set("currency", sign)

    def one_currency(self, peek, source):
        """Write the currency of most rows; the others are refused."""
        values = [v.upper() for v in peek.values(source)]
        self.column("currency", source)
        if not values:
            return
        most = max(sorted(set(values)), key=values.count)
        others = sorted(set(values) - {most})
        note = None
        if others:
            share = values.count(most) / len(values)
            note = CURRENCIES.having(share=share, n=len(values), others=others)
        self.set("currency", most, note)

    def text(self, target=None):
        """Return the mapping as YAML, for the file it will stand in."""
        self.questions = 0
        names = [p.path.name for p in self.peeks]
        lines = [
            f"# yaml-language-server: $schema={_schema(target)}",
            f"# {_HEAD.having(files=names, layout=self.layout)}",
            f"# {_READ_IT}",
        ]
        for key in ORDER:
            if key == "columns":
                lines.append("columns:")
                for name, (value, note) in self.columns.items():
                    lines.append(self._line(name, value, note, "  "))
            elif key == "reject" and self.rejects:
                lines.append("reject:" if any(not ask for *_, ask in self.rejects) else "# reject:")
                lines += [self._rule(*rule) for rule in self.rejects]
            elif key in self.keys:
                lines.append(self._line(key, *self.keys[key]))
        return "\n".join(lines) + "\n"

    def _line(self, key, value, note, indent=""):
        if value is None:
            self.questions += note is not CONFLICT
            # A column that is not known may not stand there empty.
            start = f"{indent}# {key}:" if indent else f"{key}:"
            return _beside(start, note, CONFLICT is not note)
        asks = note is not None and note.id == NO_TIME.id
        self.questions += asks
        line = f"{indent}{flow(key)}: {flow(value)}"
        if len(line) <= LONGEST or not isinstance(value, (dict, list)):
            return _beside(line, note, asks)
        return "\n".join(
            [_beside(f"{indent}{flow(key)}:", note, asks), *_block(value, indent + "  ")]
        )

    def _rule(self, rule, note, ask):
        self.questions += ask
        return _beside(f"  {'# ' if ask else ''}- {flow(rule)}", note, ask)


def _block(value, indent):
    """Return the lines of a block: a part a line, and long lists broken."""
    lines = []
    for part in value.items() if isinstance(value, dict) else value:
        line = f"- {flow(part)}" if isinstance(value, list) else f"{flow(part[0])}: {flow(part[1])}"
        lines += textwrap.wrap(
            line,
            LONGEST,
            initial_indent=indent,
            subsequent_indent=indent + "    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _beside(line, note, asks):
    if note is None:
        return line
    return f"{line:<{WIDTH}} {ASK if asks else TOLD}{note}"


def _schema(target):
    """Return the way from a mapping to its JSON Schema."""
    schema = Path(__file__).parent.parent / "mapping.schema.json"
    start = Path(target).resolve().parent if target else Path.cwd()
    return Path(os.path.relpath(schema, start)).as_posix()
