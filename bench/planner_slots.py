"""What the planner learns from: sentence files, lines of `voices`, human edit instructions.

Lines have slots, filled with subjects, takes and files of a random state and with things to draw.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..agent.planner.state import ConceptInfo, State, TakeInfo, read_state
from ..agent.planner.words import NUMBERS, ORDINALS

EDITS = 700
"""So many sessions of human edit instructions; the ones after them are kept for measuring."""
FILLS = 3
"""So many random fillings of a line with slots."""

WORDS: dict[str, Sequence[str]] = {
    name: text.split("|")
    for name, text in {
        "scene": "at a bus stop in the fog|in a greenhouse full of ferns|on a rooftop at dusk|in an empty "
        "swimming pool|behind the bar of a jazz club|"
        "under a street lamp in the rain|on a frozen canal|in the middle of a sunflower field|at the dentist|on "
        "the deck of a ferry|"
        "in a cardboard box|among tall grass|on a stack of old books|at the allotment|in a bakery before opening time|"
        "by a campfire|on a marble plinth|in a submarine|at the school fair|on the back of a lorry|in a rock "
        "pool|at the laundrette|"
        "on the steps of the town hall|in a hammock between two palms|on wet cobblestones|inside a snow globe|at "
        "a diner in the fifties|"
        "on the beach|in the snow|in a forest|on the moon|at the pool|in a rowing boat|"
        "under an apple tree|"
        "in paris|at a birthday party|on a skateboard|in the kitchen|by the sea|on a windowsill|"
        "in the desert|"
        "at sunset on a cliff|in the bath|on a swing|in a library|at the supermarket|on a park bench|"
        "in the garden|"
        "on top of a mountain|in outer space|by the fireplace|in the mountains with snow|under water|"
        "on the bus|"
        "in a meadow full of poppies|inside a castle|on a train|next to a lighthouse|"
        "in front of the eiffel tower|"
        "in a hot air balloon|on a red sofa|near a lake in the morning mist|at the christmas market",
        "doing": "brushing its teeth|mending a clock|juggling oranges|hanging out the washing|conducting an "
        "orchestra|peeling potatoes|"
        "waving from a balcony|stealing a sausage|knitting a scarf|blowing out candles|feeding the ducks|pushing "
        "a pram|"
        "queueing for chips|doing yoga|hiding under a duvet|playing chess against itself|sorting the post|"
        "shouting at the sea|"
        "polishing its boots|carrying a ladder|sliding down a banister|toasting marshmallows|doing the dishes|"
        "sleeping|riding a bike|eating ice cream|playing the piano|flying a kite|"
        "dancing in the rain|"
        "reading a newspaper|swimming in a lake|chasing butterflies|baking a cake|climbing a tree|surfing|"
        "drinking tea|driving a tractor|watching the stars|building a snowman|jumping over a fence|fishing|"
        "running through a field|having a picnic|playing football|waiting for the train|looking at the sea|"
        "sitting on a chair|cooking pasta|skiing down a hill|watering the roses|riding a dragon|singing",
        "role": "an astronaut|a pirate|a king|a superhero|a wizard|a chef|a knight|a detective|a mermaid|"
        "a cowboy|"
        "a ballerina|a fireman|a vampire|santa claus|a statue|a scientist|a ninja|a rock star|the mona lisa",
        "object": "a rusty anchor|a stack of pancakes|an accordion player|a telephone box|three geese|a "
        "wheelbarrow full of pumpkins|"
        "a paper aeroplane|a vending machine|a pair of wellies|a crab with a bucket|a garden gnome|a picnic "
        "blanket|a cello|"
        "some bunting|a neon sign|a hedgehog|a pile of suitcases|a water tower|a rocking chair|two seagulls|a "
        "disco ball|"
        "a jar of honey|a stone well|a ferris wheel|a chandelier|a rope ladder|a typewriter|a plate of dumplings|"
        "lots of lanterns|"
        "a tuba|a satellite dish|a puddle|an igloo|"
        "a red car|a castle|two unicorns|a dinosaur|a robot|a lighthouse|a rainbow|a tree|"
        "some birds|"
        "a hot air balloon|a cup of coffee|a black cat|a snowman|an old bridge|a bowl of fruit|a small house|"
        "three candles|a bicycle|a dragon|a sunflower|a wooden bench|a butterfly|a full moon|a big cake|"
        "a boat|"
        "an elephant|a frog|chopsticks|tropical plants|a fork|two dogs|lots of books|a glass of juice|"
        "a robot dog|"
        "daffodils|a truck|a whale|some cheese|a piano|a sign|a ghost|a unicorn|"
        "a street lamp|a vase of tulips|flowers|a mountain|an owl|balloons|a spaceship|a fence",
        "thing": "a bobble hat|a poncho|swimming goggles|a tiara|a tool belt|headphones|an eyepatch|a bow|roller "
        "skates|a chef's hat|"
        "a tie|a lifejacket|fingerless gloves|a medal|a name tag|a cardigan|an apron|a pipe|a moustache|the "
        "medal|a veil|a kilt|"
        "a hat|sunglasses|a red scarf|a crown|a cape|the hat|the scarf|a bow tie|boots|"
        "the glasses|a backpack|"
        "a balloon|an umbrella|a flower|the umbrella|a guitar|the crown|a raincoat|a blue jumper|wings|"
        "a necklace|"
        "a party hat|the collar|a helmet|a lantern|mittens|the balloon|earrings|a green jacket|a monocle|"
        "a bell",
        "part": "ceiling|carpet|tablecloth|horizon|river|snow|fence|fire|smoke|counter|shelf|bench|ship|tower|"
        "sand|leaves|crowd|path|"
        "kitchen|bridge|rug|cake|label|sign|waves|bricks|frame|fireplace|hedge|gate|"
        "sky|background|grass|wall|floor|water|sofa|table|house|car|light|moon|sun|door|clouds|"
        "trees|sea|"
        "window|road|flowers|shadow|lighting|curtains|roof|mountains|ground|bed|boat|lamp|reflections|"
        "people|tree",
        "body": "ears|tail|nose|fur|eyes|paw|collar|handle|belly|legs|face|hair|beard|spots|stripes|lid|"
        "wheels|coat|"
        "beak|feet|paws|whiskers|left ear|back|neck|logo|sole",
        "colour": "red|blue|green|yellow|pink|white|black|brown|purple|orange|grey|golden|dark blue|"
        "light green|brass",
        "adj": "darker|brighter|bigger|smaller|warmer|colder|happier|cuter|sharper|softer|taller|lighter|"
        "wider|older|"
        "rounder|thinner|higher|lower|fluffier|closer|sadder|fatter|cleaner|messier|longer|shorter|greener",
        "adj2": "purple|colourful|spooky|realistic|cosy|blurry|dramatic|vintage|festive|scary|sad|happy|"
        "old|sunny|"
        "foggy|fluffy|elegant|playful|dark|bright|saturated|blue|cinematic|moody|dusty|busy|christmassy|"
        "magical",
        "look": "under a full moon|in heavy rain|at rush hour|in the blue hour|by candlelight|in a sandstorm|in "
        "the seventies|"
        "at harvest time|in thick fog|on a market day|after the storm|in the dead of winter|in soft window light|"
        "at night|in winter|in the snow|in the rain|at sunset|on the beach|in autumn|on mars|"
        "in the evening|"
        "under water|in a forest|at dawn|in black and white|on a plain background|in a castle|in spring|"
        "at the zoo|"
        "with fireworks|in the fog|during a storm|from above|at christmas|in candlelight|without the people",
        "style": "watercolour|anime style|pixel art|oil paint|the style of van gogh|black and white|a comic|"
        "a cartoon|a pencil sketch|art deco|an old polaroid|claymation|a stained glass window|an etching|"
        "lego",
        "new": "Pickles|Count Basil|Nine-Volt|Auntie Bev|Halva|Jörg|Miss Marple|Gravel|Otis the Great|Teodor|"
        "Lady Pemberton|Blip|"
        "Old Smokey|Queen Bea|Sergeant Fluff|Little Dumpling|Ozzy|Birgit|The Duke|Nonna|Professor Quill|Tuk-Tuk|"
        "Saffron|"
        "Momo|rex|Captain Fluff|Luna|Mister Whiskers|pixel|Orbit|Zorro|Grandma's Teapot|Kiki|"
        "Bello|tofu|"
        "Sir Barks|Rosebud|Vela|Nibbles|Max|Lunita|Old Faithful|Sputnik|Ziggy|Mochi|Fjord Lounge|Bao|"
        "Anna-Lena",
        "kind": "ferret|cockatoo|goose|hen|cow|donkey|alpaca|gecko|poodle|whippet|scooter|kettle|jug|sofa|"
        "wardrobe|rucksack|"
        "stroller|nephew|uncle|colleague|landlady|puppet|garden gnome|saxophone|lantern|samovar|sled|canoe|van|"
        "knight|witch|"
        "dog|cat|mug|teapot|hamster|car|bicycle|doll|lamp|horse|rabbit|teddy bear|chair|vase|"
        "backpack|"
        "parrot|brother|daughter|sneaker|handbag|grandmother|guitar|fish|tractor|toy train|cactus|watch|"
        "kettle",
        "who": "my brother|my aunt|my boss|my flatmate|my mother in law|our vet|the neighbour|our producer|my wee "
        "lad|her majesty|my youngest|grandpa|the new intern|our team lead|my dentist|half the class|the whole "
        "street|my best friend|the choir|the landlord|my therapist|our head of marketing|the postman|my "
        "cousin in leeds|the twins|my goddaughter|the judge|nobody in my family|everyone at work|the lady "
        "from the library",
        "did": "dared me|said so|is watching|can not wait|insists|bet me ten quid|will never believe it|made me "
        "promise|is begging for it|had the idea|keeps on about it|would approve|went quiet when i told "
        "them|laughed for an hour|wants it on the wall|asked nicely|is paying after all|will kill me|has a "
        "thing for those|grew up there|used to own one|cried last time|thinks i am mad|owes me one|taught me "
        "that|is here for lunch|is allergic anyway|always complains|swears by it|was right all along",
        "place": "stone archway|fishing hut|corner shop|railway tunnel|clock tower|drawing room|monastery garden|roof "
        "terrace|pottery studio|swamp|petrol station|ice cream van|telegraph office|mill pond|sculpture "
        "park|motel room|throne room|bus depot|orchid house|salt mine|bandstand|kitchen "
        "table|roundabout|cable car|opera house|campsite|tea room|boathouse|schoolyard|star observatory|back "
        "alley|vineyard|ballroom|junk shop|ice cave|paddling pool|signal box|rope bridge|hay loft|lido",
        "mat": "covered in moss|half under water|full of balloons|made of glass|overgrown with roses|lit by "
        "lanterns|in ruins|painted bright yellow|with broken windows|seen from above|with one empty chair|under "
        "construction|full of parrots|in the style of an old print|made entirely of paper|with steam "
        "rising|after a party|behind an iron fence|on stilts|buried in snow|wrapped in fog|with a crooked "
        "chimney",
        "when": "late afternoon|first frost|early spring|blue hour|the small hours|a hot august day|pouring rain|just "
        "before dawn|low winter sun|high noon|a stormy night|golden light|the rainy season|a grey sunday|soft "
        "morning haze|dusk",
        "none": "nobody in it|no people|no text|nobody around|nothing else|no animals|without a soul|no signs|not a "
        "cloud|no cars|no props|no frame",
        "f": "a.jpg|/home/ana/pics/one.png|./two.jpg and ./three.jpg|~/Photos/IMG_2041.jpg|"
        "/tmp/x1.png /tmp/x2.png|"
        'pics/front.webp, pics/side.webp|/srv/in/shot_01.jpg|"/home/kim/My Photos/b 1.jpg"',
    }.items()
}
_SLOT = re.compile(r"\{(\w+)\}")
_PRONOUNS = {"he": ("he", "him", "his"), "she": ("she", "her", "her"), "it": ("it", "it", "its"),
             "they": ("they", "them", "their")}  # fmt: skip
_LISTS = {n: w for w, n in NUMBERS.items()}
_NTH = {n: w for w, n in ORDINALS.items()}


def sentences(folder: Path, leave_out: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The sentences of a folder with their states and expected calls, without the files in `leave_out`."""
    return [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        if file.stem not in leave_out
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def usual_states(cases: Sequence[dict[str, Any]]) -> list[State]:
    """States in which nothing is pending or attached."""
    states = (read_state(case["state"]) for case in cases)
    return [state for state in states if not state.pending and not state.attached]


def voices(folder: Path) -> list[tuple[str, str]]:
    """Intent and line of every sentence in the text files of a folder, in a fixed order."""
    lines: dict[tuple[str, str], None] = {}
    for file in sorted(folder.glob("*.txt")):
        label = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                label = line[2:].removesuffix("_n")
            elif line.strip():
                lines[label, line.strip()] = None
    return list(lines)


def instructions(file: Path | None) -> list[str]:
    """Human edit instructions of the first sessions of a file."""
    lines = file.read_text(encoding="utf-8").splitlines()[:EDITS] if file else []
    return [text for line in lines for text in json.loads(line)["instructions"]]


def fill(line: str, states: Sequence[State], dice: random.Random, times: int) -> Iterator[tuple[str, State]]:
    """The line with its slots filled, up to `times` different ways, each with a state that has what it needs."""
    slots = _SLOT.findall(line)
    needed = ("d" in slots) + bool(set(slots) & {"c", "k", "him", "he", "his", "d"})
    takes = 2 * bool(set(slots) & {"t", "u"})
    fitting = [s for s in states if len(s.concepts) >= needed and len(s.takes) >= takes] or list(states)
    seen: set[str] = set()
    for _ in range(times):
        state = dice.choice(fitting)
        if "{f}" in line and dice.random() < 0.5:  # attached instead of typed
            state = replace(state, attached=("/tmp/in/one.jpg", "/tmp/in/two.jpg")[: dice.randint(1, 2)])
            yield _filled(line.replace("{f}", "").strip(" :"), state, dice), state
            continue
        text = _filled(line, state, dice)
        if text not in seen:
            seen.add(text)
            yield text, state
        if not slots:
            break


def _filled(line: str, state: State, dice: random.Random) -> str:
    subjects = dice.sample(state.concepts, min(2, len(state.concepts))) or [ConceptInfo("Biscuit", "dog")]
    he, him, his = _PRONOUNS[subjects[0].pronoun or "it"]
    takes = dice.sample(state.takes, min(2, len(state.takes))) or [TakeInfo(1)]
    small = dice.randint(2, 6)

    def put(match: re.Match[str]) -> str:
        slot = match[1]
        if slot in ("c", "d"):
            name = subjects[0 if slot == "c" else -1].name
            return name.lower() if dice.random() < 0.3 else name
        if slot == "k":
            return f"my {subjects[0].kind or 'dog'}"
        if slot in ("t", "u"):
            return take_words(takes[0 if slot == "t" else -1], state, dice)
        if slot == "n":
            return dice.choice([str(small), _LISTS[small]])
        return {"he": he, "him": him, "his": his}.get(slot) or dice.choice(WORDS[slot])

    return _SLOT.sub(put, line)


def take_words(take: TakeInfo, state: State, dice: random.Random) -> str:
    """One of the ways in which people speak of a take."""
    n, last = take.number, state.takes[-1].number if state.takes else 0
    ways = [
        f"take {n}",
        f"number {n}",
        f"#{n}",
        f"picture {n}",
        f"the picture number {n}",
        f"pic {n}",
        f"nr {n}",
    ]
    if n in _NTH:
        ways += [f"the {_NTH[n]} one", f"the {_NTH[n]} picture", f"the {_NTH[n]}", f"the {_NTH[n]} one"]
    if n in _LISTS:
        ways += [f"number {_LISTS[n]}", f"picture {_LISTS[n]}"]
    if n == last:
        ways += ["the last one", "the newest one", "the last picture"]
    words = [
        w for w in re.findall(r"[a-z]{4,}", take.prompt.lower()) if w not in ("with", "make", "into", "from")
    ]
    if words:
        ways += [f"the {words[-1]} one", f"the one with the {words[-1]}", f"the {words[-1]} picture"]
    return dice.choice(ways)
