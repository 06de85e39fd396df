"""What do reviews say of products: stars, how they are spread, and who stands behind them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals, names
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note, say
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import ratings
from workbench.voice.material import given

if TYPE_CHECKING:
    from workbench.types import Table

STARS = np.arange(1, 6)
LEAST = 20  # reviews below which a product is not named best or worst
MONTH = 30  # days over which velocity is told
ALL = "all"
ANSWER = Note(
    "voice.reviews_answer",
    "{estimate:%} of the reviews have one or two stars ({low:%} to {high:%}; {n} reviews); the "
    "mean is {mean:3}.",
)
BEST = Note(
    "voice.reviews_answer_groups",
    "Rated best, drawn to the mean of all, is {name:word}: {estimate:3} stars ({low:3} to "
    "{high:3}; "
    "{n} reviews); worst is {last:word} ({last_value:3}). {j_shaped} of {told} have more reviews "
    "at both ends than next to them.",
)
SELECTED = Note(
    "voice.reviews_limit",
    "Who writes a review chooses to: the very content and the very angry write more than others, "
    "so stars are no sample of buyers.",
)
SHRUNK = Note(
    "voice.reviews_shrunk",
    "A shrunken mean counts a product's own reviews and, for {prior:2} reviews more, those of all "
    "products; with {least} reviews or fewer, trust it alone.",
    least=LEAST,
)


@engine.frames("texts")
@analysis
def reviews(
    texts: Table, *, by: str = "product_id", incentivised: bool = False, conf_level: float = 0.95
) -> Result:
    """How are products rated, and how far can their stars be trusted?

    Parameters
    ----------
    texts : table with text_id, text, created_at, rating
        rating from 1 to 5; verified (bought it), incentivised (was paid for) and replied_at (when
        the firm replied) where they are known.
    by : str, optional
        Column that names the product; None: all together.
    incentivised : bool
        Whether reviews that were paid for count too.
    conf_level : float

    Returns
    -------
    Result
        group, measure, count, total (of means), n (reviews), estimate, std_error, conf_low,
        conf_high. Measures: mean_stars, shrunk_mean (with `by`), low_stars (share of 1 and 2),
        stars_1 … stars_5 (shares), j_shape (1 where both ends have more than what lies next to
        them), per_30_days (reviews), and verified and replied (shares) where they are known. The
        group "all" holds all together.

    Raises InputError for ratings that are no whole stars of 1 to 5, NotEnoughData without a review.

    Source: J-shape: Hu, Zhang & Pavlou (2009), Communications of the ACM 52; shrunken means:
    Dirichlet posterior, Gelman et al. (2013), Bayesian Data Analysis, ch. 3.
    """
    material, rating = _counted(texts, by, incentivised)
    at = _days(material.rows)
    own = list(material.groups()) if by else []
    whole = next(name for name in (ALL, "all_products", "") if name not in dict(own))
    groups = [(whole, np.ones(len(material), bool))]
    counts = {g: np.bincount(rating[m] - 1, minlength=5) for g, m in own}
    size = None
    if len(counts) > 1:
        # The mean of all is not known better than by all reviews.
        size = min(ratings.alikeness(np.array(list(counts.values()))), float(len(rating)))
    rows = []
    for group, mask in [*groups, *own]:
        key = {names.label(by): group} if by else {}
        prior = None
        if size and group in counts and not mask.all():
            prior = size * np.bincount(rating - 1, minlength=5) / len(rating)
        rows += [{**key, **r} for r in _rows(material, rating, at, mask, prior, conf_level)]
    table = tidy(rows)
    return Result(
        question=Note("voice.reviews_question", "How are products rated, and by how many?"),
        table=table,
        answer=_said(table, by, counts),
        method=Note(
            "voice.reviews_method",
            "Shares and means with the customer as sampling unit; shrunken means by the Dirichlet "
            "distribution that fits all products best.",
        ),
        unit="reviews",
        n=len(material),
        conf_level=conf_level,
        limits=(*([SHRUNK.having(prior=size)] if size else []), *material.limits(), SELECTED),
        chart=Points(
            label=[names.label(by)] if by else ["measure"],
            only={"measure": "shrunk_mean" if size else "mean_stars"},
            xlabel=Note("voice.axis_stars", "Stars (1 to 5)"),
        ),
    )


def _counted(texts, by, incentivised):
    """Return the reviews that count, and their stars; what is left out is said."""
    import pandas as pd

    material = given(texts, by, "rating")
    rating = pd.to_numeric(material.rows["rating"], errors="coerce").to_numpy(float)
    keep = ~np.isnan(rating)
    wrong = keep & ((rating < 1) | (rating > 5) | (rating % 1 != 0))
    if wrong.any():
        raise InputError(
            "voice.error_stars",
            "rating: stars must be whole numbers from {low} to {high}; {wrong} of {n} are not, "
            "such as {value:plain}",
            low=1,
            high=5,
            wrong=int(wrong.sum()),
            n=len(material),
            value=float(rating[wrong][0]),
        )
    if (~keep).any():
        say(
            Note(
                "voice.unrated",
                "{n} text has no stars and is left out.",
                "{n} texts have no stars and are left out.",
                n=int((~keep).sum()),
            )
        )
    paid = _flag(material.rows, "incentivised")
    if paid is not None and not incentivised:
        paid = (paid == 1) & keep
        if paid.any():
            say(
                Note(
                    "voice.paid",
                    "{n} review was paid for and is left out.",
                    "{n} reviews were paid for and are left out.",
                    n=int(paid.sum()),
                )
            )
        keep &= ~paid
    keep &= ~_copied(material, by, keep)
    if not keep.any():
        raise NotEnoughData("voice.error_no_review", "texts: no review with stars is left")
    rows = np.flatnonzero(keep)
    group = None if material.group is None else material.group[rows]
    kept = type(material)(
        material.id[rows], material.text[rows], material.who[rows], group, material.rows.iloc[rows]
    )
    return kept, rating[rows].astype(int)


def _copied(material, by, keep):
    """Return which reviews say, of one product, what an earlier one said word for word."""
    import pandas as pd

    plain = pd.Series(material.text).str.lower().str.replace(r"\W+", " ", regex=True).str.strip()
    told = pd.DataFrame({"text": plain, "keep": keep, "words": plain.str.count(" ") + 1})
    told["group"] = "" if material.group is None else material.group
    told["at"] = _days(material.rows)
    told["who"] = material.who
    told = told[told["keep"]].sort_values(["at", "text"], kind="stable")
    # Two people may both write "great"; one person, or a sentence, is not written twice by chance.
    same = told.duplicated(["text", "group"]) & (told["words"] >= 8)
    same |= told.duplicated(["text", "group", "who"])
    found = np.zeros(len(material), bool)
    found[told.index[same]] = True
    if found.any():
        say(
            Note(
                "voice.copied",
                "{n} review repeats another of the same product and is left out.",
                "{n} reviews repeat another of the same product and are left out.",
                n=int(found.sum()),
            )
        )
    return found


def _days(rows):
    """Return when each text was written, in days; missing where that is not known."""
    import pandas as pd

    at = pd.to_datetime(rows["created_at"], utc=True, errors="coerce")
    return (at - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float) / 86400


def _flag(rows, name):
    """Return yes and no as 1 and 0, missing where neither is said; None without the column."""
    import pandas as pd

    if name not in rows:
        return None
    return pd.to_numeric(rows[name].astype(object), errors="coerce").to_numpy(float)


def _rows(material, rating, at, mask, prior, conf_level):
    """Return the rows of one group."""
    stars, who = rating[mask], material.who[mask]
    mean = intervals.mean(stars, who, conf_level)
    ends = np.clip([mean["conf_low"], mean["conf_high"]], 1, 5)
    rows = [{"measure": "mean_stars", **mean, "conf_low": ends[0], "conf_high": ends[1]}]
    counts = np.bincount(stars - 1, minlength=5)
    if prior is not None:
        value, error, low, high = ratings.shrunk_mean(counts, prior, conf_level)
        numbers = {"estimate": value, "std_error": error, "conf_low": low, "conf_high": high}
        rows.append({"measure": "shrunk_mean", "n": len(stars), **numbers})
    shares = {"low_stars": stars <= 2, **{f"stars_{k}": stars == k for k in STARS}}
    rows += [
        {"measure": name, **intervals.share(hit, who, conf_level)} for name, hit in shares.items()
    ]
    rows.append({"measure": "j_shape", "n": len(stars), "estimate": float(j_shaped(counts))})
    rows.append(_velocity(at, mask, conf_level))
    for name, hit in _known(material.rows).items():
        known = mask & ~np.isnan(hit)
        if known.any():
            numbers = intervals.share(hit[known] == 1, material.who[known], conf_level)
            rows.append({"measure": name, **numbers})
    return rows


def _known(rows):
    """Return what is known of who stands behind reviews and who replied: name → 1, 0 or missing."""
    found = {}
    verified = _flag(rows, "verified")
    if verified is not None:
        found["verified"] = verified
    if "replied_at" in rows:
        found["replied"] = rows["replied_at"].notna().to_numpy(float)
    return found


def _velocity(at, mask, conf_level):
    """Return the row of reviews in 30 days, over the days all reviews span."""
    n, known = int(mask.sum()), at[~np.isnan(at)]
    days = float(np.ptp(known)) if len(known) else 0.0
    if days <= 0:
        return {"measure": "per_30_days", "n": n, "estimate": np.nan}
    months = days / MONTH
    low, high = intervals.garwood(n, months, conf_level)
    return {
        "measure": "per_30_days",
        "n": n,
        "estimate": n / months,
        "std_error": float(np.sqrt(n) / months),
        "conf_low": float(low),
        "conf_high": float(high),
    }


def j_shaped(counts):
    """Return whether stars have more reviews at both ends than next to them.

    >>> j_shaped([5, 1, 2, 4, 9]), j_shaped([1, 2, 5, 2, 1])
    (True, False)
    """
    return bool(counts[0] > counts[1] and counts[4] > counts[3])


def _said(table, by, counts):
    """Return the note of all reviews, or of the product rated best and worst."""
    if by:
        label = names.label(by)
        shrunk = table[(table["measure"] == "shrunk_mean") & (table["n"] >= LEAST)]
        if len(shrunk) > 1:
            ranked = shrunk.sort_values("estimate", ascending=False, kind="stable")
            top, last = ranked.iloc[0], ranked.iloc[-1]
            return BEST.having(
                name=top[label],
                estimate=top["estimate"],
                low=top["conf_low"],
                high=top["conf_high"],
                n=int(top["n"]),
                last=last[label],
                last_value=last["estimate"],
                j_shaped=sum(j_shaped(c) for c in counts.values()),
                told=len(counts),
            )
    whole = table.drop_duplicates("measure").set_index("measure")
    low = whole.loc["low_stars"]
    return ANSWER.having(
        estimate=low["estimate"],
        low=low["conf_low"],
        high=low["conf_high"],
        n=int(low["n"]),
        mean=whole.loc["mean_stars", "estimate"],
    )
