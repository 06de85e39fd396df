"""Choice and buying models at their edges: what has no estimate is missing and named, with what to
do; nothing beneath speaks on the screen; intervals stay in the range of what they bound.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from test_choice import market

from workbench import choice, conjoint, influence, loyalty
from workbench.errors import InputError

NUMBERS = ["estimate", "std_error", "conf_low", "conf_high"]


@pytest.fixture(autouse=True)
def silent():
    """No warning of a library beneath reaches the screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def withheld(made, *terms):
    """Those terms are missing and named, all others have estimate, error and interval."""
    rows = made.table.set_index("term")[NUMBERS]
    assert rows.loc[list(terms)].isna().all(axis=None)
    assert rows.drop(index=list(terms)).notna().all(axis=None)
    said = str(made.limits[0])
    assert all(t.removeprefix("constant: ") in said for t in terms) and "firth" in said
    return rows


def never(data, name="brand 3"):
    """Choices in which one alternative is offered and never taken."""
    gone = data.loc[data["chosen"] & (data["alternative"] == name), "choice_id"]
    return data[~data["choice_id"].isin(gone)]


def test_a_brand_nobody_chooses():
    """Its constant is missing; the other weights are those without it."""
    data = never(market(6, customers=60))
    rows = withheld(choice.conditional_logit(data, ["price", "display"]), "constant: brand 3")
    without = choice.conditional_logit(
        data[data["alternative"] != "brand 3"], ["price", "display"]
    ).table.set_index("term")
    assert rows.loc["price"].to_numpy() == pytest.approx(
        without.loc["price", NUMBERS].to_numpy(float), rel=1e-6
    )
    firth = choice.conditional_logit(data, ["price", "display"], penalty="firth").table
    row = firth.set_index("term").loc["constant: brand 3"]
    assert firth[NUMBERS].notna().all(axis=None) and row["conf_high"] < 0
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


@pytest.mark.parametrize(
    ("column", "side"),
    [("poster", 1.0), ("poster", -1.0), ("poster", 1e6)],
)
def test_an_attribute_that_always_decides(column, side):
    """Taken wherever it is shown, never taken where it is shown, in any unit."""
    data = market(6, customers=60)
    every = data["choice_id"] % 11 == 0
    shown = data["chosen"] if side > 0 else (~data["chosen"] & (data["alternative"] == "brand 1"))
    rows = withheld(
        choice.conditional_logit(data.assign(**{column: shown * every * side}), ["price", column]),
        column,
    )
    assert abs(rows.loc["price", "estimate"]) < 5


def test_an_attribute_that_decides_everything_leaves_nothing():
    """All choices at once: every weight is missing, and the answer says so."""
    data = market(6, customers=20)
    made = choice.conditional_logit(
        data.assign(tells=data["chosen"] * 1.0), ["tells"], constants=False
    )
    assert made.table["estimate"].isna().all() and "no finite estimate" in str(made.answer)


@pytest.mark.parametrize(
    "model",
    [
        lambda d: choice.nested_logit(
            d, ["price"], {"a": ["brand 0", "brand 1"], "b": ["brand 2", "brand 3"]}
        ),
        lambda d: choice.mixed_logit(d, ["price"], {"price": "normal"}, draws=20),
        lambda d: choice.latent_class(d, ["price"], 2, starts=2),
        lambda d: choice.iia_test(d, ["price"]),
    ],
)
def test_models_that_stand_on_it_name_what_is_never_chosen(model):
    """One sentence that names the alternative."""
    with pytest.raises(InputError, match="brand 3"):
        model(never(market(6, customers=40)))


def test_a_lambda_that_runs_to_its_border():
    """Between nests attributes say nothing, within the nest they decide: withheld, with the nest
    named and what to do; no answer stands on it.
    """
    rng = np.random.default_rng(5)
    n = 400
    price = rng.normal(size=(n, 3)) + 3
    inner = price[:, :2].argmin(axis=1)
    pick = np.where(rng.random(n) < 0.5, inner, 2)
    data = pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), 3),
            "customer_id": np.repeat(np.arange(n) // 2, 3),
            "alternative": np.tile(list("abc"), n),
            "chosen": (np.arange(3) == pick[:, None]).ravel(),
            "price": price.ravel(),
        }
    )
    nests = {"twins": ["a", "b"], "other": ["c"]}
    made = choice.nested_logit(data, ["price"], nests, constants=False)
    assert made.table[NUMBERS].isna().all(axis=None)
    assert any("lambda: twins" in str(v) and "join" in str(v) for v in made.limits)
    with pytest.raises(InputError, match="no finite estimate exists"):
        choice.elasticities(made, data)


def test_a_lambda_has_an_interval_above_nothing():
    """With few choices too: a lambda is above 0, and so is what bounds it."""
    nests = {"x": ["brand 0", "brand 1"], "y": ["brand 2", "brand 3"]}
    for seed in range(4):
        made = choice.nested_logit(market(seed, customers=25), ["price", "display"], nests)
        rows = made.table[made.table["term"].str.startswith("lambda")].dropna()
        assert (rows["conf_low"] > 0).all() and (rows["conf_high"] > rows["estimate"]).all()


def test_people_who_are_all_alike_have_a_spread_that_may_be_nothing():
    """The spread's interval begins at 0, and its error is never 0."""
    made = choice.mixed_logit(
        market(3, customers=60), ["price", "display"], {"display": "normal"}, draws=40
    )
    row = made.table[made.table["parameter"] == "sd"].iloc[0]
    assert row["conf_low"] >= 0 and row["std_error"] > 0.02 and row["conf_high"] > 0.05


def test_a_category_in_which_buyers_differ_less_than_chance():
    """Everybody buys about twice: no K, so no norm; what was bought is shown, with the reason and
    what to do.
    """
    out = loyalty.dirichlet(panel(306, 2, [0.5, 0.3, 0.2]), draws=20)
    assert out.table["estimate"].notna().all() and out.table["theory"].isna().all()
    assert any("K has no finite estimate" in str(v) for v in out.limits)


def test_brands_that_everybody_tries():
    """Nobody has a favourite: no S, said beside the norm of tastes that are all alike; what it
    says of S is no number.
    """
    out = loyalty.dirichlet(panel(400, 8, [0.4, 0.3, 0.3], differ=True, even=True), draws=20)
    assert any("S has no finite estimate" in str(v) for v in out.limits)
    assert out.table["theory"].notna().all()
    assert not any(str(i) == "loyalty.dirichlet_fit" for i in out.facts["id"])


def panel(households, purchases, shares, *, differ=False, even=False):
    """Households that buy equally often (or differ), of brands drawn by share (or in turn); six of
    them buy nothing.
    """
    rng = np.random.default_rng(1)
    bought = purchases * rng.integers(0, 2, households - 6) if differ else purchases
    bought = np.broadcast_to(bought, households - 6)
    counts = np.array([rng.multinomial(n, shares) for n in bought]).astype(float)
    if even:
        start = rng.integers(0, 3, len(bought))
        turns = (start[:, None] + np.arange(bought.max())) % 3
        taken = np.arange(bought.max()) < bought[:, None]
        counts = np.stack([((turns == j) & taken).sum(axis=1) for j in range(3)], axis=1) * 1.0
    names = tuple("ABC"[: len(shares)])
    return loyalty.Panel(counts, counts, names, households, np.arange(len(counts)), 0)


def decided_tasks():
    """Tasks of which the brand decides every one, the price being free."""
    rng = np.random.default_rng(4)
    rows = []
    for k in range(60):
        brands, prices = rng.permutation(["A", "B", "C"]), rng.integers(1, 4, 3)
        best = int(np.flatnonzero(brands == "A")[0])
        rows += [(k, k % 20, f"offer {j}", j == best, brands[j], prices[j]) for j in range(3)]
    names = ["choice_id", "customer_id", "alternative", "chosen", "brand", "price"]
    return pd.DataFrame(rows, columns=names)


def test_a_level_that_decides_has_no_part_worth():
    """Missing and named; the penalised answer by name; what would follow from it is refused."""
    made = conjoint.part_worths(decided_tasks(), ["brand", "price"], numeric=["price"])
    rows = made.table.set_index("attribute")
    assert rows.loc["brand", ["estimate", "std_error", "conf_low"]].isna().all(axis=None)
    assert any("brand" in str(n) and "firth" in str(n) for n in made.limits)
    for follows in (conjoint.importance, lambda fit: conjoint.willingness_to_pay(fit, "price")):
        with pytest.raises(InputError, match="no finite estimate"):
            follows(made)
    sure = conjoint.part_worths(
        decided_tasks(), ["brand", "price"], numeric=["price"], penalty="firth"
    ).table.set_index("level")
    assert sure["estimate"].notna().all() and sure.loc["A", "estimate"] > 1


def test_an_item_always_best_has_no_share():
    """Its score holds; shares are missing, or penalised."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(40):
        worst = rng.integers(1, 4)
        rows += [(k, 1, i, j == 0, j == worst) for j, i in enumerate("abcd")]
    answers = pd.DataFrame(rows, columns=["respondent_id", "task", "item", "best", "worst"])
    made = conjoint.best_worst(answers)
    rows = made.table.groupby("measure")
    assert rows.get_group("share")["estimate"].isna().all()
    assert rows.get_group("score")["estimate"].notna().all()
    assert any("No finite" in str(n) for n in made.limits)
    sure = conjoint.best_worst(answers, penalty="firth").table
    assert sure["estimate"].notna().all()
    assert sure[sure["measure"] == "share"]["estimate"].sum() == pytest.approx(1)


def test_nearness_that_decides_every_trip():
    """Everybody goes to the nearest store: missing and named, or penalised."""
    rng = np.random.default_rng(6)
    far, size = rng.uniform(1, 9, (50, 3)), rng.uniform(1, 9, (50, 3))
    trips = pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(50), 3),
            "customer_id": np.repeat(np.arange(50) // 2, 3),
            "alternative": np.tile(list("abc"), 50),
            "chosen": (far == far.min(axis=1, keepdims=True)).ravel(),
            "distance_km": far.ravel(),
            "size": size.ravel(),
        }
    )
    made = influence.huff(trips)
    assert np.isnan(made.table.set_index("term").loc["distance", "estimate"])
    assert any("firth" in str(n) for n in made.limits)
    assert influence.huff(trips, penalty="firth").table["estimate"].notna().all()
