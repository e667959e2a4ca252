"""Rules: value in, value out."""
