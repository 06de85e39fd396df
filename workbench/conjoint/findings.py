"""What stated choices say in a sentence: the answers, and the notes that several of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.notes import Note

if TYPE_CHECKING:
    from workbench.types import Table

STATED = Note(
    "conjoint.stated", "Stated choices: what people say they would choose, without paying."
)
FEW = Note(
    "conjoint.few",
    "{g} respondents; at least {least} are a common minimum.",
    g=0,
    least=0,
)
PRICE_AXIS = Note("conjoint.price_axis", "Price")
BEST_AXIS = Note("conjoint.best_axis", "Share of importance (of all items together)")
BEST_LIMIT = Note(
    "conjoint.best_limit",
    "Importance among these items only: without an anchor nobody knows whether "
    "all or none of them matter.",
)
BEST_METHOD = Note(
    "conjoint.best_method",
    "Best–worst scores and a logit of best and worst; respondents as sampling unit.",
)
BEST_QUESTION = Note(
    "conjoint.best_question", "Which items matter most, and how much more than others?"
)
DESIGN_AXIS = Note("conjoint.design_axis", "Expected standard error of the part-worth")
DESIGN_LIMIT = Note(
    "conjoint.design_limit",
    "Holds for people who all weigh alike, as the prior says; real precision "
    "is lower where they differ.",
)
DESIGN_METHOD = Note(
    "conjoint.design_method",
    "Expected standard errors from the information of the tasks under a conditional logit.",
)
GG_AXIS = Note("conjoint.gg_axis", "Share who would buy")
GG_LIMIT = Note("conjoint.gg_limit", "Stated intention: people say yes more easily than they pay.")
GG_METHOD = Note(
    "conjoint.gg_method",
    "Share who would buy at a price, of those whose answers settle every "
    "price, or else of those who were shown it; Wilson intervals, revenue = "
    "price × share.",
)
GG_QUESTION = Note("conjoint.gg_question", "Which share would buy at each price?")
IMPORTANCE_AXIS = Note("conjoint.importance_axis", "Share of the ranges")
IMPORTANCE_CANCEL = Note(
    "conjoint.importance_cancel",
    "Of the weights of all together: where some like a level and others "
    "dislike it, tastes cancel out and the attribute looks unimportant (see "
    "`latent_class`).",
)
IMPORTANCE_LIMIT = Note(
    "conjoint.importance_limit",
    "Importance depends on the levels shown (in the table): a wider range of "
    "prices makes price more important.",
)
IMPORTANCE_QUESTION = Note(
    "conjoint.importance_question",
    "Which attribute counts most, over the levels that were shown?",
)
IMPORTANCE_UP = Note(
    "conjoint.importance_up",
    "A range cannot be negative, so attributes that count for little look a little too important.",
)
LOG_ODDS = Note("choice.axis", "Change in log-odds per unit")
MONEY_AXIS = Note("choice.wtp_axis", "Money per unit of the attribute")
PER_UNIT = Note("conjoint.per_unit", "per unit")
QUALITY_AXIS = Note("conjoint.quality_axis", "Share")
QUALITY_LIMIT = Note(
    "conjoint.quality_limit",
    "A careless answer is not proof of a careless respondent: report results "
    "with and without them.",
)
QUALITY_METHOD = Note(
    "conjoint.quality_method",
    "Share of respondents who always chose the same place; share of tasks with "
    "an offer worse in everything in which that offer was chosen.",
)
QUALITY_QUESTION = Note("conjoint.quality_question", "How carefully did people answer?")
QUESTION = Note(
    "conjoint.question",
    "What is each level of each attribute worth to people who choose between offers?",
)
VW_LIMIT = Note(
    "conjoint.vw_limit",
    "Stated prices, no demand: the optimal point is where resistance is least, "
    "not where profit is highest.",
)
VW_METHOD = Note(
    "conjoint.vw_method",
    "Crossings of the shares that find a price too cheap, cheap, expensive or "
    "too expensive; bootstrap over respondents.",
)
VW_QUESTION = Note(
    "conjoint.vw_question",
    "Between which prices would most people neither doubt the quality nor walk away?",
)
WORTH_LIMIT = Note(
    "conjoint.worth_limit",
    "Stated worth is usually above what people pay; read it as an order, and "
    "check it with a real price test.",
)
WORTH_METHOD = Note(
    "conjoint.worth_method",
    "Difference of part-worths over minus the price's weight; interval of "
    "Krinsky & Robb, respondents as sampling unit.",
)
WORTH_QUESTION = Note(
    "conjoint.worth_question",
    "What is a level worth in money, compared with the first level of its attribute?",
)


def interval(row):
    """Return estimate, interval and denominator of one row, as values of a note."""
    return {
        "estimate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": int(row["n"]),
    }


def precision(table, respondents):
    """Return how wide the widest interval will be."""
    row = table.loc[table["half_width"].idxmax()]
    return Note(
        "conjoint.design_answer",
        "With {n} respondents every part-worth will be known to within {width:2} (half the "
        "interval, on the log-odds scale); the least precise is {level} of {attribute:word}.",
        n=respondents,
        width=row["half_width"],
        level=row["level"],
        attribute=row["attribute"],
    )


FIRTH_METHOD = Note(
    "conjoint.method_firth",
    "Conditional logit by Firth's penalised likelihood, with effects coding: the levels of an "
    "attribute add up to {zero}; every choice a unit of its own.",
    zero=0,
)
UNKNOWN = Note(
    "conjoint.answer_unknown",
    "What the levels are worth cannot be estimated: the attributes decide every choice, so no "
    "finite estimate exists.",
)


def part_worth(table):
    """Return the level that is liked or disliked most."""
    if table["estimate"].isna().all():
        return UNKNOWN
    row = table.loc[table["estimate"].abs().idxmax()]
    return Note(
        "conjoint.answer",
        "The largest part-worth is that of {level:word} ({attribute:word}): "
        "{estimate:3} on the log-odds scale ({low:3} to {high:3}; {n} choices).",
        level=row["level"],
        attribute=row["attribute"],
        **interval(row),
    )


def importance(table: Table) -> Note:
    """Return the attribute that counts most, and whether its rank is beyond doubt."""
    row, second = table.iloc[0], table.iloc[1] if len(table) > 1 else None
    said = {"attribute": row["attribute"], **interval(row)}
    if second is None:
        return Note(
            "conjoint.importance_answer_alone",
            "There is one attribute only, {attribute:word}: {estimate:%0} of the "
            "ranges ({n} choices).",
            **said,
        )
    said |= {"second": second["attribute"], "other": second["estimate"]}
    if row["rank_high"] > 1:
        return Note(
            "conjoint.importance_answer_open",
            "Which attribute counts most is undecided: {attribute:word} has {estimate:%} of the "
            "ranges ({low:%} to {high:%}; {n} choices), {second:word} {other:%}.",
            **said,
        )
    return Note(
        "conjoint.importance_answer",
        "What counts most is {attribute:word}: {estimate:%} of the ranges "
        "({low:%} to {high:%}; {n} choices), before {second:word} with {other:%}.",
        **said,
    )


def money(table, choices):
    """Return the level that is worth most in money."""
    known = table.dropna(subset=["estimate"])
    if not len(known):
        return Note(
            "conjoint.worth_answer_none",
            "Nothing can be expressed in money: the price has no clearly negative weight in these "
            "{n} choices.",
            n=choices,
        )
    row = known.loc[known["estimate"].abs().idxmax()]
    return Note(
        "conjoint.worth_answer",
        "The largest difference is {level} instead of {against} ({attribute:word}), worth "
        "{estimate:money} ({low:money} to {high:money}; {n} choices).",
        level=row["level"],
        against=row["against"],
        attribute=row["attribute"],
        **interval(row),
    )


def care(table):
    """Return the more frequent sign of carelessness."""
    row = table.loc[table["estimate"].idxmax()]
    said = {"count": int(row["count"]), **interval(row)}
    if row["measure"] == "same_place":
        return Note(
            "conjoint.quality_answer_place",
            "{count} of {n} respondents chose the offer at the same place in every task: "
            "{estimate:%} ({low:%} to {high:%}).",
            **said,
        )
    return Note(
        "conjoint.quality_answer_dominated",
        "In {count} of {n} tasks with an offer that is worse in everything, that offer was chosen: "
        "{estimate:%} ({low:%} to {high:%}).",
        **said,
    )


def best(table):
    """Return the item that matters most; by its score where its share has no finite estimate."""
    shares = table[table["measure"] == "share"]
    if shares["estimate"].isna().any():
        row = table[table["measure"] == "score"].iloc[0]
        return Note(
            "conjoint.best_answer_score",
            "What is picked as best most often beside worst is {item:word}: a score of "
            "{estimate:2} ({low:2} to {high:2}; shown {n} times).",
            item=row["item"],
            **interval(row),
        )
    row, second = shares.iloc[0], shares.iloc[1]
    return Note(
        "conjoint.best_answer",
        "What matters most is {item:word}: {estimate:%} of the importance "
        "({low:%} to {high:%}; {n} tasks), before {second:word} with {other:%}.",
        item=row["item"],
        second=second["item"],
        other=second["estimate"],
        **interval(row),
    )


def acceptable(table):
    """Return between which prices most people would neither doubt the quality nor walk away."""
    rows = table.set_index("point")
    lower, upper = rows.loc["lower_bound"], rows.loc["upper_bound"]
    return Note(
        "conjoint.vw_answer",
        "Acceptable prices run from {lower:money} ({low:money} to {high:money}) to {upper:money} "
        "({low2:money} to {high2:money}; {n} respondents).",
        lower=lower["estimate"],
        low=lower["conf_low"],
        high=lower["conf_high"],
        upper=upper["estimate"],
        low2=upper["conf_low"],
        high2=upper["conf_high"],
        n=int(lower["n"]),
    )


def best_price(price, low, high, demand):
    """Return the price at which revenue is highest, and who would buy at it."""
    row = demand.set_index("price").loc[price]
    return Note(
        "conjoint.gg_answer",
        "Revenue per person asked is highest at {price:money} ({low:money} to {high:money}, among "
        "the prices shown); {share:%} would buy at it ({n} respondents).",
        price=price,
        low=low,
        high=high,
        share=row["estimate"],
        n=int(row["n"]),
    )
