"""The tools that make pictures: draw, edit, and drawing with one family of methods by name."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ..errors import ModelError, NotFound, UserError
from ..memory.events import Event, Notice, Progress, TakeReady
from ..memory.values import Concept, Origin, Take
from .afresh import afresh, left_alone
from .borrowing import UNPAINTED, in_words
from .catalog import Working, tool
from .company import Untaught, called, others_of, untaught
from .desk import Desk, result, rounded, uses
from .ladder import Attempt, Ladder, score, summary
from .leaving import who_leaves
from .limits import furred, leaves, within, without_the_gone
from .parts import coloured
from .scoring.reach import PARTS, of_the_setting
from .values import DrawRequest, SubjectInput
from .variety import earlier, words_of
from .words import LITTLE, listed

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_AT_ONCE = 8
SEEDS = 2**32
Prompt = Annotated[str, Field(min_length=1, max_length=2000, description="What to draw, in the user's own words.")]
Names = Annotated[list[str], Field(max_length=8, description="Names of the taught concepts that are in the picture.")]
Count = Annotated[int, Field(ge=1, le=MOST_AT_ONCE, description="How many pictures.")]
Method = Annotated[str, Field(description='A method of the list in the state, or "auto".')]
Seed = Annotated[int | None, Field(ge=0, lt=SEEDS, description="Only when the user names a seed.")]
Pixels = Annotated[int, Field(ge=16, le=4096)]
Size = Annotated[
    Literal["square", "portrait", "landscape"] | Pixels, Field(description="A shape, or the side in pixels.")
]
TakeNumber = Annotated[int, Field(ge=1, description="The take's number.")]


@tool(order=10)
def draw(
    desk: Desk,
    prompt: Prompt,
    concepts: Names = [],  # noqa: B006 - the planner's default; never changed
    count: Count = 1,
    method: Method = "auto",
    seed: Seed = None,
    size: Size = "square",
) -> Working:
    """Draw a new picture from words. Taught concepts stand in the prompt by their names."""
    found = within(desk.preset, prompt, desk.concepts(concepts))
    method = desk.choose_method(method)
    others = untaught(found.words, called(found.concepts), desk.preset.scenes.get("looks", ()))
    others = others if len(others) + len(found.concepts) > 1 else []
    number = earlier(desk.session.takes(), prompt) if seed is None else 0
    request = DrawRequest(prompt=found.words, method=method, count=count, seed=seed, number=number, size=size)
    figures = len(found.concepts) + len(others)
    varied = words_of(number, found.words, desk.preset.varied_by, figures) if count == 1 else ""
    notes = [*found.notes, f"This time {varied}."] if varied else found.notes
    plan = _Plan("draw", request, found.concepts, prompt, description=found.words, notes=notes, others=others)
    return (yield from _make(desk, plan))


@tool(order=30, needs="ar")
def generate_ar(
    desk: Desk,
    prompt: Prompt,
    concepts: Names = [],  # noqa: B006
    count: Count = 1,
    seed: Seed = None,
    size: Size = "square",
) -> Working:
    """Draw with the autoregressive family, only when the user asks for it by name."""
    return (yield from draw(desk, prompt, concepts, count, _first_of(desk, "ar"), seed, size))


@tool(order=31, needs="pta")
def generate_pta(
    desk: Desk,
    prompt: Prompt,
    concepts: Names = [],  # noqa: B006
    count: Count = 1,
    seed: Seed = None,
    size: Size = "square",
) -> Working:
    """Draw with diffusion and a pre-trained adapter, only when the user asks for it by name."""
    return (yield from draw(desk, prompt, concepts, count, _first_of(desk, "pta"), seed, size))


@tool(order=11)
def edit(
    desk: Desk,
    take: TakeNumber,
    instruction: Annotated[
        str, Field(min_length=1, max_length=2000, description="The change, in the user's own words.")
    ],
    concepts: Annotated[
        list[str], Field(max_length=8, description="Taught concepts that come in new with this change.")
    ] = [],  # noqa: B006
    borrow_from: Annotated[
        int | None, Field(ge=1, description='Another take to take something from ("the hat from the fifth").')
    ] = None,
    method: Method = "auto",
) -> Working:
    """Change a take into a new one and leave the rest of it alone. An attached picture is a take too."""
    if max(take, borrow_from or 0) > desk.newest():
        yield from import_attached(desk)
    source = desk.imported.get(take) or desk.session.take(take)
    lender = None
    if borrow_from is not None:
        lender = desk.imported.get(borrow_from) or desk.session.take(borrow_from)
    kept, forgotten = desk.concepts_of(source)
    coming = [concept for concept in desk.concepts(concepts) if concept.id not in {item.id for item in kept}]
    chosen = desk.choose_method(method)
    if lender is None and (again := afresh(desk, source, kept, coming, instruction)):
        request = DrawRequest(prompt=again.words, method=chosen)
        plan = _Plan("edit", request, again.concepts, instruction, again.words, again.others, source.id)
        return (yield from _make(desk, plan))
    notes = [f"{listed(forgotten)} was forgotten; I went by the picture alone."] if forgotten else []
    words, lent = instruction, None
    if lender is not None and _can_borrow(desk, chosen):
        lent = lender.image
    elif lender is not None:
        words, found = in_words(instruction, lender.description)
        if not found:
            notes.append(f"I went by your words: the model cannot look at take {lender.number} while it draws.")
    if source.origin == "import" and not desk.studio.of_this_world(source.image):
        notes.append(desk.preset.for_photographs.strip())
    limited = within(desk.preset, words, coming, of=(source, kept))
    words, notes = limited.words, [*notes, *limited.notes]
    before = [*called(kept), *((other.name, other.kind) for other in others_of(source))]
    told, kept = without_the_gone(furred(desk.preset, words, source, kept), kept)
    names = tuple(concept.name for concept in limited.concepts)
    request = DrawRequest(prompt=told, method=chosen, source=source.image, coming=names, borrow=lent)
    stay = [other for other in others_of(source) if not leaves(other.kind, told)]
    left = [*(concept.name for concept in kept), *(other.name for other in stay)] if who_leaves(told) else []
    alone = left_alone(desk, source, before, left)
    plan = _Plan(
        "edit",
        request,
        [*kept, *limited.concepts],
        prompt=instruction,
        description=alone or "; ".join(part for part in (source.description, words) if part),
        others=stay,
        parent=source.id,
        borrow_from=lender.id if lender else None,
        notes=notes,
    )
    return (yield from _make(desk, plan))


def import_attached(desk: Desk) -> Generator[Event, None, None]:
    """Turn the pictures that came with the sentence into takes: the numbers after the newest one."""
    from .images import load_picture
    from .provenance import manifest_of

    if desk.imported:
        return
    pictures = [(path, load_picture(path)) for path in desk.pictures()]
    number = desk.newest()
    for path, loaded in pictures:
        for text in loaded.notices:
            yield Notice(text)
        take = desk.session.add_take(loaded.image, origin="import", prompt=path.name)
        if manifest_of(path) is not None:  # what its maker has signed goes along with what is made from it
            desk.session.keep_original(take, path.name, path.read_bytes())
        number += 1
        desk.imported[number] = take
        desk.takes.append(take)
        yield TakeReady(take)


def _can_borrow(desk: Desk, method: str) -> bool:
    able = [info for info in desk.studio.methods() if info.available and "borrow" in info.capabilities]
    return any(method in ("auto", info.name) for info in able)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One drawing or edit, ready to go."""

    origin: Origin
    request: DrawRequest
    concepts: Sequence[Concept]
    prompt: str
    """The user's words; the model's, in `request`, may differ."""
    description: str
    others: Sequence[Untaught] = ()
    """Whom nobody has taught, where several are in the picture."""
    parent: str | None = None
    borrow_from: str | None = None
    notes: Sequence[str] = ()

    @property
    def wanted(self) -> str:
        """What the picture is scored against: of an edit its instruction, in the model's words."""
        return self.request.prompt if self.origin == "edit" else self.description


def _make(desk: Desk, plan: _Plan) -> Working:
    """Draw, score and store the candidates of one request; one picture of no named method goes up the ladder."""
    seed = plan.request.seed if plan.request.seed is not None else desk.seed()
    subjects = desk.subjects(plan.concepts)
    everyone = (*subjects, *desk.untaught(plan.others))
    asked = replace(plan.request, subjects=everyone, seed=seed, description=plan.description)
    plan = replace(plan, request=asked)
    notes = [*plan.notes, *_undrawable(desk, plan)]
    ladder = Ladder(desk, plan.request, plan.concepts, plan.wanted)
    if plan.request.method == "auto" and plan.request.count == 1:
        climb = yield from ladder.climb()
        desk.keep(plan.concepts, subjects)
        take = _store(desk, plan, ladder.kind, climb.chosen, {"ladder": climb.record()} if len(climb.tried) > 1 else {})
        desk.takes.append(take)
        yield TakeReady(take)
        if climb.question is not None:
            # The turn ends with the question, so it has to speak of the picture as well.
            desk.question = replace(climb.question, text=f"{climb.outcome(take.number)}, but {climb.question.text}")
            yield desk.question
        notes += climb.notes
        return _answer([take], climb.seconds, notes, summary(climb))
    request = plan.request
    if request.method == "auto":
        request = replace(request, method=ladder.rungs()[0])
    made: list[Take] = []
    for step in desk.studio.draw(request, desk.cancelled):
        if isinstance(step, Progress):
            yield step
            continue
        desk.check()
        attempt = Attempt(request, step, score(desk.studio, request, step, plan.wanted))
        take = _store(desk, plan, ladder.kind, attempt, {})
        made.append(take)
        desk.takes.append(take)
        yield TakeReady(take)
    desk.check()
    desk.keep(plan.concepts, subjects)
    if not made:
        raise ModelError("The model returned no picture.")
    last = made[-1].scores
    told = {"verdict": last.verdict, "missing": list(last.details.get("missing", ()))}
    return _answer(made, sum(take.seconds for take in made), notes, told)


def _answer(made: Sequence[Take], seconds: float, notes: Sequence[str], told: Mapping[str, Any]) -> dict[str, Any]:
    """What the planner is told about the pictures; the scores are those of the last one."""
    last = made[-1].scores
    scores = {"subject": rounded(last.subject), "text": rounded(last.text), "copy": rounded(last.copy)}
    return result(
        take=made[-1].number,
        takes=[take.number for take in made],
        method=made[-1].method,
        seconds=round(seconds, 2),
        scores={name: value for name, value in scores.items() if value is not None},
        note=" ".join(notes),
        **told,
    )


def _store(desk: Desk, plan: _Plan, kind: str, attempt: Attempt, more: Mapping[str, Any]) -> Take:
    """Make one candidate a take."""
    request, drawn = attempt.request, attempt.drawn
    asked = {
        "method": plan.request.method,
        "kind": kind,
        "seed": request.seed,
        "count": request.count,
        "index": drawn.index,
        "number": request.number,
        "size": request.size,
        "prompt": request.prompt,
        "borrowed": request.borrow is not None,
        "coming": list(request.coming),
        "held": request.within is not None,
        "afresh": request.source is None,
        "others": [asdict(other) for other in plan.others],
    }
    return desk.session.add_take(
        drawn.image,
        origin=plan.origin,
        prompt=plan.prompt,
        parent=plan.parent,
        description=plan.description,
        concepts=uses(plan.concepts),
        method=drawn.method,
        adapters=drawn.adapters,
        borrow_from=plan.borrow_from,
        seed=drawn.seed,
        model=drawn.model,
        settings={**drawn.settings, **more, "request": asked},
        scores=attempt.scores,
        seconds=drawn.seconds,
        # With several candidates the user is at the last one, and one undo goes back before all of them.
        advance=drawn.index == plan.request.count - 1 or plan.request.count == 1,
    )


def _undrawable(desk: Desk, plan: _Plan) -> list[str]:
    """One sentence about the words that the loaded models cannot draw; refuses when nothing else is asked."""
    names = [concept.name for concept in plan.concepts]
    coloured_parts = coloured(plan.request.prompt, names, desk.preset.scenes.get("parts", ()))
    if plan.request.source is not None and coloured_parts:
        kind, strange, parts = desk.studio.figures.without_such(plan.request)
        if strange:
            who = f"The {desk.preset.name} models can't paint the {listed(strange)} of a {kind} in a colour"
            raise UserError(f"{who}.", f"Say one of these: {listed(parts)}; or name the {kind} alone for all of it.")
    unknown = desk.studio.unknown_words(plan.request.prompt, [*names, *coloured_parts])
    if not unknown:
        return []
    quoted = listed([f"'{word}'" for word in unknown])
    sentence = f"I can't draw {quoted} with the {desk.preset.name} models"
    here = [name for name in names if plan.origin == "edit" and name not in plan.request.coming]
    dark = {part for word in (*unknown, *here) for part in re.findall(r"\w+", word.lower())}
    if plan.origin == "edit":  # of "longer ears" the ears alone say nothing
        odd = rf"\b(?:{'|'.join(map(re.escape, unknown))})\s+(?P<part>{PARTS})"
        dark |= {match["part"].lower() for match in re.finditer(odd, plan.request.prompt, re.IGNORECASE)}
    light = set(re.findall(r"\w+", plan.request.prompt.lower())) - dark - UNPAINTED - (LITTLE if here else set())
    nobody = plan.origin == "draw" and not names and _is_of(unknown, plan.request.prompt)
    if nobody or (not light and (plan.origin == "edit" or not names)):
        somewhere = re.search(r"\b(?:in|on|at|by|near|under|during)\b", plan.request.prompt, re.IGNORECASE)
        elsewhere = plan.origin == "edit" and somewhere and of_the_setting(plan.request.prompt, names)
        about = ("place", "time") if elsewhere else ("kinds",)
        known = listed([phrase for group in about for phrase in desk.preset.scenes.get(group, ())])
        raise UserError(f"{sentence}.", f"They know {known}; larger presets know more." if known else "Ask otherwise.")
    return [f"{sentence}; I drew the rest."]


def _is_of(unknown: Sequence[str], prompt: str) -> bool:
    """Whether a picture is to be of an unknown thing: "a red dragon in the forest" is, "a cat on a skateboard" not."""
    nouns = "|".join(map(re.escape, unknown))
    where = r"(?:in|on|at|by|near|under|with|wearing|holding|behind|beside|riding|and|while|who|that)\b"
    adjectives = rf"(?:(?!{where})[\w-]+ ){{0,3}}?"
    head = rf"\W*(?:(?:an?|one|my|the|some) )?{adjectives}(?:{nouns})(?= (?!and\b){where}|\W*$|,)"
    return re.match(head, prompt.lower()) is not None


def _first_of(desk: Desk, capability: str) -> str:
    for method in desk.studio.methods():
        if method.available and capability in method.capabilities:
            return method.name
    raise NotFound(f"No method of the family {capability!r} is available in this preset.")


def request_of(
    take: Take, subjects: tuple[SubjectInput, ...], source: Image | None, borrow: Image | None
) -> DrawRequest:
    """The request that drew `take`, from its record. Raises `UserError` when the take was not drawn."""
    asked: dict[str, Any] = dict(take.settings.get("request") or {})
    if take.origin == "import" or not asked:
        raise UserError(f"Take {take.number} was brought in, not drawn; there is nothing to replay.")
    return DrawRequest(
        prompt=str(asked["prompt"]),
        subjects=subjects,
        # The method that drew it, also where "auto" had chosen: what "auto" chooses may change.
        method=take.method,
        description=take.description,
        source=None if asked.get("afresh") else source,
        coming=tuple(asked.get("coming", ())),
        borrow=borrow if asked["borrowed"] else None,
        count=int(asked["count"]),
        seed=int(asked["seed"]),
        number=int(asked.get("number", 0)),
        size=asked["size"],
    )
