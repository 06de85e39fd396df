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
    if spoken == "en":
        return note.english if note.many is None or note.counted == 1 else note.many
    message = catalogue(spoken).get(note.english, context=note.id)
    if message is None or not message.string:
        return note.english if note.many is None or note.counted == 1 else note.many
    if note.many is None:
        return message.string
    return message.string[locale(spoken).plural_form(note.counted) != "one"]


@cache
def entry(language, context, name):
    """Return how a name is shown in a language, or None where the catalogue has none."""
    message = catalogue(language).get(name, context=context)
    return message.string or None if message else None
