"""The conversation: the log, the input, progress, questions."""
