"""Personal data in texts: what tells it, and how it is masked before anything is shown."""

import re

__all__ = [
    "masked",
]


def __dir__():
    return __all__


_NAME = r"(?:(?:van|de|den|der|ten|ter|von|la|le)\s+){0,3}\p{Lu}[\p{L}'’\-]+"
_NAMES = rf"{_NAME}(?:\s+{_NAME}){{0,2}}"
# In this order: what is longer and surer first. RE2 has no lookaround, so what stands before is
# put back.
RULES = (
    ("url", r"(?i)\b(?:https?://|www\.)[^\s<>\"]+", "[url]"),
    ("email", r"(?i)[\w.+\-]+\s?(?:@|\(at\)|\[at\])\s?[\w\-]+(?:\.[\w\-]+)+", "[email]"),
    ("iban", r"(?i)\b[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,3})?\b", "[iban]"),
    (
        "order",
        r"(?i)\b((?:order|bestel|klant|factuur|customer|invoice|case|ticket|track\s?&\s?trace)"
        r"[ \-]?(?:nummer|number|nr|no|code|id)?\.?\s?(?:is|:|#|=)?\s*)"
        r"#?[A-Z]{0,4}[\-]?\d[\d\-]{3,}",
        r"\1[order]",
    ),
    (
        "address",
        r"\b(\d{4}\s?[A-Z]{2})\b[\s,]*(?:(?:nr|nummer|no|number|huisnummer)\.?\s*)?\d{1,5}[a-zA-Z]?\b",
        "[address]",
    ),
    ("postcode", r"\b[1-9]\d{3}\s?[A-Z]{2}\b", "[address]"),
    (
        "street",
        r"\b\p{Lu}[\p{L}'\-]*(?:straat|laan|weg|plein|gracht|kade|dijk|singel|hof|pad|steeg)\s+"
        r"\d{1,5}(?:\s?[a-zA-Z])?\b",
        "[address]",
    ),
    (
        "street_en",
        r"\b\d{1,5}\s+(?:\p{Lu}[\p{L}'\-]+\s+){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive)\b",
        "[address]",
    ),
    (
        "phone",
        r"(?:\+|\b00)\d{1,3}[\s\-.]?(?:\(0\)[\s\-.]?)?\d(?:[\s\-.]?\d){6,11}\b"
        r"|\b0\d(?:[\s\-.]?\d){8}\b|\(0\d{1,4}\)[\s\-.]?\d(?:[\s\-.]?\d){5,7}\b",
        "[phone]",
    ),
    ("number", r"\b(?:\d[\s\-]?){7,}\d\b", "[number]"),
    (
        "name",
        r"\b((?i:dhr|mevr|mw|mr|mrs|ms|miss|dr|heer|mevrouw|meneer|mijnheer|beste|geachte|lieve|"
        r"hallo|hoi|dear|hello|hi|regards|groet|groeten|groetjes|mvg|cheers|sincerely|"
        r"ik heet|mijn naam is|my name is|i am called)\.?,?\s+)" + _NAMES,
        r"\1[name]",
    ),
)

MASKS = tuple(sorted({instead.strip("\\1[]") for _, _, instead in RULES}))


def masked(texts, names=()):
    """Return texts with personal data masked, as an array of the same length: what a rule knows,
    and the names given.

    >>> masked(["Mail ann@example.org, says Bob", None], names=["Bob"]).tolist()
    ['Mail [email], says [name]', None]
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    values = [None if t is None or t != t else str(t) for t in texts]
    column = pa.array(values, pa.large_string())
    for _, pattern, instead in RULES:
        column = pc.replace_substring_regex(column, pattern, instead)
    told = [rf"\b{re.escape(name)}\b" for name in sorted(names, key=len, reverse=True)]
    found = column.to_pylist()
    for pattern in told:
        found = [t and re.sub(pattern, "[name]", t, flags=re.IGNORECASE) for t in found]
    return np.array(found, dtype=object)
