"""Every module of pages, in the order of the menu."""

from fastapi import APIRouter

from api.pages import (
    application_detail,
    application_entry,
    application_review,
    applications,
    budget_choices,
    citizen,
    citizen_change,
    citizen_matters,
    citizen_sign_in,
    corrections,
    evidence_requirements,
    files,
    flow_lines,
    flow_orders,
    flow_start,
    flows,
    home,
    indicators,
    orders,
    policies,
    static,
    summaries,
    summary_decisions,
)

ROUTERS: tuple[APIRouter, ...] = (
    static.router,
    home.router,
    # before those of one application: new is no number
    applications.router,
    evidence_requirements.router,
    policies.router,
    budget_choices.router,
    indicators.router,
    orders.router,
    flow_start.router,
    flow_lines.router,
    corrections.router,
    flow_orders.router,
    application_entry.router,
    application_review.router,
    application_detail.router,
    flows.router,
    citizen_sign_in.router,
    citizen.router,
    citizen_change.router,
    citizen_matters.router,
    files.router,
    summaries.router,
    summary_decisions.router,
    # every other address below /console
    home.last,
)
