"""The card of a source: where it comes from, what a row means, what it lacks."""

import hashlib

from workbench import project
from workbench.errors import unknown
from workbench.results import built_in


class Said:
    """A text of a card in every language; it reads as the one in use."""

    def __init__(self, languages):
        self.languages = languages

    def __str__(self):
        from workbench import display

        return str(self.languages[display.language()])

    def __repr__(self):
        return repr(str(self))


@built_in
def card(name):
    """Return the card of a source (a file in data/cards) as a table of two columns, field and
    value; a value that exists in several languages reads as the one in use.

    Raises InputError when there is no such card.
    """
    import pandas as pd
    import yaml

    from workbench import display

    folder = project.root() / "data" / "cards"
    file = folder / f"{name}.yml"
    if not file.is_file():
        raise unknown("card", "source", name, sorted(p.stem for p in folder.glob("*.yml")))
    kept = yaml.safe_load(file.read_text(encoding="utf-8"))
    rows = []
    for field, value in kept.items():
        spoken = isinstance(value, dict) and set(value) == set(display.LANGUAGES)
        rows.append({"field": field, "value": Said(value) if spoken else str(value)})
    return pd.DataFrame(rows)


def sha256(path):
    """Return the SHA-256 of a file as hexadecimal text."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
