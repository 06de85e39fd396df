"""The `workbench` command."""

import datetime
import os
import sys
from pathlib import Path

from workbench.cli import options
from workbench.display import number, speaking
from workbench.errors import AlreadyRunning, InputError, WorkbenchError
from workbench.notes import Note

_MADE = Note("cli.made", "{name}: made", name="")
_THERE = Note("cli.there", "{name}: exists already and is left as it is", name="")
_DEFAULT = Note("cli.default", "default")
_NEWEST = Note("cli.newest", "newest good report {when}", when="")
_NONE = Note("cli.none", "no report yet")
_ROWS = Note("cli.rows", "rows")
_DUE = Note("cli.due", "due: {name} ({notebook}), slot {slot}", name="", notebook="", slot="")
_NOTHING = Note("cli.nothing", "nothing is due")
_RAN = Note("cli.ran", "done: {name} → {folder}", name="", folder="")
_FAILED = Note("cli.failed", "failed: {error}", error="")
DONE, FAILED, BAD_INPUT, RUNNING = 0, 1, 2, 75


def main(arguments=None):
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 bad input, 75 already
    running.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with speaking(options.asked_language(arguments)):
        return _act(options.read(arguments, ACTS))


def _act(asked):
    """Do what is asked; a mistake ends with one line on the error channel and its exit code."""
    try:
        return asked.act(asked)
    except AlreadyRunning as error:
        return _complain(error, RUNNING)
    except InputError as error:
        return _complain(error, BAD_INPUT)
    except WorkbenchError as error:
        return _complain(error, FAILED)
    except BrokenPipeError:
        # Whoever read our output (such as `head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        stopped = Note("cli.stopped", "stopped by the user; earlier reports are untouched")
        return _complain(stopped, 130)


def _complain(error, code):
    print(f"workbench: {error}", file=sys.stderr)
    return code


def _given(pairs):
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
    from workbench.reports.publish import reports_folder
    from workbench.reports.run import run_all

    given = _given(options.parameter)
    if options.language:
        given.setdefault("language", options.language)
    if options.name and len(options.notebook) > 1:
        raise InputError(
            "cli.error_name",
            "run: --name names one report; {n} notebooks are given. Run them one by one.",
            n=len(options.notebook),
        )
    if options.pdf:
        from workbench.reports import pdf

        pdf.require()
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
            print(f"{job['notebook']}: {(folder / 'report.html').relative_to(project.root())}")
        else:
            print(f"workbench: {error}", file=sys.stderr)
    index = reports_folder() / "index.html"
    print(Note("cli.index", "Index of all reports: {index}", index=index))
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
            print((_MADE if new else _THERE).having(name=path.name))
        if i == 0:
            first = path
    print(Note("cli.open", "Open it with: jupyter lab {path}", path=os.path.relpath(first)))
    return DONE


def _copy_of(path, language):
    return path.with_name(f"{path.stem}.{language}.ipynb")


def _params(options):
    from workbench.reports.parameters import read_parameters
    from workbench.reports.run import find

    for p in read_parameters(find(options.notebook)).values():
        print(f"{p.name:<14} {p.shown_type:<22} {_DEFAULT} {p.default!r:<28} {p.help}")
    return DONE


def _list(options):
    from workbench.reports.publish import latest
    from workbench.reports.run import notebooks

    for name in notebooks():
        newest = latest(name)
        print(f"{name:<24} {_NEWEST.having(when=newest['started'][:16]) if newest else _NONE}")
    return DONE


def _check(options):
    from workbench import load, retention

    mapping = load.read_mapping(options.mapping)
    if options.duplicates:
        mapping["duplicates"] = options.duplicates
    loaded = load.file(options.file, mapping)
    print(loaded.report)
    aside = loaded.report.write_rejected(
        options.rejected or f"rejected/{Path(loaded.report.source).stem}.csv"
    )
    if aside:
        print(Note("load.aside", "Refused rows are written to {path}", path=aside))
    if "orders" in loaded.tables:
        orders = loaded["orders"]
        buyers = orders["customer_id"].nunique()
        print(
            Note(
                "load.orders",
                "Orders: {orders}, buyers: {buyers}",
                orders=len(orders),
                buyers=buyers,
            )
        )
        zone = mapping.get("zone") or "UTC"
        for result in (retention.ever_repeat(orders), retention.repeat_rate(orders, zone=zone)):
            print()
            print(result)
    return DONE


def _simulate(options):
    from tqdm import tqdm

    from workbench import simulate

    with tqdm(
        total=options.customers, unit=" customers", disable=options.quiet, file=sys.stderr
    ) as bar:
        rows = simulate.write(
            options.folder,
            options.customers,
            days=options.days,
            seed=options.seed,
            no_effect=tuple(options.no_effect),
            channels_off=tuple(options.channel_off),
            world=options.world,
            progress=lambda done, _: bar.update(done - bar.n),
        )
    print(Note("cli.simulated", "SIMULATED market in {folder}:", folder=options.folder))
    for name, count in rows.items():
        print(f"  {name + '.parquet':<26} {number(count):>12} {_ROWS}")
    return DONE


def _schedule(options):
    from workbench.reports import schedule

    moment = options.as_of or datetime.datetime.now(datetime.UTC)
    if options.dry_run:
        waiting = schedule.due(schedule.read_schedule(), moment)
        for entry, slot in waiting:
            print(_DUE.having(name=entry.name, notebook=entry.notebook, slot=slot.isoformat()))
        if not waiting:
            print(_NOTHING)
        return DONE
    results = schedule.run_due(moment, timeout=options.timeout, progress=sys.stderr.isatty())
    for entry, folder, error in results:
        if error is None:
            print(_RAN.having(name=entry.name, folder=folder.name))
        else:
            print(_FAILED.having(error=error.note), file=sys.stderr)
    if not results:
        print(_NOTHING)
    return FAILED if any(error for *_, error in results) else DONE


ACTS = {
    "run": _run,
    "open": _open,
    "params": _params,
    "list": _list,
    "check": _check,
    "schedule": _schedule,
    "simulate": _simulate,
}
