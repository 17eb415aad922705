"""The simulator's pages: a phone that passes or fails faces, the clerk's desk, speed, faults; for this machine only."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lxml import html

from deploy.demo.people import wait_for
from deploy.simulator.pages import is_local
from deploy.simulator.phone import new_card
from deploy.simulator.trial import Trial, trial
from models.forms.account_numbers import parse_account_no
from models.wire.words import CardType
from models.words.faults import Fault

DATA = Path(__file__).parents[1] / "deploy" / "demo" / "data"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator")) as running:
        running.admin.post("/registers/500003", content=(DATA / "register-500003-60.csv").read_bytes())
        yield running


@pytest.fixture
def browser(platform: Trial) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=platform.launched.url, trust_env=False, follow_redirects=True) as client:
        yield client


def status_of(platform: Trial, session: str) -> str:
    answer = platform.probes["50"].get(f"/identity/face-sessions/{session}")
    return str(answer.json()["status"])


def open_face(platform: Trial, reference: str, channel: str = "pc") -> str:
    body = {"client_reference": reference, "channel": channel}
    return str(platform.probes["50"].post("/identity/face-sessions", body).json()["face_session_id"])


def test_the_phone_scans_passes_and_fails_as_the_chosen_person(platform: Trial, browser: httpx.Client) -> None:
    page = html.document_fromstring(browser.get("/phone").text)
    people = [option.get("value") for option in page.cssselect("select[name=person] option")]
    assert len(people) == 8
    browser.post("/phone/person", data={"person": people[3]})
    first, second, third = (open_face(platform, f"F-{n}") for n in range(3))
    shown = browser.get("/phone").text
    assert all(f"F-{n}" in shown for n in range(3))
    browser.post(f"/phone/{first}", data={"status": "scanned"})
    assert status_of(platform, first) == "scanned"
    browser.post(f"/phone/{first}", data={"status": "passed"})
    browser.post(f"/phone/{second}", data={"status": "failed"})
    browser.post(f"/phone/{third}", data={"status": "cancelled"})
    assert [status_of(platform, each) for each in (first, second, third)] == ["passed", "failed", "failed"]
    told = wait_for(
        "来件",
        lambda: platform.ask("/events?type=identity.face.completed&body=1"),
        lambda seen: len(seen["items"]) == 3,
    )
    bodies = [event["body"] for event in told["items"]]
    assert people[3] in bodies[0]
    assert ["cancelled" in each for each in bodies] == [False, False, True]
    assert "会话已结束" in browser.get(f"/face/{first}").text
    again = browser.post(f"/phone/{first}", data={"status": "passed"})
    assert again.status_code == 422


def test_a_new_card_is_one_that_the_bank_knows(platform: Trial, browser: httpx.Client) -> None:
    assert browser.post("/phone/card").status_code == 200
    page = html.document_fromstring(browser.get("/phone").text)
    [line] = [li.text_content() for li in page.cssselect("li")]
    number = line.split()[1]
    assert not isinstance(parse_account_no(number, CardType.BANK_CARD), Fault)
    assert not any(isinstance(parse_account_no(new_card(n), CardType.BANK_CARD), Fault) for n in range(50))


def test_speed_faults_and_who_reviews_are_switched(platform: Trial, browser: httpx.Client) -> None:
    browser.post("/switches/speed", data={"speed": "86400"})
    assert platform.ask("/health")["time_scale"] == 86_400
    browser.post("/switches/faults", data={"faults": "5xx=0.3"})
    assert platform.ask("/faults")["rates"] == {"5xx": 0.3}
    browser.post("/switches/clerk", data={"policy": "person"})
    assert platform.ask("/settings")["clerk"]["policy"] == "person"
    page = html.document_fromstring(browser.get("/switches").text)
    chosen = {
        select.get("name"): select.cssselect("option[selected]")[0].get("value") for select in page.cssselect("select")
    }
    assert (chosen["speed"], chosen["faults"], chosen["policy"], chosen["summary"]) == (
        *("86400", "5xx=0.3", "person"),
        "auto",
    )
    for path, body in (("speed", {"speed": "7"}), ("faults", {"faults": "all=1"}), ("clerk", {"policy": "nobody"})):
        assert browser.post(f"/switches/{path}", data=body).status_code == 422, path
    browser.post("/switches/faults", data={"faults": ""})
    browser.post("/switches/clerk", data={})
    browser.post("/switches/speed", data={"speed": "0"})


def test_pages_are_for_this_machine_and_its_own_forms(platform: Trial, browser: httpx.Client) -> None:
    """A name of elsewhere that was pointed at this machine is refused, and so is another site's form."""
    for path in ("/phone", "/clerk", "/switches", "/admin/health"):
        assert browser.get(path).status_code == 200, path
        assert browser.get(path, headers={"Host": "evil.test"}).status_code == 403, path
    foreign = browser.post("/switches/speed", data={"speed": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 401
    assert platform.ask("/health")["time_scale"] != 1
    for path in ("/admin/clients/reload", "/admin/registers/500001", "/admin/face-sessions/F-1"):
        plain = {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}
        assert browser.post(path, content=b"{}", headers=plain).status_code == 401, path
    assert browser.post("/admin/clients/reload", content=b"{}").status_code == 200
    assert not is_local("127.0.0.1:9100", "10.0.0.7")
    assert is_local("[::1]:9100", "::1")
    assert is_local("localhost:9100", "127.0.0.1")
