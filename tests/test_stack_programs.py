"""The whole stack: every part may be killed and started again, and the system answers as before."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from lxml import html
from standardwebhooks import Webhook

from api.pages.routes import ROUTERS
from deploy.simulator.catalog import load_catalog
from deploy.stack import PARTS, Options, Stack, postgres
from deploy.stack.keys import COUNTIES, DEMO_PEOPLE
from deploy.stack.processes import ROOT
from deploy.stack.sign_in import demo_people
from deploy.stack.start_page import start_page
from deploy.stack.tour import FILE, GOING_LIVE, PHONE, STEPS, Seen, next_step
from models.forms.catalogs import CatalogEntry, Catalogs
from models.forms.register_file import check_accounts


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("whole")
    with Stack(home, Options(durable=False, start_page=True)) as whole:
        whole.start()
        yield whole
    whole.remove()


def health(url: str) -> tuple[object, object]:
    said = httpx.get(f"{url}/health", timeout=10).json()
    return said["database"], said["temporal"]


def test_each_part_may_be_killed_and_started_again(stack: Stack) -> None:
    pids = {name: stack.pid(name) for name in PARTS}
    for name in PARTS:
        stack.kill(name)
        assert not stack.is_running(name)
        stack.start(name)
    assert {name for name in PARTS if stack.pid(name) != pids[name]} == set(PARTS)
    assert health(stack.layout.api_url) == (True, True)
    assert stack.ended() == []


def test_second_copies_run_beside_the_first(stack: Stack) -> None:
    stack.add_worker("worker-2", {"WORKER_GRACE_SECONDS": "1", "PLATFORM_TIMEOUT_SECONDS": "0.5"})
    second = stack.add_api("api-2")
    stack.kill("api")
    stack.kill("worker")
    try:
        assert health(second) == (True, True)
        assert stack.is_running("worker-2")
    finally:
        stack.stop("worker-2")
        stack.stop("api-2")
        stack.start()


def test_tokens_open_the_api_for_each_role_and_county(stack: Stack) -> None:
    tokens = json.loads(stack.layout.tokens.read_text())
    assert set(tokens) == set(COUNTIES)
    with stack.layout.cluster.connect(postgres.DATABASE) as connection:
        people = connection.execute("SELECT DISTINCT county_code, person_index FROM person").fetchall()
    assert len({(county, index) for county, index in people if index}) == len(COUNTIES) * len(DEMO_PEOPLE)
    for people in tokens.values():
        assert len(set(people.values())) == len(people)
        operator = {"Authorization": f"Bearer {people['operator']}"}
        assert httpx.get(f"{stack.layout.api_url}/flows", headers=operator).status_code == 200
    assert httpx.get(f"{stack.layout.api_url}/flows").status_code == 401


def test_api_believes_the_seal_that_the_simulator_was_given(stack: Stack) -> None:
    clients = json.loads(stack.layout.simulator_clients.read_text())
    assert {client["province_code"] for client in clients} == {"500000", "430000"}
    for client in clients:
        now, body = datetime.now(UTC), "{}"
        seals = {
            name: Webhook(secret).sign("evt_1", now, body)
            for name, secret in (
                ("right", client["callback_secrets"][0]),
                ("wrong", "whsec_" + "d3Jvbmcgc2VjcmV0IG9mIHNvbWVib2R5IGVsc2U="),
            )
        }
        answers = {
            name: httpx.post(
                client["callback_url"],
                content=body,
                headers={
                    "webhook-id": "evt_1",
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": seal,
                    "content-type": "application/json",
                },
            ).status_code
            for name, seal in seals.items()
        }
        assert answers["wrong"] == 401
        assert answers["right"] == 204


def test_the_start_page_signs_each_demo_person_in_and_shows_what_is_next(stack: Stack) -> None:
    everybody = demo_people(COUNTIES)
    with start_page(stack.layout) as address, httpx.Client(base_url=address, trust_env=False, timeout=60) as http:
        page = html.document_fromstring(http.get("/").text)
        steps = {part: page.cssselect(f"#{part} tr")[1:] for part in ("going-live", "season")}
        first = [" ".join(rows[0].text_content().split()) for rows in steps.values()]
        assert [words.startswith(("▶1上线准备", "▶1上传补贴政策")) for words in first] == [True, True]
        # whoever a step needs has a button there, the phone and a file a link
        turns = [[len(row.cssselect("button, a")) for row in rows] for rows in steps.values()]
        assert turns == [[2, 3], [1, 1, 2, 3, 1, 2, 1, 2, 1, 2, 1, 3]]
        banks = tuple(CatalogEntry(code, name) for code, name in load_catalog().banks)
        accounts = check_accounts(http.get("/accounts.csv").content, Catalogs(banks, (), ()))
        assert (accounts.row_count, accounts.faults, accounts.to_confirm) == (60, (), ())
        subjects = {field.get("value") for field in page.cssselect("input[name=subject]")}
        assert subjects == {person.subject for person in everybody}
        for person in everybody:
            sent = http.post("/sign-in", data={"subject": person.subject, "next": "/console/me"})
            assert (sent.status_code, sent.headers["location"]) == (303, f"{stack.layout.api_url}/console/me")
            words = sent.headers["set-cookie"].lower()
            assert all(part in words for part in ("onecard_staff=", "path=/console", "httponly", "samesite=strict"))
            cookies = {"onecard_staff": sent.cookies["onecard_staff"]}
            shown = httpx.get(f"{stack.layout.api_url}/console", cookies=cookies, trust_env=False)
            assert shown.status_code == 200
            assert person.name in shown.text
        first = http.post("/sign-in", data={"subject": everybody[0].subject}).cookies["onecard_staff"]
        http.post("/sign-in", data={"subject": everybody[0].subject})
        old = httpx.get(f"{stack.layout.api_url}/console", cookies={"onecard_staff": first}, trust_env=False)
        assert old.status_code == 303, "a person has one session"
        citizen = http.post("/citizen", data={"next": "//evil.test/"})
        assert citizen.headers["location"] == f"{stack.layout.api_url}/citizen/m/account"
        cookies = {"onecard_session": citizen.cookies["onecard_session"]}
        account = httpx.get(f"{stack.layout.api_url}/citizen/m/account", cookies=cookies, trust_env=False)
        assert "我的“一卡通”账号" in account.text
        phone = httpx.get(f"{stack.layout.simulator_url}/phone", trust_env=False)
        # from each of them one comes back, and from the phone to what has become of the citizen's request
        assert all(f'href="{address}"' in each.text for each in (shown, account, phone))
        finished = re.search(r'href="(\S+)">办理完结', phone.text)
        assert finished is not None
        assert httpx.get(finished[1], cookies=cookies, trust_env=False).status_code == 200


def test_nothing_of_the_start_page_is_reachable_from_outside(stack: Stack) -> None:
    """Another site, a name of elsewhere pointed at this machine, another machine, the product, its image."""
    with start_page(stack.layout) as address:
        assert httpx.get(address, headers={"Host": "evil.test"}, trust_env=False).status_code == 403
        foreign = {"Sec-Fetch-Site": "cross-site"}
        wish = {"subject": "operator-500001"}
        assert httpx.post(f"{address}/sign-in", data=wish, headers=foreign, trust_env=False).status_code == 401
        assert httpx.post(f"{address}/sign-in", data={"subject": "nobody"}, trust_env=False).status_code == 404
        mine = [each.laddr for each in psutil.Process().net_connections("tcp") if each.status == psutil.CONN_LISTEN]
        assert [at.ip for at in mine if at.port == stack.layout.ports["start_page"]] == ["127.0.0.1"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)
    for path in ("/sign-in", "/clerk", "/phone", "/switches", "/admin/health", "/face/1"):
        assert httpx.get(stack.layout.api_url + path, trust_env=False).status_code == 404, path
    elsewhere = {"Host": "onecard.county.test"}
    for path in ("/console/sign-in", "/citizen/m"):
        shown = httpx.get(stack.layout.api_url + path, trust_env=False)
        asked_by_name = httpx.get(stack.layout.api_url + path, headers=elsewhere, trust_env=False)
        assert (address in shown.text, address in asked_by_name.text) == (True, False), path
    copied = re.findall(r"^COPY (?:--from=\S+ )?(\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    certificates = {"deploy/private_files.py", "deploy/cluster/agreed.py", "deploy/cluster/certificates.py"}
    versions = {"deploy/versions.py", "deploy/spoken.py"}
    rest = {each for each in copied if each.startswith("deploy")} - certificates - versions
    assert rest == {"deploy/requirements.lock", "deploy/migrations"}


def test_each_step_of_the_tour_leads_to_a_page() -> None:
    pages = {getattr(route, "path", "") for router in ROUTERS for route in router.routes}
    turns = [turn for step in (*GOING_LIVE, *STEPS) for turn in step.turns if turn.who not in (PHONE, FILE)]
    assert {turn.path.partition("?")[0] for turn in turns} <= pages
    assert {turn.thing for turn in turns} - {""} <= pages


def test_a_turn_leads_past_its_list_where_there_is_one_thing_only() -> None:
    (step,) = [each for each in STEPS if each.title == "大数据校验"]
    (turn,) = step.turns
    one, several = Seen([], [], {}, {}, [], only={"batch_no": "500003-P2026-0001"}), Seen([], [], {}, {}, [])
    assert turn.place(one) == "/console/verifications/500003-P2026-0001"
    assert {turn.place(several), turn.place(None)} == {"/console/verifications"}


def test_the_tour_knows_what_comes_next() -> None:
    nothing = Seen([], [], {}, {}, [])
    assert next_step(nothing) == 0
    done = {"stage": "approved"}
    lines = {"line_count": 3, "stage": "open", "stages": [{"stage": "withdrawn", "count": 1}]}

    def after(reached: str, **batch: object) -> int | None:
        stages = [*lines["stages"], {"stage": reached, "count": 2}]  # type: ignore[misc]
        return next_step(Seen([done], [done], {**lines, "stages": stages, **batch}, {}, []))

    assert [after(stage) for stage in ("draft", "in_review", "publicised", "matched", "in_batch")] == [3, 3, 4, 5, 6]
    assert after("in_batch", stage="verified") == 7
    assert after("in_batch", stage="verified", publicity_start="2026-11-01") == 8
    batch = {"line_count": 2, "stage": "in_flow", "stages": [{"stage": "in_flow", "count": 2}], "publicity_start": "x"}
    flow = [next_step(Seen([done], [done], batch, {"stage": stage}, [])) for stage in ("settling", "summary_submitted")]
    assert flow == [9, 10]
    ended = {"stage": "ended"}
    assert next_step(Seen([done], [done], batch, ended, [])) == 11
    # a card that the bank doesn't know, or that nobody has decided on, is no change yet
    changes = [next_step(Seen([done], [done], batch, ended, [{"stage": stage}])) for stage in ("failed", "in_review")]
    assert changes == [11, 11]
    assert next_step(Seen([done], [done], batch, ended, [{"stage": "applying"}])) is None
