"""Where leaving is seen: renewals of a contract."""

import numpy as np

from workbench import discrete, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Curve, Result, analysis


@analysis
def contract(survivors, *, ahead=5, conf_level=0.95):
    """How many customers of one cohort renew, period by period, and how many will?

    Renewal rates rise with age because those likely to leave have left, not because anybody grows
    more loyal.

    Parameters
    ----------
    survivors : list of int
        Customers at the begin, and how many were left after each renewal.
    ahead : int
        Renewals to foretell beyond those seen.

    Returns
    -------
    Result
        measure (alpha, beta of the chances to leave; left: share still there; renewal: share of the
        last period's customers), period, count (customers left; where seen), n (customers at the
        begin), seen (observed share; missing ahead), estimate (by the model), std_error, conf_low,
        conf_high. `.model` is a dictionary with params, cov and loglik.

    Raises
    ------
    InputError
        For numbers that rise, or are negative.
    NotEnoughData
        With fewer than two renewals, or where nobody left.

    Source: Fader & Hardie (2007), Journal of Interactive Marketing 21 (shifted beta-geometric).
    """
    import pandas as pd
    from scipy import optimize, special

    seen = np.asarray(survivors, float)
    if len(seen) < 3:
        raise NotEnoughData(
            "clv.error_contract_the_customers_at_the",
            "contract: the customers at the begin and after at least two renewals are needed",
        )
    if (np.diff(seen) > 0).any() or (seen < 0).any() or not np.isfinite(seen).all():
        raise InputError(
            "clv.error_survivors_numbers_of_one_cohort",
            "survivors: numbers of one cohort can only fall",
        )
    n, lost, k = seen[0], -np.diff(seen), np.arange(1, len(seen))
    if not lost.any() or seen[1] == 0:
        raise NotEnoughData(
            "contract: nobody left" if not lost.any() else "contract: nobody renewed once"
        )
    psi = special.psi

    def value(theta):
        a, b = np.exp(theta)
        log = special.betaln(a + 1, b + k - 1) - special.betaln(a, b)
        stay = special.betaln(a, b + k[-1]) - special.betaln(a, b)
        da = psi(a + 1) - psi(a + b + k) - psi(a) + psi(a + b)
        db = psi(b + k - 1) - psi(a + b + k) - psi(b) + psi(a + b)
        sa, sb = (
            psi(a + b) - psi(a + b + k[-1]),
            psi(b + k[-1]) - psi(a + b + k[-1]) - psi(b) + psi(a + b),
        )
        return lost @ log + seen[-1] * stay, np.array(
            [a * (lost @ da + seen[-1] * sa), b * (lost @ db + seen[-1] * sb)]
        )

    runs = [
        optimize.minimize(
            lambda q: tuple(-v / n for v in value(q)),
            np.log(s),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-10, 10)] * 2,
            options={"ftol": 1e-14, "gtol": 1e-10},
        )
        for s in ([1.0, 1.0], [0.5, 3.0], [5.0, 20.0])
    ]
    theta = min(runs, key=lambda r: r.fun).x
    log, gradient = value(theta)
    hessian = discrete.slope(lambda q: value(q)[1], theta)
    edge = bool((np.abs(theta) > 9.5).any())
    cov = np.linalg.pinv(-hessian) if not edge else np.full((2, 2), np.nan)
    periods = np.arange(1, len(seen) + ahead)

    def shares(theta):
        a, b = np.exp(theta)
        left = special.betaln(a, b + periods) - special.betaln(a, b)
        return np.concatenate(
            [
                special.logit(np.minimum(np.exp(left), 1 - 1e-12)),
                special.logit((b + periods - 1) / (a + b + periods - 1)),
            ]
        )

    made, error = discrete.delta(shares, theta, np.nan_to_num(cov))
    low, high = special.expit(np.array(intervals.normal(made, error, conf_level)))
    a, b = np.exp(theta)
    known = np.concatenate([seen[1:], np.full(ahead, np.nan)])
    before = np.concatenate([seen[:-1], np.full(ahead, np.nan)])
    rows = [
        {
            "measure": name,
            "period": np.nan,
            "count": np.nan,
            "n": int(n),
            "seen": np.nan,
            "estimate": v,
            "std_error": v * s,
            "conf_low": float(v * np.exp(-intervals.z(conf_level) * s)),
            "conf_high": float(v * np.exp(intervals.z(conf_level) * s)),
        }
        for name, v, s in (("alpha", a, np.sqrt(cov[0, 0])), ("beta", b, np.sqrt(cov[1, 1])))
    ]
    m = len(periods)
    for measure, at, share in (("left", 0, known / n), ("renewal", m, known / before)):
        p = special.expit(made[at : at + m])
        rows += [
            {
                "measure": measure,
                "period": int(periods[i]),
                "count": known[i],
                "n": int(n),
                "seen": share[i],
                "estimate": p[i],
                "std_error": np.nan if edge else p[i] * (1 - p[i]) * error[at + i],
                "conf_low": np.nan if edge else low[at + i],
                "conf_high": np.nan if edge else high[at + i],
            }
            for i in range(m)
        ]
    limits = [
        Note(
            "clv.contract_sorting",
            "Renewal rates rise because those likely to leave have left: sorting, not "
            "growing loyalty.",
        ),
        Note(
            "clv.contract_fit",
            "Log-likelihood {value:6}, largest score a customer {score}.",
            value=float(log),
            score="<1e-6"
            if np.abs(gradient).max() / n < 1e-6
            else f"{np.abs(gradient).max() / n:.0e}",
        ),
    ]
    if edge:
        limits.insert(
            0,
            Note(
                "clv.contract_edge",
                "The chances to leave hardly differ, or hardly anybody leaves: the "
                "parameters ran to the edge and have no interval.",
            ),
        )
    if n < 200 or len(seen) < 5:
        limits.append(
            Note(
                "clv.contract_few",
                "{n} customers and {k} renewals are few; 200 and four are common floors.",
                n=int(n),
                k=len(seen) - 1,
            )
        )
    return Result(
        question=Note(
            "clv.contract_question", "How many customers of a cohort renew, and how many will?"
        ),
        table=pd.DataFrame(rows),
        method=Note(
            "clv.contract_method",
            "Shifted beta-geometric model by maximum likelihood; intervals from the curvature.",
        ),
        unit="customers",
        n=int(n),
        conf_level=conf_level,
        limits=tuple(limits),
        model={"params": {"alpha": float(a), "beta": float(b)}, "cov": cov, "loglik": float(log)},
        chart=Curve(
            x="period",
            only={"measure": "left"},
            percent=True,
            xlabel=Note("clv.contract_axis", "Renewals"),
            ylabel=Note("clv.contract_yaxis", "Share still there"),
        ),
    )
