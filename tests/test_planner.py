"""The offline planner: a table of sentences, and what must hold for any text whatever."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage

from limner.agent.planner import OfflinePlanner
from limner.agent.planner.model import steps_for
from limner.agent.planner.normalise import MAX_CHARS, clean
from limner.agent.planner.replies import reply
from limner.agent.planner.state import Ask, Call, Say, State, read_state
from limner.bench.planner import BUSY, PLAIN, judge, score, shown

OWN = Path(__file__).parent / "planner" / "own.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in OWN.read_text(encoding="utf-8").splitlines()]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "draw": {"prompt": str, "concepts": list, "count": int, "method": str, "seed": int, "size": (str, int)},
    "edit": {"take": int, "instruction": str, "concepts": list, "borrow_from": int, "method": str},
    "generate_ar": {"prompt": str, "concepts": list, "count": int, "seed": int, "size": (str, int)},
    "generate_pta": {"prompt": str, "concepts": list, "count": int, "seed": int, "size": (str, int)},
    "teach": {"name": str, "kind": str, "images": list, "takes": list},
    "refine": {"concept": str, "add": list, "remove": list, "rejected": int},
    "forget": {"concept": str},
    "rename": {"concept": str, "name": str},
    "revert": {"concept": str, "version": int},
    "recall": {"query": str, "image": str},
    "undo": {"steps": int},
    "redo": {"steps": int},
    "fork": {"take": int},
    "compare": {"takes": list},
    "rate": {"take": int, "liked": bool},
    "finetune_lora": {"concept": str, "seconds": int},
}
REQUIRED = {
    "draw": {"prompt"}, "edit": {"take", "instruction"}, "generate_ar": {"prompt"}, "generate_pta": {"prompt"},
    "teach": {"name"}, "refine": {"concept"}, "forget": {"concept"}, "rename": {"concept", "name"},
    "revert": {"concept"}, "fork": {"take"}, "compare": {"takes"}, "rate": {"take", "liked"},
    "finetune_lora": {"concept"},
}  # fmt: skip


def system(state: dict[str, Any]) -> SystemMessage:
    return SystemMessage(f"You lead the conversation.\n<state>{json.dumps(state)}</state>")


def ask(text: str, state: dict[str, Any], *more: Any, planner: Any = None) -> AIMessage:
    answer = (planner or OfflinePlanner()).invoke([system(state), HumanMessage(text), *more])
    assert isinstance(answer, AIMessage)
    return answer


def calls(message: AIMessage) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["args"]) for call in message.tool_calls]


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{c['text'][:40]}" for i, c in enumerate(CASES)])
def test_sentence(case: dict[str, Any]) -> None:
    state = read_state(case["state"])
    steps = steps_for(case["text"], state)
    assert judge(steps, case["expect"], state)["argument"], shown(steps)


# Sentences that others wrote, with the rates that were reached, a little below; never all of them are right.
FLOORS = {
    "independent_a": {"tool": 0.98, "reference": 0.97, "argument_resolved": 0.97},
    "independent_b": {"tool": 0.98, "reference": 0.98, "argument_resolved": 0.95},
    "independent_c": {"tool": 0.96, "reference": 0.95, "argument_resolved": 0.93},
    "independent_e": {"tool": 0.95, "reference": 0.94, "argument_resolved": 0.88},
    "independent_f": {"tool": 0.98, "reference": 0.98, "argument_resolved": 0.97},
    "independent_h": {"tool": 0.97, "reference": 0.96, "argument_resolved": 0.93},
    "independent_k": {"tool": 0.97, "reference": 0.96, "argument_resolved": 0.94},
    "independent_d": {"tool": 0.98, "reference": 0.97, "argument_resolved": 0.97},
    "independent_n": {"tool": 0.97, "reference": 0.95, "argument_resolved": 0.93},
    "independent_o": {"tool": 0.96, "reference": 0.94, "argument_resolved": 0.92},
    "independent_q": {"tool": 0.96, "reference": 0.95, "argument_resolved": 0.92},
}


@pytest.mark.parametrize("name", FLOORS)
def test_independent_sentences(name: str) -> None:
    file = OWN.with_name(f"{name}.jsonl")
    wrong: list[dict[str, Any]] = []
    rates = score([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()], wrong)
    for what, floor in FLOORS[name].items():
        assert rates[what]["rate"] >= floor, (what, wrong)
    assert rates["wrong_call_where_question_due_of_all"]["rate"] <= 0.03


HANDED = [
    ("I'd love a wide picture of Luna on a swing", [("draw", {"size": "landscape", "prompt": "Luna on a swing"})]),
    ("two upright pictures of Luna on a swing", [("draw", {"size": "portrait", "count": 2})]),
    ("a wide shot of Luna on a swing", [("draw", {"prompt": "a wide shot of Luna on a swing"})]),
    ("I like 1 but I don't like 2", [("rate", {"take": 1, "liked": True}), ("rate", {"take": 2, "liked": False})]),
    ("rename Sunny to Cup, then draw him on a roof", [("rename", {}), ("draw", {"concepts": ["Cup"]})]),
    ("can he hold a lantern here?", [("edit", {"instruction": "he holds a lantern"})]),
    ("not so many trees, only two", [("edit", {"instruction": "not so many trees, only two"})]),
    ("hand Biscuit the red hat of take 2", [("edit", {"take": 3, "borrow_from": 2})]),
    ("oops, undo please, the cat walked over my keyboard", [("undo", {})]),
    ("in take 1 that's not Biscuit, he looks completely different", [("refine", {"rejected": 1})]),
    ("at night: a very small Biscuit with a hat in front of the castle", [("draw", {"concepts": ["Biscuit"]})]),
    ("Biscuit on the beach, wearing sunglasses", [("draw", {"concepts": ["Biscuit"]})]),
    ("now Biscuit at sunset", [("edit", {"take": 3})]),
    ("in the kitchen please", [("edit", {"take": 3})]),
    ("the hat is far too big for him, shrink it", [("edit", {"instruction": "shrink the hat"})]),
    ("his hat looks silly. make it smaller", [("edit", {"instruction": "make his hat smaller"})]),
    ("take me back to the version without the hat", [("fork", {"take": 2})]),
    ("go back to before the hat", [("fork", {"take": 2})]),
    ("In take 1, add a bird, and in take 2 make it day", [("edit", {"take": 1}), ("edit", {"take": 2})]),
    ("draw Luna in the snow, and one on the beach", [("draw", {}), ("draw", {"concepts": ["Luna"]})]),
    ("draw Luna on a shelf, then add a candle", [("draw", {"prompt": "Luna on a shelf"}), ("edit", {"take": 4})]),
    ("Luna got lost. delete her from memory", [("forget", {"concept": "Luna"})]),
    ("Luna on a swing, tall ones please, 3 of them", [("draw", {"size": "portrait", "count": 3})]),
    ("the last two changes were a mistake. please undo them", [("undo", {"steps": 2})]),
    ("biscuits nose is pink, always", [("refine", {"concept": "Biscuit"})]),
    ("call Biscuit Big Biscuit from now on", [("rename", {"name": "Big Biscuit"})]),
    ("in the seaside one, add a kite", [("edit", {"take": 1, "instruction": "add a kite"})]),
    ("go back to the one with no hat", [("fork", {"take": 2})]),
    ("go back to the seaside before I had the hat put on", [("fork", {"take": 2})]),
    ("the beach one, make the hat blue", [("edit", {"take": 3})]),
    ("two pictures of Luna on a swing, wait, make it three", [("draw", {"count": 3})]),
    ("three tall ones of Luna on a swing", [("draw", {"count": 3, "size": "portrait", "prompt": "Luna on a swing"})]),
    ("sorry, I meant Luna", [("edit", {"take": 3, "instruction": "Luna instead of Biscuit", "concepts": ["Luna"]})]),
    ("The sea is too blue for me; a greyer one, please", [("edit", {"instruction": "make the sea greyer"})]),
    ("draw a fairy but she is a plumber", [("draw", {"prompt": "a fairy but she is a plumber"})]),
    ("longer ears for him from now on, in all of them", [("refine", {"concept": "Biscuit"})]),
    ("add a rainbow, no make that two", [("edit", {"instruction": "add two rainbows"})]),
    ("put a scarf on him, er, her I mean", [("edit", {"instruction": "put a scarf on her"})]),
    ("no, not that one. the one with the hat. give him a ball", [("edit", {"take": 3})]),
]


@pytest.mark.parametrize(("text", "expected"), HANDED, ids=[text for text, _ in HANDED])
def test_forms_of_one_request(text: str, expected: list[tuple[str, dict[str, Any]]]) -> None:
    steps = steps_for(text, read_state(BUSY))
    assert [step.tool for step in steps if isinstance(step, Call)] == [tool for tool, _ in expected], shown(steps)
    for step, (_, args) in zip(steps, expected, strict=True):
        assert isinstance(step, Call) and args.items() <= step.args.items(), shown(steps)


def test_an_answer_may_add_to_the_choice() -> None:
    names = ["Kaiser", "Moss"]
    question = {"question": "Which dog do you mean?", "options": names, "text": "draw the dog in a bathtub"}
    dogs = [{"name": name, "kind": "dog"} for name in names]
    steps = steps_for("Kaiser of course, with rubber ducks", read_state({"concepts": dogs, "pending": question}))
    assert isinstance(steps[0], Call) and steps[0].args["prompt"] == "Kaiser in a bathtub, with rubber ducks"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("both", {"prompt": "Max and Lily on a seesaw", "concepts": ["Max", "Lily"]}),
        ("Lily", {"prompt": "Lily on a seesaw", "concepts": ["Lily"]}),
        ("the lass, not the lad", {"prompt": "Lily on a seesaw", "concepts": ["Lily"]}),
        ("Max. Actually no, put both on, they'd quarrel", {"concepts": ["Max", "Lily"]}),
        ("both, and put a scarf on Max", {"prompt": "Max and Lily on a seesaw, a scarf on Max"}),
    ],
)
def test_an_answer_in_other_words(said: str, expected: dict[str, Any]) -> None:
    question = {"question": "Which child do you mean?", "options": ["Max", "Lily"], "text": "draw the kid on a seesaw"}
    kids = [{"name": "Max", "kind": "boy", "pronoun": "he"}, {"name": "Lily", "kind": "girl", "pronoun": "she"}]
    steps = steps_for(said, read_state({"concepts": kids, "pending": question}))
    assert isinstance(steps[0], Call) and expected.items() <= steps[0].args.items(), shown(steps)


def check_plan(text: str, state: State) -> None:
    """Any text leads to valid calls on things that exist, to one question, or to words."""
    steps = steps_for(text, state)
    assert steps
    if isinstance(steps[0], (Ask, Say)):
        assert len(steps) == 1
        assert steps[0].question if isinstance(steps[0], Ask) else steps[0].text
        return
    coming = [t.number for t in state.takes]
    names = {c.name for c in state.concepts}
    for step in steps:
        assert isinstance(step, Call)
        schema = ARGUMENTS[step.tool]
        assert set(step.args) <= set(schema) and REQUIRED.get(step.tool, set()) <= set(step.args)
        for name, value in step.args.items():
            assert isinstance(value, schema[name]), (step, name)
            assert value or isinstance(value, (bool, int)), (step, name)
        if step.tool in ("draw", "edit", "generate_ar", "generate_pta"):
            coming.append(max([*coming, state.newest or 0]) + 1)
        meant = [step.args[k] for k in ("take", "borrow_from", "rejected") if k in step.args]
        fresh = (state.newest or 0) + 1
        for number in [*meant, *step.args.get("takes", [])]:
            assert number in coming or number == fresh, step
        if step.tool == "teach":
            names.add(step.args["name"])
        if "concept" in step.args:
            assert step.args["concept"] in names, step
        assert set(step.args.get("concepts", [])) <= names, step
        if step.tool == "rename":
            names.add(step.args["name"])


WORDS = sorted({word for case in CASES for word in case["text"].split()}) + [
    "\x00", "\x1b[31m", "'", '"', "/", "#", "999", "\u202e", "🐶", "<state>", "</state>", "\ue000", "'s", "..",
]  # fmt: skip
STATES = [c["state"] for c in CASES[::12]] + [PLAIN, BUSY, {}]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14), st.sampled_from(STATES))
def test_any_words(words: list[str], state: dict[str, Any]) -> None:
    check_plan(" ".join(words), read_state(state))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(STATES))
def test_any_text(text: str, state: dict[str, Any]) -> None:
    check_plan(text, read_state(state))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["concepts", "takes", "newest", "head", "focus", "pending", "attached", "can_undo"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "kind", "number", "parent", "concepts", "question", "options", "text"]),
                    inner,
                )
            ),
            max_leaves=12,
        ),
    ),
    st.sampled_from(["now at night", "draw the dog", "yes", "compare 1 and 2", "undo", "forget him"]),
)
def test_any_state(state: dict[str, Any], text: str) -> None:
    assert steps_for(text, read_state(state))


@pytest.mark.parametrize(
    "text",
    ["a " * 50_000, "x" * 100_000, "and " * 25_000, "undo " * 20_000, "the second one " * 7_000, "already " * 300,
     "draw Biscuit " + "really " * 20_000, "'" * 100_000, "/" * 100_000, "no, " * 30_000, "take 1 and " * 10_000,
     "\x1b[" * 50_000, ". a" * 30_000, "a.jpg " * 20_000, "compare 1 and " * 8_000, "please " * 15_000,
     "in a " * 20, "in in " * 20, "a night, " * 20],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_huge_text_is_bounded_work(text: str) -> None:
    began = time.process_time()
    check_plan(text, read_state(BUSY))
    assert time.process_time() - began < 20  # far above what it takes; a runaway expression would need minutes


def test_huge_text_is_cut_and_said_so() -> None:
    text = "Biscuit on the beach, " + "sunny " * 2_000
    first = ask(text, BUSY)
    ((tool, args),) = calls(first)
    assert tool == "draw" and len(args["prompt"]) <= MAX_CHARS
    result = ToolMessage('{"ok": true, "take": 4}', tool_call_id=first.tool_calls[0]["id"] or "")
    assert "first 2,000 characters" in ask(text, BUSY, first, result).text


def test_control_characters_and_escapes_are_dropped() -> None:
    assert clean("now \x1b[31mat\x1b[0m\x07 night\u202e\u200b") == "now at night"
    assert calls(ask("now \x1b]0;title\x07at\r\nnight", BUSY)) == [("edit", {"take": 3, "instruction": "now at night"})]


def test_results_become_one_reply() -> None:
    first = ask("undo that and make it night", BUSY)
    assert calls(first) == [("undo", {}), ("edit", {"take": 2, "instruction": "make it night"})]
    ids = [call["id"] or "" for call in first.tool_calls]
    drawn = {
        "ok": True,
        "take": 4,
        "takes": [4],
        "method": "in_context",
        "seconds": 0.41,
        "scores": {"subject": 0.812, "text": 0.7},
        "note": "I can't draw 'zebra'; I drew the rest.",
    }
    reply = ask(
        "undo that and make it night", BUSY, first,
        ToolMessage('{"ok": true, "take": 2, "description": "Biscuit on the beach"}', tool_call_id=ids[0]),
        ToolMessage(json.dumps(drawn), tool_call_id=ids[1]),
    )  # fmt: skip
    assert not reply.tool_calls
    assert "take 2" in reply.text and "zebra" in reply.text
    assert "Take 4 is ready in 0.4 s: subject 0.81, text 0.70." in reply.text


@pytest.mark.parametrize(
    "content", ['{"ok": false, "error": "No take 9.", "hint": "Say takes."}', "Error: broken", "{", ""]
)
def test_errors_and_odd_results_are_said(content: str) -> None:
    first = ask("now at night", BUSY)
    reply = ask("now at night", BUSY, first, ToolMessage(content, tool_call_id=first.tool_calls[0]["id"] or ""))
    assert reply.text and not reply.tool_calls
    if "No take 9" in content:
        assert reply.text == "No take 9. Say takes."


def test_only_offered_tools_are_called() -> None:
    bound = OfflinePlanner().bind_tools([{"name": "draw"}, {"name": "ask_user"}])
    assert calls(ask("Biscuit at sea", BUSY, planner=bound)) == [
        ("draw", {"prompt": "Biscuit at sea", "concepts": ["Biscuit"]})
    ]
    refused = ask("Biscuit at sea with the adapter", BUSY, planner=bound)
    assert not refused.tool_calls and "not available" in refused.text


@pytest.mark.parametrize("text", ["undo that and make it night", "help", "draw Bisquit"])
def test_stream_says_the_same(text: str) -> None:
    messages = [system(BUSY), HumanMessage(text)]
    whole = OfflinePlanner().invoke(messages)
    parts = list(OfflinePlanner().stream(messages))
    joined = parts[0]
    for part in parts[1:]:
        joined += part
    assert isinstance(joined, AIMessageChunk)
    assert joined.text == whole.text
    assert calls(joined) == calls(whole)


async def test_async_says_the_same() -> None:
    answer = await OfflinePlanner().ainvoke([system(BUSY), HumanMessage("now at night")])
    assert calls(answer) == [("edit", {"take": 3, "instruction": "now at night"})]


def test_a_chain_of_questions_ends_in_the_first_request() -> None:
    empty: dict[str, Any] = {"concepts": [], "takes": []}
    first = ask("learn this: a.jpg", empty)
    assert calls(first)[0][0] == "ask_user"
    talk = [
        HumanMessage("learn this: a.jpg"),
        first,
        ToolMessage("{}", tool_call_id=first.tool_calls[0]["id"] or ""),
    ]
    pending = empty | {"pending": {"question": "What shall I call it?", "options": [], "text": "learn this: a.jpg"}}
    second = OfflinePlanner().invoke([system(pending), *talk, HumanMessage("you decide")])
    assert calls(second)[0][0] == "ask_user"
    talk += [HumanMessage("you decide"), second, ToolMessage("{}", tool_call_id=second.tool_calls[0]["id"] or "")]
    pending["pending"]["text"] = "you decide"
    third = OfflinePlanner().invoke([system(pending), *talk, HumanMessage("Momo, a rabbit")])
    assert calls(third) == [("teach", {"name": "Momo", "kind": "rabbit", "images": ["a.jpg"]})]


def test_without_state_or_sentence() -> None:
    assert OfflinePlanner().invoke([HumanMessage("hello")]).text
    assert OfflinePlanner().invoke([SystemMessage("no state here")]).text
    assert ask("   ", BUSY).text or ask("   ", BUSY).tool_calls


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("show me the first one", [("fork", {"take": 1})]),
        ("hey, can I see take 2 again please?", [("fork", {"take": 2})]),
        ("look at this one", [("fork", {"take": 3})]),
        ("show me it again", [("fork", {"take": 3})]),
        ("let me see it again", [("fork", {"take": 3})]),
        ("show me the picture again please", [("fork", {"take": 3})]),
        ("show me Biscuit again", [("fork", {"take": 3})]),
        ("draw it again", [("draw", {"prompt": BUSY["takes"][2]["description"], "concepts": ["Biscuit"]})]),
        ("show me Biscuit", [("draw", {"prompt": "Biscuit", "concepts": ["Biscuit"]})]),
        ("show me the first one, but at dawn", [("edit", {"take": 1, "instruction": "at dawn"})]),
    ],
)
def test_what_is_to_be_seen_is_shown(said: str, expected: list[tuple[str, dict[str, Any]]]) -> None:
    assert calls(ask(said, BUSY)) == expected


def test_what_was_asked_is_told_whole() -> None:
    long = "Biscuit on the beach in the evening, wearing sunglasses and a small golden crown, far away on the left"
    takes = [{**take, "description": long} if take["number"] == 1 else take for take in BUSY["takes"]]
    for said in ("what did I ask first?", "what was my first request", "describe the first one"):
        assert ask(said, {**BUSY, "takes": takes}).text == f"Take 1: {long}."
    assert "the newest is 3" in ask("show me take 9", BUSY).text


@pytest.mark.parametrize(
    ("said", "tool", "words"),
    [
        ("make a dragon in the forest", "draw", "a dragon in the forest"),
        ("make a cat in the snow", "draw", "a cat in the snow"),
        ("now make a red car and a mug on the farm please", "draw", "a red car and a mug on the farm"),
        ("make him a king", "edit", "make him a king"),
        ("make it a dragon", "edit", "make it a dragon"),
        ("make a hat for him", "edit", "make a hat for him"),
        ("make a dragon in the background", "edit", "make a dragon in the background"),
        ("make a snowman next to him", "edit", "make a snowman next to him"),
        ("make a bigger dog", "edit", "make a bigger dog"),
        ("what about a forest at night?", "edit", "a forest at night"),
        ("what about the city?", "edit", "the city"),
        ("hmm, how about in the snow instead?", "edit", "in the snow"),
        ("what about a cat in the snow?", "draw", "a cat in the snow"),
        ("what about Luna in the city?", "draw", "Luna in the city"),
        ("what about a kitty", "draw", "a kitty"),
        ("same, in the rain", "edit", "in the rain"),
        ("now it's night time", "edit", "night time"),
        ("put Biscuit by a volcano", "edit", "put Biscuit by a volcano"),
        ("now its night time and he is sleepy", "edit", "night time and he is sleepy"),
        ("it's snowing and Biscuit has a scarf", "edit", "snowing and Biscuit has a scarf"),
        ("draw a hat on Biscuit", "edit", "draw a hat on Biscuit"),
        ("please paint a golden crown on Biscuit.", "edit", "paint a golden crown on Biscuit"),
        ("draw a picture of a hat on Biscuit", "draw", "a hat on Biscuit"),
    ],
)
def test_a_new_picture_or_the_same_in_another_place(said: str, tool: str, words: str) -> None:
    [(called, args)] = calls(ask(said, BUSY))
    assert (called, args["prompt" if tool == "draw" else "instruction"]) == (tool, words)
    assert tool == "draw" or args["take"] == 3


@pytest.mark.parametrize(
    ("said", "tool"),
    [
        ("draw a hat on the frog", "edit"), ("paint a big red crown on that little robot.", "edit"),
        ("draw a cat on the boat", "draw"), ("draw a cat on the beach", "draw"),
        ("the robot under an umbrella", "edit"),
    ],
)  # fmt: skip
def test_words_for_the_figure_of_a_picture_that_nobody_has_taught(said: str, tool: str) -> None:
    takes = [{**take, "concepts": []} for take in BUSY["takes"]]
    [(called, args)] = calls(ask(said, {**BUSY, "takes": takes, "focus": None}))
    assert called == tool and (tool == "draw" or args["take"] == 3)


@pytest.mark.parametrize("said", ["make a change", "Oh dear, Biscuit looks rather strange, can you mend him"])
def test_a_change_without_a_word_of_what_is_asked_about(said: str) -> None:
    assert calls(ask(said, BUSY))[0][0] == "ask_user"


def test_a_stranger_with_an_at_sign_is_asked_about() -> None:
    asked = calls(ask("Biscuit and @Foo in the snow", BUSY))[0][1]
    assert asked["question"] == "I do not know @Foo; I know Luna and Sunny."
    assert "did you mean Luna?" in calls(ask("@Lunna on the beach", BUSY))[0][1]["question"]
    chain = [system({**BUSY, "pending": {"text": "Biscuit and @Foo in the snow", **asked}})]
    answered = OfflinePlanner().invoke([*chain, HumanMessage("Luna")])
    assert calls(answered) == [("draw", {"prompt": "Biscuit and Luna in the snow", "concepts": ["Biscuit", "Luna"]})]
    assert calls(ask("@biscuit in the snow", BUSY))[0][1]["concepts"] == ["Biscuit"]
    assert calls(ask("rename Luna to @Moon", BUSY)) == [("rename", {"concept": "Luna", "name": "Moon"})]
    assert "ask_user" not in dict(calls(ask("write me@home.org on the mug", BUSY)))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Biscuit, forest, sunset", [("draw", {"prompt": "Biscuit, forest, sunset", "concepts": ["Biscuit"]})]),
        ("i want 2 luna", [("draw", {"prompt": "Luna", "concepts": ["Luna"], "count": 2})]),
        ("I want two Biscuits please", [("draw", {"prompt": "Biscuit", "concepts": ["Biscuit"], "count": 2})]),
        ("compare 1 2", [("compare", {"takes": [1, 2]})]),
        ("Not quite dear, I meant a blue one", [("edit", {"take": 3, "instruction": "a blue hat"})]),
        ("no, a yellow one please", [("edit", {"take": 3, "instruction": "a yellow hat"})]),
        ("I don't want the hat, take it off", [("edit", {"take": 3, "instruction": "without the hat"})]),
        ("first one + bow tie", [("edit", {"take": 1, "instruction": "with bow tie"})]),
        ("delete 1", []),
    ],
)
def test_few_words_are_enough(said: str, expected: list[tuple[str, dict[str, Any]]]) -> None:
    assert calls(ask(said, BUSY)) == expected


def test_a_seed_alone_draws_once_more() -> None:
    [(tool, args)] = calls(ask("seed 42", BUSY))
    assert tool == "draw" and args["seed"] == 42 and args["concepts"] == ["Biscuit"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I should like to print it, how do I do that?", "limner show 3 --out"),
        ("save the picture", "limner show 3 --out"),
        ("export 2", "limner show 2 --out"),
        ("what means subject 0.97?", "likeness"),
        ("show me what you can do", "I learn your subjects"),
        ("goodnight dear", "Goodbye"),
        ("delete 1", "limner delete 1"),
    ],
)
def test_what_is_asked_about_is_told(said: str, told: str) -> None:
    message = ask(said, BUSY)
    assert told in message.text and not message.tool_calls


def test_what_nobody_is_called_is_not_said_to_be_known() -> None:
    near = [{"name": "Luna", "kind": "cat", "similarity": 0.2}]
    found = {"ok": True, "concepts": near, "taught": 1}
    assert reply([("recall", {"query": "dragon"}, json.dumps(found))]).startswith("I know nothing by that name")
    known = {"name": "Biscuit", "kind": "dog", "references": 3, "attributes": ["longer ears"], "liked": 1}
    said = reply([("recall", {"query": "Biscuit"}, json.dumps(found | {"concepts": [known]}))])
    assert said == "I know Biscuit (dog) from 3 pictures: longer ears; you liked 1 of its takes."
    seen = found | {"takes": [{"take": 4, "shows": "a dragon"}, {"take": 2, "shows": "a dragon"}]}
    assert reply([("recall", {"query": "dragon"}, json.dumps(seen))]) == "You asked for that in takes 2 and 4."


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("yes please train", [("finetune_lora", {"concept": "Biscuit"})]),
        ("ok go", [("finetune_lora", {"concept": "Biscuit"})]),
        ("show me the first one", [("fork", {"take": 1})]),
        ("what about the city?", [("edit", {"take": 3, "instruction": "the city"})]),
        ("why?", []),
        ("what does subject mean?", []),
    ],
)
def test_beside_a_question_of_a_tool_everything_else_is_read_for_itself(said: str, expected: list[Any]) -> None:
    asked = {"question": "Shall I train on Biscuit (lora)?", "options": ["Yes", "No"], "text": "give him a hat"}
    messages = [system({**BUSY, "pending": asked}), HumanMessage("give him a hat"), AIMessage(asked["question"])]
    assert calls(OfflinePlanner().invoke([*messages, HumanMessage(said)])) == expected


def test_a_request_beside_a_question_about_pairs_is_one() -> None:
    asked = {"question": "Which takes shall I compare?", "options": ["2 and 3", "1 and 3"], "text": "which is nicest?"}
    said = "I think the first one was better, could we go back to that"
    assert calls(ask(said, {**BUSY, "pending": asked})) == [("fork", {"take": 1})]
    assert calls(ask("2 and 3", {**BUSY, "pending": {**asked, "text": "compare them"}}))[0][0] == "compare"


def test_one_of_two_leaves_the_picture_and_is_not_forgotten() -> None:
    two = {**BUSY["takes"][-1], "concepts": ["Biscuit", "Luna"]}
    state = {**BUSY, "takes": [*BUSY["takes"][:-1], two]}
    for said, gone in (("remove Luna", "remove Luna"), ("Please get rid of Luna!", "get rid of Luna")):
        assert calls(ask(said, state)) == [("edit", {"take": 3, "instruction": gone})]
    assert [name for name, _ in calls(ask("forget Luna", state))] == ["forget"]


HOW = {"question": "How shall I change it? Say what it should look like instead.", "options": []}


@pytest.mark.parametrize(
    ("first", "said", "instruction"),
    [
        ("change his ears", "bluer", "make his ears bluer"),
        ("change his ears", "make them longer", "make his ears longer"),
        ("colour his ears", "to blue", "make his ears blue"),
        ("change his ears", "put him in the snow", "put him in the snow"),
        ("make it better", "make it night", "make it night"),
        ("swap them", "a crown", "a crown"),
        ("change it", "bluer", "bluer"),
    ],
)
def test_how_a_change_is_meant_is_what_is_changed(first: str, said: str, instruction: str) -> None:
    assert calls(ask(first, BUSY))[0][1]["question"] == HOW["question"]
    state = {**BUSY, "pending": {**HOW, "text": first}}
    assert calls(ask(said, state)) == [("edit", {"take": 3, "instruction": instruction})]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("why is he blue?", ["take 2 with “Biscuit at sea”, then “make him blue”", "You said “blue” for take 2",
                             "drawn with ip_adapter", "do not find “at sea” in it. Say what to change."]),
        ("why did you paint the sky green?", ["Nothing in the words says “green”; if it is so, the model chose it",
                                                "pictures of Biscuit. It was drawn", "in it. Say what to change."]),
        ("but why does it look like that?", ["“make him blue”", "the model chooses", "in it. Say what to change."]),
        ("why is it so dark?", ["Nothing in the words says “dark”", "Say what to change, as in “make it brighter”."]),
        ("why is there no hat?", ["did not say “hat”.", "“add a hat”"]),
        ("why isn't he red in take 1?", ["take 1 with “Biscuit at sea”.", "did not say “red”.", "“make him red”"]),
    ],
)  # fmt: skip
def test_why_is_told_from_the_record(said: str, told: list[str]) -> None:
    first = {"number": 1, "prompt": "Biscuit at sea", "concepts": ["Biscuit"], "method": "in_context"}
    second = {"number": 2, "parent": 1, "origin": "edit", "prompt": "make him blue", "concepts": ["Biscuit"],
              "method": "ip_adapter", "missing": ["at sea"]}  # fmt: skip
    message = ask(said, {"concepts": [{"name": "Biscuit", "kind": "dog", "pronoun": "he"}], "takes": [first, second]})
    assert not message.tool_calls
    for part in told:
        assert part in message.text, message.text


@pytest.mark.parametrize("said", ["swap them", "Swap Biscuit and Luna.", "let them change places", "swap the two"])
def test_two_change_places(said: str) -> None:
    both = {"number": 1, "prompt": "Biscuit and Luna at sea", "concepts": ["Biscuit", "Luna"]}
    state = {"concepts": [{"name": "Biscuit", "kind": "dog"}, {"name": "Luna", "kind": "cat"}], "takes": [both]}
    assert calls(ask(said, state)) == [("edit", {"take": 1, "instruction": said.strip(".")})]


@pytest.mark.parametrize("before", ["", "Make it snow. ", "Here is a drawing of mine. ", "This is my fox. "])
def test_its_ears_are_those_of_the_picture_that_came_along(before: str) -> None:
    for known in ([], BUSY["concepts"]):
        state = {"concepts": known, "takes": BUSY["takes"][:1] if known else [], "attached": ["/tmp/a.png"]}
        ((tool, args),) = calls(ask(f"{before}Paint its ears and muzzle rosy pink.", state))
        assert tool == "edit" and args["take"] == (2 if known else 1)
        assert args["instruction"].endswith("Paint its ears and muzzle rosy pink")


@pytest.mark.parametrize("said", ["why?", "why did you do that?", "how come?"])
def test_why_is_no_change(said: str) -> None:
    assert not calls(ask(said, {**BUSY, "pending": {**HOW, "text": "swap them"}}))


@pytest.mark.parametrize("said", ["that's Pip, remember her", "remember the cat in #2 as Pip"])
def test_who_is_to_be_remembered_is_not_forgotten(said: str) -> None:
    cat = {"number": 2, "description": "a red cat in the forest", "concepts": []}
    state = {**BUSY, "concepts": BUSY["concepts"][:1], "takes": [BUSY["takes"][0], cat], "newest": 2, "head": 2}
    ((tool, args),) = calls(ask(said, state))
    assert tool == "teach" and args == {"name": "Pip", "kind": "cat", "takes": [2]}


TWO = {
    "takes": [
        {"number": 1, "prompt": "a red dragon in the forest"},
        {"number": 2, "prompt": "a dog and a cat on the beach"},
        {"number": 3, "prompt": "a small dragon at night", "parent": 1, "origin": "edit"},
    ]
}


@pytest.mark.parametrize(
    ("said", "learned"),
    [
        ("keep this one as Fizz", {"name": "Fizz", "kind": "dragon", "takes": [3]}),
        ("Great, remember him as bo please!", {"name": "bo", "kind": "dragon", "takes": [3]}),
        ("call her Luna and remember her", {"name": "Luna", "kind": "dragon", "takes": [3]}),
        ("call this one Luna and keep it", {"name": "Luna", "kind": "dragon", "takes": [3]}),
        ("this is Fizz, remember him", {"name": "Fizz", "kind": "dragon", "takes": [3]}),
        ("This is Fizz. Remember him.", {"name": "Fizz", "kind": "dragon", "takes": [3]}),
        ("save him, his name is Old Bo", {"name": "Old Bo", "kind": "dragon", "takes": [3]}),
        ("learn this one as Bo, he is a bear", {"name": "Bo", "kind": "bear", "takes": [3]}),
        ("save the dog of take 2 as Rex", {"name": "Rex", "kind": "dog", "takes": [2]}),
        ("remember the cat as Pip", {"name": "Pip", "kind": "cat", "takes": [2]}),
        ("remember the dragon in 1 and 3 as Fizz", {"name": "Fizz", "kind": "dragon", "takes": [1, 3]}),
        ("learn Fizz from take 1", {"name": "Fizz", "kind": "dragon", "takes": [1]}),
        ('save this as "Sir Fizz"', {"name": "Sir Fizz", "kind": "dragon", "takes": [3]}),
    ],
)
def test_a_drawn_figure_is_kept(said: str, learned: dict[str, Any]) -> None:
    assert calls(ask(said, TWO)) == [("teach", learned)]


@pytest.mark.parametrize(
    ("first", "question", "said", "learned"),
    [
        ("keep the picture of take 2 as Rex", "the dog or the cat", "the cat", {"kind": "cat", "takes": [2]}),
        ("remember this dragon", "call the dragon", "Fizz", {"name": "Fizz", "kind": "dragon", "takes": [3]}),
    ],
)
def test_what_is_kept_is_asked(first: str, question: str, said: str, learned: dict[str, Any]) -> None:
    ((tool, args),) = calls(ask(first, TWO))
    assert tool == "ask_user" and question in args["question"]
    pending = {"question": args["question"], "options": args.get("options", []), "text": first}
    ((tool, args),) = calls(ask(said, {**TWO, "pending": pending}))
    assert tool == "teach" and learned.items() <= args.items()


@pytest.mark.parametrize(
    "said",
    ["keep it as a postcard", "keep her as she is", "save this as a png", "keep the hat as it was", "keep this one",
     "keep it as simple as possible", "keep this version as the background", "add it as a hat"],
)  # fmt: skip
def test_a_picture_is_not_taken_for_a_name(said: str) -> None:
    assert {tool for tool, _ in calls(ask(said, TWO))} <= {"edit", "fork", "rate"}


def test_who_is_kept_is_known_at_once() -> None:
    for said in (". keep him as Fizz", " and keep him as Fizz", ", then call him Fizz and remember him"):
        assert calls(ask(f"a dragon in the forest{said}", {})) == [
            ("draw", {"prompt": "a dragon in the forest"}),
            ("teach", {"name": "Fizz", "kind": "dragon", "takes": [1]}),
        ]
    kept, drawn = calls(ask("keep him as Fizz and draw him on the beach", TWO))
    assert kept[0] == "teach" and drawn == ("draw", {"prompt": "Fizz on the beach", "concepts": ["Fizz"]})


def test_who_is_no_longer_remembered_is_forgotten() -> None:
    assert calls(ask("you can stop remembering Biscuit", BUSY)) == [("forget", {"concept": "Biscuit"})]


PAIR = {
    "concepts": [{"name": "Biscuit", "kind": "dog", "pronoun": "he"}, {"name": "Luna", "kind": "cat"}],
    "takes": [{"number": 1, "description": "Biscuit and a cat at sea", "concepts": ["Biscuit"], "others": ["a cat"]}],
    "newest": 1, "head": 1, "focus": ["Biscuit"],
}  # fmt: skip


@pytest.mark.parametrize("said", ["remove the cat", "swap them", "put them in the snow", "make the cat blue"])
def test_who_is_there_is_nobody_who_was_taught(said: str) -> None:
    assert calls(ask(said, PAIR)) == [("edit", {"take": 1, "instruction": said})]


@pytest.mark.parametrize("said", ["draw Luna next to him", "Luna next to him", "add Luna beside him"])
def test_somebody_comes_to_the_one_who_is_there(said: str) -> None:
    alone = {**PAIR, "takes": [{"number": 1, "description": "Biscuit at sea", "concepts": ["Biscuit"]}]}
    ((tool, args),) = calls(ask(said, alone))
    assert tool == "edit" and args["take"] == 1 and args["concepts"] == ["Luna"]


@pytest.mark.parametrize("said", ["a person in the snow", "a girl with a hat", "a kid holding a red balloon"])
def test_a_figure_in_a_place_is_a_new_picture(said: str) -> None:
    assert calls(ask(said, PAIR)) == [("draw", {"prompt": said})]


@pytest.mark.parametrize(
    "said",
    ["draw a hat on it", "draw sunglasses on him", "paint a crown on the rabbit", "draw a scarf round its neck",
     "sketch a tree behind it", "draw a hat on the dog"],
)  # fmt: skip
def test_what_is_drawn_on_a_picture_changes_it(said: str) -> None:
    ((tool, args),) = calls(ask(said, {**PAIR, "attached": ["/tmp/rabbit.png"]}))
    assert tool == "edit" and args["take"] == 2 and "concepts" not in args
    if "it" in said.split()[-1:]:
        assert calls(ask(said, PAIR))[0][0] == "edit"


def test_a_can_is_no_question() -> None:
    files = ["/tmp/1.png", "/tmp/2.png"]
    learned = ("teach", {"name": "Whaley", "kind": "can", "images": files})
    assert calls(ask("this can is Whaley", {**PAIR, "attached": files})) == [learned]
    assert calls(ask("this can is Luna", {**PAIR, "attached": files})) != [
        ("teach", {"name": "Luna", "kind": "can", "images": files})
    ]


@pytest.mark.parametrize(
    ("said", "instruction"),
    [
        ("no not at night, at sunset", "at sunset"),
        ("not in the city, but in the snow please", "in the snow"),
        ("no, not a hat, a crown", "a crown instead of the hat"),
        ("not the crown but a hat for Biscuit", "a hat for Biscuit instead of the crown"),
        ("Biscuit left, Luna right", "Biscuit left, Luna right"),
    ],
)
def test_not_this_but_that(said: str, instruction: str) -> None:
    both = {"number": 1, "description": "Luna and Biscuit at sea", "concepts": ["Luna", "Biscuit"]}
    assert calls(ask(said, {**PAIR, "takes": [both]})) == [("edit", {"take": 1, "instruction": instruction})]


@pytest.mark.parametrize(
    ("said", "sorry"),
    [
        ("Zeichne Biscuit am Strand", "nur Englisch"), ("jetzt bei Nacht", "nur Englisch"),
        ("dessine Biscuit dans la neige", "l'anglais"), ("el perro en la playa", "inglés"),
        ("disegna un gatto nella neve", "l'inglese"),
    ],
)  # fmt: skip
def test_another_language_is_refused_in_it(said: str, sorry: str) -> None:
    message = ask(said, PAIR)
    assert not message.tool_calls and sorry in message.text and "“Biscuit on the beach, at night”" in message.text
    strange = {**PAIR, "unknown_words": ["fliegt", "zum", "mond"]}
    assert not calls(ask("Biscuit fliegt zum Mond", strange))


@pytest.mark.parametrize(
    "said", ["Biscuit in El Paso", "draw Biscuit at the Moulin Rouge with a beret", "a cat in Las Vegas at night"]
)
def test_foreign_names_are_no_language(said: str) -> None:
    assert calls(ask(said, PAIR))[0][0] in ("draw", "edit")


def test_the_second_of_those_just_drawn() -> None:
    some = [{"number": n, "prompt": "Biscuit at sea", "concepts": ["Biscuit"]} for n in (2, 3, 4)]
    state = {**PAIR, "takes": [PAIR["takes"][0], *some], "newest": 4, "head": 4}
    for said, take in (("the second one at night", 3), ("the first one but with a hat", 2), ("take 2 at night", 2)):
        ((tool, args),) = calls(ask(said, state))
        assert (tool, args["take"]) == ("edit", take)
    assert calls(ask("go back to the first one", state)) == [("fork", {"take": 1})]
    assert calls(ask("the second one at night", {**state, "head": 1}))[0][1]["take"] == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("how did you draw this?", "“Biscuit at sea”. It was drawn with ip_adapter."),
        ("which method did you use?", "drawn with ip_adapter"),
        ("who is in this picture?", "Take 1: Biscuit at sea."),
    ],
)
def test_how_it_was_made_and_who_is_in_it(said: str, told: str) -> None:
    drawn = {"number": 1, "prompt": "Biscuit at sea", "concepts": ["Biscuit"], "method": "ip_adapter"}
    message = ask(said, {**PAIR, "takes": [drawn]})
    assert not message.tool_calls and told in message.text
