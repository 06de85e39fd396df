"""The `workbench` command."""

import argparse
import datetime
import os
import sys
from pathlib import Path

from workbench import __version__
from workbench.display import LANGUAGES, language, number, speaking
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
    parser = argparse.ArgumentParser(
        prog="workbench", description="How people decide, what moves them, whether they stay."
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    _notebook_verbs(verbs)
    _check_verb(verbs)
    _clean_verb(verbs)
    _schedule_verb(verbs)
    _simulate_verb(verbs)
    options = parser.parse_args(arguments)
    with speaking(_language(options)):
        return _act(options)


def _act(options):
    """Do what is asked; a mistake ends with one line on the error channel and its exit code."""
    try:
        return options.act(options)
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


def _language(options):
    """Return the language asked for, also as the parameter of a report; else the one in use."""
    named = getattr(options, "language", None)
    for pair in getattr(options, "parameter", ()):
        name, _, value = pair.partition("=")
        named = value if name == "language" and value in LANGUAGES else named
    return named or language()


def _notebook_verbs(verbs):
    verb = verbs.add_parser("run", help="run notebooks and publish their reports")
    verb.add_argument("notebook", nargs="+", help="name such as 30_retention, or a path")
    verb.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="overrule a parameter",
    )
    verb.add_argument(
        "--as-of", type=_date, help="the day relative dates are counted from (default today)"
    )
    verb.add_argument("--jobs", type=int, help="how many at a time (default: one per processor)")
    verb.add_argument(
        "--timeout", type=int, default=600, help="seconds one cell may take (default 600)"
    )
    verb.add_argument("--quiet", action="store_true", help="no progress bar")
    verb.set_defaults(act=_run)

    verb = verbs.add_parser("open", help="make a copy of notebooks in Dutch, to work in")
    verb.add_argument("notebook", nargs="?", help="name such as 30_retention; default all")
    verb.add_argument("--language", choices=LANGUAGES, default="en")
    verb.set_defaults(act=_open)

    verb = verbs.add_parser("params", help="show the parameters of a notebook")
    verb.add_argument("notebook")
    verb.set_defaults(act=_params)

    verb = verbs.add_parser("list", help="list the notebooks and their newest reports")
    verb.set_defaults(act=_list)


def _check_verb(verbs):
    verb = verbs.add_parser(
        "check", help="show what of a file would be kept and refused, without running anything"
    )
    verb.add_argument("file")
    verb.add_argument(
        "--mapping", required=True, help="YAML file that maps the columns; see data/mappings/"
    )
    verb.add_argument("--duplicates", choices=("keep", "drop"), help="overrule the mapping's rule")
    verb.add_argument(
        "--rejected", help="where to write the refused rows (default: rejected/NAME.csv)"
    )
    verb.add_argument("--language", choices=LANGUAGES, default="en")
    verb.set_defaults(act=_check)


def _clean_verb(verbs):
    verb = verbs.add_parser("clean", help="remove the tables that were kept to open at once")
    verb.set_defaults(act=_clean)


def _schedule_verb(verbs):
    verb = verbs.add_parser("schedule", help="run what is due in reports/schedule.yml")
    verb.add_argument(
        "--as-of",
        type=_moment,
        help="act as if it were this moment, such as 2026-11-23 or 2026-11-23T07:00",
    )
    verb.add_argument("--dry-run", action="store_true", help="say what is due and run nothing")
    verb.add_argument(
        "--timeout", type=int, default=600, help="seconds one cell may take (default 600)"
    )
    verb.set_defaults(act=_schedule)


def _simulate_verb(verbs):
    verb = verbs.add_parser("simulate", help="make a market whose truth is known, as Parquet files")
    verb.add_argument("folder", help="an empty folder, or one that holds an earlier market")
    verb.add_argument("--customers", type=int, default=5000)
    verb.add_argument("--days", type=int, default=180)
    verb.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same market, bit for bit"
    )
    verb.add_argument(
        "--no-effect",
        action="append",
        default=[],
        metavar="NAME",
        help="switch a planted effect off, such as loyalty",
    )
    verb.add_argument(
        "--channel-off",
        action="append",
        default=[],
        metavar="NAME",
        help="a market without this channel, all other luck the same",
    )
    verb.add_argument(
        "--world", default="markov", help="markov, semi_markov, mislabelled or unseen_channel"
    )
    verb.add_argument("--quiet", action="store_true", help="no progress bar")
    verb.set_defaults(act=_simulate)


def _complain(error, code):
    print(f"workbench: {error}", file=sys.stderr)
    return code


def _date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a date such as 2026-11-23 is needed, found {text!r}"
        ) from None


def _moment(text):
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a moment such as 2026-11-23T07:00 is needed, found {text!r}"
        ) from None
    if len(text) == 10:
        moment = moment.replace(hour=23, minute=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


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
    jobs = [{"notebook": n, "given": given} for n in options.notebook]
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
    language = options.language
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


def _clean(options):
    from workbench.load import kept

    loads, size = kept.clean()
    print(
        Note(
            "cli.cleaned",
            "{n} kept load removed ({megabytes} MB)",
            "{n} kept loads removed ({megabytes} MB)",
            n=loads,
            megabytes=round(size / 1e6, 1),
        )
    )
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


if __name__ == "__main__":
    sys.exit(main())
