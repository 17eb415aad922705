"""Every module of pages, in the order of the menu."""

from fastapi import APIRouter

from api.pages import (
    applications,
    budget_choices,
    citizen,
    citizen_change,
    citizen_matters,
    citizen_sign_in,
    evidence_requirements,
    flows,
    home,
    indicators,
    policies,
    static,
)

ROUTERS: tuple[APIRouter, ...] = (
    static.router,
    home.router,
    applications.router,
    evidence_requirements.router,
    policies.router,
    budget_choices.router,
    indicators.router,
    flows.router,
    citizen_sign_in.router,
    citizen.router,
    citizen_change.router,
    citizen_matters.router,
    # every other address below /console
    home.last,
)
