"""How well a picture does: subject fidelity, text alignment, copying."""
