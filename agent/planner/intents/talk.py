"""Sentences that want words, not pictures: greetings, help, small talk, questions about the session."""

from __future__ import annotations

import re

from ..looks import describe
from ..references import Text, rx
from ..state import Say, Step
from ..words import FAREWELLS, GREETINGS, INTERJECTIONS, either

HELP = (
    "I learn your subjects from pictures and draw them. Try: "
    '"This is Biscuit, my dog: a.jpg b.jpg" · "Biscuit on the beach, wearing sunglasses" · "now at night" · '
    '"make the second one snowy" · "keep this one as Fizz" · "undo that" · "go back to the first" · '
    '"no, his ears are longer" · "compare 1 and 3" · "I like this one" · "what do you know?"'
)
_THANKS = re.compile(
    r"(?:(?:oh|ok|okay|great|perfect|cool|nice|lovely|wow|awesome|well|alright|yes|wonderful|"
    r"excellent|amazing|good|brilliant|super)[,.! ]+)*"
    r"(?:many |big |huge )?(?:thanks?|thx|ty|tysm|thank (?:you|u)|cheers|much appreciated|"
    r"i appreciate (?:it|that)|merci|danke|gracias|ta)\b(?!.*\b(?:but|now|make|draw|add|"
    r"please)\b).{0,60}"
)
_THANKS_TAIL = re.compile(
    r"(?:that'?s|this is|it'?s|that is|looks) (?:really |so |very |just |absolutely )*(?:great|"
    r"perfect|lovely|wonderful|nice|good|fine|enough|all|beautiful|awesome)[,.! ]+(?:thanks?|"
    r"thank you|cheers).{0,30}"
)
_GREETING = re.compile(
    rf"{either(GREETINGS)}(?:[,!. ]+(?:there|limner|you|all|everyone|again|my friend|friend|buddy|"
    rf"dear|darling|sweetheart|love|mate|how are you(?: doing| today)*|"
    rf"how(?:'s| is) it going|nice to meet you|what's up|"
    rf"to you(?: too)?|good to see you))*"
)
_BYE = re.compile(
    rf"(?:(?:ok|okay|thanks|thank you|alright|well|great)[,.! ]+)*{either(FAREWELLS)}(?:[,!. ]+(?:limner|"
    rf"then|for now|for today|now|everyone|all|thanks|thank you|bye|soon|tomorrow|later|see you|"
    rf"my friend|dear|darling|sweetheart|love|mate|friend|folks))*"
)
_DELETES = rx(
    r"(?:(?:please|can you|could you|now|just) )*(?:delete|erase|trash|remove|throw (?:away|out)|get rid of) {T}"
    r"(?: please| again| now)*[.!? ]*"
)
_INTERJECTION = re.compile(rf"(?:{either(INTERJECTIONS)}[\s,.!?]*){{1,4}}")
_HELP = re.compile(
    r"(?:help(?: me)?(?: please| out)?|help!|\?+|/help|commands?|usage|manual|instructions|options|"
    r"i need help|can you help(?: me)?|i'm (?:lost|stuck)|"
    r"how (?:do|does|can|should|would) (?:i|you|this|it|one|we|limner)\b(?! (?:look|make it|"
    r"know if)).*|what (?:can|could) (?:you|i|we|this|it|limner) (?:even |actually |all |really |"
    r"possibly )?(?:do|ask|say|try|type|draw|make)(?: (?:here|"
    r"for me|with (?:you|this|it|limner)|now|next|else))*|what (?:do|should|must|can) i (?:have to |"
    r"need to |now )?(?:do|say|"
    r"type)(?: (?:now|next|here))?|"
    r"what are (?:you(?: able to do| capable of)?|your (?:options|commands|features|abilities|"
    r"capabilities|functions|skills))|what(?:'s| is) (?:this|limner)(?: (?:about|for|thing|"
    r"program))?|who are you|what do you do|show (?:me )?(?:the )?(?:help|commands|options)|"
    r"(?:explain|tell me|show me) (?:how (?:this|it|you) works?|what you can do|about yourself|yourself|"
    r"how to .{1,80})|what else can you do|how to .{1,80}|give me (?:some )?(?:examples|tips|a hint|"
    r"hints|help))"
)
_CHAT = re.compile(
    r"(?:(?:oh|oops|whoops|sorry|ah|no|ugh|argh|damn|my bad|apologies|ignore (?:that|this|me|it))[,.! ]+)*"
    r"(?:that was (?:for|meant for) .{1,30}|(?:(?:that was |it was |this is )?(?:the |"
    r"a )?)?wrong (?:window|chat|tab|"
    r"person|button|conversation|app|program|thread|channel|number|keyboard|key|screen|group|room)|typo|"
    r"(?:please )?(?:ignore|disregard) (?:that|this|me|it|my last (?:message|sentence))(?:[,.]? .{0,30})?|"
    r"(?:that was )?(?:a )?(?:typo|accident|misclick|my cat walked.{0,30}|autocorrect)|not (?:you|for you))|"
    r"you (?:really |totally |absolutely )?(?:rock|rule|suck|did it|made my day|nailed it|are the best)|"
    r"(?:(?:good|bad|nice|clever|smart|stupid|dumb|silly|sweet|great|bravo|poor) )+(?:bot|robot|computer|"
    r"machine|"
    r"program|ai|boy|girl|limner|app|software|thing you)|(?:this|that|it)(?:'s| is) (?:so |really |"
    r"very )?(?:fun|"
    r"magic|addictive|incredible technology|hilarious)|"
    r"(?:how(?:'s| is) (?:it going|your day|everything|life)|how are (?:you|"
    r"things)(?: doing)?(?: today)?|what's up|sup|tell me (?:a|another) (?:joke|story)|"
    r"are you (?:an? (?:ai|robot|human|bot|person|machine|program|llm|model)|real|there|alive|ok|"
    r"okay|ready|sure|serious|kidding|done|still there|online|listening|sentient|conscious|local|"
    r"offline)(?: .{0,30})?|"
    r"do you (?:like|love|dream|sleep|have feelings|eat|speak|understand|think|feel|hear|see|enjoy|"
    r"want|remember what|ever)\b.*|(?:what|which) (?:is|'s|are) (?:your|the) (?:name|"
    r"favou?rite .{1,30}|weather.*|time|date|meaning of life|capital.*|day|news|version|"
    r"licen[sc]e)(?: .{0,30})?|what's your .{1,40}|what time is it.*|what day is it.*|"
    r"who (?:made|built|created|wrote|programmed|trained|owns|invented) (?:you|this|limner)|"
    r"where (?:are|do) you .{1,30}|how old are you|i(?:'m| am) (?:bored|tired|hungry|happy|sad|back|"
    r"here|sorry|excited|impressed|curious|confused|feeling .{1,20}|not sure.{0,40}|just (?:testing|"
    r"looking|kidding|playing).{0,20}|having fun|so happy)(?: .{0,20})?|sorry(?: about that)?|my bad|"
    r"(?:lol|haha|hehe|lmao|rofl|hihi)+[ !.]*|(?:test|testing)(?: (?:1 2 3|123|one two three))?|"
    r"you(?:'re| are) (?:so |really |very |the |a |an |pretty |quite )*(?:good|great|funny|amazing|"
    r"awesome|best|smart|clever|genius|cool|helpful|stupid|slow|fast|quick|useless|artist|talented|"
    r"talented artist|great artist|star|nice|sweet|kind|welcome|hilarious|right|wrong|"
    r"silly)(?: (?:at this|one|artist|painter))?|"
    r"(?:what a )?(?:nice|lovely|beautiful|great|rainy|sunny) (?:day|weather|morning|"
    r"evening)(?: (?:today|outside|isn't it))*|it(?:'s| is) (?:raining|snowing|late|hot|cold|sunny|"
    r"monday|friday|so hot|very late|getting late)(?: (?:here|outside|today))*|"
    r"the weather is .{1,30}|(?:can|could) (?:you|i) (?:speak|talk|sing|tell|ask you (?:something|"
    r"a question)|read|write|code|see me|hear me|dance|cook)\b.*|"
    r"(?:happy|merry) (?:birthday|christmas|new year|easter|halloween)(?: .{0,20})?|good (?:luck|"
    r"point|question|idea|to know)|nice to meet you|have a (?:nice|good|great) .{1,20}|i love you|"
    r"i hate you|my name is .{1,30}|call me .{1,30}|i(?:'m| am) [a-z]+ by the way|"
    r"let me think(?: about it)?|i(?:'ll| will) (?:think about it|be (?:right )?back|"
    r"come back.{0,20}|see)|i don't know|no idea|not now|maybe later|maybe|later|not yet|"
    r"just a (?:second|moment|minute)|one (?:second|moment|minute)|hold on|wait(?: a (?:second|"
    r"moment|minute|bit))?|"
    r"(?:no,? )?(?:never ?mind|forget it|nothing|nothing else|don't worry|no worries|"
    r"it doesn't matter|doesn't matter|leave it(?: (?:as it is|like that|at that))?|that's (?:all|it|"
    r"enough|fine|ok|okay|everything)(?: (?:for (?:now|today)|thanks|thank you))*|i'm (?:done|"
    r"finished|good|fine)|we're (?:done|good)|all good|don't change (?:anything|it|a thing)|"
    r"keep it (?:like that|as it is|that way)|do nothing|stop it|please stop|cancel)|(?:say|"
    r"tell me) (?:something|anything)(?: .{0,20})?)"
)
# Questions that ask for an answer, unlike "can we …?" and "what if …?", which ask for a change.
_ASKED = re.compile(
    r"(?:do|does|are|is|will|can|could|would) (?:my|your|our|these|those|the) (?:photos?|pictures?|"
    r"images?|data|files?|computer|laptop|phone|gpu|subjects|concepts|memory)\b|"
    r"(?:can|could|do|does|will|would) (?:you|i|it|limner|this|we|one) (?:also |even |really |"
    r"actually |always )?(?:undo|redo|learn|teach|remember|forget|draw|edit|change|delete|rename|"
    r"work|need|run|use|keep|store|upload|share|cost|"
    r"handle|support|understand|import|make|create|generate|recogni[sz]e|train) (?:(?:from |with |on "
    r"|about |of |for )?(?:things|stuff|something|anything|mistakes|my own|your own|own|people|faces|"
    r"text|words|several|multiple|more than|"
    r"other|videos?|animations?|offline|online|without|locally|internet|gpu|languages|any(?:one|"
    r"body)?|all|everything|wifi|a gpu|the internet|an account|money)\b.*|.{1,40} (?:if|when|in case|"
    r"by itself|at once|at the same time|without) .{1,60})|"
    r"(?:is|are) (?:he|she|it|they|\ue000+) (?:always|usually|ever|really|supposed)\b|"
    r"(?:is|are) (?:there|this|it|you|everything) (?:an? )?(?:free|safe|private|secure|offline|local|"
    r"open source|limit|way to (?:undo|save|export|see|print))\b|"
    r"(?:why (?!don't|not)|when |where (?!is the change)|who (?:is|are|was|made|drew|can)\b|whose |"
    r"what(?:'s| is| are| was| were| does| do| did| kind| method| model| seed| makes| happened|"
    r" happens| score| scores| changed| about the (?:score|time|seed|method))\b(?! (?:if|about)\b)|"
    r"which (?:method|model|seed|take|picture|version|preset|colou?rs?|file|folder|tool|one)\b|"
    r"how (?:long|much|many|fast|good|well|big|did|do|does|is|are|was|were|come|old|often|large|"
    r"similar|close)\b|is (?:this|that|it|there) (?:the|a|an|any|possible to (?:see|know|get|print|"
    r"export|use)|good|free|right|really|still|supposed|him|her|biscuit)\b|is \ue000+ in\b|"
    r"is \ue001+|are (?:there|these|those|they|the colou?rs)\b|did (?:you|it|that|i)\b|does (?:it|"
    r"this|that|he|she|the|\ue000+)\b|do (?:you|i|we|the)\b|was (?:it|that|this)\b|were |has |"
    r"have (?:you|we|i)\b|am i\b|are we\b|are you (?!able)\b|"
    r"can i (?:see|save|print|export|use|download|share|sell|publish|have a look|get the file|undo|"
    r"ask)\b|can you (?:explain|tell|remember|see|say|read|speak|help|print|send|save|export|"
    r"describe|show me (?:the )?(?:list|takes|scores|seed|prompt|history|tree|score))\b|"
    r"tell me (?:about|more|how|why|what|which|the)|explain|(?:show|list|display|print|"
    r"see)(?: me)?(?: all| the| my| our| a list of)* (?:takes|pictures so far|history|tree|scores|"
    r"prompt|seed|versions of|gallery|prompts|seeds|sessions)|where's|how's|remind me|describe )"
)


_ABLE = re.compile(
    r"(?:and |so |but |ok |hey |hi )?(?:can|could|do|does|will|would|are) (?:you|it|limner|"
    r"this)(?: (?:also|even|really|actually|"
    r"always|able to))* (?:learn|work|deal|train|start|draw|undo|redo|remember|store|keep|upload|share|"
    r"use|handle|edit|"
    r"cope|understand|read|open|import) (?:(?:from|with|on|about|in|to) )?(?:(?:things|stuff|changes|"
    r"mistakes|edits|them) "
    r"(?:if|when|after|later|again)\b.*|(?:my|our|any|other|several|many|real|two|more than .{1,20}) (?:own "
    r")?(?:photos|pictures|images|drawings|files|pets|people|languages|subjects|things|ones|data)(?: too|"
    r" as well| at "
    r"once| at the same time| safely| private(?:ly)?)*)"
)


def able(text: Text) -> bool:
    """Whether the sentence asks what the program can do, in general: "can you learn from my own photos?"."""
    return _ABLE.fullmatch(text.low.strip(" .!,").rstrip("? ")) is not None


def talk(text: Text) -> list[Step] | None:
    """Small talk and help: words, weak enough to be dropped beside a request."""
    low = text.low.strip(" .!,;:-")
    bare = low.rstrip("? ")
    if not low:
        return [Say("Tell me what to draw or to change; say help for examples.")]
    if _THANKS.fullmatch(bare) or _THANKS_TAIL.fullmatch(bare):
        return [Say("You're welcome! Tell me when you want another picture.")]
    if _GREETING.fullmatch(bare):
        return [Say(f"Hello! {_invitation(text)}")]
    if _BYE.fullmatch(bare):
        return [Say("Goodbye! Everything is kept for next time.")]
    if _HELP.fullmatch(low) or _HELP.fullmatch(bare):
        return [Say(HELP, weak=False)]
    if _INTERJECTION.fullmatch(low):
        return [Say("All right. What next?")]
    if _CHAT.fullmatch(bare):
        return [Say(f"I'm best at pictures. {_invitation(text)}")]
    return None


def deletes(text: Text) -> list[Step] | None:
    """A picture that is to go: said where that is done. Of the newest one it is an undo."""
    refs = [ref for ref in text.takes if ref.how != "current"]
    if not _DELETES.fullmatch(text.low) or not refs or {*refs[0].numbers} & {text.state.head, text.state.newest}:
        return None
    which = " ".join(map(str, refs[0].numbers)) or "N"
    return [Say(f"I leave pictures where they are. F2 shows them all: Delete takes one away, u brings it back; "
                f"or `limner delete {which}`.", weak=False)]  # fmt: skip


def small_talk(text: Text) -> list[Step]:
    """Words for what wants nothing and fits no kind of talk: a remark, a question about anything."""
    return [Say(f"I'm best at pictures. {_invitation(text)}")]


def _invitation(text: Text) -> str:
    if text.state.takes:
        return "Tell me what to draw next, or what to change."
    if text.state.concepts:
        return f"Shall I draw {text.state.concepts[-1].name}? Tell me where and how."
    return 'Describe a picture, or show me a subject of yours: "this is Biscuit, my dog: a.jpg".'


def question(text: Text) -> list[Step] | None:
    """A question about the session or a picture: answered from what the state tells."""
    low = re.sub(
        r"^(?:(?:and|also|so|but|ok|okay|well|hey|hi|hm+|oh)[, ]+)+",
        "",
        text.low.strip(" .!,;:-").rstrip("? "),
    )
    if not _ASKED.match(low) and not re.match(
        r"(?:and )?(?:why|how come|what)$|what\b.{0,20}\bhappened", low
    ):
        return None
    return [Say(_answer(text, low), weak=False)]


_KEEPS = re.compile(
    r"(?:.{0,40}[,.] )?(?:(?:and|so|please|now|(?:how|where) (?:do|can|could|would) (?:i|we|you)|(?:can|could|may) "
    r"(?:i|we|you)|(?:i|we)(?:'d| would| should)? (?:want|like) to|i need to|let me|how to) )*"
    r"(?:save|export|download|print|send|share) (?:it|this|that|them|him|her|\ue000+|\ue001+|\d+|"
    r"(?:the|this|that|my|these|a|all (?:the|my)) (?:[a-z]+ )?(?:pictures?|images?|photos?|takes?|one|files?))"
    r"(?: (?:out|please|to (?:my )?[a-z]+|as (?:a |an )?(?:png|jpe?g|file|picture|image)|on (?:my )?[a-z]+|somewhere))*"
    r"(?:,? (?:please|how (?:do|can) i do (?:that|it)|dear|thanks))*"
)
_SCORES = re.compile(
    r"what (?:does|do|is|are|means?) (?:the |this |a )?(?:subject|text|copy|scores?)\b.{0,20}"
    r"|what (?:does|do) (?:the |these )?(?:numbers|scores) mean"
)


def guidance(text: Text) -> list[Step] | None:
    """What is asked about the pictures themselves: how to keep one, what its scores say."""
    low = text.low.strip(" .!,;:-").rstrip("? ")
    if text.state.takes and not (text.files or text.state.attached) and _KEEPS.fullmatch(low):
        said = [int(number) for number in re.findall(r"\d+", low)]
        said += [ref.numbers[0] for ref in text.takes if len(ref.numbers) == 1]
        number = next(filter(text.state.exists, said), text.state.current)
        return [Say(f"Every picture is a file already; `limner show {number} --out picture.png` copies it "
                    "to where you like.", weak=False)]  # fmt: skip
    if _SCORES.fullmatch(low) and not text.subjects and not text.takes:
        return [Say("From 0 to 1: subject is the likeness to the pictures you taught, text how well your words are "
                    "met, copy how near it comes to one of those pictures (high is bad).", weak=False)]  # fmt: skip
    return None


def _answer(text: Text, low: str) -> str:
    state = text.state
    named = [ref.numbers[0] for ref in text.takes if len(ref.numbers) == 1]
    take = state.take(named[0] if named else state.current)
    if re.search(r"how many|\blist\b|takes|pictures|history|tree", low):
        if not state.takes:
            return "There are no pictures in this session yet."
        last = "; ".join(describe(t) for t in state.takes[-5:])
        return f"This session has {state.newest or len(state.takes)} takes, the last ones: {last}."
    if re.search(r"\bmethods?\b|\bmodel\b", low):
        return f"Available methods: {', '.join(state.methods) or 'none'}."
    if re.search(r"\bprompt\b|what did i (?:say|ask)|what is (?:this|that|it)\b", low) and take:
        return f"{describe(take)[0].upper()}{describe(take)[1:]}."
    if re.search(r"\bscores?\b|\bseed\b|how good", low):
        return "Scores and seeds stand with each take: limner takes --json lists them."
    return f"I can't say. {_invitation(text)}"
