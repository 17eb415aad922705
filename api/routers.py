"""Every router of the API, in the order of the docs."""

from fastapi import APIRouter

from api.applications import application_acts, application_returns, applications, figures
from api.batches import batches, lists, slot
from api.cards import cards, checks, entries, register, register_shared
from api.citizens import account, card_preview, logins, notices, sign_ins
from api.citizens import cards as citizen_cards
from api.drafts import drafts
from api.flows import doubles, evidence, flows, lines, payments, settlements, summaries
from api.imports import imports, number_files
from api.ops import disclosures, health, runs, trail
from api.orders import correctible, correction_files, order_lists, order_preview, orders
from api.people import me, people, to_dos, year_figures
from api.people import sign_ins as staff_sign_ins
from api.photos import photos
from api.platform import callbacks, contradiction_acts, contradictions, inbox, odd_answers
from api.policies import budget_choices, catalogs, files, indicators, policies, unit
from api.prints import payment_notice, public_list, summary_form
from api.season import load, objections, pre_flight, public_lists, public_switch
from api.season import readiness as going_live
from api.way import acts, allowed, history, life, readiness, summary_acts

ROUTERS: tuple[APIRouter, ...] = (
    # first: routes are tried in this order, and these come by the thousand
    callbacks.router,
    catalogs.router,
    files.router,
    unit.router,
    policies.router,
    budget_choices.router,
    indicators.router,
    # before those of one application: figures is no number
    figures.router,
    applications.router,
    drafts.router,
    allowed.router,
    life.router,
    application_acts.router,
    application_returns.router,
    imports.router,
    number_files.router,
    photos.router,
    batches.router,
    public_list.router,
    objections.router,
    pre_flight.router,
    public_lists.router,
    public_switch.router,
    doubles.router,
    lists.router,
    slot.router,
    readiness.router,
    flows.router,
    history.router,
    acts.router,
    lines.router,
    evidence.router,
    orders.router,
    correctible.router,
    correction_files.router,
    order_preview.router,
    order_lists.router,
    summaries.router,
    summary_form.router,
    summary_acts.router,
    payments.router,
    payment_notice.router,
    settlements.router,
    # before the register's own routes: shared is no account's id
    register_shared.router,
    register.router,
    cards.router,
    entries.router,
    checks.router,
    load.router,
    going_live.router,
    contradictions.router,
    contradiction_acts.router,
    inbox.router,
    odd_answers.router,
    to_dos.router,
    year_figures.router,
    runs.router,
    me.router,
    people.router,
    staff_sign_ins.router,
    trail.router,
    disclosures.router,
    logins.router,
    account.router,
    citizen_cards.router,
    card_preview.router,
    notices.router,
    sign_ins.router,
    health.router,
)
