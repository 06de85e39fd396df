"""The language in use, and the catalogues behind it.

Sentences are English where their numbers are made; `locale/nl.po` holds their Dutch, with the
note's id as context. Names of columns and codes are short: `locale/en.po` and `locale/nl.po` hold
how each is shown, under the contexts "word" and "header".
"""

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files

from workbench.errors import one_of

LANGUAGES = ("en", "nl")
_chosen = ["en"]
_for_now = ContextVar("language", default=None)
_all_ours = ContextVar("all_ours", default=False)


def use(language):
    """Choose the language of everything shown from here on: "en" or "nl"."""
    one_of("language", language, LANGUAGES)
    _chosen[0] = language


def language():
    """Return the language in use."""
    return _for_now.get() or _chosen[0]


@contextmanager
def speaking(language):
    """Show everything within a `with` block in another language.

    >>> from workbench.display import percent
    >>> with speaking("nl"):
    ...     percent(0.4)
    '40,0 %'
    """
    one_of("language", language, LANGUAGES)
    token = _for_now.set(language)
    try:
        yield
    finally:
        _for_now.reset(token)


@contextmanager
def naming(built_in):
    """Within a `with` block, take every label for one of our own where the data are built in: a
    simulated market, or a data set whose labels we wrote.
    """
    token = _all_ours.set(bool(built_in))
    try:
        yield
    finally:
        _all_ours.reset(token)


def all_ours():
    """Say whether every label is one of our own here."""
    return _all_ours.get()


@cache
def catalogue(language):
    """Return the catalogue of a language, as Babel reads it."""
    from babel.messages.pofile import read_po

    path = files("workbench") / "locale" / f"{language}.po"
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


@cache
def locale(language):
    """Return Babel's locale of a language: British English, so that days come before months."""
    from babel import Locale

    return Locale.parse({"en": "en_GB", "nl": "nl_NL"}[language])


def sentence(note):
    """Return the sentence of a note in the language in use, its values not yet filled in."""
    spoken = language()
    message = None if spoken == "en" else catalogue(spoken).get(note.english, context=note.id)
    if message is None or not message.string:
        return note.english if note.many is None or _is_one(note.counted) else note.many
    if note.many is None:
        return message.string
    return message.string[not _is_one(note.counted)]


def _is_one(counted):
    """Say whether one is counted; what is missing, infinite or withheld is not one."""
    return not isinstance(counted, (str, bool)) and counted is not None and bool(counted == 1)


@cache
def entry(language, context, name):
    """Return how a name is shown in a language, or None where the catalogue has none."""
    message = catalogue(language).get(name, context=context)
    return message.string or None if message else None
