"""What choice models say in a sentence: the answers, and the notes that several of them share."""

from workbench.notes import Note

ASSOCIATIONAL = Note(
    "choice.associational",
    "Associational, unless the attributes were set by a design: people who set prices or features "
    "anticipate demand, and tastes outside the model are related to both.",
)
IIA = Note(
    "choice.iia",
    "The model assumes that two alternatives compete the same whatever else is on offer; near "
    "duplicates violate that.",
)
METHOD = Note(
    "choice.method",
    "Conditional logit with availability; standard errors clustered on customers.",
)
FIRTH_METHOD = Note(
    "choice.firth_method",
    "Conditional logit by Firth's penalised likelihood; limits from its profile, every choice a "
    "unit of its own: where customers choose several times they are too narrow.",
)
AXIS = Note("choice.axis", "Change in log-odds per unit")
CARRIED = Note(
    "choice.carried",
    "Prices carried forward pull the weight of price towards zero: see how much "
    "it depends on the rule.",
)
CLASSES_AXIS = Note("choice.classes_axis", "Mean log probability of a choice of unseen customers")
CLASSES_LIMIT = Note(
    "choice.classes_limit",
    "Where the two disagree, or intervals overlap, take the smaller number: it "
    "is easier to defend.",
)
CLASSES_QUESTION = Note(
    "choice.classes_question", "How many kinds of people do the choices tell apart?"
)
ELASTICITY_DISCOUNT = Note(
    "choice.elasticity_discount",
    "The share of discount is held fixed, so this is a change of the regular "
    "price, not a promotion.",
)
ELASTICITY_LIMIT = Note(
    "choice.elasticity_limit",
    "Short-run switching among the alternatives shown; buying less altogether "
    "or elsewhere is not in it.",
)
ELASTICITY_METHOD = Note(
    "choice.elasticity_method",
    "Share-weighted average point elasticities; delta method, customers as sampling unit.",
)
HABIT = Note(
    "choice.habit",
    "Loyalty mixes habit with lasting taste: this model cannot tell them apart.",
)
HABIT_AXIS = Note("choice.habit_axis", "Weight of the last purchase (log-odds)")
HABIT_FOUND = Note(
    "choice.habit_found",
    "With personal taste in the model the last purchase counts, and clearly "
    "more than in shuffled order: a sign of habit. What is left in shuffled "
    "order is taste the model misses.",
)
HABIT_LIMIT = Note(
    "choice.habit_limit",
    "What is left beside taste may be habit, but also learning, stock at home "
    "or a taste that drifts; the first purchase of each customer only sets the "
    "start.",
)
HABIT_NONE = Note(
    "choice.habit_none",
    "With personal taste in the model the last purchase does not count clearly "
    "more than in shuffled order: no sign of habit beside taste.",
)
HABIT_QUESTION = Note(
    "choice.habit_question",
    "Does having bought a brand last time go with buying it again, beyond lasting taste?",
)
HOLDOUT_AXIS = Note("choice.holdout_axis", "Share of choices predicted")
HOLDOUT_LIMIT = Note(
    "choice.holdout_limit",
    "The model's loyalty term knows each household's own history; market shares do not.",
)
HOLDOUT_QUESTION = Note(
    "choice.holdout_question",
    "Does the model predict the choices of households it has never seen?",
)
IIA_AXIS = Note("choice.iia_axis", "Change of the weight when the alternative is left out")
IIA_FAILS = Note(
    "choice.iia_fails",
    "Some weights move more than chance allows (joint test, corrected): the "
    "assumption does not hold here.",
)
IIA_HOLDS = Note(
    "choice.iia_holds",
    "No weight moves more than chance allows (joint test, corrected); that is "
    "no proof of the assumption, only the lack of a sign against it.",
)
IIA_LIMIT = Note(
    "choice.iia_limit",
    "Weights may also differ because other customers remain; a difference says "
    "that a nested or mixed logit is worth a try, not which.",
)
IIA_METHOD = Note(
    "choice.iia_method",
    "Hausman–McFadden test: the model fitted again without each alternative; "
    "covariance of the difference from the customers' own pulls; Holm's "
    "correction.",
)
IIA_QUESTION = Note(
    "choice.iia_question", "Do the weights stay the same when one alternative is not there?"
)
MIXED_METHOD = Note(
    "choice.mixed_method",
    "Mixed logit over each customer's choices, simulated maximum likelihood "
    "with Halton draws; standard errors clustered on customers.",
)
MIXED_QUESTION = Note(
    "choice.mixed_question",
    "What goes with the choice, and how much do people differ in what they weigh?",
)
NESTED_METHOD = Note(
    "choice.nested_method",
    "Nested logit with availability, full maximum likelihood; standard errors "
    "clustered on customers.",
)
NESTED_QUESTION = Note(
    "choice.nested_question",
    "What goes with the choice of one alternative over another, when some are closer substitutes?",
)
QUESTION = Note("choice.question", "What goes with the choice of one alternative over another?")
RULES_LIMIT = Note(
    "choice.rules_limit",
    "A carried price is often too low for what nobody bought, which pulls the "
    "weight of price towards zero; a price that includes the household's own "
    "basket partly measures the choice itself. Where the rows differ, the "
    "truth is more likely near the rule without carrying.",
)
RULES_QUESTION = Note(
    "choice.rules_question", "How much does the answer depend on how prices were filled in?"
)
WHAT_IF_AXIS = Note("choice.what_if_axis", "Change of the share, percentage points")
WHAT_IF_LIMIT = Note(
    "choice.what_if_limit",
    "A simulation on these very choices: nobody buys less altogether, and rivals do not react.",
)
WHAT_IF_METHOD = Note(
    "choice.what_if_method",
    "Predicted shares before and after, averaged over the choices; delta "
    "method, customers as sampling unit.",
)
WHAT_IF_QUESTION = Note("choice.what_if_question", "What would the shares be after the change?")
WTP_AXIS = Note("choice.wtp_axis", "Money per unit of the attribute")
WTP_LIMIT = Note(
    "choice.wtp_limit",
    "A unit is a whole one: display and mailer from none to all packages, "
    "discount from nothing to the whole price, loyalty from none to complete.",
)
WTP_METHOD = Note(
    "choice.wtp_method",
    "Minus the attribute's weight over the price's; intervals by the delta "
    "method and by Krinsky & Robb, customers as sampling unit.",
)
WTP_QUESTION = Note("choice.wtp_question", "What is one unit of each attribute worth in money?")
WTP_RANDOM = Note(
    "choice.wtp_random",
    "The weight of money differs between people and may be zero or positive for "
    "some, so nothing can be expressed in money here: missing. Give the price "
    "the distribution negative_lognormal, or leave it fixed.",
)
CLASS_LIMIT = Note(
    "choice.class_limit",
    "Classes are a way of describing differences, not kinds that exist by "
    "themselves. Entropy R² = {entropy:2}; {one} would mean that everybody's class is "
    "certain.",
    entropy=0,
    one=1,
)


def interval(row):
    """Return estimate, interval and denominator of one row, as values of a note."""
    return {
        "estimate": row["estimate"],
        "low": row["conf_low"],
        "high": row["conf_high"],
        "n": int(row["n"]),
    }


def clearest(rows, *keys):
    """Return the row whose estimate lies most standard errors from 0; ties in order of the keys."""
    ratio = (rows["estimate"] / rows["std_error"].where(rows["std_error"] > 0)).abs()
    ranked = rows.assign(_ratio=ratio.fillna(-1.0)).sort_values(
        ["_ratio", *keys], ascending=[False, *[True] * len(keys)], kind="stable"
    )
    return ranked.iloc[0]


def weights(table):
    """Return which attribute goes most clearly with the choice."""
    rows = table[~table["term"].astype(str).str.startswith(("constant: ", "lambda", "share"))]
    if not len(rows):
        return None
    rows = rows[rows["estimate"].notna()]
    if not len(rows):
        return Note(
            "choice.answer_withheld",
            "The weights of the attributes have no finite estimate in these data; the reason "
            "stands among the limits.",
        )
    row = clearest(rows, "term")
    said = {"term": row["term"], **interval(row)}
    if row["conf_low"] <= 0 <= row["conf_high"]:
        return Note(
            "choice.answer_none",
            "No attribute could be shown to be associated with the choice; closest "
            "is {term:word}, with a change in log-odds of {estimate:3} per unit "
            "({low:3} to {high:3}; {n} choices).",
            **said,
        )
    return Note(
        "choice.answer",
        "Most clearly associated with the choice is {term:word}: one unit more changes the "
        "log-odds by {estimate:3} ({low:3} to {high:3}; {n} choices).",
        **said,
    )


def nests(table):
    """Return whether alternatives of one nest compete more closely than others."""
    rows = table[table["term"].astype(str).str.startswith("lambda")]
    if not len(rows):
        return weights(table)
    row = rows.sort_values(["estimate", "term"]).iloc[0]
    said = {"term": row["term"], "one": 1, **interval(row)}
    if row["conf_high"] < 1:
        return Note(
            "choice.nested_answer",
            "Alternatives of one nest are closer substitutes: {term} is {estimate:3} ({low:3} to "
            "{high:3}; {n} choices), where {one} would mean no closer than others.",
            **said,
        )
    return Note(
        "choice.nested_answer_none",
        "That alternatives of one nest are closer substitutes could not be shown: {term} is "
        "{estimate:3} ({low:3} to {high:3}; {n} choices), and {one} would mean no closer than "
        "others.",
        **said,
    )


def tastes(table):
    """Return in which attribute people differ most clearly."""
    row = clearest(table[table["parameter"] == "sd"], "term")
    mean = table[(table["parameter"] == "mean") & (table["term"] == row["term"])].iloc[0]
    said = {"term": row["term"], "mean": mean["estimate"], **interval(row)}
    if row["conf_low"] <= 0 <= row["conf_high"]:
        return Note(
            "choice.mixed_answer_none",
            "Differences between people could not be shown: the spread of the weight "
            "of {term:word} is {estimate:3} ({low:3} to {high:3}; {n} choices).",
            **said,
        )
    return Note(
        "choice.mixed_answer",
        "People differ most clearly in the weight of {term:word}: a standard deviation of "
        "{estimate:3} ({low:3} to {high:3}; {n} choices) around {mean:3}.",
        **said,
    )


def classes(table, customers):
    """Return how large the largest class is."""
    sizes = table[table["term"] == "share"]
    row = sizes.iloc[0]
    return Note(
        "choice.class_answer",
        "The largest of the {classes} classes holds {estimate:%} of the customers ({low:%} to "
        "{high:%}; {n} customers).",
        classes=len(sizes),
        **{**interval(row), "n": customers},
    )


def number_of_classes(table):
    """Return how many classes the two yardsticks ask for."""
    by_bic = table.loc[table["bic"].idxmin()]
    row = table.loc[table["estimate"].idxmax()]
    return Note(
        "choice.classes_answer",
        "By BIC there are {bic}; unseen choices are predicted best by {classes} (mean log "
        "probability {estimate:3}, {low:3} to {high:3}; {n} choices).",
        bic=int(by_bic["classes"]),
        classes=int(row["classes"]),
        **interval(row),
    )


def habit(table):
    """Return whether the last purchase counts beyond taste."""
    row = table.set_index("model").loc["difference"]
    said = interval(row)
    if row["conf_low"] > 0:
        return Note(
            "choice.habit_answer",
            "The last purchase counts beyond lasting taste: its weight is {estimate:3} higher than "
            "in shuffled order ({low:3} to {high:3}; {n} choices).",
            **said,
        )
    return Note(
        "choice.habit_answer_none",
        "That the last purchase counts beyond lasting taste could not be shown: its weight differs "
        "by {estimate:3} from that in shuffled order ({low:3} to {high:3}; {n} choices).",
        **said,
    )


def independence(table, level):
    """Return without which alternative the weights shift most clearly."""
    row = table.sort_values(["p_holm", "p_joint", "dropped"], kind="stable").iloc[0]
    said = {
        "dropped": row["dropped"],
        "p": row["p_holm"],
        "tests": table["dropped"].nunique(),
        "n": int(row["n"]),
    }
    if row["p_holm"] < 1 - level:
        return Note(
            "choice.iia_answer",
            "The assumption does not hold: without {dropped} the weights shift more than chance "
            "allows (p: {p:p}, corrected for {tests} tests; {n} choices).",
            **said,
        )
    return Note(
        "choice.iia_answer_none",
        "A violation of the assumption could not be shown: the largest shift comes without "
        "{dropped} (p: {p:p}, corrected for {tests} tests; {n} choices).",
        **said,
    )


def rules(table, term):
    """Return how far the weight of an attribute moves with the rule for missing prices."""
    known = table.dropna(subset=["estimate"])
    if not len(known):
        return None
    row = known.iloc[0]
    return Note(
        "choice.rules_answer",
        "The weight of {term:word} lies between {least:3} and {most:3}, "
        "depending on the rule; under the first, {rule:word}, it is {estimate:3} "
        "({low:3} to {high:3}; {n} choices).",
        term=term,
        rule=row["rule"],
        least=known["estimate"].min(),
        most=known["estimate"].max(),
        **interval(row),
    )


def elasticity(table, attribute):
    """Return which alternative's own share reacts most."""
    own = table[table["kind"] == "own"]
    row = own.loc[own["estimate"].abs().idxmax()]
    return Note(
        "choice.elasticity_answer",
        "The strongest reaction is that of {alternative}: {rise:%0} more "
        "{attribute:word} is associated with a change of {estimate:2} % in its "
        "share ({low:2} to {high:2}; {n} choices).",
        alternative=row["alternative"],
        attribute=attribute,
        rise=0.01,
        **interval(row),
    )


def money(table, choices, price):
    """Return which attribute is worth most in money."""
    known = table.dropna(subset=["estimate"])
    if "interval" in known:
        known = known[known["interval"] == "krinsky_robb"]
    if not len(known):
        return Note(
            "choice.wtp_answer_none",
            "Nothing can be expressed in money: {price:word} has no clearly negative weight in "
            "these {n} choices.",
            price=price,
            n=choices,
        )
    row = known.loc[known["estimate"].abs().idxmax()]
    values = {"term": row["term"], **interval(row)}
    if known["term"].nunique() == 1:
        return Note(
            "choice.wtp_answer_one",
            "One unit of {term:word} is worth {estimate:money} ({low:money} to {high:money}; {n} "
            "choices).",
            **values,
        )
    return Note(
        "choice.wtp_answer",
        "One unit of {term:word} is worth {estimate:money} ({low:money} to {high:money}; {n} "
        "choices), of all attributes the value furthest from zero.",
        **values,
    )


def scenario(table):
    """Return whose share would move most."""
    moved = table[table["measure"] == "difference"].reset_index(drop=True)
    row = moved.loc[moved["estimate"].abs().idxmax()]
    after = table[table["measure"] == "after"].set_index("alternative")
    return Note(
        "choice.what_if_answer",
        "The largest change is that of {alternative}: predicted share {after:%}, "
        "a change of {estimate:points} percentage points ({low:points} to "
        "{high:points}; {n} choices).",
        alternative=row["alternative"],
        after=after["estimate"][row["alternative"]],
        **interval(row),
    )


def prediction(table):
    """Return how often the first model predicts unseen choices, beside market shares."""
    rates = table[table["measure"] == "hit_rate"].set_index("rule")
    row = rates.iloc[0]
    return Note(
        "choice.holdout_answer",
        "Predicted by the {rule:word}: {estimate:%} of the choices of unseen customers ({low:%} to "
        "{high:%}; {n} choices); market shares predict {shares:%}.",
        rule=rates.index[0],
        shares=rates.loc["market_shares", "estimate"],
        **{**interval(row), "low": max(row["conf_low"], 0.0), "high": min(row["conf_high"], 1.0)},
    )
