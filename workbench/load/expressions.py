"""What a mapping says of a column, as SQL over the rows of a file."""

from dataclasses import dataclass, field

from workbench.engine.duck import literal
from workbench.errors import InputError, unknown
from workbench.load import delimited, typed
from workbench.load.raw import BLANKS
from workbench.load.report import further_down
from workbench.notes import Note

TRUTH = {
    "true": True,
    "1": True,
    "yes": True,
    "ja": True,
    "false": False,
    "0": False,
    "no": False,
    "nee": False,
}
# No text holds them: bytes that can be read as text by chance.
_SIGNS_OF_BYTES = r"[\x00-\x08\x0e-\x1f]"
_DELIMITER = Note(
    "load.probably_delimiter",
    "{problem} The file has one column only; its delimiter is probably {found:repr}, not the one "
    "that was used.",
    problem="",
    found="",
)


@dataclass
class Atom:
    """A value of a row as SQL: its type in the engine, the SQL of its cells' kinds where they
    differ, and the name it has in messages. `problems` are conditions with the reason for which
    they refuse a row.
    """

    sql: str
    type: str
    kind: str | None = None
    label: str = ""
    problems: list = field(default_factory=list)


class Expressions:
    """Turns what a mapping says into atoms."""

    def __init__(self, raw, path, missing=(), decimal=None):
        self.raw, self.path, self.decimal = raw, path, decimal
        self.missing = [str(m) for m in missing or ()]
        # Makers of numbers and moments join themselves here: an id may be made of them too.
        self.others = []

    def atom(self, arg):
        """Return the atom of a column name or an expression."""
        if not isinstance(arg, dict):
            return self.column(str(arg))
        name = next((k for k in _MAKERS if k in arg), None)
        if name is not None:
            return _MAKERS[name](self, arg)
        for maker in self.others:
            if (atom := maker(arg)) is not None:
                return atom
        raise _no_expression(arg)

    def column(self, name):
        """Return a column of the file; raises InputError where there is none of that name."""
        raw = self.raw
        if name not in raw.columns:
            raise self._no_column(name)
        sql, kind = raw.columns[name], raw.types[name]
        if typed.is_nested(kind):
            raise InputError(
                "load.error_nested",
                "{path}, column '{column}': holds lists or fields of its own and is no single "
                "value; `explode:` in the mapping makes columns of it",
                path=self.path,
                column=name,
            )
        if kind == "BLOB":
            sql, kind = f"TRY(decode({sql}))", "VARCHAR"
            sql = f"CASE WHEN NOT regexp_matches({sql}, '{_SIGNS_OF_BYTES}') THEN {sql} END"
            problem = (f"{raw.columns[name]} IS NOT NULL AND {sql} IS NULL", f"{name}: {BYTES}")
            return Atom(sql, kind, None, name, [problem])
        cells = raw.kinds.get(name)
        atom = Atom(sql, "VARCHAR" if kind.startswith("ENUM") else kind, cells, name)
        if cells:
            atom.problems.append((f"{cells} = 'x'", f"{name}: {BYTES}"))
            atom.problems.append((f"{cells} = 'j'", f"{name}: {NESTED}"))
        return atom

    def _no_column(self, name):
        error = unknown(str(self.path), "column", name, self.raw.columns)
        only = next(iter(self.raw.columns)) if len(self.raw.columns) == 1 else ""
        found = [d for d in delimited.DELIMITERS if d in only]
        found += [sign for sign in only if sign != "_" and name in only.split(sign)]
        if found:
            return InputError(_DELIMITER.having(problem=error.note, found=found[0]))
        return InputError(further_down(error.note, self.raw.header_below))

    def text(self, atom):
        """Return an atom as trimmed text; an empty one is NULL."""
        sql, kind = atom.sql, atom.type
        if kind == "VARCHAR":
            if atom.kind:
                sql = f"CASE WHEN {atom.kind} IN ('x', 'j') THEN NULL ELSE {sql} END"
            return trimmed(sql) if self._padded(sql) else f"nullif({sql}, '')"
        if kind in ("DOUBLE", "FLOAT"):
            whole = f"CAST(CAST({sql} AS HUGEINT) AS VARCHAR)"
            return (
                f"CASE WHEN isnan({sql}) THEN NULL WHEN abs({sql}) < 1e18 AND {sql} = trunc({sql}) "
                f"THEN {whole} ELSE CAST({sql} AS VARCHAR) END"
            )
        if kind.startswith("DECIMAL"):
            shown = f"CAST({sql} AS VARCHAR)"
            return (
                f"CASE WHEN contains({shown}, '.') THEN rtrim(rtrim({shown}, '0'), '.') "
                f"ELSE {shown} END"
            )
        if kind.startswith("TIMESTAMP"):
            return f"regexp_replace(CAST({sql} AS VARCHAR), ' 00:00:00(\\+00)?$', '')"
        return f"CAST({sql} AS VARCHAR)"

    def _padded(self, sql):
        """Say whether a text has blanks around it anywhere: to look once costs less than to trim
        wherever it is used.
        """
        raw = self.raw
        if not raw.padded or raw.workspace is None:
            return raw.padded
        if sql not in raw.trims:
            bare = f"trim({sql}, {literal(BLANKS)})"
            found = f"SELECT count(*) FROM {raw.relation} WHERE {bare} <> {sql}"
            raw.trims[sql] = raw.workspace.one(found) > 0
        return raw.trims[sql]

    def words(self, arg):
        """Return what a mapping says as identifiers or words."""
        atom = self.atom(arg)
        sql = self.text(atom)
        if self.missing:
            listed = ", ".join(literal(m) for m in self.missing)
            sql = f"CASE WHEN {sql} IN ({listed}) THEN NULL ELSE {sql} END"
        return Atom(sql, "VARCHAR", None, atom.label, atom.problems)

    # What each expression makes.

    def _value(self, arg):
        value = arg["value"]
        if isinstance(value, bool):
            return Atom(f"'{str(value).lower()}'", "VARCHAR", None, "value")
        if isinstance(value, (int, float)):
            return Atom(f"CAST({value!r} AS DOUBLE)", "DOUBLE", None, "value")
        return Atom(literal(str(value)), "VARCHAR", None, "value")

    def _first_word(self, arg):
        atom = self.atom(arg["first_word"])
        sql = f"nullif(regexp_extract({self.text(atom)}, '^\\S+'), '')"
        return Atom(sql, "VARCHAR", None, atom.label, atom.problems)

    def _first_number(self, arg):
        atom = self.atom(arg["first_number"])
        text = self.text(atom)
        number, open_ = first_number(text, self.decimal)
        problems = [
            (f"{text} IS NOT NULL AND {open_}", f"{atom.label}: {OPEN}"),
            (f"{text} IS NOT NULL AND {number} IS NULL", f"{atom.label}: not a number"),
        ]
        return Atom(number, "DOUBLE", None, atom.label, [*atom.problems, *problems])

    def _lower(self, arg):
        atom = self.atom(arg["lower"])
        return Atom(f"lower({self.text(atom)})", "VARCHAR", None, atom.label, atom.problems)

    def _trim(self, arg):
        atom = self.atom(arg["trim"])
        return Atom(trimmed(self.text(atom)), "VARCHAR", None, atom.label, atom.problems)

    def _concat(self, arg):
        atoms = [self.words(a) for a in arg["concat"]]
        separator = literal(str(arg.get("separator", " ")))
        sql = f"nullif(concat_ws({separator}, {', '.join(a.sql for a in atoms)}), '')"
        return Atom(sql, "VARCHAR", None, _labels(atoms), _problems(atoms))

    def _coalesce(self, arg):
        atoms = [self.atom(a) for a in arg["coalesce"]]
        if len({a.type for a in atoms}) == 1 and atoms[0].type != "VARCHAR":
            parts = [a.sql for a in atoms]
        else:
            atoms = [
                Atom(self.words(a).sql, "VARCHAR", None, t.label, t.problems)
                for a, t in zip(arg["coalesce"], atoms, strict=True)
            ]
            parts = [a.sql for a in atoms]
        sql = f"coalesce({', '.join(parts)})"
        return Atom(sql, atoms[0].type, None, atoms[0].label, _problems(atoms))

    def _recode(self, arg):
        atom = self.atom(arg["recode"])
        text, other = self.text(atom), arg.get("other", "reject")
        cases = " ".join(
            f"WHEN {literal(str(code))} THEN {literal(str(word))}"
            for code, word in arg["codes"].items()
        )
        rest = text if other == "keep" else "NULL"
        sql = f"CASE {text} {cases} ELSE {rest} END"
        problems = list(atom.problems)
        if other == "reject":
            listed = ", ".join(literal(str(code)) for code in arg["codes"])
            problems.append(
                (f"{text} IS NOT NULL AND {text} NOT IN ({listed})", f"{atom.label}: {NO_CODE}")
            )
        return Atom(sql, "VARCHAR", None, atom.label, problems)


BYTES = "bytes, no text"
NESTED = "holds several values"
NO_CODE = "not in the table of codes"
OPEN = "a fraction or thousands"
_MAKERS = {
    "value": Expressions._value,
    "first_word": Expressions._first_word,
    "first_number": Expressions._first_number,
    "lower": Expressions._lower,
    "trim": Expressions._trim,
    "concat": Expressions._concat,
    "coalesce": Expressions._coalesce,
    "recode": Expressions._recode,
}


def first_number(text, decimal=None):
    """Return the SQL of the first number in a text, with its thousands and fraction, and whether it
    stays open which of the two it shows, such as 1.250.
    """
    found = f"regexp_extract({text}, '[+-]?\\d+(?:[.,]\\d+)*')"
    fraction = f"TRY_CAST(replace({found}, ',', '.') AS DOUBLE)"
    dots = f"TRY_CAST(replace(replace({found}, '.', ''), ',', '.') AS DOUBLE)"
    commas = f"TRY_CAST(replace({found}, ',', '') AS DOUBLE)"
    three = "'[+-]?[1-9]\\d{0,2}[.,]\\d{3}'"
    sign = {".": "\\.", ",": ","}.get(decimal, "[.,]")
    cases = [f"WHEN regexp_full_match({found}, '[+-]?\\d+({sign}\\d+)?') THEN {fraction}"]
    grouped = "[+-]?[1-9]\\d{{0,2}}({0}\\d{{3}})+({1}\\d+)?"
    if decimal != ".":
        cases.append(
            f"WHEN regexp_full_match({found}, '{grouped.format(chr(92) + '.', ',')}') THEN {dots}"
        )
    if decimal != ",":
        cases.append(
            f"WHEN regexp_full_match({found}, '{grouped.format(',', chr(92) + '.')}') THEN {commas}"
        )
    number = f"CASE {' '.join(cases)} END"
    open_ = f"regexp_full_match({found}, {three})" if decimal is None else "FALSE"
    return f"CASE WHEN {open_} THEN NULL ELSE {number} END", open_


def trimmed(sql):
    """Return SQL without the blanks around a text, and NULL where nothing is left."""
    return f"nullif(trim({sql}, {literal(BLANKS)}), '')"


def _labels(atoms):
    return next((a.label for a in atoms if a.label), "")


def _problems(atoms):
    return [problem for atom in atoms for problem in atom.problems]


def _no_expression(arg):
    return InputError(
        "load.error_expression",
        "mapping, columns: {found} is no column name or expression such as `multiply: [a, b]` or "
        "`value: …`",
        found=repr(arg),
    )
