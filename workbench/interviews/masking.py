"""Personal data in quotes, masked before anything is shown."""

import re

# In this order: what is longer and surer first.
_RULES = (
    (r"(?i)\b(?:https?://|www\.)\S+", "[url]"),
    (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "[email]"),
    (r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b", "[iban]"),
    (r"\b[1-9]\d{3}\s?[A-Z]{2}\b(?:[\s,]+\d{1,5}[a-zA-Z]?\b)?", "[address]"),
    (r"\b[A-Z][\w'-]*(?:straat|laan|weg|plein|gracht|kade|dijk|singel)\s+\d{1,5}\b", "[address]"),
    (r"(?:\+|\b00)\d{1,3}(?:[\s.-]?\d){7,12}\b|\b0\d(?:[\s.-]?\d){8}\b", "[phone]"),
    (r"\b(?:\d[ -]?){5,}\d\b", "[number]"),
    (
        r"\b((?i:dhr|mevr|mw|mr|mrs|ms|dr|heer|mevrouw|meneer|ik heet|mijn naam is|my name is|"
        r"i am called)\.?\s+)(?:(?:van|de|den|der|ten|ter)\s+){0,3}"
        r"[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?",
        r"\1[name]",
    ),
)


def masked(text, names=()):
    """Return a text with personal data masked: what a rule knows, and the names given.

    >>> masked("Mail ann@example.org, says Bob", names=["Bob"])
    'Mail [email], says [name]'
    """
    for pattern, instead in _RULES:
        text = re.sub(pattern, instead, text)
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"\b{re.escape(name)}\b", "[name]", text, flags=re.IGNORECASE)
    return text
