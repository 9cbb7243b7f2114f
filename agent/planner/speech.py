"""How people type and ask: text-speak spelt out, roundabout requests."""

from __future__ import annotations

import re

from .words import either, table

# What is typed in haste, and what it stands for. Only words that are nothing else.
SPELT: dict[str, str] = {
    "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't", "arent": "aren't",
    "wasnt": "wasn't", "werent": "weren't", "cant": "can't", "wont": "won't", "couldnt": "couldn't",
    "shouldnt": "shouldn't", "wouldnt": "wouldn't", "hasnt": "hasn't", "havent": "haven't",
    "hadnt": "hadn't", "whats": "what's", "thats": "that's", "heres": "here's", "theres": "there's",
    "wheres": "where's", "whos": "who's", "hows": "how's", "lets": "let's", "im": "i'm", "ive": "i've",
    "shes": "she's", "hes": "he's", "theyre": "they're", "youre": "you're", "youve": "you've",
    "theyve": "they've", "itll": "it'll", "id like": "i'd like", "id love": "i'd love",
    "id prefer": "i'd prefer", "nvm": "never mind", "nm": "never mind", "u": "you", "ur": "your",
    "pls": "please", "plz": "please", "plse": "please", "gimme": "give me", "lemme": "let me",
    "wanna": "want to", "gonna": "going to", "gotta": "got to", "dunno": "don't know", "luv": "love",
    "thx": "thanks", "tnx": "thanks", "teh": "the", "hte": "the", "adn": "and", "nad": "and",
    "wiht": "with", "wtih": "with", "taht": "that", "thsi": "this", "tihs": "this", "ot": "to",
    "darw": "draw", "drwa": "draw", "dwar": "draw", "drow": "draw", "draww": "draw", "piant": "paint",
    "pciture": "picture", "pictrue": "picture", "picutre": "picture", "picure": "picture",
    "pictur": "picture", "mkae": "make", "amke": "make", "maek": "make", "giev": "give", "udno": "undo",
    "unod": "undo", "undp": "undo", "undoo": "undo", "unde": "undo", "reod": "redo", "comapre": "compare",
    "compre": "compare", "froget": "forget", "foget": "forget", "renmae": "rename", "reanme": "rename",
    "remeber": "remember", "remmber": "remember", "rember": "remember", "frist": "first", "fisrt": "first",
    "secnd": "second", "secound": "second", "thrid": "third", "wich": "which", "diffrence": "difference",
    "differance": "difference", "betwen": "between", "bewteen": "between", "favorit": "favorite",
    "favourit": "favourite", "awsome": "awesome", "beatiful": "beautiful", "becuase": "because",
    "cuz": "because", "coz": "because", "tmrw": "tomorrow", "foto": "photo", "fotos": "photos",
    "remenber": "remember", "w/": "with", "w/o": "without", "b4": "before", "agian": "again", "agin": "again",
    "vesion": "version", "verison": "version", "orginal": "original", "origional": "original", "w": "with",
    "wth": "with", "whith": "with", "allways": "always", "alwasy": "always", "alway": "always",
    "arround": "around", "aroudn": "around", "middel": "middle", "midle": "middle", "backround": "background",
    "backgroud": "background", "bakground": "background", "backgrond": "background", "litle": "little",
    "littel": "little", "insted": "instead", "instaed": "instead", "infront": "in front", "beind": "behind",
    "nigth": "night", "ligth": "light", "rigth": "right", "realy": "really", "alot": "a lot",
    "runing": "running", "siting": "sitting", "swiming": "swimming", "wearig": "wearing", "wering": "wearing",
    "waering": "wearing", "darwing": "drawing", "yelow": "yellow", "yellwo": "yellow", "purpel": "purple",
    "balck": "black", "bleu": "blue", "umbrela": "umbrella", "umberella": "umbrella",
    "sunglases": "sunglasses", "mountian": "mountain", "moutain": "mountain", "freind": "friend",
    "beautifull": "beautiful", "nevr": "never", "wi": "with", "tae": "to", "ye": "you", "yer": "your",
    "cannae": "can't", "dinnae": "don't", "wasnae": "wasn't", "isnae": "isn't", "didnae": "didn't",
    "couldnae": "couldn't", "intae": "into", "oot": "out", "aboot": "about",
    "twa": "two", "gie": "give", "frae": "from", "mak": "make", "tak": "take", "noo": "now",
    "sumthing": "something", "smth": "something", "bc": "because", "rn": "right now",
    "prolly": "probably", "dat": "that", "dis": "this", "sry": "sorry", "srry": "sorry",
    "tho": "though", "abit": "a bit", "coud": "could", "shoud": "should", "plase": "please",
    "plaese": "please", "thier": "their", "thanx": "thanks", "thnx": "thanks",
    "yea": "yeah", "ya": "you", "y'all": "you", "kinda": "kind of", "foward": "forward",
    "diferent": "different", "colr": "color", "collor": "color", "vertial": "vertical",
    "somthing": "something", "flowrs": "flowers", "colar": "collar", "befor": "before",
    "mek": "make", "tek": "take", "gan": "go", "dae": "do", "nee": "no", "canna": "can't", "divvent": "don't",
    "divn't": "don't", "wor": "our", "summat": "something", "cos": "because", "becos": "because", "bcos": "because",
    "bcoz": "because", "becuz": "because", "rong": "wrong", "enuff": "enough", "skool": "school", "baloon": "balloon",
    "baloons": "balloons", "balloone": "balloon", "pictcher": "picture", "pictchers": "pictures",
    "pikture": "picture", "piktures": "pictures", "picher": "picture", "pichers": "pictures", "picters": "pictures",
    "picter": "picture", "pictuers": "pictures", "picturs": "pictures",
    "pitcure": "picture", "pitcures": "pictures", "plees": "please", "pleez": "please", "pleese": "please",
    "hav": "have", "giv": "give", "dror": "draw", "drawr": "draw", "yello": "yellow", "liek": "like",
    "elefant": "elephant", "tommorow": "tomorrow", "becouse": "because", "freinds": "friends", "frend": "friend",
    "mebbe": "maybe",
}  # fmt: skip
_SPELT = re.compile(
    rf"(?<![\w/.~'\"-]){either(frozenset(map(re.escape, SPELT)))}(?![\w/'\"-]|\.\w)", re.IGNORECASE
)
# "would you mind making …", "how about drawing …": the verb as a command has it.
_GERUNDS: dict[str, str] = {
    "making": "make", "drawing": "draw", "painting": "paint", "undoing": "undo", "redoing": "redo",
    "putting": "put", "giving": "give", "adding": "add", "removing": "remove", "taking": "take",
    "turning": "turn", "changing": "change", "going": "go", "showing": "show", "comparing": "compare",
    "forgetting": "forget", "renaming": "rename", "trying": "try", "doing": "do", "creating": "create",
    "generating": "generate", "sketching": "sketch", "replacing": "replace", "swapping": "swap",
    "letting": "let", "bringing": "bring", "returning": "return", "reverting": "revert", "calling": "call",
    "having": "have", "getting": "get", "deleting": "delete", "losing": "lose", "dropping": "drop",
    "continuing": "continue", "starting": "start", "branching": "branch", "rolling": "roll",
    "training": "train", "learning": "learn", "moving": "move", "zooming": "zoom", "using": "use",
}  # fmt: skip
_GERUND = re.compile(
    rf"\b(?P<before>mind|how about|what about|try|consider|suggest|bother) (?P<verb>{either(_GERUNDS)})\b",
    re.IGNORECASE,
)


# Emoji and smileys beside words say nothing to draw; alone they are a verdict.
_NAMES = re.compile(r"(?<=\w)(?<!\bhis)(?<!\bher)(?<!\bits)(?<!\bthe)(?<!\btheir)(?<!\bmy) name's (?=[A-Z])")
"""As in "my new van name's Lightning"."""
_SMILES = re.compile(
    r"(?<=[\w.,!?)\s])\s*(?:[:;=]-?[)(dDpPoO|/](?!\w)|<3|"
    r"[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]+)(?=[\s.,!?]|$)"
)


# "give me like 4 cats": the number is what counts.
_ABOUT_SO_MANY = re.compile(
    r"\b((?:give|show|draw|make|do|paint|get)(?: me| us)? )(?:like|about|maybe|roughly|around|"
    r"say),? (?=\d|two |three |four "
    r"|five |six |a )",
    re.IGNORECASE,
)


def spell_out(raw: str) -> str:
    """`raw` with text-speak, missing apostrophes and slips in common words put right; file names stay."""

    def put(match: re.Match[str]) -> str:
        said = match.group()
        meant = SPELT[said.lower()]
        return meant[0].upper() + meant[1:] if said[0].isupper() and len(said) > 1 else meant

    raw = _NAMES.sub(" named ", raw)
    raw = _ABOUT_SO_MANY.sub(r"\1", _SPELT.sub(put, raw))
    if len(re.findall(r"\w+", raw)) > 2:
        raw = _SMILES.sub("", raw).rstrip()
    return _GERUND.sub(lambda m: f"{m['before']} {_GERUNDS[m['verb'].lower()]}", raw)


_SOFTLY = (
    r"(?: (?:please|maybe|perhaps|possibly|kindly|just|quickly|also|simply|then|now|ever|at all|by "
    r"any chance|"
    r"for once|actually))*"
)
_MAY = (
    r"(?:could|can|would|might|will|may|shall|should|were to|manage to|be able to|are able to|were able "
    r"to)"
)
_NICE = (
    r"(?:so |really |very |absolutely )?(?:nice|great|lovely|good|cool|awesome|wonderful|fantastic|fun|"
    r"kind|best|amazing|neat|better|funny|hilarious|sweet|cute|interesting|handy|helpful|brilliant|epic)"
)
# Roundabout ways to ask for something: what follows is the request itself.
_ROUNDABOUT = (
    # "I was wondering whether you might", "is there any chance you could", "it would be lovely if you could"
    rf"(?:(?:i (?:was|am)|i'm|was|just|been)(?: just)? (?:wondering|thinking|hoping)(?: about)?|i "
    rf"(?:do )?wonder|"
    rf"i (?:was )?hoped?|do you think|you think|think|(?:is there )?any (?:chance|way)|is there (?:a|"
    rf"some) (?:chance|way)|"
    rf"is it(?: at all)? (?:possible|ok|okay|doable|feasible)|it is possible|would it be (?:possible|"
    rf"ok|okay|alright|"
    rf"all right|too much(?: trouble| to ask)?|hard|difficult|{_NICE})|it(?:'d| would| might| could) "
    rf"be {_NICE}|"
    rf"(?:i|we)(?:'d| would)? (?:really )?(?:appreciate it|be (?:so |very |really )?(?:grateful|happy|"
    rf"glad|thankful|thrilled|over the moon|excited|keen|"
    rf"delighted|pleased)|love it|like it)(?= if| when| to see| to have| to get)|what do you say|"
    rf"how would you feel)"
    rf"(?: (?:if|whether|that|to(?: (?:have|see|get))?|for|of))?{_SOFTLY}(?: (?:you|we|"
    rf"i)(?:{_SOFTLY} {_MAY})?{_SOFTLY})?",
    # "could you", "won't you be so kind as to"
    rf"(?:could|can|would|will|might|may|won't|can't|couldn't) (?:you|ya|we|i)(?: guys)?{_SOFTLY}"
    rf"(?: (?:be able to|be so kind (?:as to|and)|be willing to|do me (?:a|the|another) favou?r(?: and|,|:)?|"
    rf"help me(?: to)?|manage to|try (?:to|and)|mind|like to|"
    rf"be an? (?:dear|darling|angel|sweetheart|love|star|gem|doll) and|"
    rf"ask you to|"
    rf"ask you for|trouble you (?:to|for)))?",
    r"(?:would|do) you mind|mind(?= (?:if|[a-z]+e\b))|be so kind (?:as to|and)|do me (?:a|the) "
    r"favou?r(?:,| and|:)?|"
    r"i(?:'d| would|'ll)? (?:like|want|love|need|wish|have|prefer|plan) to(?= (?:rename|forget|undo|redo|"
    r"go|call|compare|train|"
    r"remove|delete|add|change|make|put|give|draw|paint|turn|try|continue|revert|erase|swap|replace|keep|"
    r"restore|return)\b)",
    r"be an? (?:dear|sweetheart|love|star|darling|angel|gem|doll|legend|pal|sport|treasure) and|feel free to",
    rf"you (?:may|might|can|could|should)(?: as well)?{_SOFTLY}|shall (?:we|i){_SOFTLY}|should (?:we|"
    rf"i){_SOFTLY}",
    # "I want you to", "I'm in the mood for", "what I'd like is"
    r"i(?:'d| would)? (?:want|like|need|love|prefer) (?:for )?you(?: now)? to|i(?:'m| am) (?:asking|"
    r"begging) you to|"
    r"i(?:'d| would)? (?:like|want|love|wish) to (?:ask you|request) (?:to|for)|i(?:'m| am) (?:in "
    r"the mood for|"
    r"looking for|after|dying to see|keen to see|thinking of|going for)|i feel like|i fancy",
    r"why (?:don't|not)(?: (?:you|we))?|(?:maybe|perhaps) (?:we|you) (?:should|could|can)|"
    r"we (?:should|could|can|need to|have to|ought to)",
    rf"(?:i think|i guess|i'd say|i suppose|i believe|i reckon)(?: that)?(?: (?:we|you|i)(?: {_MAY}| "
    rf"ought to| need to)?)?"
    r"(?! {T}|\ue001)",
    r"(?:no|nope|nah|ugh|eww?|meh|argh|damn)(?=[,.!;]| no\b)|what if(?= (?:he|she|they|it (?:was|were|"
    r"is) [a-z]+ing)\b)|i(?:'d| would) (?:rather have|"
    r"rather|prefer)(?: to have| to see)?|"
    r"next up|time (?:to|for)|(?:go|come) on(?: and)?|go ahead(?: and)?|(?:now )?it(?:'s| is) time "
    r"(?:to|for)|"
    r"for (?:the|my) next (?:one|picture|take|trick)|here's (?:what i want|my (?:next )?(?:idea|wish|"
    r"request))|"
    r"what i(?:'d| would)? (?:want|need|like)(?: now)? is(?: for you to| to)?|"
    r"i (?:want|wish|need|would like) that|i'd like that|"
    r"surprise me with|treat me to|hit me with|gift me|how hard would it be to|i dare you to|"
    r"i(?:'ll| will) (?:have|take)(?= (?:an?|some|two|three) )|i could (?:do with|use)|"
    r"(?:my|the) (?:next )?(?:wish|idea|plan|request) (?:is|would be)",
    r"if (?:it's|that's|it is|that is|you're|you are|you) (?:not too much (?:trouble|to ask|bother|work)|"
    r"ok(?:ay)?(?: with that)?|possible|alright|no trouble|not busy|free|able to|can|could|like|want|"
    r"feel like it|"
    r"still there|ready|up for it)",
)
# Calls and courtesies in front of a request.
_HAIL = either(
    table(
        "please hey hi hello hiya yo oi limner dear buddy mate friend my_friend sir pal bro dude man boss "
        "good_morning good_evening good_afternoon morning evening greetings "
        "hmm hmmm hm um umm uh uhm er erm ok okay k alright all_right right so well oh ah aha anyway anyways "
        "anyhow now_then then listen look see great nice good cool perfect super awesome "
        "lovely amazing wow "
        "haha hahaha lol hehe fine sure yes yeah yep yup yay aww aw ooh oooh thanks thank_you "
        "thanks_a_lot cheers "
        "first first_of_all to_start to_begin to_begin_with for_starters lastly finally just simply "
        "kindly maybe perhaps "
        "quickly real_quick quick_one one_more_thing one_thing another_thing also btw by_the_way "
        "speaking_of_which "
        "if_possible let's_see let_me_see oops whoops oopsie ouch sorry my_bad honestly basically "
        "essentially "
        "i_know i_see got_it gotcha understood no_wait wait hang_on hold_on actually on_second_thought "
        "on_second_thoughts come_to_think_of_it tell_you_what you_know_what you_know guess_what "
        "idea new_idea "
        "quick_question request next_request a_request today this_time"
    )
)
HAIL = rf"{_HAIL}(?![\w'-])"
LEADING = re.compile(rf"(?:{'|'.join(_ROUNDABOUT)})(?![\w'-])[\s,:]*")
