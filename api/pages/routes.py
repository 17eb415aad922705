"""Every module of pages, in the order of the menu."""

from fastapi import APIRouter

from api.pages import applications, flows, home, static

ROUTERS: tuple[APIRouter, ...] = (
    static.router,
    home.router,
    applications.router,
    flows.router,
    # every other address below /console
    home.last,
)
