"""A brand tracker whose shares are planted: waves of respondents, of whom the old are too many."""

import numpy as np
import pandas as pd

BRANDS = ("Alta", "Boreal", "Cedro", "Duna")
# Of everybody: who knows each brand when it is named, and of these who considers, buys, prefers it.
KNOWN = (0.80, 0.60, 0.45, 0.25)
STEPS = {"consideration": 0.50, "purchase": 0.45, "preference": 0.35}
UNAIDED = 0.55  # of those who know it
OLD = 0.40  # of everybody
ASKED_OLD = 0.65  # of the respondents
OLD_KNOW_LESS = 0.15  # points, aided


def tracker(respondents=400, *, waves=4, growth=0.03, seed=1):
    """Ask what people know of four brands, in several waves.

    Planted: aided awareness, of which the second brand gains `growth` a wave; unaided and the steps
    after it are shares of those who know the brand. The old know less and are asked more; the
    weights mend that.

    Returns a DataFrame in the form of the table tracker; the aided awareness of everybody stands in
    `.attrs["truth"]`: (wave, brand) → share.
    """
    rng = np.random.default_rng(seed)
    parts, truth = [], {}
    for wave in range(waves):
        old = rng.random(respondents) < ASKED_OLD
        weight = np.where(old, OLD / ASKED_OLD, (1 - OLD) / (1 - ASKED_OLD))
        who = wave * respondents + np.arange(1, respondents + 1)
        for k, brand in enumerate(BRANDS):
            mean = KNOWN[k] + growth * wave * (k == 1)
            truth[f"{wave + 1}", brand] = mean
            # The shares of old and young make up that of everybody.
            share = np.where(old, mean - OLD_KNOW_LESS * (1 - OLD), mean + OLD_KNOW_LESS * OLD)
            said = {"aided": rng.random(respondents) < share}
            said["unaided"] = said["aided"] & (rng.random(respondents) < UNAIDED)
            before = said["aided"]
            for step, chance in STEPS.items():
                before = said[step] = before & (rng.random(respondents) < chance)
            for measure, yes in said.items():
                parts.append(
                    pd.DataFrame(
                        {
                            "respondent_id": who,
                            "wave": f"{wave + 1}",
                            "brand": brand,
                            "measure": measure,
                            "value": yes.astype(float),
                            "weight": weight,
                        }
                    )
                )
    table = pd.concat(parts, ignore_index=True)
    table.attrs.update(simulated=True, truth=truth)
    return table
