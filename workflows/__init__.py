"""The story: one long-lived workflow a file; deterministic, ids only."""
