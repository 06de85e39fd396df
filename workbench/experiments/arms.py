"""Two arms of a test in numbers: one row a person, means, differences, and the time before."""

import numpy as np

from workbench import intervals
from workbench.errors import BEYOND, InputError, NotEnoughData


def check_metric(table, metric, before):
    """Refuse a metric without an end, and one that stands for its own past."""
    for name in (metric, before):
        wide = 0
        if name is not None:
            wide = int((np.abs(np.asarray(table[name].dropna(), float)) > BEYOND).sum())
        if wide:
            raise InputError(
                "experiments.error_infinite",
                "table: '{name}' is infinite in {n} rows; give the numbers themselves, or leave "
                "those rows empty",
                name=name,
                n=wide,
            )
    if before is None:
        return
    both = table[[metric, before]].dropna().astype(float).to_numpy() if before != metric else None
    if both is None or (len(both) > 2 and _same(*both.T)):
        raise InputError(
            "experiments.error_before_metric",
            "before: '{before}' says the same as the metric '{metric}' of everybody; name what was "
            "measured before the test, or leave it out",
            before=before,
            metric=metric,
        )


def _same(y, before):
    """Say whether one column follows from the other, but for place and scale."""
    y, before = y - y.mean(), before - before.mean()
    size = (y @ y) * (before @ before)
    return bool(size > 0 and (y @ before) ** 2 > (1 - 1e-12) * size)


def people(table, metric, variant, unit, before):
    """Return one row a person (arm, y, x, before), rows left out, people seen in several arms."""
    import pandas as pd

    keep = table[[c for c in dict.fromkeys((metric, variant, unit, before)) if c]]
    whole = keep[[c for c in (metric, variant, unit) if c]].notna().all(axis=1)
    rows = keep[whole]
    y = rows[metric].astype(float)
    if unit is None:
        return (
            pd.DataFrame(
                {
                    "arm": rows[variant],
                    "y": y,
                    "x": 1.0,
                    "before": rows[before].astype(float) if before else 0.0,
                }
            ),
            int((~whole).sum()),
            0,
        )
    both = rows.groupby(unit)[variant].nunique() > 1
    rows = rows[~rows[unit].isin(both[both].index)]
    per = (
        rows.assign(y=y, x=1.0)
        .groupby(unit)
        .agg(
            arm=(variant, "first"),
            y=("y", "sum"),
            x=("x", "sum"),
            **({"before": (before, "mean")} if before else {}),
        )
    )
    return per if before else per.assign(before=0.0), int((~whole).sum()), int(both.sum())


def mean(part, conf_level, share):
    """Return the mean (or share) of an arm with its interval."""
    if share:
        count, n = int(part["y"].sum()), len(part)
        low, high = intervals.wilson(count, n, conf_level)
        return {
            "count": count,
            "n": n,
            "estimate": count / n,
            "std_error": float(np.sqrt(count / n * (1 - count / n) / n)) or np.nan,
            "conf_low": float(low),
            "conf_high": float(high),
            "p_value": np.nan,
        }
    estimate, se, low, high = intervals.ratio(part["y"], part["x"], conf_level)
    return {
        "total": float(part["y"].sum()),
        "n": len(part),
        "estimate": estimate,
        "std_error": se,
        "conf_low": low,
        "conf_high": high,
        "p_value": np.nan,
    }


def wide(here, base, se, share):
    """Return the standard error of a difference of shares; where all or none have the property in
    an arm, as if there had been one of each more.
    """
    if se > 0 or not share:
        return se
    shares = [((m["count"] + 1) / (m["n"] + 2), m["n"] + 2) for m in (here, base)]
    return float(np.sqrt(sum(p * (1 - p) / n for p, n in shares)))


def gap(estimate, se, n, planned, conf_level):
    """Return the interval of a difference, for one look or for any number of them."""
    if not se > 0:
        return np.nan, np.nan
    if planned is None:
        return intervals.normal(estimate, se, conf_level)
    half = se * sequence(n, planned, conf_level)
    return estimate - half, estimate + half


def sequence(n, planned, conf_level=0.95):
    """Return how many standard errors wide half an interval must be that may be looked at after
    every person.

    Source: Waudby-Smith et al. (2024), Annals of Statistics 52, theorem 2.2 and its tuning.

    >>> round(sequence(1000, 1000), 2)
    3.04
    """
    alpha = 1 - conf_level
    rho2 = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / planned
    return float(np.sqrt(2 * (n * rho2 + 1) / (n * rho2) * np.log(np.sqrt(n * rho2 + 1) / alpha)))


def relative(here, base, n, planned, conf_level, share):
    """Return the relative difference: its interval on the log scale, or where nobody or everybody
    has the property from the limits of both shares.

    Source: Donner & Zou (2012), Statistical Methods in Medical Research 21, for the latter.
    """
    if not (here["estimate"] > 0 and base["estimate"] > 0):
        return {
            "estimate": np.nan,
            "std_error": np.nan,
            "conf_low": np.nan,
            "conf_high": np.nan,
            "p_value": np.nan,
        }
    log = np.log(here["estimate"] / base["estimate"])
    errors = np.nan_to_num([here["std_error"], base["std_error"]])
    se = float(np.hypot(errors[0] / here["estimate"], errors[1] / base["estimate"]))
    if share and not se > 0:
        low, high = intervals.ratio_of_shares(here, base)
        low, high = (np.log(v) for v in (low, high)) if planned is None else (np.nan, np.nan)
    else:
        low, high = gap(log, se, n, planned, conf_level)
    return {
        "estimate": np.expm1(log),
        "std_error": se * np.exp(log) if se > 0 else np.nan,
        "conf_low": float(np.expm1(low)),
        "conf_high": float(np.expm1(high)),
        "p_value": np.nan,
    }


def adjusted(treated, control, centre):
    """Return a fit, the difference adjusted for the metric before the test (own slope in each arm),
    and its error.
    """
    import pandas as pd
    import statsmodels.api as sm

    if min(len(treated), len(control)) < 3:
        raise NotEnoughData(
            "experiments.error_before_too_few",
            "before: fewer than {least} people of an arm have the metric before the test; leave "
            "it out",
            least=3,
        )
    both = pd.concat([treated, control])
    arm = np.repeat([1.0, 0.0], [len(treated), len(control)])
    early = (both["before"] - centre).to_numpy()
    if np.ptp(early) == 0:
        raise InputError(
            "experiments.error_before_constant",
            "before: the metric before the test is the same for everybody; leave it out",
        )
    x = pd.DataFrame({"constant": 1.0, "arm": arm, "before": early, "arm × before": arm * early})
    made = sm.WLS((both["y"] / both["x"]).to_numpy(), x, weights=both["x"].to_numpy()).fit(
        cov_type="HC1"
    )
    return made, float(made.params["arm"]), float(made.bse["arm"])
