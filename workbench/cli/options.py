"""What may be asked of the command: its verbs and options, explained in the language in use."""

import argparse
import datetime
from contextlib import contextmanager

from workbench import __version__
from workbench.display import LANGUAGES, language
from workbench.notes import Note

# What argparse itself says; its own words are looked up here by their English.
_ARGPARSE = (
    Note("cli.usage", "usage: "),
    Note("cli.positional", "positional arguments"),
    Note("cli.options", "options"),
    Note("cli.help", "show this help message and exit"),
    Note("cli.error", "%(prog)s: error: %(message)s\n"),
    Note("cli.argument", "argument %(argument_name)s: %(message)s"),
    Note("cli.required", "the following arguments are required: %s"),
    Note("cli.unrecognized", "unrecognized arguments: %s"),
    Note("cli.invalid_choice", "invalid choice: %(value)r (choose from %(choices)s)"),
    Note("cli.invalid_value", "invalid %(type)s value: %(value)r"),
    Note("cli.expected_one", "expected one argument"),
    Note("cli.expected_some", "expected at least one argument"),
    Note("cli.ambiguous", "ambiguous option: %(option)s could match %(matches)s"),
    Note("cli.ignored", "ignored explicit argument %r"),
)
_BY_ENGLISH = {note.english: note for note in _ARGPARSE}


def read(arguments, acts):
    """Return the options of a command line; `acts` holds what each verb does.

    Raises SystemExit after `--help` and after a mistake, which is said in the language asked for.
    """
    with speaking_argparse():
        return _parser(acts).parse_args(arguments)


def asked_language(arguments):
    """Return the language a command line asks for, also as the parameter of a report; else the one
    in use.
    """
    asked = None
    for one, two in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, value = one.partition("=")
        if name == "--language":
            asked = value or two
        elif one in ("-p", "--parameter") and two.startswith("language="):
            asked = two.removeprefix("language=")
        elif one.startswith(("-planguage=", "--parameter=language=")):
            asked = one.rpartition("=")[2]
    return asked if asked in LANGUAGES else language()


@contextmanager
def speaking_argparse():
    """Let argparse speak the language in use within a `with` block.

    It asks gettext for its words, whose catalogues are chosen by the machine; ours by the reader.
    """
    kept = argparse._, argparse.ngettext

    def said(english):
        return str(_BY_ENGLISH.get(english, english))

    argparse._ = said
    argparse.ngettext = lambda one, many, n: said(one if n == 1 else many)
    try:
        yield
    finally:
        argparse._, argparse.ngettext = kept


def _parser(acts):
    about = Note("cli.about", "How people decide, what moves them, whether they stay.")
    parser = argparse.ArgumentParser(prog="workbench", description=str(about))
    version = str(Note("cli.version", "show program's version number and exit"))
    parser.add_argument("--version", action="version", version=__version__, help=version)
    _language(parser, default=None)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar=str(Note("cli.verb", "VERB")))
    for add in (
        _new,
        _update,
        _run,
        _open,
        _params,
        _list,
        _check,
        _guess,
        _clean,
        _schedule,
        _simulate,
    ):
        verb = add(verbs)
        _language(verb)
        verb.set_defaults(act=acts[verb.prog.split()[-1]])
    return parser


def _language(parser, default=argparse.SUPPRESS):
    told = Note("cli.language", "language of what is said: {languages:text}", languages=LANGUAGES)
    parser.add_argument("--language", choices=LANGUAGES, default=default, help=str(told))


def _new(verbs):
    told = Note("cli.new", "make a folder to work in: notebooks, mappings, a sample, a schedule")
    verb = verbs.add_parser("new", help=str(told))
    folder = Note("cli.new_folder", "where to make it: a folder that does not exist yet")
    verb.add_argument("folder", help=str(folder))
    return verb


def _update(verbs):
    told = Note(
        "cli.update", "bring new versions of what you did not change into a folder made by new"
    )
    return verbs.add_parser("update", help=str(told))


def _run(verbs):
    verb = verbs.add_parser(
        "run", help=str(Note("cli.run", "run notebooks and publish their reports"))
    )
    verb.add_argument("notebook", nargs="+", help=str(_NOTEBOOK))
    verb.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar=str(_NAME_VALUE),
        help=str(Note("cli.parameter", "overrule a parameter")),
    )
    verb.add_argument(
        "--as-of",
        type=_date,
        help=str(Note("cli.as_of", "the day relative dates are counted from (default today)")),
    )
    verb.add_argument(
        "--jobs",
        type=_positive,
        help=str(Note("cli.jobs", "how many at a time (default: one per processor)")),
    )
    verb.add_argument(
        "--name",
        help=str(
            Note("cli.report_name", "name of the report, so that other data have other reports")
        ),
    )
    paper = Note("cli.pdf", "the page as PDF too; needs the extra 'pdf'")
    verb.add_argument("--pdf", action="store_true", help=str(paper))
    _timeout(verb)
    _quiet(verb)
    return verb


_NAME_VALUE = Note("cli.name_value", "NAME=VALUE")
_NOTEBOOK = Note("cli.notebook", "name such as {example}, or a path", example="30_retention")


def _open(verbs):
    verb = verbs.add_parser(
        "open", help=str(Note("cli.open_help", "make a copy of notebooks in Dutch, to work in"))
    )
    default = Note(
        "cli.notebook_all", "name such as {example}; default all", example="30_retention"
    )
    verb.add_argument("notebook", nargs="?", help=str(default))
    return verb


def _params(verbs):
    verb = verbs.add_parser(
        "params", help=str(Note("cli.params", "show the parameters of a notebook"))
    )
    verb.add_argument("notebook", help=str(_NOTEBOOK))
    return verb


def _list(verbs):
    told = Note("cli.list", "list the notebooks and their newest reports")
    return verbs.add_parser("list", help=str(told))


def _check(verbs):
    told = Note(
        "cli.check", "show what of a file would be kept and refused, without running anything"
    )
    verb = verbs.add_parser("check", help=str(told))
    _files(verb)
    mapping = Note("cli.mapping", "YAML file that maps the columns; see data/mappings/")
    verb.add_argument("--mapping", required=True, help=str(mapping))
    verb.add_argument(
        "--duplicates",
        choices=("keep", "drop"),
        help=str(Note("cli.duplicates", "overrule the mapping's rule")),
    )
    rejected = Note("cli.rejected", "where to write the refused rows (default: in data/rejected)")
    verb.add_argument("--rejected", help=str(rejected))
    wanted = Note("cli.for", "a notebook: will it run, and with which parameters?")
    verb.add_argument("--for", dest="notebook", help=str(wanted))
    verb.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar=str(_NAME_VALUE),
        help=str(Note("cli.parameter_too", "a parameter of that notebook, to be checked too")),
    )
    return verb


def _guess(verbs):
    told = Note("cli.guess", "write a mapping for files, with a comment at every doubt")
    verb = verbs.add_parser("guess", help=str(told))
    _files(verb)
    out = Note("cli.out", "where to write it (default: in data/mappings; - prints it)")
    verb.add_argument("--out", help=str(out))
    clock = Note("cli.zone", "the time zone of the files' clock, such as {name}", name="Asia/Tokyo")
    verb.add_argument("--zone", help=str(clock))
    currency = Note("cli.currency", "the currency of the amounts, such as {code}", code="EUR")
    verb.add_argument("--currency", help=str(currency))
    return verb


def _files(verb):
    verb.add_argument("file", nargs="+", help=str(Note("cli.file", "the file or files to look at")))


def _clean(verbs):
    told = Note("cli.clean", "remove the tables that were kept to open at once")
    return verbs.add_parser("clean", help=str(told))


def _schedule(verbs):
    verb = verbs.add_parser(
        "schedule", help=str(Note("cli.schedule", "run what is due in reports/schedule.yml"))
    )
    moment = Note(
        "cli.moment",
        "act as if it were this moment, such as {day} or {moment}",
        day="2026-11-23",
        moment="2026-11-23T07:00",
    )
    verb.add_argument("--as-of", type=_moment, help=str(moment))
    dry = Note("cli.dry_run", "say what is due and run nothing")
    verb.add_argument("--dry-run", action="store_true", help=str(dry))
    _timeout(verb)
    return verb


def _simulate(verbs):
    told = Note("cli.simulate", "make a market whose truth is known, as Parquet files")
    verb = verbs.add_parser("simulate", help=str(told))
    folder = Note("cli.folder", "an empty folder, or one that holds an earlier market")
    verb.add_argument("folder", help=str(folder))
    customers = Note("cli.customers", "how many customers the market has")
    verb.add_argument("--customers", type=_positive, default=5000, help=str(customers))
    days = Note("cli.days", "how many days it lasts")
    verb.add_argument("--days", type=_positive, default=180, help=str(days))
    seed = Note("cli.seed", "the same seed makes the same market, bit for bit")
    verb.add_argument("--seed", type=_natural, default=1, help=str(seed))
    name = str(Note("cli.name", "NAME"))
    off = Note("cli.no_effect", "switch a planted effect off, such as loyalty")
    verb.add_argument("--no-effect", action="append", default=[], metavar=name, help=str(off))
    channel = Note(
        "cli.channel_off", "a market without this channel, all other random draws the same"
    )
    verb.add_argument("--channel-off", action="append", default=[], metavar=name, help=str(channel))
    world = Note("cli.world", "markov, semi_markov, mislabelled or unseen_channel")
    verb.add_argument("--world", default="markov", help=str(world))
    _quiet(verb)
    return verb


def _timeout(verb):
    told = Note("cli.timeout", "seconds one cell may take (default {seconds})", seconds=600)
    verb.add_argument("--timeout", type=_positive, default=600, help=str(told))


def _quiet(verb):
    verb.add_argument(
        "--quiet", action="store_true", help=str(Note("cli.quiet", "no progress bar"))
    )


def _positive(text):
    return _whole(text, 1)


def _natural(text):
    return _whole(text, 0)


def _whole(text, least):
    if not text.isascii() or not text.isdigit() or int(text) < least:
        needed = Note(
            "cli.error_whole",
            "a whole number of at least {least} is needed, found {text:repr}",
            least=least,
            text=text,
        )
        raise argparse.ArgumentTypeError(str(needed))
    return int(text)


def _date(text):
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        needed = Note(
            "cli.error_date",
            "a date such as {example:text} is needed, found {text:repr}",
            example="2026-11-23",
            text=text,
        )
        raise argparse.ArgumentTypeError(str(needed)) from None


def _moment(text):
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        needed = Note(
            "cli.error_moment",
            "a moment such as {example} is needed, found {text:repr}",
            example="2026-11-23T07:00",
            text=text,
        )
        raise argparse.ArgumentTypeError(str(needed)) from None
    if len(text) == 10:
        moment = moment.replace(hour=23, minute=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
