"""Quotes that stand for a code, chosen by a rule and not by taste."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.errors import InputError, need_columns
from workbench.interviews.codes import none_agreed, read
from workbench.personal_data import masked
from workbench.results import analysis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from workbench.types import Table


@engine.frames("codes")
@analysis
def quotes(
    codes: Table,
    *,
    text: str = "text",
    each: int = 2,
    agreed: str = "any",
    known_names: Sequence[str] = (),
    longest: int = 300,
) -> pd.DataFrame:
    """Give quotes for every code: those that most coders saw it in, and little else.

    The rule: segments that most coders gave the code; of these those with the fewest other codes;
    of these the ones nearest to the middle length. One quote a participant and code.

    Parameters
    ----------
    codes : table with text_id, segment_id, coder_id, code, and the column `text`
    text : str
        Column with what was said in the segment.
    each : int
        Quotes for each code.
    agreed : str
        As in `frequency`.
    known_names : sequence of str
        Names of people to mask beside what the rules know.
    longest : int
        Characters after which a quote is cut.

    Returns
    -------
    DataFrame
        code, quote (personal data masked), participant (a running number, not their id), coders
        (how many gave it the code) and other_codes.

    Raises InputError for a missing column, NotEnoughData without a code.
    """
    need_columns("codes", codes.columns, text)
    if each < 1:
        raise InputError(
            "interviews.error_each",
            "each: at least {least} quote a code, found {each}",
            least=1,
            each=each,
        )
    coded = read(codes, agreed=agreed)
    if coded.agreed.empty:
        raise none_agreed()
    said = coded.rows.dropna(subset=[text]).drop_duplicates("segment").set_index("segment")[text]
    given = coded.rows.dropna(subset=["code"]).drop_duplicates(["segment", "coder", "code"])
    coders = given.groupby(["segment", "code"])["coder"].nunique().rename("coders").reset_index()
    rows = coded.agreed.merge(coders, on=["segment", "code"])
    rows = rows.assign(said=rows["segment"].map(said)).dropna(subset=["said"])
    rows["said"] = rows["said"].astype(str)
    rows["other_codes"] = rows.groupby("segment")["code"].transform("nunique") - 1
    length = rows["said"].str.len()
    rows["off"] = (length - length.groupby(rows["code"]).transform("median")).abs()
    rows = rows.sort_values(
        ["code", "coders", "other_codes", "off", "said", "segment"],
        ascending=[True, False, True, True, True, True],
        kind="stable",
    )
    rows = rows.drop_duplicates(["code", "who"]).groupby("code").head(each).reset_index(drop=True)
    number = {who: k + 1 for k, who in enumerate(dict.fromkeys(rows["who"]))}
    people = [str(name) for name in names.several(known_names)]
    made = rows.assign(
        quote=[_cut(t, longest) for t in masked(rows["said"], people)],
        participant=rows["who"].map(number).astype(np.int64),
    )
    return made[["code", "quote", "participant", "coders", "other_codes"]]


def _cut(text, longest):
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
