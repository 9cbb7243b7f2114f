"""The figure in a picture that is being edited: whose it is, what it wears, and what an edit has done beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from .apart import for_each, worn_by
from .dressing import worn
from .edits import put_back
from .images import square, square_mask
from .leaving import leaving
from .parts import colour_asked, named, of_the_whole, parts_of, within_boxes
from .recolour import recoloured
from .scoring.reach import WORN
from .scoring.wearing import LEAST
from .seen import took_off
from .subject import LEAST_SHARE, foreground_share, in_one_piece, overlap, side_by_side
from .values import UNTAUGHT, Drawn, DrawRequest, SubjectInput
from .words import renamed

if TYPE_CHECKING:
    from PIL.Image import Image

    from .company import Untaught
    from .method import Method
    from .studio import Studio
    from .training.scenes import Captioner

OTHERWISE = 0.2
"""A figure that is by so much less like its references than a good picture was changed on purpose."""
STAYED = 0.75
"""Overlap of a figure's masks, before and after, from which up it has not moved."""
BETTER = 0.01
"""So much more like its references a figure must be to take the place of its own pixels."""
OUTLINE = 1 / 32
"""Of the picture's side: what is so near to a figure is painted with it."""
WITHIN_REACH = 3 / 16
"""The same, of what it may wear or hold."""
KEPT = 32
"""Figures whom nobody has taught, of whom the picture is kept."""
_IN = [255 * (value > 127) for value in range(256)]


class Figures:
    """What a studio's segmentation model and encoder tell of the figures in pictures."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self._untaught: dict[str, tuple[Image, Image]] = {}

    # Whom nobody has taught

    def as_subject(self, figure: Untaught, shown: Image | None = None) -> SubjectInput:
        """Somebody whom nobody has taught, as a subject: by the picture that shows it alone, or else by one that is
        drawn for the purpose, the same each time."""
        key = f"{figure.look or figure.take}{UNTAUGHT}"
        if key not in self._untaught:
            image = shown or self._drawn_alone(figure.look)
            self._untaught[key] = image, self.studio.mask(image)
            while len(self._untaught) > KEPT:
                del self._untaught[next(iter(self._untaught))]
        image, mask = self._untaught[key]
        return SubjectInput(figure.name, figure.kind or "thing", (image,), (mask,), key=key)

    def alone(self, image: Image) -> bool:
        """Whether a picture of the models' own world shows one figure."""
        mask = self.studio.mask(image)
        one = foreground_share(mask) >= LEAST_SHARE and len(side_by_side(mask)) == 1
        return one and self.studio.of_this_world(image)

    def _drawn_alone(self, look: str) -> Image:
        place = next(iter(self.studio.preset.scenes.get("place", ())), "")
        request = DrawRequest(f"{look} {place}".strip(), seed=0)
        return next(item.image for item in self.studio.draw(request, lambda: False) if isinstance(item, Drawn))

    # Before an edit

    def looked_at(self, request: DrawRequest, method: Method) -> DrawRequest:
        """An edit with what `method` wants to know of the figure in its picture."""
        from .scoring.reach import recolours

        if (image := request.source) is None:
            return request
        if method.looks_closer:
            request = self.own_figure(image, request)
        request = replace(request, whose=self._whose(image, request))
        if method.flat_colours and self.parts and recolours(request.prompt, [s.name for s in request.subjects]):
            kind = self._kind_of(request, image, self.studio.mask(image))
            request = replace(request, prompt=of_the_whole(request.prompt, kind, self.parts))
        return self.dressed(image, request) if "dress" in method.capabilities else request

    def own_figure(self, image: Image, request: DrawRequest) -> DrawRequest:
        """The request with the mask of the one figure in the picture being edited, where no reference shows it.

        Nobody has taught it; or it is another one than was taught, since somebody has made it red.
        """
        mask = self.studio.mask(image)
        if foreground_share(mask) < LEAST_SHARE or not in_one_piece(mask):
            return request
        coming = tuple(subject for subject in request.subjects if subject.name in request.coming)
        shown = [subject for subject in request.subjects if subject not in coming]
        # "Biscuit should wear a hat", of a picture that came from outside and shows Biscuit, is about no newcomer.
        if any(self.resembles(image, subject) for subject in coming) or len(shown) > 1:
            return request
        if any(self.resembles(image, subject, OTHERWISE) for subject in shown):
            return request
        prompt = request.prompt
        for subject in shown:
            prompt = renamed(prompt, subject.name)
        return replace(request, prompt=prompt, subjects=coming, source_mask=mask)

    def resembles(self, image: Image, subject: SubjectInput, slack: float = 0.0) -> bool:
        """Whether a picture shows `subject`; `slack`: how much less like its references it may be."""
        found = self.studio.scorer.resembles(image, subject, slack)
        return slack > 0 if found is None else found  # where nothing is known, only a newcomer is none

    def _whose(self, image: Image, request: DrawRequest) -> Image | None:
        """The part of the picture being edited where the one figure of several stands that an order is about."""
        from .scoring.reach import the_one

        shown = [subject for subject in request.subjects if subject.name not in request.coming]
        one = the_one(request.prompt, shown)
        if one is None or not self._about_the_figure(self._plain(request)):
            return None
        return self.studio.scorer.part_of(image, one, shown)

    def dressed(self, image: Image, request: DrawRequest) -> DrawRequest:
        """The request with the figure of the picture being edited and the words for it afterwards, if only what it
        wears is to change, or somebody beside it leaves."""
        if (left := leaving(self.studio, image, request)) is not None:
            stays, emptied = left
            return replace(request, source_mask=stays, emptied=emptied, scene=self._scene("", image, stays, request))
        if (found := self.to_dress(image, request)) is None:
            return request
        worn, mask = found
        return replace(request, source_mask=mask, scene=self._scene(worn, image, mask, request))

    def _scene(self, worn: str, image: Image, mask: Image, request: DrawRequest) -> str:
        """The words for a whole picture whose figure wears `worn`; the figure is `{}`."""
        said = ["{}" + f" {worn}".rstrip(), *self._surroundings(image, mask, request)]
        return ", ".join(part for part in said if part)

    def in_turn(self, request: DrawRequest) -> list[DrawRequest]:
        """An order about what all figures of a picture wear as one for each of them."""
        if request.source is None:
            return [request]
        names = [f"the {s.kind}" if s.key.endswith(UNTAUGHT) else s.name for s in request.subjects]
        return [replace(request, prompt=order) for order in for_each(request.prompt, names)]

    def to_paint(self, request: DrawRequest) -> bool:
        """Whether an order is for a method that paints what is worn, or what is behind somebody."""
        request = self.in_turn(request)[0]
        if (image := request.source) is None:
            return False
        return self.to_dress(image, request) is not None or leaving(self.studio, image, request) is not None

    def to_dress(self, image: Image, request: DrawRequest) -> tuple[str, Image] | None:
        """What the figure of the picture being edited is to wear, and its mask; `None` of any other order."""
        from PIL import ImageChops

        from .dressing import dressed

        worn = dressed(request.prompt, [s.name for s in request.subjects], self._settings, _worn_before(request))
        if worn is None or request.coming or request.borrow is not None:
            return None
        mask = self.studio.mask(image)
        if len(request.subjects) > 1:
            if (whose := request.whose or self._whose(image, request)) is None:
                return None
            mask = ImageChops.darker(mask, whose.resize(mask.size))
        return (worn, mask) if foreground_share(mask) >= LEAST_SHARE and in_one_piece(mask) else None

    def _surroundings(self, image: Image, mask: Image, request: DrawRequest) -> tuple[str, ...]:
        """What a picture shows beside its figure: in the preset's phrases, or in the words it was asked for with."""
        import numpy as np

        if not self.studio.preset.scenes.get("place"):
            return (request.description,)
        return self.captioner.frame(np.asarray(mask) > 127), *self.setting(image)

    def setting(self, image: Image) -> tuple[str, str]:
        """Place and time of a picture in the preset's phrases."""
        (found,) = self.captioner.captions([image])
        return found.place, found.time

    @property
    def captioner(self) -> Captioner:
        """What names places, hours and classes in the preset's phrases."""
        from .training.scenes import Captioner, Scenes

        return Captioner(Scenes.of(self.studio.preset.scenes), self.studio.embed_images, self.studio.embed_texts)

    @property
    def _settings(self) -> list[str]:
        """The phrases for places and times that the preset knows."""
        return [phrase for group in ("place", "time") for phrase in self.studio.preset.scenes.get(group, ())]

    @staticmethod
    def _plain(request: DrawRequest) -> str:
        """An order in which its subjects are "it"."""
        words = request.prompt
        for subject in request.subjects:
            words = renamed(renamed(words, subject.name), f"the {subject.kind}")
        return words

    def _about_the_figure(self, instruction: str) -> bool:
        from .scoring.reach import of_the_figure

        return of_the_figure(instruction, self._settings)

    # After it

    def kept(self, request: DrawRequest, drawn: Drawn, method: Method) -> Drawn:
        """An edit with the source's own pixels in what it is not about: all but what is worn; beside a figure in
        another colour; in drawings of flat colours, of the figure itself (its shapes; all of it in another place or at
        another hour)."""
        from .scoring.reach import of_the_setting, recolours

        if request.source is None or request.coming or request.borrow is not None or not self.studio.segments:
            return drawn
        if request.emptied is not None:
            return drawn
        if request.scene is not None:
            return self._only_what_is_worn(request, drawn)
        names = [subject.name for subject in request.subjects]
        kinds = [subject.kind for subject in request.subjects]
        if self._about_the_figure(self._plain(request)) and recolours(request.prompt, [*names, *kinds]):
            return self._recoloured(request, drawn, method)
        known = self.studio.preset.scenes.get("kinds", ())
        if method.flat_colours and of_the_setting(request.prompt, names, known):
            return self._elsewhere(request, drawn)
        return self._worn_again(request, drawn)

    def _worn_again(self, request: DrawRequest, drawn: Drawn) -> Drawn:
        """The same with what the one figure wore, as far as it was said, where an order about something else has taken
        it off."""
        assert request.source is not None
        names = [subject.name for subject in request.subjects]
        wears = [] if len(names) > 1 or WORN.search(request.prompt) else worn(_worn_before(request), names)
        able = [info.name for info in self.studio.methods() if info.available and "dress" in info.capabilities]
        if not wears or not able or not took_off(self.studio, request.source, drawn.image):
            return drawn
        order = DrawRequest(" and ".join(wears), request.subjects, source=drawn.image)
        made = self.studio.finished(self.studio.method(able[0]), order, [drawn.seed], lambda: False)
        return next((replace(drawn, image=item.image) for item in made if isinstance(item, Drawn)), drawn)

    def _recoloured(self, request: DrawRequest, drawn: Drawn, method: Method) -> Drawn:
        """The same figure in other colours, where it stood."""
        from PIL import ImageChops

        from .scoring.reach import PARTS, around

        assert request.source is not None
        before = square(request.source, drawn.image.width)
        if (masks := self._masks(before, drawn.image)) is None:
            return drawn
        if method.flat_colours and overlap(*masks) >= STAYED:
            free = request.free and square_mask(request.free, before.width)
            figure = masks[0] if free is None else ImageChops.darker(masks[0], free)
            boxes, _ = named(request.prompt, self._kind_of(request, before, figure), self.parts)
            figure = within_boxes(figure, boxes) if boxes else figure
            asked = colour_asked(request.prompt, self.studio.preset.scenes.get("colours", ()))
            edited = recoloured(before, drawn.image, figure, asked)
            if boxes or not re.search(PARTS, request.prompt, re.IGNORECASE):
                share = edited.changed / max(foreground_share(figure), 1e-6)
                drawn = replace(drawn, settings={**drawn.settings, "recoloured": round(share, 3)})
        else:
            figure = around(ImageChops.lighter(*masks), round(before.width * OUTLINE))
            edited = put_back(before, before, drawn.image, figure)
        return replace(drawn, image=edited.image, settings={**drawn.settings, "changed": edited.changed})

    @property
    def parts(self) -> tuple[str, ...]:
        """Where the preset's classes have their parts, see `parts.parts_of`."""
        return self.studio.preset.scenes.get("parts", ())

    def without_such(self, request: DrawRequest) -> tuple[str, list[str], list[str]]:
        """The class of the figure that is to have another colour somewhere, where it has no such part, and what it has;
        no parts where it has."""
        assert request.source is not None
        mask = self.studio.mask(request.source)
        kind = self._kind_of(request, request.source, mask) if foreground_share(mask) >= LEAST_SHARE else ""
        boxes, strange = named(request.prompt, kind, self.parts)
        if boxes or not strange:
            return "", [], []
        return kind, strange, [part.rstrip("*") for part in parts_of(self.parts)[kind]]

    def _kind_of(self, request: DrawRequest, image: Image, figure: Image) -> str:
        """The class of the figure that an order is about: as it was taught, else by eye; "" of none of several."""
        from .scoring.reach import the_one

        several = len(request.subjects) > 1
        one = the_one(request.prompt, request.subjects) if several else next(iter(request.subjects), None)
        return "" if several and one is None else self.captioner.noun(one.kind if one else "", [image], [figure])

    def _only_what_is_worn(self, request: DrawRequest, drawn: Drawn) -> Drawn:
        """The same picture but for what a figure wears now, and for what it wore, where that is seen."""
        from PIL import ImageChops

        from .scoring.reach import around

        assert request.source is not None and request.scene is not None
        before = square(request.source, drawn.image.width)
        old, new = self.studio.worn(before), self.studio.worn(drawn.image)
        if old is None or new is None:
            return drawn
        if request.whose is not None:
            whose = square_mask(request.whose, before.width)
            old, new = ImageChops.darker(old, whose), ImageChops.darker(new, whose)
        if foreground_share(new if WORN.search(request.scene) else old) < LEAST:
            return drawn
        worn = around(ImageChops.lighter(old, new), 1)
        edited = put_back(before, before, drawn.image, worn)
        return replace(drawn, image=edited.image, settings={**drawn.settings, "changed": edited.changed})

    def _elsewhere(self, request: DrawRequest, drawn: Drawn) -> Drawn:
        """The same figures in another place with what they wear, if they still stand there: all but their outline,
        which meets the place."""
        from PIL import Image as Images
        from PIL import ImageFilter

        assert request.source is not None
        before = square(request.source, drawn.image.width)
        masks = self._masks(before, drawn.image)
        if masks is None or overlap(*masks) < STAYED:
            return drawn
        own, worn = masks[0].point(_IN), self.studio.worn(before)
        own = own.filter(ImageFilter.MinFilter(3))
        if worn is not None:  # a model that draws it anew leaves some of it out
            drawn = replace(drawn, image=Images.composite(before, drawn.image, worn.point(_IN)))
        made = Images.composite(before, drawn.image, own)
        return drawn if self._mended(request, before, made, drawn.image) else replace(drawn, image=made)

    def _mended(self, request: DrawRequest, before: Image, kept: Image, drawn: Image) -> bool:
        """Whether a figure that was to look like its references does so better as it was drawn than as it was."""
        was = self.studio.score(before, request.subjects, "").subject if request.subjects else None
        if was is None or was < self.studio.preset.thresholds.get("subject", 0.0):
            return False
        own, new = (self.studio.score(picture, request.subjects, "").subject for picture in (kept, drawn))
        return own is not None and new is not None and new > own + BETTER

    def _masks(self, before: Image, after: Image) -> list[Image] | None:
        """The masks of the figures of two pictures; `None` where one has none."""
        masks = [self.studio.mask(picture) for picture in (before, after)]
        return masks if all(foreground_share(mask) >= LEAST_SHARE for mask in masks) else None

    def changed_beside(self, request: DrawRequest, image: Image) -> float | None:
        """Part of the rest of the picture (0..1) that an edit of the figure alone has changed; `None` of any other."""
        from .scoring.reach import beyond

        if request.source is None or not self._about_the_figure(request.prompt):
            return None
        return beyond(square(request.source, image.width), image, self._with_what_they_wear)

    def _with_what_they_wear(self, image: Image) -> Image:
        from PIL import ImageChops

        mask, worn = self.studio.mask(image), self.studio.worn(image)
        return mask if worn is None else ImageChops.lighter(mask, worn)

    def lost(self, request: DrawRequest, image: Image) -> float | None:
        """By how much (0..1) the figure in a picture is less like the one before an edit than it should be.

        0 where it is like enough. `None` of an edit that may change the figure, of one of subjects who are judged by
        their references, and where a preset has no threshold for it.
        """
        from .scoring.reach import recolours

        least, source = self.studio.preset.thresholds.get("figure"), request.source
        if least is None or source is None or request.subjects or recolours(request.prompt):
            return None
        if not self._about_the_figure(request.prompt):
            return None
        if (masks := self._masks(source, image)) is None:
            return None
        before, after = self.studio.embed_images([source, image], masks)
        return max(0.0, least - float(before @ after))

    def near(self, image: Image) -> Image | None:
        """8-bit mask of the figure in a picture and of what is so near that it may wear or hold it."""
        from .scoring.reach import around

        mask = self.studio.mask(image)
        return around(mask, round(image.width * WITHIN_REACH)) if foreground_share(mask) >= LEAST_SHARE else None


def _worn_before(request: DrawRequest) -> str:
    """What the figure that an order is about wore so far, as far as it was said: all but the order itself."""
    from .scoring.reach import the_one

    before = request.description.rpartition(";")[0]
    if len(request.subjects) < 2:
        return before
    one = the_one(request.prompt, request.subjects)
    wears = worn_by(before, [(subject.name, subject.kind) for subject in request.subjects])
    return "" if one is None else f"it {', '.join(wears[list(request.subjects).index(one)])}"
