"""Pages that everybody can read: structure, names, tables and contrast, of every default report.

The rules are those of WCAG 2.2 that a page without scripts can break; a browser with axe-core
finds more and is not needed for these.
"""

import re
from collections import Counter
from itertools import pairwise

import nbformat
import pytest
from bs4 import BeautifulSoup

from workbench import project
from workbench.reports import render, theme

BOOKS = sorted(project.root().glob("notebooks/[0-9]*.ipynb"))
# Every page in the long run, some of each kind in the quick one.
QUICK = {"10_buying_stages", "30_retention", "50_satisfaction_and_nps", "90_monthly_review"}
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3: text of ordinary size


def manifest_of(path):
    return {
        "report": path.stem,
        "as_of": "2026-11-30",
        "started": "2026-11-30T06:00:00+01:00",
        "notebook": path.name,
        "source_sha256": "0" * 64,
        "parameters": {},
        "python": "3",
        "packages": {},
        "git_commit": None,
        "git_dirty": None,
    }


def problems(page):
    """Return what in a page keeps somebody out, a sentence each."""
    soup = BeautifulSoup(page, "html.parser")
    return [
        *structure(soup),
        *headings(soup),
        *pictures(soup),
        *links(soup),
        *tables(soup),
        *lists(soup),
    ]


def structure(soup):
    if not soup.html.get("lang"):
        yield "the page does not say its language"
    if not (soup.title and soup.title.get_text(strip=True)):
        yield "the page has no title"
    if len(soup.find_all("main")) != 1:
        yield "there is not exactly one main part"
    ids = Counter(tag["id"] for tag in soup.find_all(id=True))
    yield from (f"id {name!r} stands {n} times" for name, n in ids.items() if n > 1)
    names = Counter(tag.get("aria-label") for tag in soup.find_all(attrs={"role": "region"}))
    yield from (f"{n} regions are called {name!r}" for name, n in names.items() if n > 1)
    for tag in soup.find_all(attrs={"aria-labelledby": True}):
        for name in tag["aria-labelledby"].split():
            if not soup.find(id=name):
                yield f"what should label a part is not there: {name}"


def headings(soup):
    levels = [int(tag.name[1]) for tag in soup.find_all(re.compile("^h[1-6]$"))]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} headings of the first level"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"
    for tag in soup.find_all(re.compile("^h[1-6]$")):
        if not tag.get_text(strip=True):
            yield "a heading is empty"


def pictures(soup):
    for tag in soup.find_all("img"):
        text = tag.get("alt")
        if not text or len(text) > render.LONGEST_ALT:
            yield f"a picture with the text {text!r}"


def links(soup):
    for tag in soup.find_all("a"):
        if not tag.get_text(strip=True):
            yield f"a link without a text to {tag.get('href')}"
        target = tag.get("href") or ""
        if target.startswith("#") and not soup.find(id=target[1:]):
            yield f"a link to {target}, which is not there"


def tables(soup):
    for tag in soup.find_all("table"):
        heads = tag.find_all("th")
        if not heads:
            yield "a table without headings"
        for head in heads:
            if head.get("scope") not in {"col", "row"} or not head.get_text(strip=True):
                yield f"a heading of a table without scope or text: {head}"
        reach = tag.find_parent("div", class_="scroll")
        if reach and (reach.get("tabindex") != "0" or not reach.get("aria-label")):
            yield "a scrolling table that no key reaches or that has no name"
        widths = {len(row.find_all(["td", "th"])) for row in tag.find_all("tr")}
        if len(widths) > 1:
            yield f"rows of {sorted(widths)} cells in one table"


def lists(soup):
    for tag in soup.find_all(["ul", "ol"]):
        odd = [child.name for child in tag.find_all(recursive=False) if child.name != "li"]
        if odd:
            yield f"in a list stand {odd}"
    for tag in soup.find_all("details"):
        if not (tag.summary and tag.summary.get_text(strip=True)):
            yield "something is folded under no word"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(p, id=p.stem, marks=[] if p.stem in QUICK else [pytest.mark.slow])
        for p in BOOKS
    ],
)
def test_a_report_shuts_nobody_out(path, tmp_path):
    """The page of every notebook, from the outputs that are kept with it."""
    page = tmp_path / "report.html"
    render.write_html(nbformat.read(path, as_version=4), page, manifest_of(path), "en")
    assert problems(page.read_text(encoding="utf-8")) == []
    summary = page.with_name(render.SUMMARY)
    if summary.is_file():
        assert [
            p for p in problems(summary.read_text(encoding="utf-8")) if "report.html" not in p
        ] == []


def luminance(colour):
    """Relative luminance of a colour such as #0b3c5d (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Contrast of two colours, from 1 to 21 (WCAG 2.2).

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["ink", "soft", "brand", "alarm"])
@pytest.mark.parametrize("ground", ["#ffffff", "#f3f6f8", "#f5f7f8"])
def test_words_stand_out_from_their_ground(name, ground):
    """Every colour of text in the style sheet, on every ground it is set on."""
    colour = re.search(rf"--{name}: (#[0-9a-f]{{6}})", theme.css()).group(1)
    assert contrast(colour, ground) >= LEAST_CONTRAST


def test_a_page_that_shuts_people_out_is_seen():
    """The rules find what they are for."""
    page = """<html><body><h1>A</h1><h3>B</h3><img src="x"><a href="#no">to</a><p id="a"></p>
      <table><tr><th></th></tr></table><ul><p>x</p></ul><p id="a"></p></body></html>"""
    assert len(problems(page)) >= 9
