"""The list of all reports, a page in every language, made from the runs that are there."""

import datetime
import os
import tempfile

from workbench import display
from workbench.display.templates import fill
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
    return fill(
        "index.html.j2",
        language=language,
        title=_REPORTS,
        css=theme.css(),
        others=[
            (one, _name(one), _LANGUAGES.get(one, one))
            for one in display.LANGUAGES
            if one != language
        ],
        none_yet=_NONE_YET,
        no_good_run=_NO_GOOD_RUN,
        failed=_FAILED,
        show=_SHOW,
        filters=list(_FILTERS.items()),
        on_one_page=_PAPER,
        columns=_COLUMNS,
        reports=[_report([m for m in everything if m["report"] == n], home) for n in names],
    )


def _report(manifests, home):
    """Return what the index shows of one report: its newest good run, and its runs."""
    newest = manifests[0]
    good = next((m for m in manifests if m["status"] == "ok"), None)
    return {
        "name": newest["report"],
        "title": (good or {}).get("title") or newest["report"],
        "newest": _run(good, home) if good else None,
        "failed": None if newest["status"] == "ok" else _short(newest.get("reason")),
        "count": _RUNS.having(n=len(manifests)),
        "runs": [_run(m, home) for m in manifests[:_MOST_RUNS]],
    }


def _run(manifest, home):
    """Return what the index shows of one run."""
    good = manifest["status"] == "ok"
    on_one_page = good and (manifest["folder"] / "summary.html").is_file()
    started, moment = _moment(manifest)
    return {
        "kind": "good" if good else "bad",
        "page": _link(manifest, home) if good else None,
        "summary": _link(manifest, home, "summary.html") if on_one_page else None,
        "reason": _short(manifest.get("reason") or "failed"),
        "parameters": _short(_given(manifest)),
        "started": started,
        "moment": moment,
    }


def _link(manifest, home, page="report.html"):
    return (manifest["folder"] / page).relative_to(home).as_posix()


def _short(text):
    """Return the beginning of a text in one line; the run's manifest holds the whole."""
    words = " ".join(str(text).split())
    return words if len(words) <= _MOST_SIGNS else words[: _MOST_SIGNS - 1] + "…"


def _moment(manifest):
    """Return when a run began, as it is kept and in the time of the place where the list is made.

    What is no moment with a zone is only shown.
    """
    started = str(manifest.get("started", ""))
    try:
        moment = datetime.datetime.fromisoformat(started)
    except ValueError:
        return None, started[:16]
    if moment.tzinfo is None:
        return None, started[:16].replace("T", " ")
    local = moment.astimezone()
    return started, f"{local:%Y-%m-%d %H:%M} ({local.tzname()})"


def _given(manifest):
    parameters = manifest.get("parameters") or {}
    return ", ".join(f"{k} = {v}" for k, v in parameters.items() if v is not None)
