"""The parameters of a notebook: read without running it, checked before a kernel starts.

A notebook has exactly one cell tagged `parameters`, holding only annotated literals with a
comment::

    language: Literal["en", "nl"] = "en"  # language of the report
    window: "duration" = "60D"            # longest time from first to last step

Annotations: str, int, float, bool, list[str], list["duration"], Literal[…], "date", "duration",
each also with `| None`.
"""

import ast
import datetime
import io
import re
import tokenize
from dataclasses import dataclass

from workbench.errors import InputError, unknown
from workbench.notes import Note

PLAIN = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list[str]": list,
    "list[duration]": list,
    "date": str,
    "duration": str,
}
RELATIVE = ("today", "yesterday", "last_month_start", "last_month_end")
_DURATION = re.compile(r"\d+(\.\d+)?\s?(D|h|min|s|W)")
_NEEDED = Note("reports.needed", "{kind} is needed", kind="")
_DURATIONS = Note("reports.needed_durations", "durations such as '30D,90D' are needed")
_LIST = Note("reports.needed_list", "a list with at least one element is needed")
_DATE = Note("reports.needed_date", "a date such as '2017-12-31' is needed")
_ONE_DURATION = Note(
    "reports.needed_duration", "a duration such as '30D', '12h' or '30min' is needed"
)
_SECRET = re.compile(r"(?i)password|passwd|secret|token|api_?key|credential")


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, type (a name of `PLAIN` or "choice"), whether it may be empty,
    default and comment.
    """

    name: str
    kind: str
    optional: bool
    default: object
    help: str
    options: tuple = ()

    @property
    def shown_type(self):
        """The type in words, for help texts."""
        kind = self.kind
        if kind == "choice":
            kind = Note("reports.type_choice", "one of {options:repr}", options=list(self.options))
        return Note("reports.type_optional", "{kind} or None", kind=kind) if self.optional else kind


def read_parameters(path):
    """Return the parameters of a notebook, in order, as a dictionary name → Parameter.

    Raises InputError unless there is exactly one `parameters` cell of annotated literals.
    """
    import nbformat

    if not path.is_file():
        raise InputError("reports.error_no_notebook", "{name}: no such notebook", name=path.name)
    try:
        book = nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001 - a broken notebook fails in any way
        raise InputError(
            "reports.error_unreadable",
            "{name}: not a readable notebook ({error})",
            name=path.name,
            error=type(error).__name__,
        ) from None
    cells = [c for c in book.cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1 or cells[0].cell_type != "code":
        raise InputError(
            "reports.error_parameters_cell",
            "{name}: exactly one code cell must be tagged 'parameters', found {n}",
            name=path.name,
            n=len(cells),
        )
    return _parse(cells[0].source, path.name)


def _parse(source, where):
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            continue  # `from typing import Literal`
        if not (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.value is not None
        ):
            raise InputError(
                "reports.error_parameters_line",
                "{where}, parameters cell, line {line}: only `name: type = literal` may "
                "stand here, found `{found}`",
                where=where,
                line=node.lineno,
                found=ast.unparse(node),
            )
        name = node.target.id
        try:
            default = ast.literal_eval(node.value)
        except ValueError:
            raise InputError(
                "reports.error_default",
                "{where}, parameter '{name}': the default must be a literal, found "
                "`{found}`; derive values in a later cell",
                where=where,
                name=name,
                found=ast.unparse(node.value),
            ) from None
        kind, optional, options = _annotation(node.annotation, where, name)
        made = Parameter(name, kind, optional, default, comments.get(node.end_lineno, ""), options)
        check(made, default, where)
        found[name] = made
    return found


def _annotation(node, where, name):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    optional = False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        right = node.right
        if isinstance(right, ast.Constant) and right.value is None:
            node, optional = node.left, True
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node = ast.parse(node.value, mode="eval").body
    text = ast.unparse(node).replace("'", "")
    if text.startswith("Literal["):
        options = ast.literal_eval(node.slice)
        return "choice", optional, options if isinstance(options, tuple) else (options,)
    if text not in PLAIN:
        raise InputError(
            "reports.error_type",
            "{where}, parameter '{name}': unknown type `{found}`; use {known:text} or Literal[…]",
            where=where,
            name=name,
            found=text,
            known=list(PLAIN),
        )
    return text, optional, ()


def check(parameter, value, where):
    """Raise an InputError unless `value` is of the parameter's type."""
    fit = _fits(parameter, value)
    if fit is not True:
        raise InputError(
            "reports.error_parameter",
            "{where}, parameter '{name}': {needed}, found {value} ({type})",
            where=where,
            name=parameter.name,
            needed=fit or _NEEDED.having(kind=parameter.shown_type),
            value=repr(value),
            type=type(value).__name__,
        )


def _fits(parameter, value):
    """Return True where a value is of a parameter's type, else False or what is needed instead."""
    if value is None:
        return parameter.optional
    if parameter.kind == "choice":
        types = {type(option) for option in parameter.options}
        return value in parameter.options and type(value) in types
    return _CHECKS[parameter.kind](value)


def _is_list(value):
    good = isinstance(value, list) and len(value) > 0 and all(isinstance(v, str) for v in value)
    return good or _LIST


def _is_list_of_durations(value):
    if _is_list(value) is not True:
        return _LIST
    return all(map(_DURATION.fullmatch, value)) or _DURATIONS


def _is_date(value):
    if not isinstance(value, str):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return _DATE
    return True


def _is_duration(value):
    if not isinstance(value, str):
        return False
    return bool(_DURATION.fullmatch(value)) or _ONE_DURATION


_CHECKS = {
    "str": lambda value: isinstance(value, str),
    "int": lambda value: type(value) is int,
    "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "bool": lambda value: type(value) is bool,
    "list[str]": _is_list,
    "list[duration]": _is_list_of_durations,
    "date": _is_date,
    "duration": _is_duration,
}


def settle(parameters, given, where, as_of=None):
    """Return the value of every parameter: defaults, overruled by `given`, all checked.

    Text given for a number, yes/no, list or empty value is read by the parameter's type; text stays
    text, so that '007' keeps its zeros. Dates may be today, yesterday, last_month_start or
    last_month_end, counted from `as_of` (a date; default today).

    Raises InputError for an unknown name, a wrong type or a name that looks like a secret.
    """
    values = {name: p.default for name, p in parameters.items()}
    for name, value in given.items():
        if name not in parameters:
            raise unknown(where, "parameter", name, parameters)
        if _SECRET.search(name):
            raise InputError(
                "reports.error_secret",
                "{where}, parameter '{name}': secrets do not belong in parameters, they "
                "would be written into the report; read them from the environment inside "
                "the loader",
                where=where,
                name=name,
            )
        p = parameters[name]
        value = _from_text(p, value) if isinstance(value, str) else value
        if isinstance(value, datetime.date):
            value = value.isoformat()
        if p.kind == "date" and value in RELATIVE:
            value = _relative(value, as_of or datetime.date.today())
        check(p, value, where)
        values[name] = float(value) if p.kind == "float" and value is not None else value
    return values


def _from_text(p, text):
    if p.optional and text in ("", "None", "null"):
        return None
    if p.kind in ("int", "float"):
        try:
            return PLAIN[p.kind](text)
        except ValueError:
            return text
    if p.kind == "bool":
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            text.lower(), text
        )
    if p.kind.startswith("list["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if p.kind == "choice":
        return next((o for o in p.options if str(o) == text), text)
    return text


def _relative(word, as_of):
    first = as_of.replace(day=1)
    end = first - datetime.timedelta(days=1)
    return {
        "today": as_of,
        "yesterday": as_of - datetime.timedelta(days=1),
        "last_month_end": end,
        "last_month_start": end.replace(day=1),
    }[word].isoformat()
