"""The terminal chat. Draws events, sends words; decides nothing of the agent's. The only home of textual."""
