"""Whose rows are whose: none of one county lies below one of another, and nobody is shown what is another county's."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from deploy.demo.people import County, Refused

Rows = Callable[[str], list[tuple[Any, ...]]]
# Who looks waits most of the time.
AT_ONCE = 4
LISTS = (
    *("/applications", "/application-imports", "/batches", "/beneficiary-lists", "/flows", "/orders", "/policies"),
    *("/indicators", "/register", "/card-changes", "/village-entries", "/account-checks", "/runs", "/trail", "/inbox"),
    *("/objections", "/register-loads"),
)
# Each with its county; no row of one may lie below a row of another.
_STRANGERS = """
SELECT 'application of another batch', a.application_no FROM application a JOIN batch b ON b.id = a.batch_id
  WHERE a.county_code <> b.county_code
UNION ALL SELECT 'line of another flow', l.application_no FROM flow_line l JOIN flow f ON f.id = l.flow_id
  JOIN application a ON a.id = l.application_id JOIN indicator i ON i.id = l.indicator_id
  WHERE l.county_code <> f.county_code OR l.county_code <> a.county_code OR l.county_code <> i.county_code
UNION ALL SELECT 'flow of another batch', f.flow_no FROM flow f JOIN batch b ON b.id = f.batch_id
  WHERE f.county_code <> b.county_code
UNION ALL SELECT 'list of another county', d.reference FROM dataset d JOIN dataset_line n ON n.dataset_id = d.id
  JOIN application a ON a.id = n.application_id WHERE a.county_code <> d.county_code
UNION ALL SELECT 'order of another flow', o.order_no FROM operator_order o JOIN flow f ON f.id = o.flow_id
  WHERE o.county_code <> f.county_code
UNION ALL SELECT 'photo of another county', a.application_no FROM application_photo p
  JOIN application a ON a.id = p.application_id JOIN stored_file s ON s.id = p.file_id
  WHERE a.county_code <> s.county_code
"""
# What there is of each kind, by the column that its address has, and what is read below it.
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "application": (
        "SELECT county_code, max(application_no) FROM application GROUP BY 1",
        ("/applications/{}", "/applications/{}/acts", "/applications/{}/history", "/applications/{}/photos/bank_card"),
    ),
    "import": (
        "SELECT county_code, max(import_no) FROM application_import GROUP BY 1",
        ("/application-imports/{}",),
    ),
    "batch": (
        "SELECT county_code, max(batch_no) FROM batch GROUP BY 1",
        (
            *("/batches/{}", "/batches/{}/doubles", "/batches/{}/verification-results"),
            "/pre-flight?act=start&batch_no={}",
        ),
    ),
    "list": (
        "SELECT county_code, max(reference) FROM dataset WHERE kind = 'beneficiary_init' GROUP BY 1",
        ("/beneficiary-lists/{}", "/beneficiary-lists/{}/results"),
    ),
    "flow": (
        "SELECT county_code, max(flow_no) FROM flow GROUP BY 1",
        (
            *("/flows/{}", "/flows/{}/acts", "/flows/{}/history", "/flows/{}/lines", "/flows/{}/lines/figures"),
            "/flows/{}/lines/total",
            *("/flows/{}/payments", "/flows/{}/summary", "/flows/{}/missing-evidence", "/flows/{}/paid-elsewhere"),
        ),
    ),
    "order": (
        "SELECT county_code, max(order_no) FROM operator_order GROUP BY 1",
        ("/orders/{}", "/orders/{}/lines"),
    ),
    "policy": ("SELECT county_code, max(policy_no) FROM policy GROUP BY 1", ("/policies/{}",)),
    "indicator": ("SELECT county_code, max(indicator_no) FROM indicator GROUP BY 1", ("/indicators/{}",)),
    "card change": ("SELECT county_code, max(part_no) FROM card_change_part GROUP BY 1", ("/card-changes/{}",)),
    "objection": ("SELECT county_code, max(objection_no) FROM objection GROUP BY 1", ("/objections/{}",)),
    "load": (
        "SELECT county_code, max(load_no) FROM register_load GROUP BY 1",
        ("/register-loads/{}", "/register-loads/{}/rows"),
    ),
    "entry": ("SELECT county_code, max(entry_no) FROM village_entry GROUP BY 1", ("/village-entries/{}",)),
    "account": ("SELECT county_code, max(id) FROM register_account GROUP BY 1", ("/register/{}",)),
    "contradiction": ("SELECT county_code, max(id) FROM contradiction GROUP BY 1", ("/contradictions/{}",)),
    "file": ("SELECT county_code, max(id) FROM stored_file WHERE county_code <> '' GROUP BY 1", ("/files/{}",)),
}


def found(rows: Rows, counties: Mapping[str, County]) -> Iterator[str]:
    yield from (f"{what}: {number}" for what, number in rows(_STRANGERS))
    things = list(addresses(rows))
    looks: list[Callable[[], list[str]]] = []
    for code, county in counties.items():
        others = [other for other in counties if other != code]
        looks += [partial(_shown, county, path, others) for path in LISTS]
        looks += [partial(_opened, county, path, other) for other, path in things if other in others]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found_there in pool.map(lambda look: look(), looks):
            yield from found_there


def _shown(county: County, path: str, others: Iterable[str]) -> list[str]:
    shown = repr(county.reviewer.pages(path))
    return [f"{path} shows {county.code} something of {other}" for other in others if f"{other}-" in shown]


def _opened(county: County, path: str, other: str) -> list[str]:
    status = answered(county, path)
    return [] if status == 404 else [f"{path} of {other} answers {county.code} with {status}"]


def addresses(rows: Rows) -> Iterator[tuple[str, str]]:
    """Of each county the newest thing of each kind, wherever it is read."""
    for statement, paths in KINDS.values():
        for code, number in rows(statement):
            yield from ((str(code), path.format(number)) for path in paths)


def answered(county: County, path: str) -> int:
    """A reviewer, who may read all that is the own county's."""
    try:
        county.reviewer.content(path)
    except Refused as refused:
        return refused.status
    return 200
