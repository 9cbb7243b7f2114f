"""What a sentence may want, one family of intents a file."""
