"""The list of all reports, a page in every language, made from the runs that are there."""

import datetime
import html
import os
import tempfile

from workbench import display
from workbench.notes import Note
from workbench.reports import publish, theme

_REPORTS = Note("index.reports", "Reports")
_NONE_YET = Note("index.none_yet", "No reports yet: run `make report`.")
_NO_GOOD_RUN = Note("index.no_good_run", "No good run yet")
_FAILED = Note("index.failed", "Newest run failed")
_RUNS = Note("index.runs", "Runs: {n}", n=0)
_SHOW = Note("index.show", "Show")
_FILTERS = {
    "all": Note("index.all", "all runs"),
    "good": Note("index.good", "good runs"),
    "bad": Note("index.bad", "failed runs"),
}
_PAPER = Note("index.summary", "on one page")
_COLUMNS = (
    Note("index.run", "Run"),
    Note("index.status", "Status"),
    Note("index.parameters", "Parameters"),
)
_LANGUAGES = {"en": "English", "nl": "Nederlands"}
_MOST_RUNS, _MOST_SIGNS = 30, 120
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{css}</style>
</head>
<body><main><p class="made">{others}</p><h1>{title}</h1>{body}</main></body>
</html>"""


def write():
    """Write reports/index.html and its pages in other languages; returns the first. Script-free,
    each replaced in one move.
    """
    home = publish.reports_folder()
    everything = publish.runs()
    for language in display.LANGUAGES:
        with display.speaking(language):
            _replace(home, _name(language), _page(everything, home, language))
    publish.sweep(home, ".index-*")
    return home / _name("en")


def _name(language):
    return "index.html" if language == "en" else f"index.{language}.html"


def _replace(home, name, page):
    handle, draft = tempfile.mkstemp(prefix=".index-", suffix=".html", dir=home)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(page)
    os.chmod(draft, 0o600)
    os.replace(draft, home / name)


def _page(everything, home, language):
    names = sorted({m["report"] for m in everything})
    sections = [_section([m for m in everything if m["report"] == n], home) for n in names]
    others = " · ".join(
        f'<a lang="{one}" href="{_name(one)}">{_LANGUAGES.get(one, one)}</a>'
        for one in display.LANGUAGES
        if one != language
    )
    return _PAGE.format(
        language=language,
        title=html.escape(str(_REPORTS)),
        css=theme.css(),
        others=others,
        body=_filter() + "".join(sections) if sections else f"<p>{html.escape(str(_NONE_YET))}</p>",
    )


def _filter():
    """Return the choice of which runs are shown; the style does the rest, without a script."""
    choices = "".join(
        f'<label><input type="radio" name="runs" class="{name}"'
        f"{' checked' if name == 'all' else ''}> {html.escape(str(says))}</label> "
        for name, says in _FILTERS.items()
    )
    return (
        f'<fieldset class="filter"><legend>{html.escape(str(_SHOW))}</legend>{choices}</fieldset>'
    )


def _section(manifests, home):
    """Return what the index shows of one report: its newest good run, and its runs."""
    good = next((m for m in manifests if m["status"] == "ok"), None)
    name = html.escape(manifests[0]["report"])
    title = html.escape((good or {}).get("title") or manifests[0]["report"])
    newest = html.escape(str(_NO_GOOD_RUN))
    if good:
        newest = f'<a class="open" href="{_link(good, home)}">{name}</a> · {_stamp(good)}'
        if (good["folder"] / "summary.html").is_file():
            summary = _link(good, home, "summary.html")
            newest += f' · <a href="{summary}">{html.escape(str(_PAPER))}</a>'
    failed = ""
    if manifests[0]["status"] != "ok":
        says = html.escape(str(_FAILED))
        failed = f'<p class="failed">{says}: {_short(manifests[0].get("reason"))}</p>'
    head = "".join(f'<th scope="col">{html.escape(str(column))}</th>' for column in _COLUMNS)
    rows = "".join(_row(m, home) for m in manifests[:_MOST_RUNS])
    return (
        f"<section><h2>{title}</h2><p>{newest}</p>{failed}"
        f"<table><caption>{html.escape(str(_RUNS.having(n=len(manifests))))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(manifest, home):
    good = manifest["status"] == "ok"
    if good:
        state = f'<a href="{_link(manifest, home)}">ok</a>'
    else:
        state = f'<span class="failed">{_short(manifest.get("reason") or "failed")}</span>'
    cells = (_stamp(manifest), state, _short(_given(manifest)))
    kind = "good" if good else "bad"
    return f'<tr class="{kind}"><td>{"</td><td>".join(cells)}</td></tr>'


def _link(manifest, home, page="report.html"):
    return html.escape((manifest["folder"] / page).relative_to(home).as_posix())


def _short(text):
    """Return the beginning of a text in one line; the run's manifest holds the whole."""
    words = " ".join(str(text).split())
    cut = words if len(words) <= _MOST_SIGNS else words[: _MOST_SIGNS - 1] + "…"
    return html.escape(cut)


def _stamp(manifest):
    """Return when a run began, in the time of the place where the list is made."""
    started = str(manifest.get("started", ""))
    try:
        moment = datetime.datetime.fromisoformat(started)
    except ValueError:
        return html.escape(started[:16])
    if moment.tzinfo is None:
        return html.escape(started[:16].replace("T", " "))
    local = moment.astimezone()
    text = f"{local:%Y-%m-%d %H:%M} ({local.tzname()})"
    return f'<time datetime="{html.escape(started)}">{html.escape(text)}</time>'


def _given(manifest):
    parameters = manifest.get("parameters") or {}
    return ", ".join(f"{k} = {v}" for k, v in parameters.items() if v is not None)
