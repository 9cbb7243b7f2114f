"""`limner bench rounds`: whole conversations, and what is left of a picture after ten edits.

A trial has two stages. "talk": ten turns with the agent (draw, edits, undo, a branch, a borrowed thing, two subjects,
a correction), each picture judged against the scene it should show. "drift": a rendered picture is attached and
edited ten times; the change outside the region that the renderer says must change is measured a round.
"""
