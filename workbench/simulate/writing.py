"""Texts of which it is known what was meant: tone, feeling, what they speak of, in Dutch and
English.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.simulate.phrases import ASPECTS, BOOK, EMOTIONS, PERSONAL, PLAIN

TONES = ("negative", "neutral", "positive")
STARS = (0.17, 0.06, 0.10, 0.20, 0.47)  # few write who are lukewarm
# Chances of a negative, neutral and positive text behind one to five stars.
MEANT = ((0.93, 0.05, 0.02), (0.80, 0.15, 0.05), (0.30, 0.50, 0.20), (0.05, 0.15, 0.80))
MEANT += ((0.02, 0.06, 0.92),)
AT = (0.5, 0.3, 0.2)  # shares of the touchpoints
NAMED = (0.15, 0.55, 0.30)  # chances that a text speaks of none, one or two aspects
TOUCHPOINTS = ("web shop", "delivery", "helpdesk")
FELT = {
    "negative": {"anger": 0.25, "sadness": 0.25, "fear": 0.08, "disgust": 0.07},
    "neutral": {"anticipation": 0.25, "surprise": 0.05},
    "positive": {"joy": 0.35, "trust": 0.20, "surprise": 0.10},
}
PRODUCTS = 12
OTHERWISE = 0.25  # an aspect that is judged against the tone of the text


@dataclass(frozen=True, eq=False)
class Written:
    """Texts and what is true of each.

    `texts` (text_id, customer_id, product_id, created_at, text, rating, touchpoint, verified,
    incentivised, replied_at), `truth` (text_id, language, polarity, emotion, a column an aspect
    with its tone), `shares` (name → share of these texts) and `planted` (name → the chance with
    which it was planted; of "negative" also by touchpoint).
    """

    texts: pd.DataFrame
    truth: pd.DataFrame
    shares: dict
    planted: dict


def texts(n=3000, *, dutch=0.6, apart=0.8, seed=1):
    """Write texts of customers about a shop, in two languages, with stars, for which it is known
    what was meant.

    Planted: tone, feeling, aspects with a tone of their own; words that the tone cannot be read
    off ("ordered on Monday, still nothing"), negation, words that strengthen; stars with the form
    of a J, fewer for some products; personal data in one of twelve; copies; texts that were paid
    for. `apart` is by how much texts on the helpdesk are more negative, on the log-odds scale; 0:
    not at all.

    Returns a Written.
    """
    rng = np.random.default_rng(seed)
    place = rng.choice(len(TOUCHPOINTS), n, p=AT)
    product = rng.choice(PRODUCTS, n, p=_popular())
    poor = np.round(np.linspace(-1, 1, PRODUCTS)[rng.permutation(PRODUCTS)], 2)
    stars = _stars(rng, apart * (place == 2) + poor[product])
    chance = np.array(MEANT)[stars - 1]
    tone = (rng.random(n)[:, None] > chance.cumsum(axis=1)[:, :2]).sum(axis=1)
    tongue = np.where(rng.random(n) < dutch, "nl", "en")
    aspects = _aspects(rng, tone)
    emotion = [_felt(rng, TONES[t]) for t in tone]
    personal = rng.random(n) < 1 / 12
    written = [
        _one(rng, *facts) for facts in zip(tongue, tone, aspects, emotion, personal, strict=True)
    ]
    table = pd.DataFrame(
        {
            "text_id": np.arange(1, n + 1),
            "customer_id": rng.integers(1, max(int(0.85 * n), 2), n),
            "product_id": product + 1,
            "created_at": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(np.sort(rng.random(n)) * 180 * 86400 // 1, "s"),
            "text": written,
            "rating": stars.astype(float),
            "touchpoint": np.array(TOUCHPOINTS)[place],
            "verified": rng.random(n) < 0.8,
            "incentivised": rng.random(n) < 0.04,
        }
    )
    replied = rng.random(n) < np.where(stars <= 2, 0.5, 0.15)
    waited = pd.to_timedelta(np.round(rng.gamma(2, 20, n) * 3600), "s")
    table["replied_at"] = (table["created_at"] + waited).where(replied)
    copies = rng.choice(n, n // 50, replace=False)
    keep = ["text", "customer_id", "product_id", "rating"]
    if n > 1 and len(copies):
        source = (copies + 1) % n
        table.loc[copies, keep] = table.loc[source, keep].to_numpy()
        tone[copies], tongue[copies] = tone[source], tongue[source]
        aspects = [aspects[s] for s in _moved(n, copies, source)]
        emotion = [emotion[s] for s in _moved(n, copies, source)]
    truth = pd.DataFrame(
        {
            "text_id": table["text_id"],
            "language": tongue,
            "polarity": np.array(TONES)[tone],
            "emotion": [e or "none" for e in emotion],
            **{a: [TONES[x[a]] if a in x else "absent" for x in aspects] for a in ASPECTS},
        }
    )
    planted = _planted(apart, poor)
    return Written(_marked(table), _marked(truth), _shares(truth), planted)


def labels(written, n=300, *, error=0.0, seed=1):
    """Have a coder label a random sample of texts by hand, as a labelling sheet read back.

    Parameters
    ----------
    written : Written
    n : int
    error : float
        Share of the labels that name another value by mistake.
    seed : int

    Returns
    -------
    DataFrame
        text_id, item (polarity, emotion, and aspect_NAME for each aspect), value.
    """
    rng = np.random.default_rng(seed)
    drawn = written.truth.iloc[np.sort(rng.choice(len(written.truth), n, replace=False))]
    choices = {"polarity": TONES, "emotion": (*EMOTIONS, "none")}
    choices |= {f"aspect_{name}": ("absent", *TONES) for name in ASPECTS}
    parts = []
    for item, values in choices.items():
        value = drawn[item.removeprefix("aspect_")].to_numpy(object)
        other = rng.choice(values, n)
        slip = rng.random(n) < error
        parts.append(
            pd.DataFrame(
                {
                    "text_id": drawn["text_id"].to_numpy(),
                    "item": item,
                    "value": np.where(slip, other, value),
                }
            )
        )
    return _marked(pd.concat(parts, ignore_index=True))


def _chances(poor):
    """Return the chances of one to five stars, by how much more often one or two are given, on the
    log-odds scale.
    """
    odds = np.array(STARS) * np.where(np.arange(5) < 2, np.exp(poor)[:, None], 1)
    return odds / odds.sum(axis=1, keepdims=True)


def _planted(apart, poor):
    """Return the chance with which each tone, feeling and aspect was planted."""
    by_place = [
        _popular() @ _chances(apart * (k == 2) + poor) @ np.array(MEANT)
        for k in range(len(TOUCHPOINTS))
    ]
    tone = dict(zip(TONES, np.array(AT) @ np.array(by_place), strict=True))
    made = {name: float(chance) for name, chance in tone.items()}
    for name in EMOTIONS:
        made[name] = float(sum(tone[t] * FELT[t].get(name, 0.0) for t in TONES))
    for name in ASPECTS:
        made[name] = float(np.arange(3) @ np.array(NAMED) / len(ASPECTS))
        against = OTHERWISE * (tone["positive"] - tone["negative"])
        made[f"{name}_negative"] = float(tone["negative"] + against)
    places = zip(TOUCHPOINTS, by_place, strict=True)
    return made | {f"negative_{place}": float(tones[0]) for place, tones in places}


def _stars(rng, poor):
    """Return the stars of texts: see `_chances`."""
    chance = _chances(poor)
    drawn = (rng.random(len(poor))[:, None] > chance.cumsum(axis=1)[:, :4]).sum(axis=1)
    return 1 + drawn


def _moved(n, copies, source):
    """Return from which text each text comes."""
    where = np.arange(n)
    where[copies] = source
    return where


def _popular():
    weight = 1 / np.arange(1, PRODUCTS + 1)
    return weight / weight.sum()


def _aspects(rng, tone):
    """Return of every text the aspects it speaks of, each with its tone."""
    found = []
    for one in tone:
        many = rng.choice(3, p=NAMED)
        named = rng.choice(len(ASPECTS), many, replace=False)
        other = rng.random(many) < (OTHERWISE if one != 1 else 0)
        found.append(
            {ASPECTS[a]: int(2 - one if o else one) for a, o in zip(named, other, strict=True)}
        )
    return found


def _felt(rng, tone):
    """Return the feeling of a text, None where it names none."""
    chances = FELT[tone]
    drawn = rng.random()
    for name, chance in chances.items():
        if drawn < chance:
            return name
        drawn -= chance
    return None


def _one(rng, tongue, tone, aspects, emotion, personal):
    """Write one text."""
    book, said = BOOK[tongue], []
    judged = [a for a, t in aspects.items() if t == tone]
    apart = [a for a, t in aspects.items() if t != tone]
    if not judged:
        said.append(_pick(rng, book["overall"][TONES[tone]]))
    said += [_pick(rng, book["aspects"][a][TONES[tone]]) for a in judged]
    if emotion:
        said.append(_pick(rng, book["emotions"][emotion]))
    if rng.random() < 0.5:
        said.append(_pick(rng, PLAIN[tongue]))
    said += [f"{book['but']} {_pick(rng, book['aspects'][a][TONES[aspects[a]]])}" for a in apart]
    if personal:
        said.append(_pick(rng, PERSONAL[tongue]))
    return " ".join(s[0].upper() + s[1:] + "." for s in said)


def _pick(rng, sentences):
    return sentences[rng.integers(len(sentences))]


def _shares(truth):
    """Return the share of all texts with each tone, feeling and aspect."""
    made = {tone: float((truth["polarity"] == tone).mean()) for tone in TONES}
    made |= {name: float((truth["emotion"] == name).mean()) for name in EMOTIONS}
    for name in ASPECTS:
        here = truth[name] != "absent"
        made[name] = float(here.mean())
        made[f"{name}_negative"] = float((truth.loc[here, name] == "negative").mean())
    return made


def _marked(table):
    table.attrs["simulated"] = True
    return table
