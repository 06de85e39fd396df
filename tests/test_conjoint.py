"""Conjoint, best–worst and price questions: designs that are efficient, hand counts, refusals,
recovery.
"""

import numpy as np
import pandas as pd
import pytest

from workbench import conjoint
from workbench.errors import InputError, NotEnoughData
from workbench.simulate import studies

LEVELS = {"brand": ["A", "B", "C"], "price": [10, 15, 20], "warranty": ["1 year", "2 years"]}
WORTH = {
    "brand": {"A": 0.5, "B": 0.0, "C": -0.5},
    "price": -0.12,
    "warranty": {"1 year": -0.3, "2 years": 0.3},
}


@pytest.fixture(scope="module")
def design():
    """One design for all."""
    return conjoint.choice_design(LEVELS, tasks=12, alternatives=3, blocks=2, starts=4)


def test_a_design_is_balanced_and_beats_chance(design):
    """No task shows an offer twice, levels come about equally often, and the D-error is far below
    that of random tasks.
    """
    assert not design.duplicated(["block", "task", *LEVELS]).any()
    assert len(design) == 36
    assert set(design["block"]) == {1, 2}
    for name, levels in LEVELS.items():
        counts = design[name].value_counts()
        assert counts.max() - counts.min() <= 8 and set(counts.index) == set(levels)
    rng = np.random.default_rng(1)
    luck = design.assign(**{n: rng.permutation(design[n]) for n in LEVELS})
    luck.attrs = design.attrs
    assert (
        conjoint.design_check(design).table["estimate"].mean()
        < 0.95 * conjoint.design_check(luck).table["estimate"].mean()
    )


def test_the_design_foretells_the_errors(design):
    """With people who weigh alike and a prior of 0, expected and found standard errors agree."""
    flat = {n: dict.fromkeys(v, 0.0) for n, v in LEVELS.items()}
    made = conjoint.part_worths(
        conjoint.choices(design, studies.answers(design, flat, 400, seed=3)), list(LEVELS)
    ).table
    told = conjoint.design_check(design, respondents=400).table
    both = made.merge(told, left_on=["attribute", "level"], right_on=["attribute", "level"])
    assert both["std_error"].to_numpy() == pytest.approx(both["estimate_y"].to_numpy(), rel=0.12)


def test_forbidden_offers_do_not_occur():
    """And priors move the design."""
    made = conjoint.choice_design(
        LEVELS,
        tasks=6,
        starts=2,
        fixed=[{"brand": "A", "price": 20}],
        prior={("price", 10): 0.8, ("price", 20): -0.8},
    )
    assert not ((made["brand"] == "A") & (made["price"] == 20)).any()


def test_part_worths_find_what_people_weigh(design):
    """Levels add up to 0, the truth lies in the intervals, none of these has its constant, and
    worth in money follows.
    """
    choices = conjoint.choices(
        design, studies.answers(design, WORTH, 500, none=-2.0, seed=1), none=True
    )
    made = conjoint.part_worths(choices, list(LEVELS))
    table = made.table.set_index(["attribute", "level"])
    assert table["estimate"].groupby(level=0).sum().drop("none").to_numpy() == pytest.approx(
        np.zeros(3), abs=1e-9
    )
    for level, truth in WORTH["brand"].items():
        assert (
            table.loc[("brand", level), "conf_low"]
            < truth
            < table.loc[("brand", level), "conf_high"]
        )
    line = conjoint.part_worths(choices, list(LEVELS), numeric=["price"])
    worth = conjoint.willingness_to_pay(line, "price").table.set_index(["attribute", "level"])
    assert (
        worth.loc[("warranty", "2 years"), "conf_low"]
        < 0.6 / 0.12
        < worth.loc[("warranty", "2 years"), "conf_high"]
    )
    share = conjoint.importance(line, draws=60).table.set_index("attribute")
    assert share.loc["price", "levels"] == "10 … 20", "the offer of nothing has no price"
    assert share["estimate"].sum() == pytest.approx(1) and share["rank"].tolist() == [1, 2, 3]


def test_answers_that_name_no_offer_are_kept_aside(design):
    """Missing tasks are left out, an offer that was not there is rejected with its reason; a wrong
    block is an error.
    """
    given = studies.answers(design, WORTH, 20)
    given.loc[0, "task_1"], given.loc[1, "task_2"] = 7, np.nan
    made = conjoint.choices(design, given)
    assert made["choice_id"].nunique() == 20 * 6 - 2
    assert made.attrs["rejected"]["reason"].tolist() == ["no such offer"]
    assert (made.groupby("choice_id")["chosen"].sum() == 1).all()
    with pytest.raises(InputError, match="no block named"):
        conjoint.choices(design, given.assign(block=9))
    with pytest.raises(InputError, match="no column named 'task_6'"):
        conjoint.choices(design, given.drop(columns="task_6"))


def test_careless_answers_are_counted(design):
    """Someone who always takes the first offer, and one who takes what is dearer and otherwise
    alike.
    """
    given = studies.answers(design, WORTH, 30)
    tasks = [f"task_{k}" for k in range(1, 7)]
    given.loc[:2, tasks] = 1
    table = conjoint.answer_quality(conjoint.choices(design, given)).table.set_index("measure")
    assert table.loc["same_place", "count"] >= 3 and table.loc["same_place", "n"] == 30
    two = pd.DataFrame(
        {
            "choice_id": [1, 1, 2, 2],
            "customer_id": [1, 1, 2, 2],
            "alternative": ["a", "b"] * 2,
            "chosen": [True, False, False, True],
            "price": [9, 5, 9, 5],
            "brand": "x",
        }
    )
    row = conjoint.answer_quality(two, better={"price": "low"}).table.iloc[0]
    assert (row["measure"], row["count"], row["n"]) == ("dominated_chosen", 1, 2)


def test_best_worst_by_hand():
    """Scores are (best − worst) / shown; shares add up to 1 and follow the counts."""
    rows = [
        (r, k, item, item == best, item == worst)
        for r, picks in enumerate(["ab ac bc ad", "ad bd ba cb", "ca ad ab bc"])
        for k, (best, worst) in enumerate(picks.split())
        for item in "abcd"
    ]
    answers = pd.DataFrame(rows, columns=["respondent_id", "task", "item", "best", "worst"])
    table = conjoint.best_worst(answers).table
    score = table[table["measure"] == "score"].set_index("item")
    best, worst = (
        answers[answers["best"]]["item"].value_counts(),
        answers[answers["worst"]]["item"].value_counts(),
    )
    for item in "abcd":
        assert score.loc[item, "estimate"] == pytest.approx(
            (best.get(item, 0) - worst.get(item, 0)) / 12
        )
    share = table[table["measure"] == "share"]
    assert share["estimate"].sum() == pytest.approx(1) and share["item"].iloc[0] == "a"
    with pytest.raises(InputError, match="exactly one best"):
        conjoint.best_worst(answers.assign(best=False))


def test_items_are_spread_evenly():
    """Every item equally often, every pair about equally often."""
    made = conjoint.best_worst_design(list("abcdefgh"), tasks=6, per_task=4, versions=12)
    counts = made["item"].value_counts()
    pairs = (
        made.merge(made, on=["version", "task"])
        .query("item_x < item_y")
        .groupby(["item_x", "item_y"])
        .size()
    )
    assert counts.max() - counts.min() <= 2 and len(pairs) == 28 and pairs.max() - pairs.min() <= 6
    assert (made.groupby(["version", "task"])["item"].nunique() == 4).all()


def test_price_points_by_hand():
    """Four like people: the crossings lie where two straight shares meet; those out of order are
    left out and counted.
    """
    answers = pd.DataFrame(
        {
            "respondent_id": range(5),
            "too_cheap": [1, 2, 3, 4, 9],
            "cheap": [3, 4, 5, 6, 5],
            "expensive": [5, 6, 7, 8, 4],
            "too_expensive": [7, 8, 9, 10, 1],
        }
    )
    made = conjoint.van_westendorp(answers, draws=50)
    table = made.table.set_index("point")["estimate"]
    # Nobody finds 5 to 6 too cheap or too dear: the middle of that plateau.
    assert table["optimal"] == pytest.approx(5.5)
    assert table["indifference"] == pytest.approx(5.5)
    assert made.n == 4
    assert "1 respondents" in str(made.limits[1])
    with pytest.raises(NotEnoughData):
        conjoint.van_westendorp(answers.iloc[4:], draws=50)
    with pytest.raises(InputError, match="1 rows repeat a respondent_id"):
        conjoint.van_westendorp(answers.assign(respondent_id=[0, 0, 1, 2, 3]), draws=50)


def test_a_ladder_that_stops_counts_what_was_shown():
    """Who was asked one price only tells of that price; a ladder asked to its end settles all."""
    one = pd.DataFrame(
        {"respondent_id": [1, 2, 3, 4], "price": [10, 10, 20, 20], "would_buy": [1, 0, 1, 0]}
    )
    made = (
        conjoint.gabor_granger(one, draws=20).table.query("measure == 'demand'").set_index("price")
    )
    assert made["n"].tolist() == [2, 2] and made["estimate"].tolist() == [0.5, 0.5]


def test_labels_are_no_places():
    """Always the car is a taste; always the second offer is careless. Named alternatives can be an
    attribute themselves.
    """
    rng = np.random.default_rng(3)
    rows = [
        (q, p, alt, float(rng.integers(5, 30)))
        for p in range(30)
        for q in range(p * 5, p * 5 + 5)
        for alt in ("air", "car", "train")
    ]
    d = pd.DataFrame(rows, columns=["choice_id", "customer_id", "alternative", "price"])
    liked = (
        d["alternative"].map({"air": 0.0, "car": 1.5, "train": -0.5})
        - 0.1 * d["price"]
        + rng.gumbel(size=len(d))
    )
    d["chosen"] = (liked == liked.groupby(d["choice_id"]).transform("max")).astype(int)
    plain = conjoint.part_worths(d, ["price"], numeric=["price"])
    named = conjoint.part_worths(d, ["price", "alternative"], numeric=["price"])
    assert any('put "alternative"' in str(s) for s in plain.limits)
    assert not any("same place" in str(s) for s in (*plain.limits, *named.limits))
    assert named.table.set_index("level").loc["car", "conf_low"] > 0
    with pytest.raises(NotEnoughData, match="four tasks"):
        conjoint.answer_quality(d)
    with pytest.raises(InputError, match="name it in `numeric`"):
        conjoint.part_worths(d, ["price"])
    worth = conjoint.willingness_to_pay(named, "price").table.set_index("level")
    assert set(worth["against"]) == {"air"} and worth.loc["car", "conf_low"] > 0


def test_a_ladder_by_hand():
    """Yes at a price counts at lower ones; revenue is price times share."""
    answers = pd.DataFrame(
        [
            (1, 10, True),
            (1, 20, True),
            (2, 10, True),
            (2, 20, False),
            (3, 10, False),
            (3, 20, False),
            (4, 10, False),
            (4, 20, True),
        ],
        columns=["respondent_id", "price", "would_buy"],
    )
    made = conjoint.gabor_granger(answers, draws=50)
    table = made.table.set_index(["measure", "price"])
    assert table.loc[("demand", 10), "count"] == 3
    assert table.loc[("demand", 20), "count"] == 2
    assert table.loc[("revenue", 20), "estimate"] == pytest.approx(10)
    assert any("1 respondents refused" in str(s) for s in made.limits)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conjoint.choice_design({"a": ["x"], "b": ["y", "z"]}), "a needs at least two"),
        (lambda: conjoint.choice_design(LEVELS, tasks=5, blocks=2), "blocks that divide"),
        (lambda: conjoint.choice_design(LEVELS, tasks=2, alternatives=2), "5 tasks are needed"),
        (lambda: conjoint.choice_design(LEVELS, prior={("brand", "Z"): 1}), "no level named"),
        (
            lambda: conjoint.choice_design(LEVELS, fixed=[{"brand": "Z"}]),
            "no level named 'brand: Z'",
        ),
        (
            lambda: conjoint.best_worst_design(list("abcdef"), tasks=2, per_task=4),
            "each shown twice",
        ),
    ],
)
def test_designs_that_cannot_be(call, message):
    """An error that says what is needed."""
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.slow
def test_worths_and_shares_are_recovered():
    """200 studies: intervals of part-worths, importance, worth and best–worst shares hold the
    planted ones.
    """
    inside = {}
    made = conjoint.choice_design(LEVELS, tasks=12, alternatives=3, blocks=2, starts=4)
    plan = conjoint.best_worst_design(list("abcdef"), tasks=6, per_task=3, versions=6)
    u = np.linspace(1, -1, 6)
    true_share = np.exp(u) / np.exp(u).sum()
    for seed in range(200):
        fit = conjoint.part_worths(
            conjoint.choices(made, studies.answers(made, WORTH, 200, seed=seed)),
            list(LEVELS),
            numeric=["price"],
        )
        table = fit.table.set_index(["attribute", "level"])
        worth = conjoint.willingness_to_pay(fit, "price", seed=seed).table.set_index(
            ["attribute", "level"]
        )
        share = conjoint.importance(fit, draws=200, seed=seed).table.set_index("attribute")
        rows = {
            "brand A": (table.loc[("brand", "A")], 0.5),
            "price": (table.loc[("price", "per unit")], -0.12),
            "two years in money": (worth.loc[("warranty", "2 years")], 5.0),
            "importance of brand": (share.loc["brand"], 1 / (1 + 1.2 + 0.6)),
        }
        rng = np.random.default_rng(seed)
        answers = []
        for r in range(120):
            for task, g in plan[plan["version"] == r % 6 + 1].groupby("task"):
                v = u[g["item"].map(list("abcdef").index)]
                best = (v + rng.gumbel(size=3)).argmax()
                low = -v + rng.gumbel(size=3)
                low[best] = -np.inf
                answers += [
                    (r, task, i, k == best, k == low.argmax()) for k, i in enumerate(g["item"])
                ]
        bw = conjoint.best_worst(
            pd.DataFrame(answers, columns=["respondent_id", "task", "item", "best", "worst"])
        ).table
        bw = bw[bw["measure"] == "share"].set_index("item")
        rows.update(
            {
                "best–worst share of a": (bw.loc["a"], true_share[0]),
                "best–worst share of f": (bw.loc["f"], true_share[5]),
            }
        )
        for name, (row, truth) in rows.items():
            inside.setdefault(name, []).append(row["conf_low"] <= truth <= row["conf_high"])
    for name, hits in inside.items():
        print(f"{name}: {np.mean(hits):.1%}")
    assert all(0.91 <= np.mean(h) <= 0.98 for h in inside.values())
