"""Temporal's own cluster on this machine: its roles as processes apart, on a PostgreSQL of their own, with mTLS."""
