"""Every router of the API, in the order of the docs."""

from fastapi import APIRouter

from api import (
    budget_choices,
    callbacks,
    catalogs,
    contradictions,
    files,
    health,
    inbox,
    indicators,
    policies,
    policy_unit,
    province_slot,
    runs,
    trail,
)

ROUTERS: tuple[APIRouter, ...] = (
    catalogs.router,
    files.router,
    policy_unit.router,
    policies.router,
    budget_choices.router,
    indicators.router,
    province_slot.router,
    contradictions.router,
    inbox.router,
    runs.router,
    trail.router,
    callbacks.router,
    health.router,
)
