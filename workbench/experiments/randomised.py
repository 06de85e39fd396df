"""Where chance decided who got what: the difference between the arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.errors import InputError, NotEnoughData, unknown
from workbench.experiments import arms as arms_of
from workbench.notes import Note
from workbench.results import Points, Result, analysis, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.types import Table

MISMATCH = 0.001  # below this p-value a split is not the one that was planned
POWER = 0.8
CHOSEN = Note(
    "experiments.not_random",
    "Who is in which arm was not decided at random: the arms differ in more than their treatment, "
    "and the difference is no effect.",
)
COST_UNIT = Note(
    "experiments.cost_unit",
    "Cost of one more unit: the extra cost per person over the difference; missing where the "
    "difference is not clearly above {none}.",
    none=0,
)
ONE_LOOK = Note(
    "experiments.one_look",
    "The interval holds for one look at a number of people fixed beforehand.",
)
DIFFERS = Note(
    "experiments.differs",
    "{arm:word} differs from {control:word} by {gap:3} in {metric:word} ({low:3} to {high:3}; "
    "{mean:3} against {base:3}, {n} people).",
)
ALIKE = Note(
    "experiments.alike",
    "No difference in {metric:word} between {arm:word} and {control:word} could be shown: {gap:3} "
    "({low:3} to {high:3}; {mean:3} against {base:3}, {n} people).",
)
SHARE_DIFFERS = Note(
    "experiments.share_differs",
    "{arm:word} differs from {control:word} by {gap:points} percentage points in {metric:word} "
    "({low:points} to {high:points}; {mean:%} against {base:%}, {n} people).",
)
SHARE_ALIKE = Note(
    "experiments.share_alike",
    "No difference in {metric:word} between {arm:word} and {control:word} could be shown: "
    "{gap:points} percentage points ({low:points} to {high:points}; {mean:%} against {base:%}, {n} "
    "people).",
)
POWER_UNKNOWN = Note(
    "experiments.power_unknown",
    "Everybody in the control has the same value so far, so how small a difference these numbers "
    "would show cannot be said.",
)
AXIS = Note("experiments.axis", "Difference from the control")
AXIS_SHARE = Note("experiments.axis_share", "Difference from the control, percentage points")
METHOD_SEQUENCE = Note(
    "experiments.method_sequence",
    "Difference of the arms as assigned; asymptotic confidence sequence that "
    "allows looking at any time.",
)
METHOD = Note(
    "experiments.method",
    "Difference of the arms as assigned; Newcombe intervals for shares, robust "
    "normal ones for means, Holm's correction.",
)


@engine.frames("table")
@analysis
def difference(
    table: Table,
    metric: str,
    *,
    variant: str = "variant",
    control: str = "control",
    unit: str | None = None,
    before: str | None = None,
    planned: int | None = None,
    split: Mapping | None = None,
    cost: Mapping | None = None,
    randomised: bool = True,
    conf_level: float = 0.95,
) -> Result:
    """By how much does each arm differ from the control?

    Everybody counts in the arm they were put in, whatever they did with it. The split is checked
    first: where the sizes of the arms are not those that were planned, chance did not decide alone
    and the result is graded associational.

    Parameters
    ----------
    table : DataFrame
        One row a person (or several, with `unit`): the arm and the metric. Rows without a metric
        are left out and counted.
    metric : str
        A column of numbers; 0 and 1 is a share.
    variant, control : str
        Column of the arm, and the name of the control arm.
    unit : str, optional
        Column of the person who was assigned, where rows are visits or orders; the metric is then
        averaged over rows. People seen in several arms are left out and counted.
    before : str, optional
        The same metric, or another one, from before the test; adds an adjusted difference with a
        narrower interval (CUPED). Who lacks it counts in the plain difference only.
    planned : int, optional
        People after which the test was to be read. With it the interval may be looked at after
        every person without losing its level (an asymptotic confidence sequence, tightest at that
        number).
    split : dict, optional
        Arm → planned share, for all arms; None: equal.
    cost : dict, optional
        Arm → cost a person more than in the control; adds the cost of one more unit of the metric.
    randomised : bool
        Whether chance put people into the arms; False: the result is graded associational.

    Returns
    -------
    Result
        arm, measure (mean, difference, relative, adjusted, cost_per_unit), count, total, n (people
        in the arm; in both for differences), estimate, std_error, conf_low, conf_high, p_value,
        p_holm (over the arms). `.model` is a dictionary arm → statsmodels fit of the adjusted
        difference (with `before`).

    Raises
    ------
    InputError
        For a missing column or control arm.
    NotEnoughData
        With fewer than two people in an arm.

    Source: Newcombe (1998) for shares; Deng, Xu, Kohavi & Walker (2013), WSDM, for CUPED;
    Waudby-Smith et al. (2024), Annals of Statistics 52, for the sequence; Fabijan et al. (2019),
    KDD, for the split.
    """
    from scipy import special, stats

    fits.require(table, "table", metric, variant, unit, before)
    arms_of.check_metric(table, metric, before)
    people, lost, moved = arms_of.people(table, metric, variant, unit, before)
    arms = sorted(people["arm"].unique(), key=str)
    if control not in arms:
        raise unknown("control", "arm", control, arms)
    if split is not None and set(split) != set(arms):
        raise InputError(
            "experiments.error_split_arms",
            "split: names the arms {split:text}; the data have {arms:text}",
            split=list(split),
            arms=list(arms),
        )
    sizes = people["arm"].value_counts()
    if sizes.min() < 2 or len(arms) < 2:
        raise NotEnoughData(
            "experiments.error_two_arms",
            "difference: {least} arms with {least} people each are needed; found {arms:text} with "
            "{sizes}",
            least=2,
            arms=list(arms),
            sizes=[int(sizes[a]) for a in arms],
        )
    weights = np.array([(split or {}).get(a, 1 / len(arms)) for a in arms], float)
    srm = stats.chisquare([sizes[a] for a in arms], weights / weights.sum() * len(people)).pvalue
    share = people["y"].isin((0, 1)).all() and (people["x"] == 1).all()
    rows, models, order = [], {}, [control, *(a for a in arms if a != control)]
    parts = {a: people[people["arm"] == a] for a in order}
    ones = {a: arms_of.mean(parts[a], conf_level, share) for a in order}
    rows += [{"arm": a, "measure": "mean", **ones[a]} for a in order]
    base = ones[control]
    for a in order[1:]:
        here = ones[a]
        n = here["n"] + base["n"]
        gap, se = (
            here["estimate"] - base["estimate"],
            float(np.hypot(*np.nan_to_num([here["std_error"], base["std_error"]]))),
        )
        low, high = (
            intervals.newcombe(here["count"], here["n"], base["count"], base["n"], conf_level)
            if share and planned is None
            else arms_of.gap(gap, arms_of.wide(here, base, se, share), n, planned, conf_level)
        )
        rows.append(
            {
                "arm": a,
                "measure": "difference",
                "count": np.nan,
                "n": n,
                "estimate": gap,
                "std_error": se if se > 0 else np.nan,
                "conf_low": float(low),
                "conf_high": float(high),
                "p_value": (
                    intervals.newcombe_p(here["count"], here["n"], base["count"], base["n"])
                    if share
                    else float(intervals.p_value(gap, se))
                ),
            }
        )
        rows.append(
            {
                "arm": a,
                "measure": "relative",
                "count": np.nan,
                "n": n,
                **arms_of.relative(here, base, n, planned, conf_level, share),
            }
        )
        best = gap
        if before:
            both = [parts[name].dropna(subset=["before"]) for name in (a, control)]
            made, best, error = arms_of.adjusted(*both, float(people["before"].mean()))
            models[a] = made
            n = len(made.model.endog)
            low, high = arms_of.gap(best, error, n, planned, conf_level)
            rows.append(
                {
                    "arm": a,
                    "measure": "adjusted",
                    "count": np.nan,
                    "n": n,
                    "estimate": best,
                    "std_error": error,
                    "conf_low": float(low),
                    "conf_high": float(high),
                    "p_value": float(intervals.p_value(best, error)),
                }
            )
        if cost and a in cost:
            # Limits of the difference shown last: adjusted, where there is a metric from before.
            known = low > 0
            rows.append(
                {
                    "arm": a,
                    "measure": "cost_per_unit",
                    "count": np.nan,
                    "n": n,
                    "estimate": cost[a] / best if known else np.nan,
                    "std_error": np.nan,
                    "conf_low": cost[a] / high if known else np.nan,
                    "conf_high": cost[a] / low if known else np.nan,
                    "p_value": np.nan,
                }
            )
    made = tidy(rows)
    made["p_holm"] = np.nan
    for measure in ("difference", "adjusted"):
        where = made["measure"] == measure
        made.loc[where, "p_holm"] = intervals.adjust_p_values(made.loc[where, "p_value"])
    if planned is not None:
        # A p-value of one look means nothing where there may have been many.
        made[["p_value", "p_holm"]] = np.nan
    broken = srm < MISMATCH
    sd = (
        float(np.sqrt(people["y"].var()))
        if unit is None
        else float(np.nan_to_num(base["std_error"]) * np.sqrt(base["n"]))
    )
    smallest = (
        (intervals.z(conf_level) + special.ndtri(POWER))
        * sd
        * np.sqrt(1 / sizes[control] + 1 / sizes.drop(control).min())
    )
    limits = [] if randomised else [CHOSEN]
    limits.append(
        Note(
            "experiments.mismatch",
            "The sizes of the arms are not those that were planned (p: {p:p}): who is counted was "
            "not decided at random alone, or the plan was another one (give `split`). The result "
            "is graded associational until that is settled.",
            p=float(srm),
        )
        if broken
        else Note(
            "experiments.split",
            "The sizes of the arms are as planned (chi-square, p: {p:p}).",
            p=float(srm),
        )
    )
    if cost:
        limits.append(COST_UNIT)
    limits.append(_power(float(smallest), share))
    limits.append(
        Note(
            "experiments.sequential",
            "The interval may be looked at after every person; it is tightest at {planned} people.",
            planned=planned,
        )
        if planned is not None
        else ONE_LOOK
    )
    if lost:
        limits.append(
            Note(
                "experiments.incomplete",
                "{n} row with a missing value is left out.",
                "{n} rows with a missing value are left out.",
                n=lost,
            )
        )
    if people["before"].isna().any():
        limits.append(
            Note(
                "experiments.no_before",
                "{n} person lacks the metric from before and counts in the unadjusted difference "
                "only.",
                "{n} people lack the metric from before and count in the unadjusted difference "
                "only.",
                n=int(people["before"].isna().sum()),
            )
        )
    if moved:
        limits.append(
            Note(
                "experiments.moved",
                "{n} person was seen in several arms and is left out.",
                "{n} people were seen in several arms and are left out.",
                n=moved,
            )
        )
    return Result(
        question=(
            Note(
                "experiments.question",
                "By how much does each arm differ from the control in {metric:word}?",
                metric=metric,
            )
            if planned is None
            else Note(
                "experiments.question_sequence",
                "By how much does each arm differ from the control in {metric:word}, with a look "
                "at any time?",
                metric=metric,
            )
        ),
        table=made,
        method=(METHOD_SEQUENCE if planned is not None else METHOD),
        answer=_difference_answer(made, metric, control, bool(share), conf_level),
        unit="people",
        n=len(people),
        conf_level=conf_level,
        evidence="associational" if broken or not randomised else "experimental",
        limits=tuple(limits),
        model=models or None,
        chart=Points(
            label=["arm", "measure"],
            only={"measure": ["adjusted"] if before else ["difference"]},
            reference=0,
            points=bool(share),
            xlabel=(AXIS_SHARE if share else AXIS),
        ),
    )


def _power(smallest, share):
    """Say how small a difference these numbers would show."""
    if not smallest > 0:
        return POWER_UNKNOWN
    if share:
        return Note(
            "experiments.power_share",
            "With these numbers a difference of {effect:2} percentage points would be found with "
            "a probability of {power:%0}.",
            effect=100 * smallest,
            power=POWER,
        )
    return Note(
        "experiments.power",
        "With these numbers a difference of {effect:3} would be found with a probability of "
        "{power:%0}.",
        effect=smallest,
        power=POWER,
    )


def _difference_answer(table, metric, control, share, conf_level):
    """Return the arm that differs most from the control, adjusted where that is possible."""
    measure = "adjusted" if (table["measure"] == "adjusted").any() else "difference"
    rows = table[table["measure"] == measure].reset_index(drop=True)
    row = rows.loc[rows["estimate"].abs().idxmax()]
    means = table[table["measure"] == "mean"].set_index("arm")["estimate"]
    # Where the data may be looked at any time only the interval tells.
    beyond = row["conf_low"] > 0 or row["conf_high"] < 0
    clear = row["p_holm"] < 1 - conf_level if row["p_holm"] == row["p_holm"] else beyond
    said = (SHARE_DIFFERS if clear else SHARE_ALIKE) if share else (DIFFERS if clear else ALIKE)
    return said.having(
        metric=metric,
        arm=row["arm"],
        control=control,
        gap=row["estimate"],
        low=row["conf_low"],
        high=row["conf_high"],
        mean=means[row["arm"]],
        base=means[control],
        n=row["n"],
    )
