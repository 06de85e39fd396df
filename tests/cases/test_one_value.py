"""One quantity has one value in all notebooks, or two names that say why.

The facts of every notebook are kept when it is run (`python -m workbench.reports.golden`): each
value of each sentence, under what was asked, how it was counted and of which source.
"""

import json
import math

import pytest

from workbench import project
from workbench.reports import read_parameters
from workbench.reports.golden import facts_of

NOTEBOOKS = sorted(
    p for p in (project.root() / "notebooks").glob("*.ipynb") if not p.stem.endswith(".nl")
)
# Parameters that make another quantity of the same question: what stands in no sentence.
SETTINGS = ("category", "brands", "customers", "until", "start", "zone", "seed", "unit")
# id of a note → why two notebooks may give it two values under one question and one method.
MAY_DIFFER = {}


def source_of(path):
    """What a notebook is about by default: its source and the settings that pick a part of it."""
    parameters = read_parameters(path)
    source = parameters.get("source") or parameters.get("sources")
    settings = {n: str(parameters[n].default) for n in SETTINGS if n in parameters}
    return str(source.default if source else ""), settings


def collected(path):
    """Every fact of a notebook: key → values."""
    file = facts_of(path.stem)
    if not file.exists():
        return {}
    source, settings = source_of(path)
    found = {}
    for entry in json.loads(file.read_text(encoding="utf-8")):
        # One notebook may show several sources: what was counted tells them apart.
        about = (source, entry["simulated"], entry["n"], entry["unit"])
        if entry["simulated"]:
            about += (settings.get("customers"), settings.get("seed"))
        notes = {}
        for note, name, value in entry["facts"]:
            notes.setdefault(note, {}).setdefault(name, []).append(value)
        for note, values in notes.items():
            words = tuple(
                (name, str(v)) for name, v in sorted(values.items()) if isinstance(v[0], str)
            )
            for name, numbers in values.items():
                if isinstance(numbers[0], (int, float)):
                    key = (about[1:], entry["question"], entry["method"], note, name, words)
                    found.setdefault(key, set()).add(tuple(numbers))
    # What a notebook says several times over, of several groups or worlds, names none of them.
    return {key: values for key, values in found.items() if len(values) == 1}


def apart(kept):
    """The facts with two values: (note, name, [(notebook, value), …])."""
    together = {}
    for name, facts in kept.items():
        for key, values in facts.items():
            together.setdefault(key, []).extend((name, value) for value in values)
    wrong = []
    for key, given in together.items():
        first = given[0][1]
        same = all(
            len(value) == len(first)
            and all(
                math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
                for a, b in zip(value, first, strict=True)
            )
            for _, value in given
        )
        if not same and key[3] not in MAY_DIFFER:
            wrong.append((key[3], key[4], sorted(map(str, given))))
    return wrong


def test_one_quantity_one_value():
    """Over all notebooks that were run."""
    kept = {path.stem: collected(path) for path in NOTEBOOKS}
    if not any(kept.values()):
        pytest.skip("no notebook was run since facts are kept")
    assert apart(kept) == []


def test_two_values_would_be_found():
    """The same question, method and population with another number rings; a new name does not."""
    about = ((False, 10, "customers"), "How many?", "Counted.", "a.answer", "share", ())
    same = {"one": {about: {(0.4,)}}, "two": {about: {(0.4 + 1e-14,)}}}
    assert apart(same) == []
    other = {"one": {about: {(0.4,)}}, "two": {about: {(0.41,)}}}
    assert [found[:2] for found in apart(other)] == [("a.answer", "share")]
    renamed = (*about[:2], "Counted within 30 days.", *about[3:])
    assert apart({"one": {about: {(0.4,)}}, "two": {renamed: {(0.41,)}}}) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_facts_are_those_of_this_notebook(path):
    """Kept facts belong to a notebook that exists, and hold something."""
    file = facts_of(path.stem)
    if not file.exists():
        pytest.skip("not run since facts are kept")
    entries = json.loads(file.read_text(encoding="utf-8"))
    assert entries or path.stem == "00_start"
    assert all({"question", "method", "n", "unit", "facts"} <= set(e) for e in entries)
