"""Which texts may stand for many: quotes chosen by rule, not by taste, and masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, names
from workbench.errors import InputError, NotEnoughData, one_of
from workbench.notes import Note
from workbench.personal_data import masked
from workbench.results import MINIMUM_CELL, Points, Result, analysis, tidy
from workbench.voice import labels as by_hand
from workbench.voice import lexicons
from workbench.voice.material import LANGUAGE, given

if TYPE_CHECKING:
    from workbench.types import Table

SHORTEST, LONGEST = 5, 60  # words of a quote
RULES = ("typical", "strongest")
ANSWER = Note(
    "voice.quotes_answer",
    "{quotes} quotes by rule from {n} texts of {least} to {most} words; each stands for at least "
    "{cell} texts of its tone.",
)
TYPICAL = Note(
    "voice.quotes_typical",
    "The texts whose polarity is nearest to the median of their tone, of the length nearest to its "
    "median; one a customer, personal data masked.",
)
STRONGEST = Note(
    "voice.quotes_strongest",
    "The texts with the strongest polarity of their tone, the shortest first; one a customer, "
    "personal data masked.",
)
NOT_A_SAMPLE = Note(
    "voice.quotes_limit",
    "A quote shows what something sounds like, not how often it is said. Masks know what their "
    "rules know: read quotes before you publish them.",
)


@engine.frames("texts", "labels", optional=("lexicon",))
@analysis
def quotes(
    texts: Table,
    labels: Table | None = None,
    *,
    by: str | None = None,
    rule: str = "typical",
    each: int = 2,
    lexicon: Table | None = None,
) -> Result:
    """Which texts show what each tone sounds like, chosen by rule?

    Parameters
    ----------
    texts : table with text_id, text, created_at
        customer_id, of whom one text is quoted at most.
    labels : table with text_id, item, value, optional
        Labels by hand of item "polarity"; where a text has one, it decides its tone.
    by : str, optional
        Column that gives the group; "language_found": the language found.
    rule : str
        "typical": nearest to the median of their tone; "strongest": farthest from 0.
    each : int
        Quotes of each group and tone.
    lexicon : table with word, polarity, optional
        In the place of ours.

    Returns
    -------
    Result
        group, tone, place (1 the first), n (texts of that tone), estimate (polarity of the text,
        -1 to 1), quote (masked). Of a tone that fewer than ten texts have, nothing is quoted.

    Raises InputError for another rule or number, NotEnoughData where nothing can be quoted.

    Source: the rule is ours; choosing by rule: Krippendorff (2018), Content Analysis, ch. 6.
    """
    one_of("rule", rule, RULES)
    if isinstance(each, bool) or not isinstance(each, (int, np.integer)) or each < 1:
        raise InputError(
            "voice.error_each",
            "each: a whole number of quotes is needed, found {each:repr}",
            each=each,
        )
    material = given(texts, by)
    read = material.read(lexicons.read(lexicon))
    if by == LANGUAGE:
        material = material.grouped(np.where(read.language == "", "unknown", read.language))
    tone = np.array(by_hand.TONES, object)[np.sign(read.polarity).astype(int) + 1]
    value, _ = by_hand.of(material, labels, "polarity")
    tone = np.where([v is not None for v in value], value, tone)
    fit = (read.words >= SHORTEST) & (read.words <= LONGEST)
    rows = []
    for group, mask in material.groups():
        for side in by_hand.TONES:
            here = np.flatnonzero(mask & fit & (tone == side))
            key = {**({names.label(by): group} if by else {}), "tone": side}
            rows += [{**key, **r} for r in _chosen(material, read, here, rule, each)]
    if not rows:
        raise NotEnoughData(
            "voice.error_no_quote",
            "quotes: no tone has {least} texts of {shortest} to {longest} words",
            least=MINIMUM_CELL,
            shortest=SHORTEST,
            longest=LONGEST,
        )
    table = tidy(rows)
    return Result(
        question=Note("voice.quotes_question", "What does each tone sound like?"),
        table=table,
        answer=ANSWER.having(
            quotes=len(table), n=int(fit.sum()), least=SHORTEST, most=LONGEST, cell=MINIMUM_CELL
        ),
        method=TYPICAL if rule == "typical" else STRONGEST,
        unit="texts",
        n=int(fit.sum()),
        limits=(*material.limits(), NOT_A_SAMPLE),
        chart=Points(
            label=[*([names.label(by)] if by else []), "tone", "place"],
            reference=0,
            xlabel=Note("voice.axis_polarity", "Polarity (-1 to 1)"),
        ),
    )


def _chosen(material, read, here, rule, each):
    """Return the quotes of one tone, none where fewer texts have it than may be shown."""
    if len(here) < MINIMUM_CELL:
        return []
    polarity, words = read.polarity[here], read.words[here]
    if rule == "typical":
        far, long = np.abs(polarity - np.median(polarity)), np.abs(words - np.median(words))
    else:
        far, long = -np.abs(polarity), words
    text = material.text[here].astype(str)
    order, taken, people = [], set(), set()
    for at in np.lexsort((text, long, far.round(9))):
        said, who = " ".join(text[at].lower().split()), material.who[here[at]]
        if said not in taken and who not in people:
            order.append(at)
            taken.add(said)
            people.add(who)
        if len(order) == each:
            break
    shown = masked(text[order])
    return [
        {"place": k + 1, "n": len(here), "estimate": float(polarity[at]), "quote": shown[k]}
        for k, at in enumerate(order)
    ]
