"""Texts as numbered words: what is scored is a word once, however often it is written."""

from dataclasses import dataclass

import numpy as np

BREAK = "."  # stands for every mark that ends a clause
_CLEANED = (
    (r"[’`´]", "'"),
    (r"[.,;:!?()\[\]\n\r/…]+", f" {BREAK} "),
    (r"[^\p{L}'\-. ]+", " "),
    (r"(^|\s)['\-]+", " "),
    (r"['\-]+(\s|$)", " "),
)


@dataclass(frozen=True, eq=False)
class Words:
    """The words of texts, in order.

    `code` (m) the number of each word in `vocabulary`, `text` (m) the text it stands in, `texts`
    how many texts there are.
    """

    code: np.ndarray
    text: np.ndarray
    vocabulary: list
    texts: int

    def marked(self, wanted):
        """Return of each word whether it is one of those wanted."""
        return np.array([word in wanted for word in self.vocabulary], bool)[self.code]

    def weighed(self, weights):
        """Return of each word its weight, 0 where it has none."""
        return np.array([weights.get(word, 0.0) for word in self.vocabulary], float)[self.code]

    def per_text(self, weight):
        """Return the sum of a weight of words over each text."""
        return np.bincount(self.text, weight, self.texts)


def of(texts):
    """Return the words of texts.

    Parameters
    ----------
    texts : array of str (n)

    Returns
    -------
    Words

    >>> words = of(["Not bad, not bad at all!"])
    >>> [words.vocabulary[c] for c in words.code]
    ['not', 'bad', '.', 'not', 'bad', 'at', 'all', '.']
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.utf8_lower(pa.array(texts, pa.large_string()))
    for pattern, instead in _CLEANED:
        column = pc.replace_substring_regex(column, pattern, instead)
    lists = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(column))
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    coded = pc.dictionary_encode(lists.flatten())
    code = coded.indices.to_numpy(zero_copy_only=False)
    text = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    vocabulary = coded.dictionary.to_pylist()
    there = np.array([word != "" for word in vocabulary], bool)
    keep = there[code] if len(vocabulary) else np.zeros(0, bool)
    return Words(code[keep], text[keep], vocabulary, len(lengths))
