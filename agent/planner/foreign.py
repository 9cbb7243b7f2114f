"""Sentences in another language than English: the planner says so in that language, and draws nothing."""

from __future__ import annotations

import re

from .state import Say, State

_LANGUAGES: dict[str, tuple[str, str, str]] = {
    "German": (
        "der das und mit zum zur ein eine einen einem ist nicht auf dem bitte jetzt ich kannst warum noch strand nacht "
        "wald schnee mach mache zeig mir ihn ihm ihr sie wie wer wo auch ohne wieder zurück rückgängig größer kleiner",
        "zeichne male zeichnen",
        "Ich verstehe leider nur Englisch.",
    ),
    "French": (
        "le les une avec dans sur aux est fais moi je et neige plage maintenant nuit mets montre mon ma mes pas lui "
        "elle sans encore plus forêt peux tu chien chat chapeau du des",
        "dessine dessinez dessiner peins",
        "Je ne comprends que l'anglais, désolé.",
    ),
    "Spanish": (
        "el los las una con por favor ahora playa noche nieve en haz pon quiero puedes perro gato sombrero y",
        "dibuja dibújame pinta dibujar",
        "Lo siento, solo entiendo inglés.",
    ),
    "Italian": (
        "il gli nel nella sulla con una per favore adesso notte spiaggia neve voglio puoi cane gatto cappello metti "
        "fai",
        "disegna disegnami disegnare dipingi",
        "Mi dispiace, capisco solo l'inglese.",
    ),
}


def foreign(text: str, state: State) -> Say | None:
    """What to say to a sentence in another language; `None` of one in English, as far as a few small words tell."""
    names = {word for concept in state.concepts for word in re.findall(r"[^\W\d_]+", concept.name.lower())}
    words = [word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in names]
    strange = {word for words in state.unknown_words for word in re.findall(r"[^\W\d_]+", words.lower())}
    for said, orders, sorry in _LANGUAGES.values():
        small, verbs = set(said.split()), set(orders.split())
        found = {word for word in words if word in small | verbs}
        nothing_else = found and len(words) > 1 and all(word in strange | found for word in words)
        if len(found) > 2 or (len(found) > 1 and 2 * len(found) >= len(words)) or found & verbs or nothing_else:
            who = state.concepts[0].name if state.concepts else "a cat"
            return Say(f"{sorry} I only understand English: say “{who} on the beach, at night”.", weak=False)
    return None
