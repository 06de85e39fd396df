"""Coded segments, read once: who said it, what it was coded as, by which coders."""

from dataclasses import dataclass

import numpy as np

from workbench import names, schemas
from workbench.errors import NotEnoughData, one_of
from workbench.notes import Note, say

RULES = ("any", "most", "all")
OURS = names.OURS | {"code", "with_code", "coder", "also", "interviews", "measure"}
NOT_IMPORTANCE = Note(
    "interviews.not_importance",
    "How many mention something is not how much it matters to them, and nobody drew these "
    "participants at random: the intervals say what so few can tell, had they been.",
)


@dataclass(frozen=True, eq=False)
class Coded:
    """Coded segments as a DataFrame: interview, segment, who (the participant), coder, code
    (missing where a coder read the segment and found nothing), and the table's other columns.

    `agreed` has the codes that count, a row a segment and code: interview, segment, who, code.
    """

    rows: object
    agreed: object

    @property
    def participants(self):
        """Every participant once, in order of name."""
        return sorted(set(self.rows["who"]))

    @property
    def codes(self):
        """Every code that counts, in order of name."""
        return sorted(set(self.agreed["code"]))


def read(codes, *, agreed="any"):
    """Return coded segments.

    Parameters
    ----------
    codes : DataFrame with text_id, segment_id, coder_id, code
        participant_id where one person gave several texts; a row without a code says that the
        coder read the segment and found nothing.
    agreed : str
        Whose codes count: "any" coder's, those of "most" or of "all" coders of the text.

    Raises InputError for a missing column or another rule, NotEnoughData without a code.
    """
    one_of("agreed", agreed, RULES)
    lacking = [c for c in ("text_id", "segment_id", "coder_id", "code") if c not in codes]
    if lacking:
        schemas.require(codes, "codes")
    keys = ["text_id", "segment_id", "coder_id"]
    rows = codes.dropna(subset=keys)
    if lost := len(codes) - len(rows):
        say(
            Note(
                "interviews.lost",
                "{n} row has no text, segment or coder and is left out.",
                "{n} rows have no text, segment or coder and are left out.",
                n=lost,
            )
        )
    who = rows["text_id"]
    if "participant_id" in rows:
        who = rows["participant_id"].where(rows["participant_id"].notna(), who)
    rows = rows.assign(
        interview=rows["text_id"].astype(str),
        who=who.astype(str),
        coder=rows["coder_id"].map(names.written),
        code=rows["code"].map(names.written, na_action="ignore"),
    )
    # A segment is numbered within its text by some programs.
    rows["segment"] = rows["interview"] + "\x1f" + rows["segment_id"].astype(str)
    given = rows.dropna(subset=["code"]).drop_duplicates(["segment", "coder", "code"])
    if given.empty:
        raise NotEnoughData("interviews.error_no_code", "codes: there is no coded segment")
    return Coded(rows.reset_index(drop=True), _agreed(rows, given, agreed))


def _agreed(rows, given, rule):
    """Return the codes of segments that enough coders of the text gave."""
    readers = rows.groupby("interview")["coder"].nunique()
    count = given.groupby(["interview", "segment", "who", "code"], as_index=False)[
        "coder"
    ].nunique()
    needed = count["interview"].map(readers)
    least = {"any": 1, "most": np.floor(needed / 2) + 1, "all": needed}[rule]
    return count[count["coder"] >= least].drop(columns="coder").reset_index(drop=True)


def none_agreed():
    """Return the error where coders share no code."""
    return NotEnoughData(
        "interviews.error_none_agreed",
        "codes: no code was given by enough coders; with agreed='any' every one counts",
    )
