"""The hands: every side effect, one thing each."""
