"""Engines of tests: what SQLAlchemy has compiled for one is there for the next one at the same database.

A process of the product has its engines for as long as it lives. Each test has its own, and compiling all its
statements anew takes nearly as long as they do.
"""

from copy import copy
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.ext.asyncio import create_async_engine as make_engine

_first: dict[str, AsyncEngine] = {}


def create_async_engine(url: str, **options: Any) -> AsyncEngine:
    """In the place of SQLAlchemy's: connections and listeners of its own, dialect and compiled statements as before."""
    known = f"{url} {options}"
    if known not in _first:
        _first[known] = make_engine(url, **options)
    engine = copy(_first[known].sync_engine)
    engine.pool = engine.pool.recreate()
    return AsyncEngine(engine)
