"""Bring `workbench/locale/nl.po` up to date with the sentences in the code.

    python tests/words.py            # add what is new, remove what is gone, say what lacks Dutch
    python tests/words.py --missing  # only say what lacks Dutch

A sentence stands in the code as `Note("id", "English …")` or `InputError("id", "English …")`; its
Dutch in the catalogue under the context "id". Names of columns and codes stand in `en.po` and
`nl.po` under the contexts "word", "header" and "one".
"""

import ast
import datetime
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent / "workbench"
SPEAKERS = {
    "Note",
    "InputError",
    "NotEnoughData",
    "DataError",
    "ReportFailed",
    "AlreadyRunning",
}
# Contexts of the short names: of a column or code, where it heads a column, where one is counted.
NAMES = ("word", "header", "one")
# The date in a catalogue's head is no news.
FIXED = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)


def constant(node):
    """The text of a node, or None where it is none."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def sentences(root=ROOT):
    """Every sentence in the code: a dictionary id → (english, many, places)."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            id, english, many = ([constant(arg) for arg in node.args[:3]] + [None])[:3]
            if name not in SPEAKERS or id is None or english is None:
                continue
            place = f"{path.relative_to(root)}:{node.lineno}"
            known = found.setdefault(id, (english, many, []))
            if known[:2] != (english, many):
                raise SystemExit(f"{id}: two sentences, {known[2][0]} and {place}")
            known[2].append(place)
    return found


def read(language, root=ROOT):
    """A catalogue as Babel reads it."""
    with open(root / "locale" / f"{language}.po", "rb") as stream:
        return read_po(stream, locale=language)


def write(catalogue, language, root=ROOT):
    """Write a catalogue in the order of its contexts."""
    made = Catalog(
        locale=language,
        project="workbench",
        version="",
        copyright_holder="the project",
        creation_date=FIXED,
        revision_date=FIXED,
        last_translator="the project",
        language_team=language,
        fuzzy=False,
        header_comment="# How the workbench says things: workbench/notes.py, tests/words.py.",
    )
    for message in sorted((m for m in catalogue if m.id), key=lambda m: (m.context, m.id)):
        made.add(message.id, message.string, context=message.context)
    with open(root / "locale" / f"{language}.po", "wb") as stream:
        write_po(stream, made, width=100, no_location=True)


def update():
    """Add what is new, remove what is gone; Dutch of a changed sentence is asked for anew."""
    dutch, known = read("nl"), sentences()
    made = Catalog(locale="nl")
    for message in dutch:
        if message.id and message.context in NAMES:
            made.add(message.id, message.string, context=message.context)
    for id, (english, many, _) in known.items():
        key = (english, many) if many else english
        old = dutch.get(english, context=id)
        string = old.string if old and old.id == key else ""
        made.add(key, string, context=id)
    write(made, "nl")
    write(read("en"), "en")


def missing(prefix=""):
    """The ids that lack their Dutch, in order."""
    dutch = read("nl")
    lacking = []
    for id, (english, _, _) in sentences().items():
        message = dutch.get(english, context=id)
        parts = message.string if message else ""
        if not (all(parts) if isinstance(parts, tuple) else parts):
            lacking.append(id)
    return sorted(id for id in lacking if id.startswith(prefix))


if __name__ == "__main__":
    if "--missing" not in sys.argv:
        update()
    for id in missing(*sys.argv[2:]):
        print(id)
