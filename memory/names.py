"""What may be stored as a name or as text. Names never become paths: folders carry ids or slugs.

A *name* (of a concept or a session) is refused when it holds anything that does not belong into one line of
plain writing: control characters, terminal escapes, newlines, slashes, direction overrides, invisible
formatting. Any other *text* (prompts, attributes, replies) is cleaned instead: escape sequences, control
characters other than newline and tab, direction overrides and half characters (lone surrogates) are taken
out, the rest is kept.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ..errors import BadName, UserError

NAME_LIMIT = 80
"""Characters in a name."""
ATTRIBUTE_LIMIT = 300
"""Characters in an attribute, a negative or a note."""

# Direction overrides and isolates can make a text read differently from what is stored.
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Joiners build emoji and Persian or Indic letters; tag characters build the flags of regions.
_JOINERS = frozenset("\u200c\u200d") | frozenset(map(chr, range(0xE0020, 0xE0080)))
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS, SOS, PM, APC up to their terminator
    r"|\x1b[ -/]*[0-~]?"  # two-character sequences
    r"|\x9b[0-?]*[ -/]*[@-~]",  # CSI as one C1 character
    re.DOTALL,
)
_EVERYWHERE = frozenset(
    "a an the this that these those my your his her its our their i me you he him she it we us they them who what "
    "which and or but not no yes of in on at by to for with without from as is are was be do one".split()
)
_PLAIN_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
# Windows opens devices under these names, whatever the folder.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(10))])


def key(name: str) -> str:
    """The form in which two names are compared: compatibility characters, case and spacing do not matter."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def clean_name(name: str, what: str = "name") -> str:
    """The name as it is stored (NFC, trimmed, single spaces).

    `what` names the thing in the message ("name", "session name", "kind").

    Raises:
        BadName: empty, longer than `NAME_LIMIT`, or with a character that a name may not hold.
    """
    text = unicodedata.normalize("NFC", name).strip(" \u00a0\u3000")
    plain = text.isascii() and text.isprintable() and "/" not in text and "\\" not in text
    for char in () if plain else text:
        fault = _fault(char)
        if fault:
            raise BadName(f"A {what} may not contain {fault}.", hint="Use letters, digits, spaces and emoji.")
    text = " ".join(text.split())
    if not any(c.isalnum() or unicodedata.category(c)[0] in "LNSP" or unicodedata.category(c) == "Cn" for c in text):
        raise BadName(f"The {what} is empty.", hint=f"Give a {what} of 1 to {NAME_LIMIT} characters.")
    if what == "name" and key(text) in _EVERYWHERE:
        raise BadName(f"“{text}” is in every other sentence, so nobody can be called that.", hint="Choose a name.")
    if len(text) > NAME_LIMIT:
        raise BadName(f"The {what} is {len(text)} characters long; at most {NAME_LIMIT} are possible.")
    return text


def _fault(char: str) -> str:
    """Why `char` may not stand in a name, in words; empty when it may."""
    if char in "\n\r\x0b\x0c\x85\u2028\u2029":
        return "a line break"
    if char in "/\\":
        return "a slash"
    category = unicodedata.category(char)
    if category == "Cc":
        return f"a control character (U+{ord(char):04X})"
    if category == "Cs":
        return "half a character (a lone surrogate)"
    if char in _DIRECTION or (category == "Cf" and char not in _JOINERS):
        return f"an invisible formatting character (U+{ord(char):04X})"
    if ord(char) & 0xFFFE == 0xFFFE or category == "Co":
        return f"U+{ord(char):04X}, which is no character"
    return ""


def slug(name: str) -> str:
    """A folder name for a session: equal for equal names (see `key`), safe on every file system.

    Names that are no plain ASCII word get a readable stem, `~` and a hash; `~` keeps them apart from plain
    ones.
    """
    plain = key(name)
    if _PLAIN_SLUG.fullmatch(plain) and plain not in _DEVICES:
        return plain
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:24] or "session"
    return f"{stem}~{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def clean_text(text: str) -> str:
    """`text` without terminal escapes, control characters (newline and tab stay) and direction overrides."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPE.sub("", text.replace("\r\n", "\n"))
    return "".join(c for c in text if c in "\n\t" or not (unicodedata.category(c) in ("Cc", "Cs") or c in _DIRECTION))


def clean_line(text: str, what: str = "attribute") -> str:
    """One line of cleaned text.

    Raises:
        UserError: nothing is left, or more than `ATTRIBUTE_LIMIT` characters.
    """
    line = " ".join(clean_text(text).split())
    if not line:
        raise UserError(f"The {what} is empty.")
    if len(line) > ATTRIBUTE_LIMIT:
        raise UserError(f"The {what} is {len(line)} characters long; at most {ATTRIBUTE_LIMIT} are possible.")
    return line


def clean_value(value: Any) -> Any:
    """A JSON value with every string in it cleaned; tuples become lists.

    Raises:
        TypeError, ValueError: something that JSON cannot hold.
    """
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be stored as JSON")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {clean_text(str(k)): clean_value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_value(v) for v in value]
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
