"""All tables: importing this fills the metadata, which a foreign key needs to find its target."""

from models.tables import (
    applications,
    batches,
    cards,
    catalogs,
    flows,
    loads,
    payments,
    people,
    policies,
    records,
    register,
    tallies,
    years,
)
from models.tables.base import metadata

__all__ = [
    "applications",
    "batches",
    "cards",
    "catalogs",
    "flows",
    "loads",
    "metadata",
    "payments",
    "people",
    "policies",
    "records",
    "register",
    "tallies",
    "years",
]
