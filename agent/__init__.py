"""The dialogue: the planner, the session, and the public Python interface."""
