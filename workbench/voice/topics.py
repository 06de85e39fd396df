"""What do texts speak of that nobody asked about: topics, and whether they are stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, intervals
from workbench.errors import InputError, NotEnoughData
from workbench.notes import Note
from workbench.personal_data import MASKS, masked
from workbench.results import Points, Result, analysis, tidy
from workbench.stats import topics as factors
from workbench.voice import lexicons
from workbench.voice.material import given

if TYPE_CHECKING:
    from workbench.types import Table

LEAST = 300  # texts below which topics are not looked for
STABLE = 0.7
SHOWN = 6  # terms that name a topic
MOST = 8
TERMS = 1000
ANSWER = Note(
    "voice.topics_answer",
    "{topics} stable topics in {n} texts (stability {stability:2}, at least {least:2}); the "
    "largest is «{words}»: {estimate:%} of the texts ({low:%} to {high:%}).",
)
NONE = Note(
    "voice.topics_answer_none",
    "No stable topics in {n} texts: of the numbers tried, {topics} topics come nearest (stability "
    "{stability:2}; {least:2} is needed), and drawn again they are others.",
)
WORDS_ONLY = Note(
    "voice.topics_limit",
    "A topic is a set of words that go together, and no meaning: it is named by its words, and its "
    "share is that of the texts in which it weighs most.",
)


@engine.frames("texts")
@analysis
def topics(
    texts: Table,
    *,
    language: str | None = None,
    topics: int | None = None,
    draws: int = 6,
    seed: int = 1,
    conf_level: float = 0.95,
) -> Result:
    """Of which topics do texts speak, and would they be the same if drawn again?

    Parameters
    ----------
    texts : table with text_id, text, created_at
        At least 300 of one language.
    language : str, optional
        "nl" or "en"; None: that of most texts.
    topics : int, optional
        How many, from 2; None: the most stable number of 2 to 8.
    draws : int
        Draws of 80 % of the texts over which topics must be the same.
    seed : int
    conf_level : float

    Returns
    -------
    Result
        topic (number), words (the terms that weigh most), count and n (texts), estimate (share of
        the texts in which it weighs most), std_error, conf_low, conf_high, stability (0 to 1).
        Where no number of topics is stable (0.7), no topic is given: every row is a number of
        topics that was tried, with its stability.

    Raises NotEnoughData for fewer than 300 texts of the language, InputError for another language
    or number.

    Source: non-negative matrix factorisation, Lee & Seung (1999), Nature 401; stability: Greene,
    O'Callaghan & Cunningham (2014).
    """
    if topics is not None and (isinstance(topics, bool) or topics not in range(2, 51)):
        raise InputError(
            "voice.error_topics",
            "topics: a whole number from {least} to {most} is needed, found {found:repr}",
            least=2,
            most=50,
            found=topics,
        )
    material, language = _of_one_language(given(texts), language)
    matrix, terms = _weighed(material.text, language)
    best = _stable(matrix, topics, draws, seed)
    k, found, tried = best
    sure = found.stability.mean() >= STABLE
    table = tidy(
        _rows(found, terms, material, conf_level) if sure else _tried(tried, len(material))
    )
    values = {
        "n": len(material),
        "stability": float(found.stability.mean()),
        "least": STABLE,
        "topics": k,
    }
    if sure:
        top = table.iloc[0]
        answer = ANSWER.having(
            **values,
            words=top["words"],
            estimate=top["estimate"],
            low=top["conf_low"],
            high=top["conf_high"],
        )
    else:
        answer = NONE.having(**values)
    return Result(
        question=Note("voice.topics_question", "Of which topics do texts speak?"),
        table=table,
        answer=answer,
        method=Note(
            "voice.topics_method",
            "Non-negative factors of weighed terms in the texts of one language ({language:word}); "
            "stability is the agreement of the first {terms} terms over {draws} draws of {part:%0} "
            "of the texts.",
            language=language,
            terms=factors.TOP,
            draws=draws,
            part=factors.PART,
        ),
        unit="texts",
        n=len(material),
        conf_level=conf_level,
        limits=(*material.limits(), WORDS_ONLY),
        chart=Points(
            label=["topic", "words"] if sure else ["topic"],
            percent=True,
            xlabel=Note("voice.axis_share", "Share of the texts"),
        ),
    )


def _of_one_language(material, language):
    """Return the texts of one language; that of most where none is named."""
    found = material.read(lexicons.own()[0]).language
    if language is None:
        language = max(lexicons.LANGUAGES, key=lambda one: (found == one).sum())
    elif language not in lexicons.LANGUAGES:
        raise InputError(
            "voice.error_language",
            "language: {known:text} can be read, found {language:repr}",
            known=list(lexicons.LANGUAGES),
            language=language,
        )
    keep = found == language
    if keep.sum() < LEAST:
        raise NotEnoughData(
            "voice.error_few_texts",
            "topics need at least {least} texts of one language; found {n} of {language:word}",
            least=LEAST,
            n=int(keep.sum()),
            language=language,
        )
    # One order whatever the ids: by what the texts say.
    order = np.argsort(material.text[keep].astype(str), kind="stable")
    rows = np.flatnonzero(keep)[order]
    return type(material)(
        material.id[rows], material.text[rows], material.who[rows], None, material.rows.iloc[rows]
    ), language


def _weighed(texts, language):
    """Return how much each term weighs in each text, and the terms."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    roles = lexicons.own()[0].roles[language]
    left = ("common", "negators", "stronger", "weaker")
    common = sorted(set(MASKS).union(*(roles[r] for r in left)))
    vectors = TfidfVectorizer(
        token_pattern=r"[^\W\d_]{3,}",
        stop_words=common,
        min_df=5,
        max_df=0.5,
        max_features=TERMS,
    )
    try:
        matrix = vectors.fit_transform([t.lower() for t in masked(texts)])
    except ValueError:
        raise NotEnoughData(
            "voice.error_no_terms",
            "topics: no term stands in {least} texts or more and in at most half of them",
            least=5,
        ) from None
    return matrix, vectors.get_feature_names_out()


def _stable(matrix, asked, draws, seed):
    """Return the number of topics, the topics, and the stability of every number tried."""
    most = min(MOST, matrix.shape[1])
    numbers = [int(asked)] if asked else range(2, most + 1)
    made = {
        k: factors.find(matrix, k, draws=draws, seed=seed) for k in numbers if k <= most or asked
    }
    tried = {k: float(one.stability.mean()) for k, one in made.items()}
    k = max(tried, key=lambda k: tried[k])
    return k, made[k], tried


def _rows(found, terms, material, conf_level):
    """Return a row a topic, the largest first."""
    held = found.weights.sum(axis=1) > 0
    main = np.where(held, found.weights.argmax(axis=1), -1)
    order = sorted(range(len(found.terms)), key=lambda k: (-(main == k).sum(), k))
    return [
        {
            "topic": str(number),
            "words": ", ".join(
                terms[i] for i in np.argsort(-found.terms[k], kind="stable")[:SHOWN]
            ),
            **intervals.share(main == k, material.who, conf_level),
            "stability": float(found.stability[k]),
        }
        for number, k in enumerate(order, 1)
    ]


def _tried(tried, n):
    """Return a row a number of topics that was tried, with no share."""
    none = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
    return [
        {"topic": f"{k}", "words": None, "count": np.nan, "n": n, **none, "stability": value}
        for k, value in tried.items()
    ]
