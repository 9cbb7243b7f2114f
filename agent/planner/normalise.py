"""From what was typed to text that a grammar can read: clean, bounded, with files and quotations marked.

A `Text` keeps two strings of equal length: `raw`, the user's words, and `low`, the same in lower case with
files, quotations, takes and concepts replaced by private-use characters. Offsets are the same in both.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from .speech import HAIL, LEADING
from .words import LEAD_FILLER, TAIL_FILLER, either

MAX_CHARS = 2000
"""A longer sentence is cut here, at a space: no model reads a longer prompt, and the work stays bounded."""

CONCEPT, TAKE, FILE, QUOTED = "\ue000", "\ue001", "\ue002", "\ue003"

_SCAN_CHARS = 20_000  # what is looked at of a huge text before it is cut
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-_])")
_SAME = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "‚": "'",
        "‛": "'",
        "`": "'",
        "´": "'",
        "ʼ": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "″": '"',
        "–": "-",
        "—": "-",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "…": "...",
        "，": ",",
        "。": ".",
        "！": "!",
        "？": "?",
        "：": ":",
        "；": ";",
    }
)
_EXTENSIONS = r"(?:png|jpe?g|webp|gif|bmp|tiff?|heic|heif|avif|jfif|ppm|tga)"
_PATH = re.compile(
    rf"""(?P<q>["'])(?P<quoted>[^"'\n]{{1,300}}?\.{_EXTENSIONS}|(?:~|\.{{0,2}})/[^"'\n]{{1,300}}?)(?P=q)"""
    rf"""|(?<![\w/])(?P<bare>(?:[A-Za-z]:\\|~/|\.{{1,2}}/|/)(?:\\\ |[^\s"',;:!?()<>|]){{1,300}}"""
    rf"""|(?:[\w.\-/~*]|\\\ ){{1,200}}\.{_EXTENSIONS}(?![\w]))""",
    re.IGNORECASE,
)
_QUOTE = re.compile(r'"[^"\n]{1,300}"|(?<![\w])\'[^\'\n]{1,200}\'(?![\w])')
_LEAD = re.compile(rf"(?:{either(LEAD_FILLER)}(?![\w'-])|{HAIL})[\s,.!:;-]*|[\s,.!:;-]+")
_TAIL = re.compile(rf"[\s,.!;]+{either(frozenset(re.escape(w) for w in TAIL_FILLER))}[\s.!?]*$|[\s.!,;:]+$")


def clean(text: str) -> str:
    """`text` in NFC on one bounded line, without control characters, terminal escapes, typographic quotes."""
    text = _ESCAPES.sub("", text[:_SCAN_CHARS])
    text = unicodedata.normalize("NFC", text).translate(_SAME)
    kept = [" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C"]
    text = " ".join("".join(kept).split())
    if len(text) > MAX_CHARS:
        text = text[:MAX_CHARS].rpartition(" ")[0] or text[:MAX_CHARS]
    return text


def was_cut(text: str) -> bool:
    """Whether `clean` leaves a part of `text` away."""
    return len(text) > MAX_CHARS and len(" ".join(text.split())) > MAX_CHARS


def lower(text: str) -> str:
    """Lower case that keeps the length (some characters become two when lowered)."""
    return "".join(low if len(low := c.lower()) == 1 else c for c in text)


@dataclass(frozen=True, slots=True)
class Found:
    """A file path in the sentence."""

    start: int
    end: int
    path: str


def find_files(text: str) -> list[Found]:
    """Paths in `text`, quoted or not; trailing punctuation does not belong to them."""
    files = []
    for match in _PATH.finditer(text):
        if quoted := match["quoted"]:
            files.append(Found(match.start(), match.end(), quoted))
            continue
        path = match["bare"].rstrip(".,")
        if len(path) > 1 and not re.fullmatch(r"[./~\\]+", path):
            files.append(Found(match.start(), match.start() + len(path), path.replace("\\ ", " ")))
    return files


def mask(low: str, start: int, end: int, sign: str) -> str:
    """`low` with a span replaced by `sign`, as long as before."""
    return low[:start] + sign * (end - start) + low[end:]


def mask_quotes(low: str) -> str:
    """`low` with quotations marked, so that nothing in them is taken for a command."""
    for match in _QUOTE.finditer(low):
        low = mask(low, match.start(), match.end(), QUOTED)
    return low


def lead(low: str) -> int:
    """How many characters of politeness and hesitation stand in front."""
    start = 0
    while start < len(low):
        match = LEADING.match(low, start) or _LEAD.match(low, start)
        if not match or match.end() == start:
            break
        start = match.end()
    return start


def tail(low: str) -> int:
    """Where the clause ends once politeness and punctuation behind it are left out ("?" stays)."""
    end = len(low)
    while end and (match := _TAIL.search(low, max(0, end - 40), end)) and match.start() < end:
        end = match.start()
    return end
