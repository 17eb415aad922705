"""What a to-do says: what, how many, what sum, since when, whose turn, and the filter of the list where it stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from models.contracts import RunKind
from models.settings import Settings
from models.store.runs.next_wait import next_wait
from models.store.to_dos.found import Found
from models.store.to_dos.watched import OpenRuns
from models.words.calendar import china_date, china_today
from models.words.staff import Role
from models.words.waiting import PARTIES, Party, ToDoKind, Wait

A, O, R, P, S, U = tuple(Role)  # noqa: E741
_TURN = {O: Wait.OPERATOR, R: Wait.REVIEWER, A: Wait.COUNTY_ADMIN}
Query = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Whose turn it is (`roles`, the first one's days count), and where it stands; `wrong` is nobody's daily work."""

    roles: tuple[Role, ...]
    path: str
    query: Query
    wrong: bool = False


def _applications(**query: str) -> Place:
    return Place((O,), "/applications", query)


def _lines(**query: str) -> Place:
    return Place((O,), "/flows/{number}/lines", query)


_K = ToDoKind
RULES: Mapping[ToDoKind, Place] = {
    _K.RETURNED_DRAFTS: Place((O, P), "/applications", {"stage": "draft", "returned": "true"}),
    _K.DRAFTS: _applications(stage="draft", returned="false"),
    _K.TO_PUBLICISE: _applications(stage="in_review", approved="true"),
    _K.TO_INITIALISE: _applications(stage="publicised"),
    _K.UNMATCHED_NAME_DIFFERS: _applications(stage="unmatched", match_outcome="name_differs"),
    _K.UNMATCHED_NOT_FOUND: _applications(stage="unmatched", match_outcome="not_found"),
    _K.UNMATCHED_NO_ACCOUNT: _applications(stage="unmatched", match_outcome="no_account"),
    _K.SETTLEMENT_MATERIAL: _applications(stage="matched"),
    _K.TO_BATCH: _applications(stage="pending_settlement"),
    _K.TO_VERIFY: Place((O,), "/batches", {"stage": "open"}),
    _K.TO_VERIFY_AGAIN: Place((O,), "/batches", {"stage": "verified"}),
    _K.PUBLICITY_MISSING: Place((O,), "/batches", {}),
    _K.PUBLICITY_RUNNING: Place((), "/batches", {}),
    _K.FLOW_READY: Place((O,), "/batches", {"stage": "verified"}),
    _K.LINES_REJECTED: _lines(state="rejected"),
    _K.LINES_DUPLICATE: _lines(state="rejected", reason_code="duplicate_person"),
    _K.LINES_UNVERIFIED: _lines(state="unsent", verification="failed"),
    _K.LINES_REPAYMENT: _lines(state="unsent"),
    _K.LINES_HELD: _lines(state="held"),
    _K.SUMMARY_TO_SUBMIT: Place((O,), "/flows/{number}/summary", {}),
    _K.EVIDENCE: _applications(stage="paid"),
    _K.REPAYABLE: _applications(repayable="true"),
    _K.IMPORT_TO_CONFIRM: Place((O,), "/application-imports", {"stage": "to_confirm"}),
    _K.IMPORT_REFUSED: Place((O,), "/application-imports", {"to_do": "true"}),
    _K.LOAD_TO_CONFIRM: Place((O,), "/register-loads", {"stage": "to_confirm"}),
    _K.LOAD_REFUSED: Place((O,), "/register-loads", {"to_do": "true"}),
    _K.INDICATOR_DRAFT: Place((O,), "/indicators", {"stage": "draft"}),
    _K.INDICATOR_REJECTED: Place((O,), "/indicators", {"stage": "rejected"}),
    _K.MATERIAL_REVIEW: Place((R,), "/applications", {"stage": "in_review", "approved": "false"}),
    _K.ORDERS_TO_CONFIRM: Place((R,), "/orders", {"state": "entered"}),
    _K.OBJECTIONS: Place((R,), "/objections", {"state": "open"}),
    _K.SUMMARY_TO_REVIEW: Place((R,), "/flows/{number}/summary", {}),
    _K.PAYMENT_TO_CONFIRM: Place((R,), "/flows/{number}/summary", {}),
    _K.CARD_CHANGES: Place((R,), "/card-changes", {"stage": "in_review"}),
    _K.CARDS_FAILED: Place((R,), "/card-changes", {"stage": "failed"}),
    _K.VILLAGE_ENTRIES: Place((R,), "/village-entries", {"stage": "entered"}),
    _K.LOADS_TO_DECIDE: Place((R,), "/register-loads", {"stage": "entered"}),
    _K.LINES_UNRESOLVED: Place((R,), "/payments", {"payment": "unresolved"}),
    _K.CONTRADICTIONS: Place((R,), "/contradictions", {"state": "open"}, wrong=True),
    _K.CALLBACKS_QUARANTINED: Place((R,), "/inbox", {"state": "quarantined"}, wrong=True),
    _K.POLICY_REJECTED: Place((A,), "/policies", {"stage": "rejected"}),
    _K.POLICY_UNIT_MISSING: Place((A,), "/policy-unit", {}),
    _K.RUNS_OVERDUE: Place((A, S), "/runs", {"open": "true", "overdue": "true"}, wrong=True),
    _K.RUNS_RESTARTED: Place((S,), "/runs", {"open": "true", "restarted": "true"}, wrong=True),
    _K.CALLBACKS_PARKED: Place((S,), "/inbox", {"state": "parked"}, wrong=True),
    _K.CALLBACKS_UNKNOWN: Place((S,), "/inbox", {"state": "unknown"}, wrong=True),
    _K.ODD_ANSWERS: Place((S,), "/odd-answers", {}, wrong=True),
    _K.OUTBOX: Place((S,), "/health", {}, wrong=True),
    _K.TRAIL_CHECKED: Place((U,), "/trail", {"act": "trail.checked"}),
    _K.TRAIL_UNCHECKED: Place((U,), "/trail", {}),
    _K.FLOWS_WITH_DIFFERENCE: Place((U,), "/flows", {"stage": "ended"}, wrong=True),
    _K.RUNS: Place((), "/runs", {"open": "true"}),
}


class WhereListed(TypedDict):
    """到哪里去看：接口的地址和筛选条件。"""

    path: str
    query: dict[str, str]


class ToDo(TypedDict):
    kind: ToDoKind
    label: Annotated[str, Field(description="什么事")]
    count: Annotated[int, Field(description="多少件")]
    total_fen: Annotated[int | None, Field(description="金额（分）；没有金额的为空")]
    oldest_since: Annotated[datetime | None, Field(description="最早的一件从何时起")]
    working_days: Annotated[int | None, Field(description="最早的一件已等几个工作日")]
    due: Annotated[date | None, Field(description="最早的一件最迟哪一天")]
    overdue: Annotated[bool, Field(description="最早的一件已过最迟的日子")]
    by: Annotated[Party | None, Field(description="等谁")]
    by_label: str | None
    hindrance: Annotated[str | None, Field(description="为什么本人不能办理")]
    filter: WhereListed


class ToDos(TypedDict):
    count: Annotated[int, Field(description="轮到我的有几项")]
    mine: Annotated[list[ToDo], Field(description="轮到我，本人可以办理的")]
    others: Annotated[list[ToDo], Field(description="在等别人、等平台、等银行，包括本人经手而须换人的")]
    abnormal: Annotated[list[ToDo], Field(description="异常")]


class Sorter:
    """Sorts what was found in a county for one role."""

    def __init__(self, settings: Settings, role: Role) -> None:
        self._settings = settings
        self._role = role

    def sort(self, found: Iterable[Found], runs: Sequence[OpenRuns]) -> ToDos:
        lists: dict[str, list[ToDo]] = {"mine": [], "others": [], "abnormal": []}
        for each in sorted(found, key=lambda one: _ORDER[ToDoKind(one.kind)]):
            kind = ToDoKind(each.kind)
            lists[self._list_of(kind, each.able)].append(self._shown(kind, each))
        lists["others"] += [self._run(run) for run in runs if _outside(run)]
        mine = lists["mine"]
        return {"count": len(mine), "mine": mine, "others": lists["others"], "abnormal": lists["abnormal"]}

    def _list_of(self, kind: ToDoKind, able: bool) -> str:
        rule = RULES[kind]
        if self._role in rule.roles and able:
            return "mine"
        return "abnormal" if rule.wrong else "others"

    def _shown(self, kind: ToDoKind, found: Found) -> ToDo:
        rule = RULES[kind]
        wait = _TURN.get(rule.roles[0]) if rule.roles else None
        closed = not found.able and self._role in rule.roles
        return {
            "kind": kind,
            "label": kind.label,
            "count": found.counted,
            "total_fen": found.total_fen,
            **self._waited(found.since, wait),
            "hindrance": "由本人经手，须由另一个人办理" if closed else None,
            "filter": _where(rule, found.number),
        }

    def _run(self, run: OpenRuns) -> ToDo:
        kind = RunKind(run.kind)
        waits = next_wait(kind, run.stage)
        return {
            "kind": ToDoKind.RUNS,
            "label": kind.label,
            "count": run.counted,
            "total_fen": None,
            **self._waited(run.since, waits and waits.wait),
            "hindrance": None,
            "filter": {"path": "/runs", "query": {"open": "true", "kind": kind.value, "stage": run.stage}},
        }

    def _waited(self, since: datetime | None, wait: Wait | None) -> "_Waited":
        party = PARTIES[wait] if wait else None
        calendar, today = self._settings.calendar, china_today()
        began = china_date(since) if since else None
        due = calendar.after(began, self._settings.days_for(wait)) if began and wait else None
        return {
            "oldest_since": since,
            "working_days": calendar.between(began, today) if began else None,
            "due": due,
            "overdue": due is not None and today > due,
            "by": party,
            "by_label": party.label if party else None,
        }


class _Waited(TypedDict):
    oldest_since: datetime | None
    working_days: int | None
    due: date | None
    overdue: bool
    by: Party | None
    by_label: str | None


_ORDER = {kind: place for place, kind in enumerate(ToDoKind)}


def _outside(run: OpenRuns) -> bool:
    """What waits for people stands among their to-dos; what an act has ended waits for nobody."""
    waits = next_wait(RunKind(run.kind), run.stage)
    return waits is not None and PARTIES[waits.wait] in (Party.PLATFORM, Party.BANK, Party.SYSTEM)


def _where(rule: Place, number: str | None) -> WhereListed:
    """One batch is shown itself, several by their list."""
    if number and rule.path == "/batches":
        return {"path": f"/batches/{number}", "query": {}}
    return {"path": rule.path.format(number=number), "query": dict(rule.query)}
