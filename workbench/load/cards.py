"""The card of a source: where it comes from, what a row means, what it lacks."""

import hashlib

from workbench import project
from workbench.errors import unknown


def card(name):
    """Return the card of a source (a file in data/cards) as a table of two columns, field and
    value.

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
        if isinstance(value, dict) and set(value) == set(display.LANGUAGES):
            value = value[display.language()]
        rows.append({"field": field, "value": str(value)})
    return pd.DataFrame(rows)


def sha256(path):
    """Return the SHA-256 of a file as hexadecimal text."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
