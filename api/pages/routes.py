"""Every module of pages, in the order of the menu."""

from fastapi import APIRouter

from api.pages import applications, citizen, citizen_change, citizen_matters, citizen_sign_in, flows, home, static

ROUTERS: tuple[APIRouter, ...] = (
    static.router,
    home.router,
    applications.router,
    flows.router,
    citizen_sign_in.router,
    citizen.router,
    citizen_change.router,
    citizen_matters.router,
    # every other address below /console
    home.last,
)
