"""One short friendly reply from what the tools have answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...tools.words import listed

Result = Mapping[str, Any]


def reply(results: Sequence[tuple[str, Mapping[str, Any], str]]) -> str:
    """A sentence or two for `results`: per tool call its name, arguments and answer (JSON text)."""
    said: list[str] = []
    for tool, args, content in results:
        answer = decode(content)
        text = _failure(answer) if answer.get("ok") is False else _SAYINGS.get(tool, _plain)(args, answer)
        note = answer.get("note")
        parts = [text, str(note).strip()] if note and answer.get("ok") is not False else [text]
        said += [part for part in parts if part and part not in said]
    return " ".join(said) or "Done."


def decode(content: str) -> Result:
    """A tool's answer; text that is no JSON object is an answer too, and an error only when it says so."""
    try:
        data = json.loads(content)
    except ValueError:
        data = None
    if isinstance(data, dict):
        return data
    text = content.strip()
    return {"ok": False, "error": text} if text.lower().startswith("error") else {"ok": True, "note": text}


def _failure(answer: Result) -> str:
    error = str(answer.get("error") or "That did not work.").strip()
    hint = str(answer.get("hint") or "").strip()
    return f"{error} {hint}".strip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _made(args: Result, answer: Result) -> str:
    takes = _list(answer.get("takes")) or [answer.get("take", "?")]
    text = f"Take {takes[0]} is ready" if len(takes) == 1 else f"Takes {listed(takes)} are ready"
    if isinstance(answer.get("seconds"), (int, float)):
        text += f" in {answer['seconds']:.1f} s"
    scores = answer.get("scores")
    known = [
        f"{name} {scores[name]:.2f}"
        for name in ("subject", "text")
        if isinstance(scores, Mapping) and isinstance(scores.get(name), (int, float))
    ]
    if known:
        text += f"{': ' if len(takes) == 1 else f'; take {takes[-1]}: '}{', '.join(known)}"
    text += "."
    return " ".join([text, *_verdict(answer)])


def _verdict(answer: Result) -> list[str]:
    """What the scores led to: a copy, what is missing, which rungs were tried and why."""
    said = []
    missing = [f"“{word}”" for word in _list(answer.get("missing"))]
    if reason := answer.get("reason"):
        said.append(f"{str(reason)[0].upper()}{str(reason)[1:]}.")
    if answer.get("verdict") == "copied":
        said.append("It is a copy of a reference, so it does not count as a new picture.")
    elif missing and not reason:
        said.append(f"I cannot find {listed(missing)} in it.")
    return said


def _at(args: Result, answer: Result) -> str:
    if "take" not in answer:
        return ""
    shown = answer.get("description")
    return f"You are at take {answer['take']}" + (f": {shown}." if shown else ".")


def _compared(args: Result, answer: Result) -> str:
    lines = []
    for pair in _list(answer.get("pairs")):
        if not isinstance(pair, Mapping):
            continue
        text = f"Takes {listed(_list(pair.get('takes')))}"
        if isinstance(pair.get("similarity"), (int, float)):
            text += f" have a similarity of {pair['similarity']:.2f}"
        if isinstance(pair.get("changed"), (int, float)):
            text += f"; {pair['changed']:.0%} of the pixels differ"
        if pair.get("better"):
            text += f"; take {pair['better']} scores higher"
        lines.append(text + ".")
    return " ".join(lines) or f"Takes {listed(_list(args.get('takes')))} are compared."


def _rated(args: Result, answer: Result) -> str:
    take = answer.get("take", args.get("take"))
    if args.get("liked"):
        return f"Glad you like take {take}; I noted it."
    return f"Noted: take {take} is not right. Tell me what to change, or say undo."


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _taught(args: Result, answer: Result) -> str:
    name, kind, count = answer.get("concept", args.get("name")), answer.get("kind"), answer.get("references")
    text = f"I have learned {name}" + (f", {_article(str(kind))}" if kind else "")
    if takes := _list(args.get("takes")):
        text += f", from take{'' if len(takes) == 1 else 's'} {listed(takes)}"
    elif isinstance(count, int):
        text += f", from {count} picture{'' if count == 1 else 's'}"
    return f"{text}. Tell me where to draw it." if kind else f"{text}."


def _refined(args: Result, answer: Result) -> str:
    name = answer.get("concept", args.get("concept"))
    changes = [str(item) for item in _list(args.get("add"))]
    changes += [f"no {item}" for item in _list(args.get("remove"))]
    if args.get("rejected"):
        changes.append(f"not like take {args['rejected']}")
    version = f" (version {answer['version']})" if answer.get("version") else ""
    return f"Noted for {name}{version}: {listed(changes)}." if changes else f"{name} is corrected{version}."


def _renamed(args: Result, answer: Result) -> str:
    return (
        f"{answer.get('was', args.get('concept'))} is now called {answer.get('concept', args.get('name'))}."
    )


def _forgot(args: Result, answer: Result) -> str:
    return f"I have forgotten {answer.get('concept', args.get('concept'))}."


def _reverted(args: Result, answer: Result) -> str:
    version = f" (now version {answer['version']})" if answer.get("version") else ""
    return f"{answer.get('concept', args.get('concept'))} is as before{version}."


def _recalled(args: Result, answer: Result) -> str:
    found = [c for c in _list(answer.get("concepts")) if isinstance(c, Mapping)]
    if not found:
        if answer.get("taught"):
            return "I know nothing that fits."
        return "I have not learned anything yet. Show me pictures of a subject and tell me its name."
    takes = [t["take"] for t in _list(answer.get("takes")) if isinstance(t, Mapping) and "take" in t]
    if args.get("query") and all("similarity" in concept for concept in found):  # nobody is called so
        if takes:
            return f"You asked for that in take{'s' if len(takes) > 1 else ''} {listed(sorted(takes))}."
        return f"I know nothing by that name; the nearest may be {found[0].get('name')}."
    lines = []
    for concept in found[:12]:
        line = f"{concept.get('name')}" + (f" ({concept['kind']})" if concept.get("kind") else "")
        if len(found) <= 3:
            if shown := concept.get("references"):
                line += f" from {shown} picture{'s' if shown != 1 else ''}"
            if facts := _list(concept.get("attributes")):
                line += f": {listed(facts)}"
            if never := _list(concept.get("never")):
                line += f"; never {listed(never)}"
            if verdicts := [f"{said} {concept[said]}" for said in ("liked", "disliked") if concept.get(said)]:
                line += f"; you {listed(verdicts)} of its takes"
            if isinstance(concept.get("similarity"), (int, float)):
                line += f", similarity {concept['similarity']:.2f}"
        lines.append(line)
    more = f" and {len(found) - 12} more" if len(found) > 12 else ""
    return f"I know {listed(lines)}{more}."


def _plain(args: Result, answer: Result) -> str:
    return "" if answer.get("note") else "Done."


_SAYINGS: dict[str, Callable[[Result, Result], str]] = {
    "draw": _made,
    "edit": _made,
    "generate_ar": _made,
    "generate_pta": _made,
    "undo": _at,
    "redo": _at,
    "fork": _at,
    "compare": _compared,
    "rate": _rated,
    "teach": _taught,
    "refine": _refined,
    "rename": _renamed,
    "forget": _forgot,
    "revert": _reverted,
    "recall": _recalled,
    "ask_user": lambda args, answer: str(args.get("question", "")),
}
