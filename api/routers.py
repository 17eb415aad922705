"""Every router of the API, in the order of the docs."""

from fastapi import APIRouter

from api import callbacks, health

ROUTERS: tuple[APIRouter, ...] = (health.router, callbacks.router)
