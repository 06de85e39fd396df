"""Do answers fit a theory of what lies behind them? Structural models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench import regression as fits
from workbench.data_limits import FEW
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Table

# What Hu & Bentler (1999) ask of a model that fits.
LEAST_CFI, MOST_RMSEA = 0.95, 0.06
FITS = Note(
    "drivers.sem_answer",
    "The model fits by the usual limits: CFI {cfi:3} (at least {least:plain}) and "
    "RMSEA {rmsea:3} (at most {most:plain}), over {n} respondents.",
)
FITS_NOT = Note(
    "drivers.sem_answer_not",
    "The model does not fit by the usual limits: CFI {cfi:3} (at least "
    "{least:plain}) and RMSEA {rmsea:3} (at most {most:plain}), over {n} "
    "respondents.",
)


@engine.frames("table")
@analysis
def structural(table: Table, model: str, *, conf_level: float = 0.95) -> Result:
    """Do answers fit a theory of what lies behind them? Confirmatory factors and structural paths.

    Needs the extra `sem` (`pip install .[sem]`), which brings the package semopy.

    Parameters
    ----------
    table : DataFrame
        One row a respondent, numbers; rows with a missing value are left out and counted.
    model : str
        In lavaan's language: "factor =~ item1 + item2", "y ~ x", "a ~~ b".

    Returns
    -------
    Result
        term, kind (loading, path, covariance), n (respondents), estimate, std_error, conf_low,
        conf_high, standardised. Fit (chi-square, CFI, RMSEA, SRMR) stands in `.facts`
        (drivers.sem_fit); `.model` is semopy's.

    Raises
    ------
    InputError
        Where semopy is not installed, a variable is missing, or the model does not settle.
    NotEnoughData
        With fewer respondents than weights.

    Source: Jöreskog (1969), Psychometrika 34; Hu & Bentler (1999), Structural Equation Modeling 6;
    fitted by semopy, Meshcheryakov, Igolkina & Samsonova (2021).
    """
    import re
    import warnings

    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import semopy
    except ImportError:
        raise InputError(
            "drivers.error_semopy",
            "structural: the package semopy is not installed; run pip install .[sem]",
        ) from None
    latent = set(re.findall(r"(?m)^\s*(\w+)\s*=~", model))
    used = [v for v in dict.fromkeys(re.findall(r"[A-Za-z_]\w*", model)) if v not in latent]
    fits.require(table, "table", *used)
    data = table[used].astype(float).dropna()
    if len(data) < len(used) + 1:
        raise NotEnoughData(
            "drivers.error_sem_respondents",
            "structural: {n} complete respondents for {variables} variables",
            n=len(data),
            variables=len(used),
        )
    flat = [c for c in data if data[c].nunique() < 2]
    if flat:
        raise InputError(
            "drivers.error_sem_never_varies",
            "structural: {variables:text} never varies; leave it out",
            variables=list(flat),
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = semopy.Model(model)
        solution = fitted.fit(data)
        found = fitted.inspect(std_est=True)
        fit = semopy.calc_stats(fitted).iloc[0]
    if not solution.success or not np.isfinite(fit["chi2"]):
        raise InputError(
            "drivers.error_sem_convergence",
            "structural: the model does not converge; give factors more items or free fewer paths",
        )
    implied, seen = (
        fitted.calc_sigma()[0],
        (
            np.cov(data[fitted.vars["observed"]].to_numpy().T, bias=True)
            if "observed" in fitted.vars
            else fitted.mx_cov
        ),
    )
    sd = np.sqrt(np.diag(seen))
    gap = ((seen - implied) / np.outer(sd, sd))[np.tril_indices(len(sd))]
    kinds = {
        "~": lambda a, b: "loading" if b in latent and a not in latent else "path",
        "~~": lambda a, b: "covariance",
    }
    rows = []
    for row in found.to_dict("records"):
        se = pd.to_numeric(row["Std. Err"], errors="coerce")
        low, high = intervals.normal(row["Estimate"], se, conf_level)
        rows.append(
            {
                "term": f"{row['lval']} {row['op']} {row['rval']}",
                "kind": kinds[row["op"]](row["lval"], row["rval"]),
                "n": len(data),
                "estimate": row["Estimate"],
                "std_error": se,
                "conf_low": float(low),
                "conf_high": float(high),
                "standardised": row["Est. Std"],
            }
        )
    limits = [
        Note(
            "drivers.sem_fit",
            "Chi-square {chi2} with {df} degrees of freedom (p: {p:p}); CFI {cfi:3}, "
            "RMSEA {rmsea:3}, SRMR {srmr:3}.",
            chi2=fit["chi2"],
            df=fit["DoF"],
            p=float(fit["chi2 p-value"]),
            cfi=fit["CFI"],
            rmsea=fit["RMSEA"],
            srmr=float(np.sqrt((gap**2).mean())),
        ),
        Note(
            "drivers.sem_limit",
            "A model that fits is one of many that would; arrows are assumptions. "
            "Ratings are treated as numbers.",
        ),
    ]
    if len(data) < 200:
        limits.append(FEW.having(n=len(data), least=200, unit="respondents"))
    return Result(
        question=Note("drivers.sem_question", "Do the answers fit the theory behind them?"),
        table=pd.DataFrame(rows),
        answer=_fit_answer(fit, len(data)),
        method=Note(
            "drivers.sem_method", "Structural equation model by maximum likelihood (semopy)."
        ),
        unit="respondents",
        n=len(data),
        conf_level=conf_level,
        evidence="associational",
        limits=tuple(limits),
        model=fitted,
        chart=Points(
            label=["term"],
            only={"kind": ["loading", "path"]},
            reference=0,
            xlabel=Note("drivers.sem_axis", "Loading or path, in units of the items"),
        ),
    )


def _fit_answer(fit, n):
    """Return whether the model fits by the limits of Hu and Bentler."""
    cfi, rmsea = float(fit["CFI"]), float(fit["RMSEA"])
    answer = FITS if cfi >= LEAST_CFI and rmsea <= MOST_RMSEA else FITS_NOT
    return answer.having(cfi=cfi, rmsea=rmsea, least=LEAST_CFI, most=MOST_RMSEA, n=n)
