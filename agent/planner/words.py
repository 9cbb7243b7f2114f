"""The word lists of the grammar, as small tables that one can read and extend."""

from __future__ import annotations

from collections.abc import Iterable


def table(text: str) -> frozenset[str]:
    """The words of `text`; an underscore stands for a space."""
    return frozenset(word.replace("_", " ") for word in text.split())


def either(words: Iterable[str]) -> str:
    """A regular expression that matches any of `words`, longest first."""
    return "(?:" + "|".join(sorted(words, key=lambda w: (-len(w), w))) + ")"


_ONES = "one two three four five six seven eight nine".split()
_NTHS = "first second third fourth fifth sixth seventh eighth ninth".split()
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
NUMBERS: dict[str, int] = {
    **{word: n for n, word in enumerate([*_ONES, *"ten eleven twelve thirteen fourteen fifteen".split()], 1)},
    **{word: n for n, word in enumerate("sixteen seventeen eighteen nineteen".split(), 16)},
    **_TENS,
    **{f"{tens}-{one}": ten + n for tens, ten in _TENS.items() for n, one in enumerate(_ONES, 1)},
}
AMOUNTS: dict[str, int] = NUMBERS | {
    "a": 1,
    "an": 1,
    "single": 1,
    "a single": 1,
    "just one": 1,
    "a couple": 2,
    "a couple of": 2,
    "couple of": 2,
    "a pair of": 2,
    "a few": 3,
    "several": 3,
    "some": 3,
    "a dozen": 12,
    "half a dozen": 6,
}
TIMES: dict[str, int] = {"once": 1, "twice": 2, "thrice": 3}
ORDINALS: dict[str, int] = {
    **{word: n for n, word in enumerate(_NTHS, 1)},
    **{f"{word}th": n for word, n in NUMBERS.items() if n in (10, 11, *range(13, 20))},
    **{"twelfth": 12, "twentieth": 20, "thirtieth": 30, "fortieth": 40, "fiftieth": 50},
    **{f"{tens}-{one}": ten + n for tens, ten in _TENS.items() for n, one in enumerate(_NTHS, 1)},
}

PICTURE = table(
    "take picture pic image photo photograph drawing version variant variation shot painting sketch"
)
PICTURES = table(
    "pictures pics images photos drawings versions variants variations takes candidates options "
    "shots sketches "
    "tries attempts renderings renders paintings illustrations ideas alternatives picture pic image "
    "photo drawing "
    "version variant variation candidate option shot sketch try attempt rendering render painting "
    "illustration "
    "alternative photographs photograph artwork portrait portraits scene scenes"
)

# What a kind of subject is also called; the first word is only a heading.
KIND_WORDS: dict[str, frozenset[str]] = {
    "dog": table(
        "dog doggy doggo doggie puppy pup pooch hound terrier labrador poodle retriever corgi dachshund "
        "beagle"
    ),
    "cat": table("cat kitty kitten kitteh tomcat tabby"),
    "mug": table("mug cup"),
    "cup": table("cup mug"),
    "teddy": table("teddy bear teddy_bear plushie"),
    "bear": table("bear teddy teddy_bear plushie"),
    "teddy bear": table("bear teddy teddy_bear plushie"),
    "rabbit": table("rabbit bunny hare"),
    "bird": table("bird birdie parrot budgie"),
    "horse": table("horse pony mare stallion"),
    "car": table("car auto automobile"),
    "robot": table("robot bot"),
    "plant": table("plant flower"),
    "flower": table("flower plant"),
    "fish": table("fish goldfish"),
    "toy": table(
        "toy robot doll figure figurine plushie teddy bear dinosaur dino bot action_figure stuffed_animal"
    ),
    "toy train": table("train toy"),
    "doll": table("doll dolly toy puppet"),
    "parrot": table("parrot bird birdie budgie polly"),
    "budgie": table("budgie bird birdie parrot"),
    "hamster": table("hamster hammy rodent"),
    "tortoise": table("tortoise turtle"),
    "turtle": table("turtle tortoise"),
    "bike": table("bike bicycle cycle"),
    "bicycle": table("bike bicycle cycle"),
    "sofa": table("sofa couch settee"),
    "teapot": table("teapot pot"),
    "motorbike": table("motorbike motorcycle bike"),
    "child": table("child kid boy girl son daughter toddler"),
    "baby": table("baby infant toddler kid child son daughter"),
    "girl": table("girl daughter sister friend niece child kid lass"),
    "boy": table("boy son brother friend nephew child kid lad"),
    "woman": table("woman lady wife mother mum mom grandmother grandma sister friend girlfriend aunt"),
    "man": table("man guy husband father dad grandfather grandpa brother friend boyfriend uncle"),
    "person": table("person friend sister brother"),
    "backpack": table("backpack bag rucksack"),
    "sneaker": table("sneaker shoe trainer"),
}
ANIMALS = table(
    "dog cat rabbit bunny bird horse pony fish hamster mouse rat turtle tortoise parrot frog snake "
    "lizard fox owl bear "
    "duck goose chicken hen cow pig sheep goat lion tiger elephant penguin monkey hedgehog squirrel "
    "wolf deer dinosaur "
    "dragon puppy kitten pup kitty pet animal octopus snail whale dolphin panda guinea_pig"
)
PEOPLE_HE = table(
    "man boy guy husband father dad grandfather grandpa brother son nephew uncle boyfriend king prince"
)
PEOPLE_SHE = table(
    "woman girl lady wife mother mum mom grandmother grandma sister daughter niece aunt girlfriend "
    "queen princess"
)
PEOPLE = (
    PEOPLE_HE
    | PEOPLE_SHE
    | table("person friend child kid baby teacher boss colleague neighbour neighbor cousin toddler")
)
THINGS = table(
    "mug cup car bike bicycle vase bag backpack shoe sneaker sneakers boot hat lamp chair table sofa "
    "clock watch toy "
    "teddy teddy_bear doll robot house boat guitar piano bottle teapot kettle candle can plant "
    "flower tree cactus "
    "truck train plane book pen phone camera figurine statue plushie ball drum scooter kite umbrella "
    "jacket scarf "
    "glasses sunglasses motorcycle skateboard motorbike"
)
KINDS = ANIMALS | PEOPLE | THINGS

PRONOUNS: dict[str, str] = {
    "he": "he",
    "him": "he",
    "his": "he",
    "himself": "he",
    "she": "she",
    "her": "she",
    "hers": "she",
    "herself": "she",
    "it": "it",
    "its": "it",
    "itself": "it",
    "they": "they",
    "them": "they",
    "their": "they",
    "themselves": "they",
}

# Names that people give to pets and friends: at the start of a sentence a capital alone says nothing.
GIVEN_NAMES = table(
    "rex max bella luna charlie lucy cooper daisy milo buddy rocky bailey coco sadie molly oscar "
    "toby jack tucker "
    "duke bear zoe lola maggie sophie chloe stella penny nala simba leo loki felix tom tiger "
    "whiskers mittens smokey "
    "oreo ginger oliver lily gizmo shadow socks jasper misty fluffy bruno rufus fido spot lassie "
    "bingo benji scout "
    "anna ben tim tom mary peter paul john jane sarah laura emma emily mia noah liam ava lea nina "
    "otto hugo clara "
    "frieda hans greta momo kiki pixel waldo marvin ziggy mochi tofu pepper hazel winston murphy "
    "finn teddy archie "
    "alfie poppy ruby rosie willow bob alice carol dave eve frank grace heidi ivan judy mallory niaj "
    "olivia sam sue "
    "kim lisa julia maria marta pablo diego jose carlos luis ahmed ali fatima omar yuki sora hana "
    "ken mika rufus "
    "biscuit cookie waffles pancake nugget peanut mango kiwi"
)
TITLES = (
    frozenset({"mr", "mister"}), frozenset({"mrs", "missus"}), frozenset({"dr", "doctor"}),
    frozenset({"st", "saint"}), frozenset({"capt", "captain"}), frozenset({"prof", "professor"}),
)  # fmt: skip
"""How people are addressed; each in two spellings."""
# Words that may be a name and are mostly something else: they need a capital, or the place of a subject.
WORDLIKE = table(
    "sunny snowy stormy misty cloudy rusty dusty happy lucky ginger shadow smokey fluffy sandy rosy "
    "rosie ruby amber "
    "hazel rocky spot bear tiger pepper honey cookie biscuit peanut mango kiwi waffles pancake "
    "nugget daisy lily rose "
    "poppy willow scout duke star blue red brown olive jade pearl ivory violet sky summer autumn "
    "winter rain storm "
    "snow snowflake frost ash coal pumpkin cocoa coco mocha sugar candy muffin cupcake pickle bean "
    "sprout clover "
    "mug cup dot dash patch bubbles sparkle moon sunshine star comet pixel robot tin button buttons "
    "socks boots"
)

GREETINGS = table(
    "hi hello hey hiya howdy yo greetings good_morning good_afternoon good_evening morning evening hi_there "
    "hello_there hey_there hi_limner hello_limner hey_limner hallo ciao hola"
)
FAREWELLS = table(
    "bye goodbye bye_bye good_night goodnight see_you see_you_later see_you_tomorrow see_ya cya "
    "later farewell "
    "take_care that's_all that_is_all that's_it_for_today i'm_done we're_done quit exit"
)
INTERJECTIONS = table(
    "ok okay k alright all_right fine sure cool nice great good wow haha hahaha lol oh ah aha hm hmm "
    "hmmm huh interesting "
    "funny sweet super neat yay yeah yep yes no nope nah right i_see got_it understood well_done "
    "good_job nice_job "
    "great_job nice_work good_work great_work bravo oh_well omg whoa not_bad sounds_good makes_sense "
    "nice_one "
    "never_mind nevermind nothing forget_it don't_bother leave_it cancel stop wait hold_on "
    "one_moment one_second "
    "just_a_moment let_me_think whatever no_worries no_problem you're_welcome"
)
PRAISE = table(
    "perfect beautiful gorgeous lovely wonderful brilliant amazing awesome fantastic excellent "
    "stunning superb "
    "adorable cute so_cute fabulous magnificent marvellous marvelous spot_on exactly_right "
    "just_right nailed_it "
    "love_it loving_it like_it not_bad_at_all not_half_bad not_too_bad not_too_shabby"
)
GOOD = PRAISE | table(
    "good great nice cool better best right correct fine ok okay sweet super neat fun funny pretty "
    "a_keeper the_best my_favourite my_favorite the_winner really_good the_one "
    "great_work so_good "
    "what_i_wanted exactly_what_i_wanted what_i_had_in_mind just_what_i_wanted incredible"
)
BAD = table(
    "bad wrong ugly terrible awful horrible poor weird creepy bad_one worse worst disappointing off "
    "rubbish garbage "
    "trash boring blurry a_mess a_disaster nonsense no_good not_good not_right not_great not_nice all_wrong "
    "seen_better not_what_i_wanted not_what_i_meant not_what_i_asked_for not_it "
    "not_very_good not_so_good hideous scary "
    "the_worst useless unusable a_bad_one meh yuck eww ugh lame not_pretty not_my_favourite "
    "not_my_favorite so_bad"
)

# What a picture may be made as; the words stay in the prompt ("a watercolour of …").
MEDIA = table(
    "watercolour watercolor oil_painting oil acrylic cartoon comic comic_strip poster postcard "
    "sticker stamp close-up "
    "closeup close_up selfie silhouette statue sculpture mosaic collage pencil_drawing "
    "pencil_sketch ink_drawing "
    "charcoal_drawing charcoal_sketch crayon_drawing chalk_drawing line_drawing doodle mural "
    "engraving woodcut "
    "linocut logo icon emoji avatar caricature pixel_art_version painting_in_oil oil_portrait "
    "watercolour_painting "
    "watercolor_painting polaroid snapshot film_still movie_poster book_cover album_cover greeting_card "
    "christmas_card birthday_card birds-eye_view wide_shot macro_shot still_life panorama manga "
    "anime storyboard "
    "fresco etching stained_glass_window tapestry lego_version marble_statue print render "
    "children's_book_illustration"
)

WEAR = table(
    "hat cap scarf sunglasses glasses collar crown bow bow_tie bowtie tie ribbon cape coat jacket "
    "sweater shirt "
    "boots shoes helmet mask beanie necklace earrings headband goggles gloves mittens socks umbrella "
    "backpack wings"
)
MOODS = table(
    "night day dawn dusk sunset sunrise evening morning noon midnight rain snow fog mist storm "
    "winter summer autumn "
    "spring fall daylight moonlight sunlight darkness"
)
LOOKS = table(
    "bigger smaller larger darker brighter lighter sharper softer warmer colder cooler closer nearer "
    "further higher "
    "lower taller shorter longer wider thinner thicker fatter slimmer rounder cuter happier sadder "
    "scarier funnier "
    "snowy rainy sunny foggy misty stormy cloudy windy dark bright colourful colorful blurry spooky "
    "cozy cosy "
    "more less fewer zoomed mirrored flipped rotated upside again_darker cropped simpler fluffier "
    "older younger"
)
COLOURS = table(
    "red orange yellow green blue purple violet pink brown black white grey gray gold golden silver "
    "beige turquoise "
    "teal cyan magenta crimson navy cream tan maroon lime olive indigo dark light pale bright pastel rainbow"
)

# Where a picture's parts are meant, "draw a …" adds to the picture that is there.
PARTS = table(
    "background foreground sky corner picture image photo scene head face nose back ears ear tail "
    "eyes eye belly paw "
    "paws neck body shirt wall floor ground table window left right top bottom side middle front "
    "centre center"
)

# Verbs that change a picture. A sentence that starts with one is an edit while there is a picture.
EDIT_VERBS = table(
    "add make let put remove change have replace swap erase turn give place get take delete clear "
    "edit hang empty "
    "clean close stick insert substitute leave modify curve cut move open fill switch refill light "
    "top fix dress "
    "increase decrease reduce enlarge shrink rotate flip mirror crop zoom brighten darken blur "
    "sharpen lighten "
    "recolor recolour colour color tint paint cover decorate surround bring keep stretch lower raise "
    "lift drop push "
    "pull tilt bend extend include transform convert set adjust shift hide reveal lose ditch apply "
    "use write wrap "
    "attach tie style invert desaturate fade merge combine smooth soften warm cool strip shave "
    "cut_out pour spread "
    "fold slice peel bake cook break smash burn melt freeze drape plant park scatter exchange trade "
    "alter tweak "
    "remake restyle tone age shorten lengthen widen narrow thicken draw_in paint_over bring_in "
    "throw_in hold sit"
)
DRAW_VERBS = table(
    "draw paint sketch generate create render illustrate imagine depict produce visualize visualise picture"
)

# Words of politeness and hesitation, dropped at both ends of a clause and ignored when texts are compared.
LEAD_FILLER = table(
    "please pls plz hmm hmmm hm um umm uh uhm er erm ok okay k alright all_right so well oh ah hey "
    "hi hello limner "
    "great nice good cool perfect thanks thank_you yes yeah yep sure fine right listen look "
    "could_you_please can_you_please would_you_please will_you_please could_you can_you would_you will_you "
    "would_you_mind do_you_mind kindly i_want_you_to i_would_like_you_to i'd_like_you_to "
    "i_need_you_to maybe_you_could "
    "you_could could_you_maybe can_you_maybe could_you_just can_you_just just quickly do_me_a_favour_and "
    "do_me_a_favor_and if_possible if_you_can if_you_could if_you_don't_mind let's_see now_please "
    "would_you_kindly "
    "go_ahead_and try_to perhaps simply i_think i_guess awesome lovely amazing wow haha lol "
    "but_first first_of_all "
    "now_then ok_now i_was_wondering_if_you_could are_you_able_to is_it_possible_to would_it_be_possible_to "
    "you_know_what how_about_you why_don't_you you_should you_can we_can"
)
TAIL_FILLER = table(
    "please pls plz thanks thank_you thx cheers for_me if_you_can if_you_could if_possible "
    "if_you_don't_mind ok okay "
    "will_you would_you could_you can_you right now_please right_now thank_you_very_much "
    "thanks_a_lot many_thanks "
    "if_you_please would_you_please lol haha :) ;) :-) :d <3"
)

METHODS: dict[str, str] = {
    r"in[- _]?context(?: method)?": "in_context",
    r"ip[- _]?adapter": "ip_adapter",
    r"textual[- _]inversion": "textual_inversion",
    r"dream[- _]?booth": "dreambooth",
    r"ar[- _]tokens?": "ar_tokens",
    r"ar[- _]lora": "ar_lora",
    r"generate_ar": "ar",
    r"generate_pta": "pta",
    r"lora": "lora",
    r"pivotal(?: tuning)?": "pivotal",
    r"(?:the )?(?:pre-?trained )?adapter|pta": "pta",
    r"(?:the )?auto-?regressive(?:ly)?(?: model| method| one| way)?|(?:the )?ar(?: model| method|"
    r" one)?": "ar",
}
FAMILY_TOOLS = {"ar": "generate_ar", "pta": "generate_pta"}
FAMILY_METHODS = {"ar": "in_context", "pta": "ip_adapter"}
