"""The literature behind a Result, read off the docstring of the analysis that made it."""

import re
import unicodedata
from dataclasses import dataclass
from importlib import import_module
from inspect import getdoc

from workbench import __version__
from workbench.errors import InputError

_SOURCE = re.compile(r"^Source: *(.+)\Z", re.DOTALL | re.MULTILINE)
_AS = re.compile(r"\bas `(\w+)`")
# "Fader, Hardie & Lee (2005), Marketing Science 24": who, when, where.
_REFERENCE = re.compile(
    r"(?P<authors>(?:(?:[A-ZÀ-Þ][\w’'.-]*|van|von|de|den|der|et al\.)(?:, | & | and | )?)+)"
    r"\((?P<year>(?:1[89]|20)\d\d)\)"
    r"(?:, (?P<place>[A-ZÀ-Þ][^;()]*?)(?=;|\((?![12]\d{3}\))|, and |\.?\Z|\. |: ))?"
)
# What a docstring says of a publication after its name: what it is taken for.
_REMARK = re.compile(r", (?!chapter|ch\.|part)(?=[a-z])")
_SOFTWARE = """\
@software{{consumer_behaviour_workbench,
  title = {{Consumer Behaviour Workbench}},
  version = {{{version}}},
  note = {{{analysis}}}
}}"""


@dataclass(frozen=True)
class Reference:
    """A publication named in a docstring: its authors, year and where it appeared."""

    authors: tuple
    year: int
    place: str

    @property
    def key(self):
        """Return the name it is cited by.

        >>> Reference(("Künsch",), 1989, "").key
        'kunsch1989'
        """
        plain = unicodedata.normalize("NFKD", self.authors[0]).encode("ascii", "ignore").decode()
        return f"{re.sub(r'[^a-z]', '', plain.lower())}{self.year}"

    def bibtex(self):
        """Return the entry for a bibliography; what the docstring does not say is left out."""
        where = f",\n  howpublished = {{{_escaped(self.place)}}}" if self.place else ""
        authors = " and ".join("others" if a == "et al." else f"{{{a}}}" for a in self.authors)
        return f"@misc{{{self.key},\n  author = {{{authors}}},\n  year = {{{self.year}}}{where}\n}}"


def source(analysis):
    """Return what the docstring of an analysis, such as "surveys.nps", gives as its source."""
    room, name = analysis.split(".")
    found = _SOURCE.search(getdoc(getattr(import_module(f"workbench.{room}"), name)) or "")
    text = " ".join(found[1].split()) if found else ""
    also = [source(f"{room}.{other}") for other in _AS.findall(text) if other != name]
    return "; ".join(one.rstrip(".") for one in (text, *also))


def references(text):
    """Return the publications that a source names.

    >>> [one.key for one in references("Rao (1965), Sankhyā 27; as in Lumley (2010), Surveys.")]
    ['rao1965', 'lumley2010']
    """
    found = {}
    for match in _REFERENCE.finditer(text):
        names = re.split(r", (?:and )?| & | and |(?= et al\.)", match["authors"].strip())
        authors = tuple(name.strip() for name in names if name.strip(" ,&"))
        place = _REMARK.split(match["place"] or "")[0].strip(" .")
        one = Reference(authors, int(match["year"]), place)
        found.setdefault(one.key, one)
    return list(found.values())


def bibtex(result):
    """Return the bibliography of a Result: the publications of its method, then the software.

    Raises InputError for a Result that no analysis of the workbench made.
    """
    if not result.analysis:
        raise InputError(
            "result.error_not_made",
            "cite: no analysis of the workbench made this Result, so its literature is not known",
        )
    entries = [one.bibtex() for one in references(source(result.analysis))]
    software = _SOFTWARE.format(version=__version__, analysis=_escaped(result.analysis))
    return "\n\n".join([*entries, software]) + "\n"


def _escaped(text):
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
