"""Acts of a walk at the API's counter, told as a story: what is done may be, what is refused has changed nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.people import Json, Person, Refused
from models.store.flows.needs import Lack
from models.store.flows.rounds import SENDABLE
from models.tokens import BadToken
from models.wire.words import ProblemCode
from models.words.errors import PlatformTrouble
from models.words.faults import FaultCode
from models.words.refusals import Refusal
from models.words.staff import Role
from tests.walk_county import Place
from tests.walk_ground import Ground

_WORDS = (Refusal, FaultCode, Lack, BadToken, ProblemCode, PlatformTrouble)
CODES = frozenset(str(code.value) for words in _WORDS for code in words)
# Of these none is the state of things, which may have moved on meanwhile.
NEVER_WHEN_DUE = frozenset({"VALIDATION_FAILED", "ROLE_NOT_ALLOWED", "SAME_PERSON", "CODE_NEEDED", "NOT_FOUND"})
WALL = Refusal.CONFLICT.value
# What the rows of the counties come to; the second column says of what. Nothing here is personal.
STANDS = """
WITH mine AS (SELECT unnest(%(codes)s::text[]) AS code)
SELECT 'application', application_no,
  concat_ws(' ', stage, version, batch_id, amount_fen, reviewed_by, list_id, payments)
  FROM application JOIN mine ON code = county_code
UNION ALL SELECT 'photo', a.application_no || p.kind, p.file_id::text FROM application_photo p
  JOIN application a ON a.id = p.application_id JOIN mine ON code = a.county_code
UNION ALL SELECT 'batch', batch_no, concat_ws(' ', stage, publicity_start) FROM batch JOIN mine ON code = county_code
UNION ALL SELECT 'list', reference, stage FROM dataset JOIN mine ON code = county_code
UNION ALL SELECT 'flow', flow_no, concat_ws(' ', stage, outcome, called_off) FROM flow
  JOIN mine ON code = county_code
UNION ALL SELECT 'line', application_no || flow_id, concat_ws(' ', state, money, payment, amount_fen, account_index)
  FROM flow_line JOIN mine ON code = county_code
UNION ALL SELECT 'order', order_no, concat_ws(' ', state, confirmed_by) FROM operator_order
  JOIN mine ON code = county_code
UNION ALL SELECT 'summary', f.flow_no || s.number,
  concat_ws(' ', s.stage, s.reviewed_by, s.submitted_by, s.confirmed_by)
  FROM summary s JOIN flow f ON f.id = s.flow_id JOIN mine ON code = f.county_code
UNION ALL SELECT 'indicator', indicator_no, concat_ws(' ', stage, reserved_fen, paid_fen) FROM indicator
  JOIN mine ON code = county_code
UNION ALL SELECT 'part', part_no, concat_ws(' ', stage, attempt) FROM card_change_part JOIN mine ON code = county_code
UNION ALL SELECT 'entry', entry_no, concat_ws(' ', stage, attempt) FROM village_entry JOIN mine ON code = county_code
UNION ALL SELECT 'account', county_code || person_index, concat_ws(' ', status, account_index) FROM register_account
  JOIN mine ON code = county_code
UNION ALL SELECT 'contradiction', id::text, concat_ws(' ', state, taken) FROM contradiction
  JOIN mine ON code = county_code
UNION ALL SELECT 'objection', objection_no, state FROM objection JOIN mine ON code = county_code
UNION ALL SELECT 'load', load_no, concat_ws(' ', stage, decided_by, confirmed_by) FROM register_load
  JOIN mine ON code = county_code
UNION ALL SELECT 'import', import_no, stage FROM application_import JOIN mine ON code = county_code
ORDER BY 1, 2
"""
# Whether anything of these counties is on the move by itself, and a mark of all that came from outside.
MOVES = f"""
WITH mine AS (SELECT unnest(%(codes)s::text[]) AS code)
SELECT (SELECT count(*) FROM outbox WHERE delivered_at IS NULL)
  + (SELECT count(*) FROM inbox WHERE state IN ('received', 'delivered'))
  + (SELECT count(*) FROM operator_order JOIN mine ON code = county_code WHERE state = 'confirmed')
  + (SELECT count(*) FROM run JOIN mine ON code = county_code WHERE closed_at IS NULL AND waiting_for LIKE '%%正在%%')
  + (SELECT count(*) FROM dataset JOIN mine ON code = county_code WHERE stage = 'prepared')
  + (SELECT count(*) FROM card_change_part JOIN mine ON code = county_code
     WHERE stage IN ('validating', 'approved', 'applying'))
  + (SELECT count(*) FROM village_entry JOIN mine ON code = county_code WHERE stage IN ('validating', 'applying'))
  + (SELECT count(*) FROM register_load JOIN mine ON code = county_code WHERE stage IN ('checking', 'asking', 'taking'))
  + (SELECT count(*) FROM instruction JOIN mine ON code = county_code
     WHERE answered_at IS NULL AND refusal_code IS NULL)
  + (SELECT count(*) FROM flow f JOIN mine ON code = f.county_code JOIN flow_line l ON l.flow_id = f.id
     WHERE f.stage = 'settling' AND {SENDABLE})
  + (SELECT count(*) FROM summary s JOIN flow f ON f.id = s.flow_id JOIN mine ON code = f.county_code
     WHERE f.stage <> 'ended' AND (s.submitted_at IS NOT NULL AND s.submission_id IS NULL
       OR s.confirmed_at IS NOT NULL AND s.confirmation_sent_at IS NULL)),
  (SELECT coalesce(max(id), 0) FROM inbox)
"""
# What a person has done: an act leaves its answer and its entry in the trail.
DONE_BY = """
SELECT (SELECT count(*) FROM trail_entry WHERE county_code = %(code)s AND actor = %(who)s AND role = %(role)s),
  (SELECT count(*) FROM idempotent_answer WHERE caller = %(caller)s)
"""


@dataclass(frozen=True)
class Hand:
    """Somebody of a county in one of the own roles, at whatever door."""

    place: Place
    subject: str
    role: Role

    @property
    def person(self) -> Person:
        return self.place.person(self.subject, self.role)

    def __str__(self) -> str:
        return f"{self.place.name} {self.role.value} {self.subject}"


@dataclass(frozen=True)
class Request:
    """What is asked for: its words in the story, and the wire's."""

    words: str
    path: str
    body: Any = None
    method: str = "POST"
    files: Any = None
    data: Any = None

    def send(self, person: Person, key: str) -> Json:
        options: dict[str, Any] = {"files": self.files, "data": self.data} if self.files else {"json": self.body}
        answer: Json = person._send(self.method, self.path, key=key, **options).json()
        return answer


@dataclass(frozen=True)
class Before:
    """How things stood before an act."""

    stands: list[tuple[Any, ...]]
    is_still: bool
    came: int
    done: tuple[Any, ...]


@dataclass
class Counter:
    ground: Ground
    places: Sequence[Place]
    story: list[str]
    # the last act that was done, to be repeated: by whom, what, under which key, with which answer
    done: list[tuple[Hand, Request, str, Json]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    # somebody takes a step that is due, and may
    is_proper: bool = False

    @property
    def codes(self) -> list[str]:
        return [place.code for place in self.places]

    def tell(self, line: str) -> None:
        for place in self.places:
            line = line.replace(place.code, place.name)
        self.story.append(line)

    def key(self) -> str:
        return f"walk-{self.places[0].code}-{len(self.story)}"

    def act(self, hand: Hand, request: Request, barred: str | None = None, key: str | None = None) -> Json | None:
        """The answer, or None when it is refused; `barred` says why it must be."""
        before, key = self._before(hand), key or self.key()
        try:
            answer = request.send(hand.person, key)
        except Refused as refused:
            self._note_refusal(hand, request, refused, before)
            return None
        self.tell(f"{hand}: {request.words}")
        assert barred is None, f"done, although {barred}"
        if request.method == "POST" and not request.files and "preview" not in (request.body or {}):
            self.done.append((hand, request, key, answer))
        return answer

    def act_twice(self, hand: Hand, request: Request, barred: str | None = None) -> Json | None:
        """The same from two windows at once, under a key each: at most one of them may be done."""
        keys = [f"{self.key()}-{window}" for window in "ab"]

        def send(key: str) -> Json | Refused:
            try:
                return request.send(hand.person, key)
            except Refused as refused:
                return refused

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(send, keys))
        done = [answer for answer in answers if not isinstance(answer, Refused)]
        told = [_told(one) if isinstance(one, Refused) else "done" for one in answers]
        self.tell(f"{hand}, in two windows at once: {request.words} → {', '.join(told)}")
        self.check_codes([one for one in answers if isinstance(one, Refused)])
        assert len(done) < 2, "done twice"
        if not done:
            self._check_reason(answers)
        assert not done or barred is None, f"done, although {barred}"
        return done[0] if done else None

    def try_in_vain(self, hands: str, attempts: Sequence[tuple[Hand, Request]], barred: str) -> None:
        """Acts of those who have no right to them, one after the other: none is done, together they change nothing."""
        before = self.before_event()
        done = []
        for place, (hand, request) in enumerate(attempts):
            try:
                request.send(hand.person, f"{self.key()}-{place}")
                done.append(f"{hand}: {request.words}")
            except Refused as refused:
                self.refused.append(str(refused.problem.get("code")))
                self.check_codes([refused])
                self._check_reason([refused])
        self.tell(f"{hands}: {len(attempts)} acts")
        assert not done, f"done, although {barred}: {done}"
        self._check_unchanged(before, "what was refused")

    def expect_same(self, act: Callable[[], Json], answer: Json) -> None:
        """A repeat gets the answer it had, and does nothing."""
        stands, is_still, came = self._stands(), *self.moves()
        assert act() == answer, "another answer to a repeat"
        self._check_unchanged(Before(stands, is_still, came, ()), "a repeat")

    def before_event(self) -> Before:
        return Before(self._stands(), *self.moves(), ())

    def check_event(self, before: Before, what: str) -> None:
        """An event may be kept, and laid before a person; nothing else may have come of it."""
        aside = ("contradiction",)
        here, there = ([row for row in rows if row[0] not in aside] for rows in (before.stands, self._stands()))
        changed = sorted(set(here).symmetric_difference(there))
        # what the platform does at this moment by itself can't be told from it
        assert not (before.is_still and self.moves()[0]) or not changed, f"{what} has changed {changed}"

    def moves(self) -> tuple[bool, int]:
        """Whether all is still, and a mark of what has come.

        The platform is asked before and after: what goes over to it between two questions is seen by neither.
        """
        at_work = self._platform_works()
        [(moving, came)] = self.ground.rows(MOVES, {"codes": self.codes})
        return not (at_work or moving or self._platform_works()), came

    def _platform_works(self) -> bool:
        platform = self.ground.platform("GET", "/health")
        return bool(platform["agenda"] or platform["undelivered"])

    def _note_refusal(self, hand: Hand, request: Request, refused: Refused, before: Before) -> None:
        self.tell(f"{hand}: {request.words} → {refused.status} {_told(refused)}")
        self.refused.append(str(refused.problem.get("code")))
        self.check_codes([refused])
        self._check_reason([refused])
        assert self._done_by(hand) == before.done, "refused, and noted as done"
        self._check_unchanged(before, "a refused act")

    def check_codes(self, refusals: Sequence[Refused]) -> None:
        for refused in refusals:
            problem = refused.problem
            assert 400 <= refused.status < 500, f"{refused.status} {problem}"
            assert problem.get("code") in CODES, f"no stable code: {problem}"
            assert problem.get("title"), f"no title: {problem}"
            amiss = self.is_proper and problem.get("code") in NEVER_WHEN_DUE
            assert not amiss, f"a step that is due, by somebody who may: {_told(refused)}"

    def _check_reason(self, refusals: Sequence[Json | Refused]) -> None:
        """A constraint of the rows is the second wall: nobody comes to it but of two at once."""
        walls = [one for one in refusals if isinstance(one, Refused) and one.problem.get("code") == WALL]
        assert not walls, "refused by a constraint alone"

    def _check_unchanged(self, before: Before, what: str) -> None:
        """Where nothing moved by itself, nothing but the act can have changed anything."""
        if not before.is_still:
            return
        after, (is_still, came) = self._stands(), self.moves()
        if is_still and came == before.came and after != before.stands:
            changed = set(after).symmetric_difference(before.stands)
            raise AssertionError(f"{what} has changed {sorted(changed)}")

    def _before(self, hand: Hand) -> Before:
        is_still, came = self.moves()
        return Before(self._stands() if is_still else [], is_still, came, self._done_by(hand))

    def _stands(self) -> list[tuple[Any, ...]]:
        return self.ground.rows(STANDS, {"codes": self.codes})

    def _done_by(self, hand: Hand) -> tuple[Any, ...]:
        code, role = hand.place.code, hand.role.value
        named = {"code": code, "who": hand.subject, "role": role, "caller": f"{code}/{role}/{hand.subject}"}
        return self.ground.rows(DONE_BY, named)[0]


def _told(refused: Refused) -> str:
    """Code, and where the first fault is."""
    first = next(iter(refused.problem.get("errors") or []), {})
    where = [str(first[part]) for part in ("pointer", "code") if first.get(part)]
    return " ".join([str(refused.problem.get("code")), *where])
