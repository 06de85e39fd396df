"""Hold tables and facts against the ledger: no number may change while form and words are moved.

    python tests/ledger/compare.py NOTEBOOK …   # all notebooks by default

A table is equal when every value is, to 1e-9 relative. What a sentence said is kept when its value
stands among the facts of the result, or in its table; a share may stand where its percentage stood.
`MAP` says which analyses have another name now ("owners"), which keys were wrong because they
changed with the language or named the wrong thing,
which rows of a column named `count` held a sum, money or a base that now has its own column,
and under "moved" which columns of an owner's table were wrong or hung on the order of rows, with
the reason.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MAP = json.loads((HERE / "map.json").read_text(encoding="utf-8"))
NUMBERS = ("count", "n", "estimate", "customers")


@cache
def kept(kind, what):
    """One file of the ledger, by owner."""
    frame = pd.read_parquet(HERE / f"{kind}-{what}.parquet")
    frame["owner"] = frame["owner"].replace(MAP["owners"])
    return dict(list(frame.groupby("owner", sort=False)))


def tables(kind, owner):
    """The tables of an owner in the ledger, each as a DataFrame of rows and columns."""
    if owner not in kept(kind, "tables"):
        return []
    out = []
    for _, part in kept(kind, "tables")[owner].groupby("table", sort=False):
        names = list(dict.fromkeys(part["column"]))
        columns = {}
        for name in names:
            rows = part[part["column"] == name].sort_values("row")
            text = rows["text"].to_numpy(object)
            columns[name] = np.where(pd.isna(text), rows["value"].to_numpy(object), text)
        out.append(pd.DataFrame(columns))
    return out


def keys_of(table):
    """The columns of a table before its first number."""
    return list(
        table.columns[: min((list(table).index(c) for c in NUMBERS if c in table), default=0)]
    )


def placed(old, new, name):
    """A column of the ledger as it stands today: `MAP["rows"]` says of tables with these keys in
    which rows a column mixed what was counted with sums and money, and where those stand now. Where
    they have moved, `count` must hold nothing any more, unless it is `counted` anew there.
    """
    called = name if name in new else MAP["columns"].get(name, name)
    values = new[called].astype(object) if called in new else None
    for rule in MAP["rows"]:
        if rule["column"] != name or rule["to"] not in new or rule["keys"] != keys_of(old):
            continue
        rows = new[rule["to"]].notna()
        for key, listed in rule["where"].items():
            rows &= old[key].isin(listed)
        apart = rows & ~old.get("measure", pd.Series("", old.index)).isin(rule.get("counted", ()))
        if name == "count" != rule["to"] and values is not None and values[apart].notna().any():
            return None
        values = pd.Series(np.nan, new.index, object) if values is None else values
        values = values.mask(rows, rule.get("factor", 1) * new[rule["to"]])
    return values


def same_column(old, new):
    """Say whether two columns hold the same, numbers to 1e-9 and words exactly or by the map."""
    if len(old) != len(new):
        return False
    for a, b in zip(old, new, strict=True):
        if isinstance(a, str):
            if str(b) != a and MAP["values"].get(a) != str(b):
                return False
        elif not np.isclose(float(a), float(b), rtol=1e-9, atol=1e-12, equal_nan=True):
            return False
    return True


def differences(old, new, owner=None):
    """What a table lacks of the one in the ledger: the names of columns that differ."""
    new = new.reset_index(drop=True)
    moved = MAP["moved"].get(owner, {"columns": []})["columns"]
    wrong = []
    for name in old.columns:
        if name in moved and (name in new or MAP["columns"].get(name) in new):
            continue
        if name in MAP["moved"].get(owner, {}).get("dropped", ()):
            continue
        today = placed(old, new, name) if len(old) == len(new) else None
        if today is None or not same_column(old[name], today):
            wrong.append(name)
    return wrong


def unsaid(kind, owner, values):
    """The numbers of old sentences that are not among `values`: (text, value)."""
    if owner not in kept(kind, "numbers"):
        return []
    have = np.array([v for v in values if v == v], float)
    have = np.concatenate([have, 100 * have, have / 100])
    gone = []
    for text, value in kept(kind, "numbers")[owner][["text", "value"]].itertuples(index=False):
        if not np.isclose(have, value, rtol=1e-9, atol=1e-12).any():
            gone.append((text, value))
    return [x for x in gone if [owner, x[0]] not in MAP["gone"]]


def values_of(result):
    """Every number of a result: its facts, its table and how many it counted."""
    table = result.table.select_dtypes("number").to_numpy(float).ravel()
    spans = result.facts["text"].dropna().str.extract(r"^(\d+(?:\.\d+)?)\s?[A-Za-z]+$")[0]
    facts = [*result.facts["value"].dropna(), *spans.dropna().astype(float)]
    return [*facts, *table, result.n, result.conf_level]


def notebook(path):
    """What a notebook no longer shows: lines of text, none where all is as before."""
    from IPython.core.interactiveshell import InteractiveShell

    from workbench import results
    from workbench.load import LoadReport

    made = []
    finish = results.Result.__post_init__

    def noted(self):
        finish(self)
        made.append(self)

    results.Result.__post_init__ = noted
    reports = []
    begin = LoadReport.__init__

    def begun(self, *values, **named):
        begin(self, *values, **named)
        reports.append(self)

    LoadReport.__init__ = begun
    os.chdir(path.parent)
    shell = InteractiveShell.instance()
    shell.user_ns["display"] = lambda *things: None
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code" and "exercise" not in cell["metadata"].get("tags", []):
            outcome = shell.run_cell("".join(cell["source"]), silent=True)
            outcome.raise_error()
    lines = []
    for old in tables("notebooks", path.stem):
        alike = [r.table for r in made if len(r.table) == len(old)]
        nearest = min(
            (differences(old, table, path.stem) for table in alike), key=len, default=["all of it"]
        )
        if nearest:
            lines.append(f"table {list(old.columns)[:4]}… of {len(old)} rows: {nearest}")
    values = [v for r in made for v in values_of(r)]
    values += [v for report in reports for v in report.facts["value"]]
    lines += [f"number {text}" for text, _ in unsaid("notebooks", path.stem, values)]
    return lines


def main(*names):
    """Compare notebooks, each in a process of its own."""
    if len(names) == 2 and names[0] == "--one":
        print("\n".join(notebook(ROOT / "notebooks" / f"{names[1]}.ipynb")))
        return 0
    bad = 0
    for name in names or list(kept("notebooks", "tables")):
        out = subprocess.run(
            [sys.executable, __file__, "--one", name],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        lines = out.stdout.strip().splitlines() + out.stderr.strip().splitlines()[-3:]
        bad += bool(lines)
        print(f"{name}: {'as before' if not lines else ''}", *lines, sep="\n  ", flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
