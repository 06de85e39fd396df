"""Interviews with planted codes, and coders who miss some and see others that are not there."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

STAGES = ("need", "search", "evaluation", "post_purchase")
# How likely a segment of a stage has each code; who speaks is drawn apart.
CODES = {
    "price": (0.05, 0.15, 0.40, 0.05),
    "trust": (0.02, 0.10, 0.30, 0.10),
    "too_much_choice": (0.02, 0.40, 0.10, 0.01),
    "delivery": (0.01, 0.02, 0.05, 0.45),
    "advice_of_friends": (0.30, 0.15, 0.05, 0.02),
    "service": (0.01, 0.02, 0.03, 0.25),
    "privacy": (0.005, 0.01, 0.02, 0.005),
    "sustainability": (0.01, 0.02, 0.02, 0.0),
    "gift": (0.02, 0.005, 0.0, 0.005),
}
SAYS = {
    "price": ("I kept comparing what it would cost me", "It was too expensive for what it is"),
    "trust": ("I did not know whether I could trust that shop", "The reviews made me doubt"),
    "too_much_choice": ("There were so many of them that I gave up", "I could not choose any more"),
    "delivery": ("It came two days late and nobody told me", "The driver left it with a neighbour"),
    "advice_of_friends": ("A friend of mine has had one for years", "My sister told me to look"),
    "service": (
        "I called {phone} and they were very kind",
        "Mail me at {mail} if you want to know",
    ),
    "privacy": ("Why do they want to know my birthday", "I do not want an account for that"),
    "sustainability": ("I wanted one that can be repaired", "It came in far too much plastic"),
    "gift": ("It was for the birthday of my father", "We gave it to the neighbours"),
}
ELSE = ("I think that was on a Tuesday", "We were talking about something else then")
START = pd.Timestamp("2024-02-01 10:00", tz="UTC")


@dataclass(frozen=True, eq=False)
class Interviews:
    """Coded interviews and what is true of them.

    `codes` (text_id, segment_id, coder_id, code, participant_id, stage, text, interviewed_at,
    value), `perfect` (the same without a mistake, of one coder) and `truth`: alpha (by code, of
    whether a code was given) and mention (by code, the chance that a participant mentions it).
    """

    codes: pd.DataFrame
    perfect: pd.DataFrame
    truth: dict


def interviews(participants=24, *, segments=12, coders=3, sees=0.85, invents=0.03, seed=1):
    """Hold interviews and let coders code them.

    Planted: how likely a segment of each stage has each code, how often a coder sees a code that is
    there (`sees`) and one that is not (`invents`). Both together fix Krippendorff's alpha.

    Parameters
    ----------
    participants, segments, coders : int
        Segments are those of one interview.
    sees, invents : float
    seed : int

    Returns
    -------
    Interviews
    """
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(1, participants + 1), segments)
    place = np.tile(np.arange(segments), participants)
    stage = place * len(STAGES) // segments
    chance = np.array(list(CODES.values()))[:, stage].T
    there = rng.random(chance.shape) < chance
    base = pd.DataFrame(
        {
            "text_id": who,
            "segment_id": place + 1,
            "participant_id": who + 100,
            "stage": np.array(STAGES)[stage],
            "text": _texts(rng, there, who),
            "interviewed_at": START + pd.to_timedelta(who, "D"),
        }
    )
    feeling = rng.normal(size=len(base))
    parts = []
    for coder in range(coders):
        seen = np.where(there, rng.random(there.shape) < sees, rng.random(there.shape) < invents)
        felt = np.clip(np.round(3 + feeling + 0.5 * rng.normal(size=len(base))), 1, 5)
        parts.append(
            _long(base, seen, f"coder {coder + 1}").assign(value=lambda d, f=felt: f[d["row"]])
        )
    codes = pd.concat(parts, ignore_index=True).drop(columns="row")
    perfect = _long(base, there, "coder 1").drop(columns="row")
    truth = {
        "alpha": {
            code: _alpha(np.array(p)[stage[:segments]], sees, invents) for code, p in CODES.items()
        },
        "mention": {
            code: float(1 - np.prod(1 - np.array(p)[stage[:segments]])) for code, p in CODES.items()
        },
    }
    return Interviews(_marked(codes), _marked(perfect), truth)


def _alpha(chances, sees, invents):
    """Return the alpha that coders of these mistakes have, over many segments."""
    there = float(np.mean(chances))
    given = there * sees + (1 - there) * invents
    seen = 2 * (there * sees * (1 - sees) + (1 - there) * invents * (1 - invents))
    return 1 - seen / (2 * given * (1 - given))


def _texts(rng, there, who):
    """Return what is said in each segment: a sentence for each code in it."""
    names = list(CODES)
    told = []
    for row, person in zip(there, who, strict=True):
        said = [SAYS[names[k]][rng.integers(2)] for k in np.flatnonzero(row)]
        text = ". ".join(said or [ELSE[rng.integers(2)]]) + "."
        told.append(text.format(phone=f"06 1234 {5000 + person}", mail=f"p{person}@example.org"))
    return told


def _long(base, seen, coder):
    """Return a row a segment and code; one without a code where a coder found nothing."""
    row, code = np.nonzero(seen)
    empty = np.flatnonzero(~seen.any(axis=1))
    made = base.iloc[[*row, *empty]].assign(
        coder_id=coder,
        code=[*np.array(list(CODES))[code], *[None] * len(empty)],
        row=[*row, *empty],
    )
    return made.sort_values(["row", "code"], kind="stable", ignore_index=True)


def _marked(table):
    table.attrs["simulated"] = True
    return table
