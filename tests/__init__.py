"""Every test; flat, one file per file under test."""
