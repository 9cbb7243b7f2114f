"""Everything with tensors, and everything the agent may call."""
