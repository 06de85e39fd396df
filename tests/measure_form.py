"""Measure the form of the package, for the tests of its architecture and the decision on its size.

    python tests/measure_form.py [folder of Python files]

prints the table of docs/decisions/0009-size-of-the-package.md for the folder as it stands.
"""

import ast
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "workbench"
# Tokens that are layout, not code.
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
# Where a path through a function forks, besides conditions joined by `and` or `or`, and filters.
FORK = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.comprehension,
    ast.match_case,
)
# Markers of the syntax tree (read or written) that stand for nothing a reader sees.
UNSEEN = (ast.expr_context,)


@dataclass(frozen=True)
class Function:
    """A function or method that stands in a module or class; closures belong to it."""

    name: str  # module:qualname
    lines: int
    complexity: int
    parameters: int


def modules(folder=PACKAGE):
    """Return the files of a package by their dotted names."""
    folder = Path(folder)
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
        found[".".join(p for p in parts if p != "__init__")] = path
    return found


def tree_of(path):
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def docstring(node):
    """Return the docstring statement of a module, class or function, or None."""
    first = node.body[0] if node.body else None
    text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return first if text and isinstance(first.value.value, str) else None


def docstrings(tree):
    """Return every docstring statement within a tree."""
    holders = (ast.Module, ast.ClassDef, *FUNCTION)
    found = [docstring(node) for node in ast.walk(tree) if isinstance(node, holders)]
    return [d for d in found if d is not None]


def code_lines(path):
    """Count the lines of a file that hold code: no blank lines, comments or docstrings; a signature
    is one line however many its types take, and what is imported for types alone is none.
    """
    tree = tree_of(path)
    prose = {line for d in docstrings(tree) for line in range(d.lineno, d.end_lineno + 1)}
    for node in ast.walk(tree):
        if isinstance(node, FUNCTION):
            prose |= set(range(node.lineno + 1, node.body[0].lineno))
        if _is_for_types(node):
            prose |= set(range(node.lineno, node.end_lineno + 1))
    with open(path, "rb") as stream:
        tokens = [t for t in tokenize.tokenize(stream.readline) if t.type not in LAYOUT]
    return len({line for t in tokens for line in range(t.start[0], t.end[0] + 1)} - prose)


def count_comments(path):
    """Count the comments of a file, on lines of their own or behind code."""
    with open(path, "rb") as stream:
        return sum(t.type == tokenize.COMMENT for t in tokenize.tokenize(stream.readline))


def _is_for_types(node):
    """Say whether a statement only brings types in."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__" or [a.name for a in node.names] == ["TYPE_CHECKING"]
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def function_lines(node):
    """Count the lines of a function behind its signature; docstrings, also of closures, are not
    counted, comments and blank lines are.
    """
    whole = node.end_lineno - node.body[0].lineno + 1
    return whole - sum(d.end_lineno - d.lineno + 1 for d in docstrings(node))


def complexity(node):
    """Count the independent paths through a function (McCabe 1976), with those of its closures.

    Each `if`, conditional expression, loop, comprehension and its filters, `except`, `case`, and
    every further condition joined by `and` or `or` adds one, so that nothing is gained by packing.
    """
    paths = 1
    for inner in ast.walk(node):
        paths += isinstance(inner, FORK)
        if isinstance(inner, ast.comprehension):
            paths += len(inner.ifs)
        if isinstance(inner, ast.BoolOp):
            paths += len(inner.values) - 1
    return paths


def parameters(node):
    """Count the parameters of a function; self and cls are none."""
    given = node.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    own = sum(name not in ("self", "cls") for name in names)
    return own + (given.vararg is not None) + (given.kwarg is not None)


def functions(folder=PACKAGE):
    """Return every Function of a package that stands in a module or class."""
    found = []

    def visit(body, module, within):
        for node in body:
            if isinstance(node, FUNCTION):
                name = f"{module}:{within}{node.name}"
                found.append(
                    Function(name, function_lines(node), complexity(node), parameters(node))
                )
            elif isinstance(node, ast.ClassDef):
                visit(node.body, module, f"{within}{node.name}.")

    for module, path in modules(folder).items():
        visit(tree_of(path).body, module, "")
    return found


def statements_and_nodes(folder=PACKAGE):
    """Count the statements of a package and the syntax nodes in them, docstrings apart."""
    statements = nodes = 0
    for path in modules(folder).values():
        tree = tree_of(path)
        texts = docstrings(tree)
        for node in ast.walk(tree):
            statements += isinstance(node, ast.stmt)
            nodes += not isinstance(node, UNSEEN)
        statements -= len(texts)
        nodes -= 2 * len(texts)  # the statement and its constant
    return statements, nodes


def quantile(values, share):
    """Return the smallest value that at least this share of the values does not pass."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def measures(folder=PACKAGE):
    """Return the figures of the decision on size, as text, by what they measure."""
    files = list(modules(folder).values())
    lines = [line for p in files for line in p.read_text(encoding="utf-8").splitlines()]
    long = [len(line) for line in lines if line.strip()]
    code = {path: code_lines(path) for path in files}
    total = sum(code.values())
    statements, nodes = statements_and_nodes(folder)
    found = functions(folder)
    length, paths, given = zip(*((f.lines, f.complexity, f.parameters) for f in found), strict=True)
    comments = sum(map(count_comments, files))

    def over(limit):
        return f"{100 * sum(n > limit for n in long) / len(long):.1f} %"

    return {
        "files": f"{len(files)}",
        "lines of code": f"{total:,}",
        "statements": f"{statements:,}",
        "statements a line of code": f"{statements / total:.2f}",
        "syntax nodes a statement": f"{nodes / statements:.1f}",
        "lines over 100 columns": over(100),
        "lines over 120 columns": over(120),
        "lines over 160 columns": over(160),
        "columns: 90 %, 99 %, longest": ", ".join(
            str(n) for n in (quantile(long, 0.9), quantile(long, 0.99), max(long))
        ),
        "characters a line": f"{sum(long) / len(long):.0f}",
        "comments per 100 lines of code": f"{100 * comments / total:.1f}",
        "largest file, lines of code": f"{max(code.values())}",
        "files over 400 lines of code": f"{sum(n > 400 for n in code.values())}",
        "functions and methods": f"{len(found)}",
        "lines a function: 90 %, longest": f"{quantile(length, 0.9)}, {max(length)}",
        "functions over 60 lines": f"{sum(n > 60 for n in length)}",
        "complexity: 90 %, highest": f"{quantile(paths, 0.9)}, {max(paths)}",
        "functions over complexity 15": f"{sum(n > 15 for n in paths)}",
        "parameters: 90 %, most": f"{quantile(given, 0.9)}, {max(given)}",
        "functions over eight parameters": f"{sum(n > 8 for n in given)}",
    }


if __name__ == "__main__":
    for name, figure in measures(*sys.argv[1:2]).items():
        print(f"| {name} | {figure} |")
