"""Every test; flat, one file per subject."""
