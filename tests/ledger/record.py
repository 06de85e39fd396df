"""Write the ledger: every table and every number in a sentence, of all fixtures of the laws and of
all notebooks.

    python tests/ledger/record.py fixtures
    python tests/ledger/record.py notebooks

Run once, on the commit from which form and words were moved; the files beside this script are not
edited afterwards. `tests/ledger/compare.py` holds what the code says today against them.
"""

import re
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WRITERS = ("number", "percent", "p_value", "plain")


def long(owner, number, table):
    """Return a table as rows of (owner, number of the table, row, column, value, text)."""
    rows = []
    for column in table.columns:
        for row, value in enumerate(table[column]):
            numeric = isinstance(value, (int, float)) or pd.api.types.is_number(value)
            rows.append(
                (owner, number, row, str(column), float(value), None)
                if numeric
                else (owner, number, row, str(column), float("nan"), str(value))
            )
    return rows


def listen(written):
    """Note down every number that is written for a reader: its text and its value."""
    from workbench import texts

    def heard(write):
        def noted(value, *args, **options):
            text = write(value, *args, **options)
            written.append((text, float(value)))
            return text

        return noted

    for name in WRITERS:
        setattr(texts, name, heard(getattr(texts, name)))


def spoken(written, sentences):
    """Return the values whose text stands in one of the sentences, once each."""
    whole = " ".join(sentences)
    return sorted(
        {
            (text, value)
            for text, value in written
            if value == value and re.search(rf"(?<![\d.,]){re.escape(text)}(?![\d]|[.,]\d)", whole)
        }
    )


def fixtures():
    """Return the tables and the spoken numbers of every fixture of the laws."""
    written = []
    listen(written)
    sys.path.insert(0, str(ROOT / "tests"))
    from test_results import ANALYSES

    tables, numbers = [], []
    for name, (data, analysis) in ANALYSES.items():
        written.clear()
        result = analysis(data)
        tables += long(name, 0, result.table)
        sentences = [result.question, result.method, *result.limits]
        numbers += [(name, text, value) for text, value in spoken(written, sentences)]
    return tables, numbers


def notebook(path):
    """Return the tables and the spoken numbers of one notebook."""
    import json
    import os

    written, shown, said = [], [], []
    listen(written)
    from workbench import reports, results

    say = reports.say

    def hear(key, **values):
        words = say(key, **values)
        said.append(str(words))
        return words

    reports.say = hear
    os.chdir(path.parent)
    space = {"display": lambda *things: shown.extend(things)}
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code" and "exercise" not in cell["metadata"].get("tags", []):
            exec("".join(cell["source"]), space)
    found = {}

    def look(thing):
        if isinstance(thing, results.Result):
            found[id(thing)] = thing
        elif isinstance(thing, dict):
            for inner in thing.values():
                look(inner)
        elif isinstance(thing, (list, tuple)):
            for inner in thing:
                look(inner)
        elif type(thing).__name__ == "Drawing":
            look(thing.result)

    for thing in [*shown, *space.values()]:
        look(thing)
    tables = []
    for i, result in enumerate(found.values()):
        tables += long(path.stem, i, result.table)
        said += [result.question, result.method, *result.limits]
    return tables, [(path.stem, text, value) for text, value in spoken(written, said)]


def main(what, *names):
    """Write the two files of a kind."""
    if what == "fixtures":
        tables, numbers = fixtures()
    elif names:
        tables, numbers = notebook(ROOT / "notebooks" / f"{names[0]}.ipynb")
        what = names[0]
    else:
        import subprocess

        parts = []
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            subprocess.run(
                [sys.executable, __file__, "notebooks", path.stem],
                check=True,
                cwd=ROOT,
            )
            files = [HERE / f"{path.stem}-{kind}.parquet" for kind in ("tables", "numbers")]
            parts.append([pd.read_parquet(file) for file in files])
            for file in files:
                file.unlink()
        for i, kind in enumerate(("tables", "numbers")):
            pd.concat([p[i] for p in parts], ignore_index=True).to_parquet(
                HERE / f"notebooks-{kind}.parquet", compression="zstd"
            )
        return
    columns = ["owner", "table", "row", "column", "value", "text"]
    pd.DataFrame(tables, columns=columns).to_parquet(
        HERE / f"{what}-tables.parquet", compression="zstd"
    )
    pd.DataFrame(numbers, columns=["owner", "text", "value"]).to_parquet(
        HERE / f"{what}-numbers.parquet", compression="zstd"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
