"""Texts ready to be scored and counted: whose, of which group, in one order."""

from dataclasses import dataclass

import numpy as np

from workbench import engine, names, schemas
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say
from workbench.voice import scoring
from workbench.voice.lexicons import LANGUAGES

LANGUAGE = "language_found"  # a group that is found in the texts themselves
REPEATED = Note(
    "voice.repeated",
    "{people} customers wrote {n} texts; the customer is the sampling unit.",
)


SPOKEN = {
    "nl": Note("voice.dutch", "Dutch"),
    "en": Note("voice.english", "English"),
    "unknown": Note("voice.unknown_language", "unknown language"),
}


@dataclass(frozen=True, eq=False)
class Material:
    """Texts as arrays of one value a text, in the order of their ids.

    `id`, `text`, `who` (number of the customer; each text its own where none is known), `group`
    (None without groups), `rows` (the rows of the table themselves).
    """

    id: np.ndarray
    text: np.ndarray
    who: np.ndarray
    group: np.ndarray | None
    rows: object

    def __len__(self):
        return len(self.id)

    def groups(self):
        """Yield each group's name and the mask of its texts; None and all without groups."""
        if self.group is None:
            yield None, np.ones(len(self), bool)
            return
        for name in sorted(set(self.group)):
            yield name, self.group == name

    def read(self, lexicon, aspects=None):
        """Return what a lexicon says of the texts; their own language where they have one."""
        return scoring.read(self.text, lexicon, aspects, _languages(self.rows))

    def grouped(self, group):
        """Return the same texts in other groups."""
        return Material(self.id, self.text, self.who, group, self.rows)

    def limits(self):
        """Return what a reader must know of whose the texts are."""
        people = len(np.unique(self.who))
        return [REPEATED.having(people=people, n=len(self))] if people < len(self) else []


def given(texts, by=None, *needed):
    """Return the texts of a table that hold something.

    Parameters
    ----------
    texts : DataFrame with text_id, text, created_at
    by : str, optional
        Column whose values are the groups; "language_found": the language found in each text.
    *needed : str
        Other columns that must be there.

    Raises
    ------
    InputError
        For a missing column, or an id that two different texts have.
    NotEnoughData
        Where no text holds anything.
    """
    own = by if by != LANGUAGE else None
    schemas.require(texts, "texts", *((own,) if own else ()), *needed)
    rows = texts.dropna(subset=["text_id", "text"])
    rows = rows[rows["text"].astype(str).str.strip() != ""]
    if len(rows) < len(texts):
        say(
            Note(
                "voice.empty",
                "{n} text has no id or holds nothing and is left out.",
                "{n} texts have no id or hold nothing and are left out.",
                n=len(texts) - len(rows),
            )
        )
    rows = _once(rows)
    if rows.empty:
        raise NotEnoughData("voice.error_no_text", "texts: no text holds anything")
    ids = engine.written(rows["text_id"]).to_numpy(object).astype(str)
    order = np.argsort(ids, kind="stable")
    rows = rows.iloc[order]
    return Material(
        ids[order],
        rows["text"].astype(str).to_numpy(object),
        _whose(rows),
        names.filled(rows[own]).map(names.written).to_numpy(str) if own else None,
        rows,
    )


def _once(rows):
    """Return rows without exact copies; an id of two different texts is refused."""
    copies = rows.duplicated()
    if copies.any():
        say(
            Note(
                "voice.copies",
                "{n} row stands twice and counts once.",
                "{n} rows stand twice or more and count once.",
                n=int(copies.sum()),
            )
        )
        rows = rows[~copies]
    twice = engine.written(rows["text_id"]).duplicated()
    if twice.any():
        raise InputError(
            "voice.error_id_twice",
            "texts: {n} ids stand with two different rows, such as {id:repr}; give every text an "
            "id of its own",
            n=int(twice.sum()),
            id=str(rows["text_id"].to_numpy()[twice.to_numpy()][0]),
        )
    return rows


def _whose(rows):
    """Return a number for each text's customer, its own where no customer is known."""
    n = len(rows)
    if "customer_id" not in rows:
        return np.arange(n)
    who = engine.written(rows["customer_id"])
    known = who.notna().to_numpy()
    number = np.arange(n)
    number[known] = n + np.unique(who[known].astype(str), return_inverse=True)[1]
    return np.unique(number, return_inverse=True)[1]


def _languages(rows):
    """Return the language of each text where the table says it is one of ours; "" where not."""
    if "language" not in rows:
        return None
    said = rows["language"].astype(object).map(lambda v: str(v).strip().lower()[:2])
    return said.where(said.isin(LANGUAGES), "").to_numpy(object)
