"""Steps of the platform, and of what breaks: its events, its clerk, its bad days, and processes that die."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
from hypothesis import strategies as st

from deploy.demo.people import Json
from tests.platform_posts import seal
from tests.walk_cards import CardSteps
from tests.walk_county import Place
from tests.walk_ground import PROVINCE
from tests.walk_steps import PICK, WHERE, step

OF_EVENTS = (
    "duplicate",
    "repeated",
    "reordered",
    "late",
    "lost",
    "contradicting",
    "missing_page",
    "overlapping",
    "early",
)
OF_ANSWERS = ("5xx", "429", "html_200", "redirect", "timeout_after_accept", "half_json")
REVIEWS = ("beneficiary_init", "verification", "application_submission", "summary", "account_change")
PARTS = ("worker", "api", "simulator", "temporal", "postgres")
# What is said has come by then, unless the weather is rough.
SAID_SECONDS = 2.0
OUTSIDER = f"{PROVINCE[:2]}9999"
OF_ITS_OWN = ("a flow by hand", "an invalidation", "the province's slot", "what banks say late")
REASONS = ("account_frozen", "account_closed", "name_mismatch")


class PlatformSteps(CardSteps):
    by_hand: list[str]

    @step(kind=st.sampled_from((*OF_EVENTS, *OF_ANSWERS)), times=st.integers(1, 3))
    def platform_has_a_bad_day(self, kind: str, times: int) -> None:
        platform = self.counter.ground.platform
        plan = platform("GET", "/faults")
        platform("PUT", "/faults", {"rates": plan["rates"], "next": plan["next"] | {kind: times}})
        self.counter.tell(f"the platform's next {'events' if kind in OF_EVENTS else 'answers'}: {times} × {kind}")

    @step(kind=st.sampled_from(REVIEWS), is_person=st.booleans())
    def platform_has_a_clerk(self, kind: str, is_person: bool) -> None:
        clerk = self.counter.ground.platform("GET", "/settings")["clerk"]
        clerk[kind] = "person" if is_person else "auto"
        self.counter.ground.platform("PUT", "/settings", {"clerk": clerk})
        self.counter.tell(f"the platform's {kind} waits for a person" if is_person else f"{kind} goes by itself")

    @step(pick=PICK, approve=st.sampled_from((True, True, False)))
    def clerk_decides(self, pick: int, approve: bool) -> None:
        platform, codes = self.counter.ground.platform, self.counter.codes
        waiting = [one for one in platform("GET", "/clerk")["items"] if one["county_code"] in codes]
        if waiting:
            one = waiting[pick % len(waiting)]
            platform("POST", f"/clerk/{one['ref']}", {"approve": approve} | ({} if approve else {"opinion": "不符"}))
            self.counter.tell(
                f"the platform's clerk says {'yes' if approve else 'no'} to {one['kind']} of {one['county_code']}"
            )

    @step(
        how=st.sampled_from(("again", "forged", "same id, other words", "in another county's name")),
        pick=st.integers(0, 30),
    )
    def event_comes(self, how: str, pick: int) -> None:
        """An event that was told before: nothing may come of it now."""
        events = [one for one in self._events() if one["status"] == "delivered" and not _is_true_of_both(one, how)]
        if not events:
            return
        event = events[pick % len(events)]
        self.lull()
        before = self.counter.before_event()
        if how == "again":
            self.counter.ground.platform("POST", "/redeliver", {"webhook_id": event["webhook_id"]})
            status = 0
        else:
            status = self._post(event, how)
        self.counter.tell(f"an event {event['type']} comes {how} ({status or 'by the platform'})")
        assert how != "forged" or status == 401, f"a forged event was answered {status}"
        self.lull()
        self.counter.check_event(before, f"an event that came {how}")

    def _events(self) -> list[Json]:
        told = self.counter.ground.platform("GET", "/events", body=1)["items"]
        return [one for one in told if any(code in one["body"] for code in self.counter.codes)]

    def tells_all_again(self) -> None:
        """Each event that was told, under an id of its own: nothing comes of what is known."""
        told = [one for one in self._events() if one["deliveries"]]
        self.counter.tell(f"the platform tells all again that it has told: {len(told)} events")
        for event in told:
            assert self._post(event, "under another id", event["webhook_id"]) == 204

    def _post(self, event: Json, how: str, mark: str = "") -> int:
        body: Json = json.loads(event["body"])
        event_id = event["webhook_id"] if how == "same id, other words" else f"evt-{self.counter.key()}{mark}"
        if how == "in another county's name":
            mine = body["data"].get("county_code", "")
            body["data"]["county_code"] = next(code for code in self.counter.codes if code != mine)
        body["timestamp"] = "2026-01-01T00:00:00Z" if how == "same id, other words" else body["timestamp"]
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = seal(self.counter.ground.credentials, event_id, content)
        if how == "forged":
            headers["webhook-signature"] = "v1," + "A" * 43 + "="
        return self.counter.ground.post_event(event_id, headers, content).status_code

    @step(where=WHERE, what=st.sampled_from(OF_ITS_OWN), pick=PICK)
    def platform_does_its_own(self, where: int, what: str, pick: int) -> None:
        place, platform = self.places[where], self.counter.ground.platform
        match what:
            case "a flow by hand":
                self._begin_by_hand(place)
            case "an invalidation":
                self.invalidate(place, pick % 4, "new" if pick > 4 else "old", REASONS[pick % len(REASONS)])
            case "what banks say late":
                self.banks_speak()
            case _:
                method, wish = ("PUT", {"county_code": OUTSIDER}) if pick % 2 else ("DELETE", None)
                platform(method, f"/province-locks/{PROVINCE}", wish)
                self.counter.tell(f"a county outside {'holds' if wish else 'frees'} the province's slot")

    def banks_speak(self) -> None:
        """Returns and late payments of ended flows, which are held back until then."""
        settings = partial(self.counter.ground.platform, "PUT", "/settings")
        settings({"holds_changes": False})
        self.counter.tell("banks say what came of payments after their flow's end")
        self.lull(SAID_SECONDS)
        settings({"holds_changes": True})

    def _begin_by_hand(self, place: Place) -> None:
        platform = self.counter.ground.platform
        if self.by_hand:
            self.end_by_hand()
            return
        try:
            self.by_hand.append(platform("POST", "/flows", {"county_code": place.code})["flow_id"])
        except httpx.HTTPStatusError:
            return  # the county has one already
        self.counter.tell(f"the platform begins a flow of {place.name} by hand")

    def end_by_hand(self) -> None:
        for flow_id in self.by_hand:
            self.counter.ground.platform("POST", f"/flows/{flow_id}/end", {})
            self.counter.tell("the platform ends its flow by hand")
        self.by_hand.clear()

    @step(part=st.sampled_from(PARTS), where=WHERE, meanwhile=st.booleans())
    def dies_and_comes_back(self, part: str, where: int, meanwhile: bool) -> None:
        """SIGKILL, and again at the same address; meanwhile the county goes on, and asks again until it is answered."""
        stack = self.counter.ground.stack
        self.counter.tell(f"{part} is killed" + (f" while {self.places[where].name} goes on" if meanwhile else ""))
        with ThreadPoolExecutor(1) as pool:
            act = pool.submit(self.goes_on, self.places[where]) if meanwhile else None
            stack.kill(part)
            stack.start(part)
            if act:
                act.result()

    def before_rest(self) -> None:
        """Everything that was switched on is switched off."""
        platform = self.counter.ground.platform
        platform("PUT", "/faults", {})
        platform("PUT", "/settings", {"clerk": {}, "holds_changes": False})
        platform("DELETE", f"/province-locks/{PROVINCE}")
        self.end_by_hand()
        platform("POST", "/redeliver", {})


def _is_true_of_both(event: Json, how: str) -> bool:
    """The same people have the same accounts in both counties: that one is frozen, the other county has to be told."""
    return event["type"] == "account.invalidated" and how == "in another county's name"
