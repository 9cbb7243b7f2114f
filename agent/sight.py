"""Pictures for planners: shown to those that see, once the user has agreed, and described to those that do not."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AnyMessage, HumanMessage

from ..errors import LimnerError
from ..memory.events import Question
from ..tools.desk import Desk

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from PIL.Image import Image

    from ..memory.library import Library
    from ..memory.sessions import SessionStore

SIDE = 512
"""Pixels of a shown picture's longer side: enough to name what is on it, small enough to send."""
MOST = 4
"""So many pictures are shown at once: the attached ones, then the newest takes."""
YES = re.compile(r"(yes|y|yeah|yep|sure|ok|okay|of course|go ahead|please do|you may)\b.*", re.I | re.S)
NO = re.compile(r"(no|nope|don't|do not|never)\b", re.I)
_WHAT = r"(it |them )?(my |the )?(pictures|photos)( to .{1,40})?[.!]?"
SHOW = re.compile(rf"(please |you may |yes,? )*(show|send) {_WHAT}", re.I)
HIDE = re.compile(rf"(please )?(do not|don't|never|stop) (show|send)(ing)? {_WHAT}", re.I)


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether the planner reads pictures, and where they would go."""

    sees: bool = False
    host: str = ""
    """The machine the planner runs on, "" for this one."""

    @property
    def question(self) -> Question:
        """Asked once before pictures leave this machine."""
        text = (
            f"May I show your pictures to the planner at {self.host}, which is not this computer? Otherwise I only "
            'describe them in words. You can change that by saying "show my pictures" or "do not show my pictures".'
        )
        return Question(text, ("yes", "no"))

    @property
    def topic(self) -> str:
        """Under this name the user's answer is kept."""
        return f"pictures:{self.host}"

    def allowed(self, library: Library) -> bool:
        """Whether pictures may be shown."""
        return self.sees and (not self.host or bool(library.consents.get(self.topic)))

    def ask(self, desk: Desk) -> Question | None:
        """The question, when there is something to show and the user was never asked."""
        if not self.sees or not self.host or desk.library.consents.get(self.topic) is not None:
            return None
        return self.question if next(_pictures(desk), None) else None

    def settle(self, library: Library, store: SessionStore, words: str) -> str:
        """Keep the answer when the question is open; returns the sentence to go on with: the one before it.

        Anything but a yes counts as a no, so that nothing is sent by a misunderstanding; a new sentence goes on
        by itself.
        """
        pending = store.state.get("pending")
        if not self.host or not pending or pending.get("question") != self.question.text:
            return words
        agreed = bool(YES.fullmatch(words) or SHOW.fullmatch(words))
        library.consents.put(self.topic, agreed)
        store.put_state(pending=None)
        return str(pending["text"]) if agreed or NO.match(words) else words

    def told(self, library: Library, words: str) -> str:
        """Keep what the user says about showing pictures at any time; returns the reply, "" if it is not that."""
        if not self.sees or not self.host:
            return ""
        for pattern, agreed in ((SHOW, True), (HIDE, False)):
            if pattern.fullmatch(words.strip()):
                library.consents.put(self.topic, agreed)
                return f"I {'' if agreed else 'no longer '}show your pictures to the planner at {self.host}."
        return ""

    def shown(self, desk: Desk, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """The messages with the pictures in the newest sentence, or with their descriptions."""
        at = max((n for n, message in enumerate(messages) if isinstance(message, HumanMessage)), default=None)
        if at is None:
            return list(messages)
        show = self.allowed(desk.library)
        blocks: list[dict[str, Any]] = [{"type": "text", "text": messages[at].text}]
        for label, image in _pictures(desk):
            if show:
                blocks += [{"type": "text", "text": f"{label}:"}, _block(image)]
            elif label.startswith("attached"):
                blocks.append({"type": "text", "text": f"{label}: {_in_words(desk, image)}"})
        if len(blocks) == 1:
            return list(messages)
        content: Any = blocks if show else "\n".join(str(block["text"]) for block in blocks)
        return [*messages[:at], HumanMessage(content, id=messages[at].id), *messages[at + 1 :]]


def sight_of(model: BaseChatModel, name: Any) -> Sight:
    """What `model`, called `name` where it was chosen by name, can see and where it is."""
    from .models import parse

    sees = bool((getattr(model, "profile", None) or {}).get("image_inputs"))
    if not isinstance(name, str):  # a program's own model: nobody knows where it is
        return Sight(sees, type(model).__name__)
    parsed = parse(name)
    return Sight(sees or parsed.sees, parsed.host)


def _pictures(desk: Desk) -> Iterator[tuple[str, Image]]:
    """What a planner should see: the attached pictures, this turn's takes, the take the user is at."""
    from ..tools.images import load_picture

    for path in desk.files[:MOST]:
        try:
            yield f"attached {Path(path).name!r}", load_picture(path).image
        except LimnerError:
            continue  # moved since it was attached; the tool that needs it will say so
    head = desk.session.head
    takes = {take.id: take for take in (*desk.takes[::-1], *([head] if head else []))}
    for take in list(takes.values())[: max(1, MOST - len(desk.files))]:
        yield f"take {take.number}", take.image


def _block(image: Image) -> dict[str, Any]:
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {"type": "image", "base64": data, "mime_type": "image/jpeg"}


def _in_words(desk: Desk, image: Image) -> str:
    """What can be said about a picture without a model that sees: its size and which taught subjects it resembles."""
    from ..tools.teach import search

    words = f"{image.width} x {image.height} px"
    try:
        near = search(desk.library, desk.studio, image)[:2] if desk.library.concepts() else []
    except LimnerError:
        return words  # no encoder in this preset
    like = [f"{concept.name} ({likeness:.2f})" for concept, likeness in near if likeness]
    return f"{words}; nearest taught: {', '.join(like)}" if like else words
