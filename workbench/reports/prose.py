"""The prose of a notebook: English in its Markdown cells, Dutch in a catalogue beside it.

`notebooks/nl/NAME.po` holds one entry for each Markdown cell and each sentence of the exercises:
the English text as it stands, and its Dutch. `notebooks/nl/shared.po` holds what all share.

    python -m workbench.reports.prose NAME …    # add new texts, drop those no longer there
"""

import re
import sys
from collections import Counter
from pathlib import Path

from workbench import display, project
from workbench.errors import InputError

LANGUAGES = ("nl",)
SHARED = "shared"
# The line of the setup cell that says where Dutch prose comes from; gone once it is in place.
NOTICE = "reports.prose_notice(language)"
ELSEWHERE = (
    "The prose of this notebook stands here in English. `workbench run` makes a report in your "
    "language throughout, `workbench open` a copy of the notebook to work in."
)
_HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Language: nl\\n"\n\n'


def catalogue(path, language="nl"):
    """Return the translations of a notebook: its English texts → those in `language`.

    An empty dictionary where no catalogue stands beside it, as with a notebook of one's own.
    """
    return {m.id: m.string for m in _messages(_po(path, language)) if m.string}


def translate(book, path, language):
    """Put the prose of `language` into the Markdown cells of a notebook, in place."""
    if language not in LANGUAGES:
        return book
    known = catalogue(path, language)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = known.get(cell.source, cell.source)
        elif known:
            cell.source = cell.source.replace(f"\n{NOTICE}", "")
    return book


def spoken(path, language):
    """Return a notebook in `language`, to work in: its prose, its parameter, and no outputs yet."""
    import nbformat

    book = translate(nbformat.read(path, as_version=4), path, language)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = re.sub(
                r'^(language\b[^=\n]*= *)"\w+"', rf'\1"{language}"', cell.source, flags=re.MULTILINE
            )
    return book


def sentence(english, name):
    """Return a sentence of a notebook called `name` in the language in use."""
    language = display.language()
    if language not in LANGUAGES:
        return english
    here = catalogue(project.root() / "notebooks" / f"{name}.ipynb", language)
    return here.get(english, english)


def copy(path, language, copied=()):
    """Write the notebook's copy in `language` beside it, once; return its path and whether it is
    new.

    Links to notebooks that are copied too (`copied`, by name) lead to their copies. An existing
    copy is never touched: it is somebody's work.
    """
    import nbformat

    target = path.with_name(f"{path.stem}.{language}.ipynb")
    if target.exists():
        return target, False
    if not catalogue(path, language):
        raise InputError(
            "reports.error_no_prose",
            "{name}: no {file} in notebooks/{language}/ yet",
            name=path.stem,
            file=_po(path, language).name,
            language=language,
        )
    book = spoken(path, language)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            for name in copied:
                cell.source = cell.source.replace(f"({name}.ipynb)", f"({name}.{language}.ipynb)")
    with target.open("x", encoding="utf-8") as stream:
        nbformat.write(book, stream)
    return target, True


def wanted(path):
    """Return the texts of a notebook that need a translation: Markdown cells, then exercises."""
    import nbformat

    from workbench.reports import exercises

    book = nbformat.read(path, as_version=4)
    cells = [c.source for c in book.cells if c.cell_type == "markdown"]
    return list(dict.fromkeys([*cells, *exercises.sentences(path)]))


def problems(path, needed, language="nl"):
    """Return what is wrong with the catalogue beside a notebook, one sentence a problem.

    Every text in `needed` has one entry, nothing is stale, empty or fuzzy, and links and code in
    the text are the same in both languages.
    """
    po = _po(path, language)
    if not po.is_file():
        return [f"{po.name}: missing"]
    messages = {m.id: m for m in _messages(po)}
    found = [f"not translated: {_start(text)}" for text in needed if text not in messages]
    for text, message in messages.items():
        if text not in needed:
            found.append(f"stale: {_start(text)}")
        elif message.fuzzy or not message.string:
            found.append(f"{'fuzzy' if message.fuzzy else 'empty'}: {_start(text)}")
        elif _fixed(text) != _fixed(message.string):
            found.append(f"other links or code: {_start(text)}")
    return found


def update(path, language="nl"):
    """Rewrite the catalogue beside a notebook in the order of its cells; return how many texts are
    still to be translated.
    """
    po = _po(path, language)
    known = {m.id: m for m in _messages(po)}
    write(po, {text: known[text].string if text in known else "" for text in wanted(path)})
    return len(problems(path, wanted(path), language))


def write(po, entries):
    """Write a catalogue from a dictionary English → translation, in its order."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    kept = Catalog(charset="utf-8")
    for english, translation in entries.items():
        message = kept.add(english, translation)
        # A percent sign in prose is no placeholder.
        message.flags.discard("python-format")
    po.parent.mkdir(exist_ok=True)
    with po.open("wb") as stream:
        stream.write(_HEADER.encode())
        write_po(stream, kept, width=96, omit_header=True)


def _po(path, language):
    return Path(path).parent / language / f"{Path(path).stem}.po"


def _messages(po):
    from babel.messages.pofile import read_po

    if not po.is_file():
        return []
    with po.open("rb") as stream:
        return [m for m in read_po(stream, charset="utf-8", abort_invalid=True) if m.id]


def _fixed(text):
    """Return what a translation must keep: where links lead, and code."""
    return Counter(re.findall(r"\]\(([^)]+)\)", text)) + Counter(re.findall(r"`([^`]+)`", text))


def _start(text):
    return " ".join(text.split())[:70]


def main(names):
    """Bring the catalogues of the named notebooks up to date."""
    from workbench.reports.run import find

    for name in names:
        path = find(name)
        print(f"{_po(path, 'nl')}: {update(path)} texts to be translated")


if __name__ == "__main__":
    main(sys.argv[1:])
