"""Two themes: gold on ink, and ink on paper."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="limner-dark",
    primary="#dca54c",
    secondary="#7fa6c9",
    accent="#d67a8f",
    success="#8fb573",
    warning="#e0b04f",
    error="#e0707a",
    foreground="#e8e3d8",
    background="#14151a",
    surface="#1a1c22",
    panel="#24272f",
    dark=True,
    variables={
        "footer-key-foreground": "#dca54c",
        "input-selection-background": "#dca54c 30%",
        "block-cursor-background": "#4a3f2a",
        "block-cursor-foreground": "#f4efe4",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#2d3038",
        "block-cursor-blurred-foreground": "#e8e3d8",
        "scrollbar": "#3a3d47",
        "scrollbar-hover": "#5a5348",
        "scrollbar-active": "#dca54c",
        "scrollbar-background": "#1a1c22",
        "scrollbar-background-hover": "#1a1c22",
        "scrollbar-background-active": "#1a1c22",
    },
)
LIGHT = Theme(
    name="limner-light",
    primary="#8a5210",
    secondary="#2b5f88",
    accent="#a03350",
    success="#43702d",
    warning="#96650a",
    error="#a8323c",
    foreground="#2b2720",
    background="#fbf8f1",
    surface="#f4efe4",
    panel="#e9e2d3",
    dark=False,
    variables={
        "footer-key-foreground": "#8a5210",
        "input-selection-background": "#8a5210 25%",
        "block-cursor-background": "#e6d3b0",
        "block-cursor-foreground": "#2b2720",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e9e2d3",
        "block-cursor-blurred-foreground": "#2b2720",
        "scrollbar": "#cfc5b2",
        "scrollbar-hover": "#b9a888",
        "scrollbar-active": "#8a5210",
        "scrollbar-background": "#f4efe4",
        "scrollbar-background-hover": "#f4efe4",
        "scrollbar-background-active": "#f4efe4",
    },
)
THEMES = (DARK, LIGHT)
