"""What a lexicon says of texts: language, tone, feelings named, and the tone about an aspect."""

from dataclasses import dataclass

import numpy as np

from workbench.voice import wording
from workbench.voice.lexicons import EMOTIONS, LANGUAGES

BLOCK = 100_000  # texts scored at a time: memory follows it
REACH = 3  # words before a word in which a negation turns it round
NEGATED = -0.75  # a negation turns round, and says less
STRONGER, WEAKER = 1.5, 0.6


@dataclass(frozen=True, eq=False)
class Read:
    """What a lexicon says of n texts.

    `language` (n) "nl", "en" or "" where no word tells, `polarity` (n) from -1 to 1, 0 without a
    word of feeling, `known` (n) how many such words, `words` (n) how many words in all, `emotions`
    (n, 8) whether each is named, `aspects` (n, a) the tone about each aspect, missing where the
    text does not speak of it.
    """

    language: np.ndarray
    polarity: np.ndarray
    known: np.ndarray
    words: np.ndarray
    emotions: np.ndarray
    aspects: np.ndarray


def read(texts, lexicon, aspects=None, given=None):
    """Return what a lexicon says of texts.

    Parameters
    ----------
    texts : array of str (n)
    lexicon : Lexicon
    aspects : dict, optional
        Language → aspect → words; one that ends in * stands for every word that begins so.
    given : array of str (n), optional
        Language of a text where it is known; "" where not.

    Returns
    -------
    Read

    Source: rules of negation and strengthening after Taboada, Brooke, Tofiloski, Voll & Stede
    (2011), Computational Linguistics 37.
    """
    aspects = aspects or {language: {} for language in LANGUAGES}
    n = len(texts)
    given = np.full(n, "", object) if given is None else given
    parts = [
        _block(texts[i : i + BLOCK], lexicon, aspects, given[i : i + BLOCK])
        for i in range(0, n, BLOCK)
    ]
    evidence, polarity, known, words, emotions, tones = (
        np.concatenate([p[k] for p in parts], axis=-1) for k in range(6)
    )
    # Where words do not tell, the language of most texts reads it.
    told = evidence[0] != evidence[1]
    usual = int((evidence[1] > evidence[0]).sum() > (evidence[0] > evidence[1]).sum())
    which = np.where(told, evidence.argmax(axis=0), usual)
    each = np.arange(n)
    return Read(
        np.where(told, np.array(LANGUAGES)[which], ""),
        polarity[which, each],
        known[which, each],
        words,
        emotions[which, :, each],
        tones[which, :, each],
    )


def _block(texts, lexicon, aspects, given):
    """Return evidence (language, n), polarity, known (language, n), words (n), emotions and tones
    of aspects (language, ·, n), as each language reads the texts.
    """
    words = wording.of(texts)
    spoken = words.marked({wording.BREAK})
    evidence, polarity, known, emotions, tones = [], [], [], [], []
    for language in LANGUAGES:
        roles = lexicon.roles[language]
        weight = words.weighed(lexicon.polarity[language])
        common = words.marked(roles["common"])
        said = (np.asarray(given) == language) * 1e6
        evidence.append(words.per_text(common + 0.5 * (weight != 0)) + said)
        clause = _clauses(words, roles["breaks"])
        value, hit, negated = _weighed(words, weight, clause, roles)
        polarity.append(_means(words.per_text(value), words.per_text(hit)))
        known.append(words.per_text(hit))
        emotions.append(_emotions(words, lexicon.emotions[language], negated))
        tones.append(_tones(words, clause, value, hit, aspects[language]))
    return (
        np.array(evidence),
        np.array(polarity),
        np.array(known),
        words.per_text(~spoken * 1.0),
        np.array(emotions),
        np.array(tones),
    )


def _clauses(words, breaks):
    """Return the number of the clause that each word stands in; a break begins one."""
    new = words.marked({wording.BREAK, *breaks})
    if len(new):
        new[0] = True
        new[1:] |= words.text[1:] != words.text[:-1]
    return np.cumsum(new)


def _weighed(words, weight, clause, roles):
    """Return of each word what it counts for, whether it counts, and whether it is negated."""
    negators = words.marked(roles["negators"])
    stronger, weaker = words.marked(roles["stronger"]), words.marked(roles["weaker"])
    late = words.marked(roles["late"])
    # A word of feeling before another one only strengthens it: "terribly good".
    swelling = stronger & (weight != 0) & _there(weight != 0, clause, 1)
    hit = (weight != 0) & ~swelling
    factor = np.ones(len(weight))
    for back in (-1, -2):
        factor *= np.where(_there(stronger, clause, back), STRONGER, 1.0)
        factor *= np.where(_there(weaker, clause, back), WEAKER, 1.0)
    negated = np.zeros(len(weight), bool)
    for back in range(1, REACH + 1):
        negated |= _there(negators, clause, -back)
    for ahead in (1, 2):
        negated |= late & _there(negators, clause, ahead)
    value = np.clip(weight * factor * np.where(negated, NEGATED, 1.0), -1, 1)
    return np.where(hit, value, 0.0), hit.astype(float), negated


def _there(mask, clause, step):
    """Return of each word whether the word so many steps away, in its clause, is marked."""
    found = np.zeros(len(mask), bool)
    if abs(step) >= len(mask):
        return found
    if step < 0:
        found[-step:] = mask[:step] & (clause[-step:] == clause[:step])
    else:
        found[:-step] = mask[step:] & (clause[:-step] == clause[step:])
    return found


def _means(total, many):
    return np.divide(total, many, out=np.zeros(len(total)), where=many > 0)


def _emotions(words, lexicon, negated):
    """Return of each emotion whether a text names it, not negated (emotions, n)."""
    found = []
    for emotion in EMOTIONS:
        named = words.marked({word for word, those in lexicon.items() if emotion in those})
        found.append(words.per_text((named & ~negated) * 1.0) > 0)
    return np.array(found)


def _tones(words, clause, value, hit, aspects):
    """Return of each aspect the tone of the clauses that name it, missing where none does
    (aspects, n).
    """
    if not aspects:
        return np.empty((0, words.texts))
    size = int(clause[-1]) + 1 if len(clause) else 1
    total, many = np.bincount(clause, value, size), np.bincount(clause, hit, size)
    found = []
    for names in aspects.values():
        named = words.marked(_meant(names, words.vocabulary))
        within = np.zeros(size, bool)
        within[clause[named]] = True
        # Each clause once: its first word says of which text it is.
        first = np.concatenate([[True], clause[1:] != clause[:-1]]) if len(clause) else named
        here = first & within[clause]
        text = words.text[here]
        tone = _means(
            np.bincount(text, total[clause[here]], words.texts),
            np.bincount(text, many[clause[here]], words.texts),
        )
        spoken = np.bincount(text, minlength=words.texts) > 0
        found.append(np.where(spoken, tone, np.nan))
    return np.array(found)


def _meant(names, vocabulary):
    """Return the words that names of an aspect stand for; one that ends in * begins a word."""
    starts = tuple(name[:-1] for name in names if name.endswith("*") and len(name) > 1)
    whole = {name for name in names if not name.endswith("*")}
    return whole | {word for word in vocabulary if starts and word.startswith(starts)}
