"""`workbench run`, `open`, `params` and `list`: notebooks and their reports."""

import os

from workbench.cli.says import DONE, FAILED, say
from workbench.errors import InputError
from workbench.notes import Note

_MADE = Note("cli.made", "{name}: made", name="")
_THERE = Note("cli.there", "{name}: exists already and is left as it is", name="")
_DEFAULT = Note("cli.default", "default")
_NEWEST = Note("cli.newest", "newest good report {when}", when="")
_NONE = Note("cli.none", "no report yet")


def given_parameters(pairs):
    """Return parameters written as NAME=VALUE."""
    given = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise InputError(
                "cli.error_parameter", "-p: NAME=VALUE is needed, found {pair:repr}", pair=pair
            )
        given[name] = value
    return given


def _run(options):
    from workbench import project
    from workbench.reports import pdf, readiness
    from workbench.reports.publish import reports_folder
    from workbench.reports.run import find, run_all

    given = given_parameters(options.parameter)
    if options.language:
        given.setdefault("language", options.language)
    if options.name and len(options.notebook) > 1:
        raise InputError(
            "cli.error_name",
            "run: --name names one report; {n} notebooks are given. Run them one by one.",
            n=len(options.notebook),
        )
    if options.pdf:
        pdf.require()
    for notebook in options.notebook:
        readiness.before_running(find(notebook), given)
    asked = {"given": given, "name": options.name, "pdf": options.pdf}
    jobs = [{"notebook": n, **asked} for n in options.notebook]
    results = run_all(
        jobs,
        workers=options.jobs,
        timeout=options.timeout,
        as_of=options.as_of,
        progress=not options.quiet,
    )
    for job, folder, error in results:
        if error is None:
            say(f"{job['notebook']}: {(folder / 'report.html').relative_to(project.root())}")
        else:
            say(f"workbench: {error}", error=True)
    index = reports_folder() / "index.html"
    say(Note("cli.index", "Index of all reports: {index}", index=index))
    return FAILED if any(error for *_, error in results) else DONE


def _open(options):
    from workbench.reports import prose
    from workbench.reports.run import find, notebooks

    paths = [find(options.notebook)] if options.notebook else list(notebooks().values())
    language = options.language or "en"
    if options.notebook is None and language in prose.LANGUAGES:
        paths = [p for p in paths if prose.catalogue(p, language)]
    copied = [p.stem for p in notebooks().values() if p in paths or _copy_of(p, language).exists()]
    for i, path in enumerate(paths):
        if language in prose.LANGUAGES:
            path, new = prose.copy(path, language, copied)
            say((_MADE if new else _THERE).having(name=path.name))
        if i == 0:
            first = path
    say(Note("cli.open", "Open it with: jupyter lab {path}", path=os.path.relpath(first)))
    return DONE


def _copy_of(path, language):
    return path.with_name(f"{path.stem}.{language}.ipynb")


def _params(options):
    from workbench.reports.parameters import read_parameters
    from workbench.reports.run import find

    for p in read_parameters(find(options.notebook)).values():
        say(f"{p.name:<14} {p.shown_type:<22} {_DEFAULT} {p.default!r:<28} {p.help}")
    return DONE


def _list(options):
    from workbench.reports.publish import latest
    from workbench.reports.run import notebooks

    for name in notebooks():
        newest = latest(name)
        say(f"{name:<24} {_NEWEST.having(when=newest['started'][:16]) if newest else _NONE}")
    return DONE


ACTS = {"run": _run, "open": _open, "params": _params, "list": _list}
