"""Words that are nearly a name."""

from __future__ import annotations

from .words import GIVEN_NAMES


def slip(word: str, name: str) -> bool:
    """Whether the word can only be a slip of the name: no name of its own, letters swapped, doubled or left out."""
    if len(name) < 5 or word in GIVEN_NAMES or word[0] != name[0]:
        return False
    return sorted(word) == sorted(name) or (len(word) != len(name) and distance(word, name, 1) == 1)


# Ordinary words that lie within a slip of a likely name.
COMMON = frozenset(
    "make take lake cake bake wake moon noon lunar mix wax tax man men map may mat milk mild mile "
    "line lime like live "
    "love give time tame tale tall ball bell belly bear beer been bean beach bench sunny funny honey "
    "money pepper paper "
    "happy puppy penny peony lucky rocky rocks socks sock rock duck dock rose nose hose pose toes "
    "cat hat bat rat car cap "
    "can dog fog log big bag bug mug hug hog red bed fed leg let set put pot pat pet net new now not "
    "hot top tap tip two "
    "too the she her his him has had and any all add ask big old one out our own day dark bark park "
    "spark star start "
    "stay spot sport short shirt show snow slow glow grow blow flow flower tower power cover river "
    "rover over even "
    "seven eleven oven open pen ten tent bent sent cent mint mine nine wine vine fine fire wire tire "
    "hire hair chair "
    "bigger ginger finger singer tiger tigger winter water wafer later layer player bread break "
    "brown crown clown down "
    "town gown grown biscuits cookies tofu total table cable light night right sight might fight "
    "white while write green "
    "queen screen black block clock lock look book cook hook took room root roof food good wood mood "
    "moor door floor four "
    "sand hand band land stand grand brand rain train brain grain chain main rainy ocean forest "
    "flying wearing sitting "
    "undo redo back last first second third compare forget rename draw paint sketch please thanks "
    "hello could would "
    "should there where these those this that them then than thin thing think thank with without "
    "which what when who "
    "bruno max mat merry mary marry happy harry berry cherry teach each reach peach bow cow low row "
    "sow tow vow wow "
    "coat boat goat float moat road load toad roam foam space place face lace race pace sleeping "
    "jumping running "
    "picture pictures little bottle battle cattle kettle middle riddle fiddle muddle puddle cuddle "
    "apple ripple image "
    "style smile stile tile file pile mile bike hike like pike spike strike lemon melon demon sun "
    "son run fun gun bun nun "
    "pun fan van pan tan ran ban sit hit bit fit kit lit pit wit sky spy shy why dry try cry fry fly "
    "sly ply".split()
)


def nearly(word: str, name: str) -> bool:
    """Whether `word` is a likely slip for `name`: one slip in a short name, two in a long one."""
    if word == name or min(len(word), len(name)) < 3 or abs(len(word) - len(name)) > 2:
        return False
    allowed = 2 if len(name) >= 6 else 1
    if len(name) <= 4 and word[0] != name[0]:
        return False
    return distance(word, name, allowed) <= allowed


def distance(a: str, b: str, limit: int) -> int:
    """Damerau-Levenshtein distance (optimal string alignment), or `limit` + 1 when it is larger."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
