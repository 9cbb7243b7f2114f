"""A conversation as one HTML page: no scripts, no other files, light and dark."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from ..memory.values import Concept, Take
from .demo_sheet import enlarged
from .output import duration, scores_text

SIDE = 256
"""How large a picture is shown, in pixels."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn as it happened."""

    text: str
    reply: str
    takes: tuple[Take, ...]
    seconds: float
    at: int | None
    """The take that the conversation was at afterwards."""


@dataclass(frozen=True, slots=True)
class Story:
    """All that the page and the sheet tell."""

    concept: Concept
    references: tuple[Image.Image, ...]
    exchanges: tuple[Exchange, ...]
    tree: Image.Image
    preset: str
    teach_seconds: float

    @property
    def takes(self) -> tuple[Take, ...]:
        """Every take of the conversation, in order."""
        return tuple(take for exchange in self.exchanges for take in exchange.takes)

    @property
    def seconds(self) -> float:
        """The time that teaching and talking took."""
        return self.teach_seconds + sum(exchange.seconds for exchange in self.exchanges)


_STYLE = """
:root { color-scheme: light dark; --paper: #faf7f2; --ink: #2b2622; --faint: #776d62; --line: #e2d9cd;
  --you: #b4532a; --you-ink: #fff; --card: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #1d1a18; --ink: #ece5dc; --faint: #a3988b;
  --line: #3a342f; --you: #b65a33; --you-ink: #fff; --card: #282420; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.55 "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, serif; }
main { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.25rem 5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; font-weight: 600; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 3rem 0 1rem; font-weight: 600; }
p { margin: 0 0 1rem; } .lead, figcaption, .at, footer { color: var(--faint); }
figure { margin: 0; } figcaption { font-size: .82rem; line-height: 1.4; margin-top: .45rem; }
img { display: block; max-width: 100%; height: auto; border-radius: 10px; border: 1px solid var(--line); }
.row { display: flex; flex-wrap: wrap; gap: 1rem; } .row figure { width: 9rem; }
ol { list-style: none; margin: 0; padding: 0; } li { margin: 0 0 2rem; }
.you { width: fit-content; max-width: 80%; margin: 0 0 .8rem auto; padding: .5rem 1rem;
  background: var(--you); color: var(--you-ink); border-radius: 18px 18px 4px 18px; }
.limner { width: fit-content; max-width: 88%; padding: .9rem 1.1rem; background: var(--card);
  border: 1px solid var(--line);
  border-radius: 18px 18px 18px 4px; }
.limner p { margin: 0; white-space: pre-line; } .limner .row { margin-top: .8rem; }
.limner .row figure { width: 16rem; max-width: 100%; } .at { font-size: .82rem; margin: .35rem 0 0 .3rem; }
.tree { overflow-x: auto; } footer { margin-top: 3rem; font-size: .9rem; }
code { font: .85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
"""


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _figure(image: Image.Image, about: str, *captions: str) -> str:
    size = f'width="{image.width}" height="{image.height}"'
    lines = "<br>".join(escape(caption) for caption in captions)
    return (
        f'<figure><img src="{_data_uri(image)}" {size} alt="{escape(about)}"><figcaption>{lines}</figcaption></figure>'
    )


def _take(take: Take) -> str:
    facts = [f"take {take.number}", take.method]
    about = take.description or take.prompt
    scores = scores_text(take.scores)
    return _figure(enlarged(take.image, SIDE), about, " · ".join(filter(None, facts)), scores)


def _exchange(exchange: Exchange) -> str:
    pictures = "".join(_take(take) for take in exchange.takes)
    where = "" if exchange.at is None else f'<p class="at">the conversation is at take {exchange.at}</p>'
    return (
        f'<li><p class="you">{escape(exchange.text)}</p>'
        f'<div class="limner"><p>{escape(exchange.reply)}</p>'
        + (f'<div class="row">{pictures}</div>' if pictures else "")
        + f"</div>{where}</li>"
    )


def _references(name: str, images: Sequence[Image.Image]) -> str:
    return "".join(
        _figure(enlarged(image, 144), f"{name}, reference {number}", f"reference {number}")
        for number, image in enumerate(images, 1)
    )


def page(story: Story) -> str:
    """The whole page. Everything in it that came from outside is escaped."""
    name = escape(story.concept.name)
    kind = escape(story.concept.kind)
    turns = "\n".join(_exchange(exchange) for exchange in story.exchanges)
    tree = _figure(story.tree, "The tree of takes", "Each picture stands right of what it was made from.")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Limner: a conversation about {name}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>A conversation about {name}</h1>
<p class="lead">{name} is a {kind} that no model was trained on. Limner learned it from the pictures below in
{duration(story.teach_seconds)} and then drew it through {len(story.exchanges)} turns in
{duration(story.seconds - story.teach_seconds)}, on this machine, with the <code>{escape(story.preset)}</code>
preset. The pictures are shown enlarged.</p>
<h2>What it was taught from</h2>
<div class="row">{_references(story.concept.name, story.references)}</div>
<h2>The conversation</h2>
<ol>
{turns}
</ol>
<h2>The tree of takes</h2>
<div class="tree">{tree}</div>
<footer>Scores lie between 0 and 1. Make your own: <code>limner teach NAME IMAGE… --kind NOUN</code>, then
<code>limner say "NAME on the beach"</code>.</footer>
</main>
</body>
</html>
"""
