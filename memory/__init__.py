"""What is remembered: concepts, takes, sessions. Pure values and their store; knows no model."""
