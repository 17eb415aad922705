"""A finished fund year leaves the working database, whatever ends the command; where it is put back it is read."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.errors import RaiseException
from sqlalchemy import NullPool, create_engine, make_url, text

from deploy.demo.people import Json
from deploy.spoken import spoken
from deploy.stack import Stack, postgres
from deploy.stack.objects import Access
from deploy.stack.processes import ROOT
from deploy.years import __main__ as years_command
from deploy.years import moving
from deploy.years.__main__ import main
from deploy.years.statements import PUT_PART
from models.store.database import BOUNDS, Bounds, Pool
from models.words.staff import Role
from tests import county_office
from tests.api_server import api_server
from tests.application_lines import card, citizen_id
from tests.checker import SOON, Checker
from tests.checker_grounds import of_province
from tests.county_office import NAME, Line, Office
from tests.databases import Databases
from tests.province import Province
from tests.tallies import UNLIKE_LINES

pytest_plugins = ["tests.province_fixtures"]
YEAR = 2023
# Nobody watches a flow any more that has ended years ago.
OVER = pytest.mark.parametrize("province", [{"returns_days": 0}], indirect=True)
TABLES = (
    *("application", "application_standing", "flow_line", "dataset_line", "foreseen_line", "order_line", "payment"),
    *("trail_line", "objection", "application_photo"),
)
BY = ("--by", "li.wei", "--reason", "年度归档")
LINES = [Line(1), Line(2, payment="failed:账户销户"), Line(3, 777), Line(4, town="101")]
Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture
def office(province: Province, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(county_office, "YEAR", YEAR)
    monkeypatch.setattr(moving, "PART", 2)
    return Office(province)


@pytest.fixture
def owner_url(servers: Stack, province: Province) -> str:
    database = str(make_url(province.settings.database_url.get_secret_value()).database)
    return servers.layout.cluster.url(database, postgres.OWNER)


@pytest.fixture
def ran(
    servers: Stack,
    province: Province,
    owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ran:
    """The command, with the environment of a worker and the address of the tables' owner."""
    settings = province.settings
    given = servers.layout.environment(settings.database_url.get_secret_value()) | {
        "VAULT_KEY_FILE": str(settings.vault_key_file),
        "TOKEN_KEY_FILE": str(settings.token_key_file),
        "S3_BUCKET": settings.s3_bucket,
        "DATABASE_OWNER_URL": owner_url,
        "RETURNS_DAYS": "0",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str, str]:
        code = spoken("python -m deploy.years", lambda: main(list(words)))
        return code, *capsys.readouterr()

    return run


def counts(province: Province) -> dict[str, int]:
    return {table: int(province.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES}


def finished(office: Office) -> str:
    """A flow that has ended; who wasn't paid is closed."""
    flow_no, numbers = office.ended(LINES)
    close(office, numbers[1])
    return flow_no


def close(office: Office, number: str) -> None:
    """The last that is open of the year, with the run that has watched for returns."""
    closing = {"selection": {"application_nos": [number]}, "reason": "本人放弃"}
    office.operator.post("/application-closings", closing)
    statement = "SELECT count(*) FROM run WHERE closed_at IS NULL AND fund_year = :year"
    office.province.until("开着的运行", statement, 0, year=YEAR)


@OVER
def test_a_year_goes_and_its_figures_stay(office: Office, province: Province, ran: Ran) -> None:
    flow_no, numbers = office.ended(LINES)
    code, _, said = ran("move", str(YEAR), *BY)
    assert code == 1
    assert f"{office.code} 的 {YEAR} 年度还不能移出，没有作任何改动。申请没有办完" in said
    assert numbers[1] in said
    close(office, numbers[1])
    shown, before, summaries = office.flow(flow_no), counts(province), office.reviewer.pages("/summaries")
    assert "可以移出" in ran()[1]
    code, told, said = ran("move", str(YEAR), *BY)
    assert (code, said) == (0, "")
    assert f"4 笔，{10_000 * 3 + 777} 分，其中已发放 {office.paid(flow_no)['fen']} 分" in told
    assert before["trail_line"]
    assert not any(counts(province).values())
    assert not _unlike(office.flow(flow_no), shown)
    [entry] = province.rows("SELECT actor, line_count, total_fen FROM trail_entry WHERE act = 'year.moved_out'")
    assert entry == ("li.wei", 4, 30_777)
    assert ran("move", str(YEAR), *BY)[:2] == (0, told)
    assert "移出 4 笔" in ran()[1]
    assert office.reviewer.pages("/summaries") == summaries
    _says_where_they_are(office, flow_no, numbers[0])
    _keeps_a_late_return(office, province, flow_no, numbers[0])
    assert not _unlike(office.flow(flow_no), shown)
    assert Checker(of_province(province)).violations(*SOON) == []
    province.check_trails()


def _says_where_they_are(office: Office, flow_no: str, number: str) -> None:
    batch_no = office.flow(flow_no)["batch_no"]
    for path in (
        *(f"/flows/{flow_no}/lines", f"/flows/{flow_no}/lines/figures", f"/flows/{flow_no}/payments"),
        *(f"/applications/{number}", f"/applications/{number}/history", f"/batches/{batch_no}/verification-results"),
        *(f"/applications?fund_year={YEAR}", f"/payments?fund_year={YEAR}", f"/payments?flow_no={flow_no}"),
        *(f"/figures?fund_year={YEAR}", f"/applications?batch_no={batch_no}&format=xlsx"),
        f"/flows/{flow_no}/payment-notice",
        *(f"/pre-flight{rest}&act=verification&batch_no={batch_no}" for rest in ("?", "/lines?kind=held")),
    ):
        refused = office.refused(partial(office.reviewer.content, path))
        assert (refused.status, refused.problem["code"]) == (410, "LINES_MOVED"), path
        assert f"moved-years/{office.code}/{YEAR}/" in refused.problem["detail"]
    for path in ("/applications/search", "/payments/search"):
        for year, gone in ((None, [YEAR]), (YEAR, [YEAR]), (YEAR + 1, [])):
            found = office.reviewer.post(path, {"id_number": citizen_id(1), "filter": {"fund_year": year}})
            assert (found["items"], found["moved_years"]) == ([], gone), (path, year)
    for act in (partial(office.open_batch, "又一批"), partial(office.enter, [Line(9)], batch_no)):
        assert office.refused(act).problem["code"] == "LINES_MOVED"
    assert office.reviewer.get(f"/flows/{flow_no}/summary")["figures"]


def _keeps_a_late_return(office: Office, province: Province, flow_no: str, number: str) -> None:
    """Years later the bank gives back what it had paid."""
    [page] = province.platform.events("flow.payments", flow_no)
    [paid] = [one for one in page["body"]["data"]["payments"] if one["application_no"] == number]
    back = paid | {"status": "failed", "reason_code": "account_closed", "reason": "账户销户", "sequence": 2}
    late = page["body"]["data"] | {"page": 2, "payments": [back]}
    assert province.post(page["body"] | {"data": late}, "evt-years-later").status_code == 204
    statement = "SELECT state || ' ' || effect FROM inbox WHERE event_id = 'evt-years-later'"
    province.until("退票", statement, "quarantined LINES_MOVED")
    [kept] = office.reviewer.pages("/inbox", state="quarantined")
    assert number in str(office.reviewer.get(f"/inbox/{kept['id']}/content")["content"])


@OVER
def test_killed_anywhere_it_is_all_here_or_goes_on(office: Office, province: Province, ran: Ran) -> None:
    finished(office)
    before = counts(province)
    _waits_for_another(ran)
    _goes_back_to_where_it_was(office, province, ran)
    assert counts(province) == before
    for point, left in (("after-part-written", 4), ("after-year-signed", 4), ("after-part-moved", 2)):
        command = [sys.executable, "-c", _IN_TWOS, "move", str(YEAR), *BY]
        killed = _killed(command, f"{point}=kill@1")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        here = counts(province)
        assert here["application"] == left
        assert here == before or left < 4
        province.check()
        assert province.rows(UNLIKE_LINES) == []
    assert "正在移出" in ran()[1]
    assert "不能撤回" in ran("abandon", str(YEAR), "--county", office.code, *BY)[2]
    code, told, said = ran("move", str(YEAR), *BY)
    assert (code, said) == (0, "")
    assert "4 笔" in told
    assert not any(counts(province).values())
    assert len(province.rows("SELECT 1 FROM trail_entry WHERE act = 'year.moved_out'")) == 1


def _waits_for_another(ran: Ran) -> None:
    """Who comes while another one is at it writes nothing, and is told who that is."""
    command = [sys.executable, "-c", _IN_TWOS, "move", str(YEAR), *BY]
    environment = {**os.environ, "FAULT_POINTS": "after-part-written=stop@1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as first:
        try:
            assert os.WIFSTOPPED(os.waitpid(first.pid, os.WUNTRACED)[1])
            for words in (("move", str(YEAR)), ("abandon", str(YEAR), "--county", "{county}")):
                code, _, said = ran(*(word.format(county=_county(ran)) for word in words), *BY)
                assert code == 1
                assert "正由 li.wei 办理移出" in said
        finally:
            first.kill()


def _county(ran: Ran) -> str:
    return ran()[1].split()[0]


def _goes_back_to_where_it_was(office: Office, province: Province, ran: Ran) -> None:
    """What is written twice is never signed; nothing has gone, so the year can stay."""
    part = {"county": office.code, "year": YEAR, "sha256": "", "size": 0, "lines": 1, "fen": 0, "paid_fen": 0}
    with create_engine(os.environ["DATABASE_OWNER_URL"], poolclass=NullPool).connect() as owner_of_parts:
        [ids] = owner_of_parts.scalars(text("SELECT application_ids FROM moved_part"))
        for number in (None, 1, 2):
            values = part | {"number": number, "ids": ids[1:]}
            assert owner_of_parts.execute(text(PUT_PART), values).rowcount == 0, number
    again = "INSERT INTO moved_part SELECT (jsonb_populate_record(p, '{\"number\": 9}')).* FROM moved_part p"
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"].replace("+psycopg", ""), autocommit=True) as owner:
        assert owner.execute(again).rowcount == 1
        assert "有 2 笔申请写出了两次" in ran("move", str(YEAR), *BY)[2]
        owner.execute("DELETE FROM moved_part WHERE number = 9")
    _signs_nothing_that_refers_elsewhere(province, ran)
    where = ("abandon", str(YEAR), "--county", office.code)
    assert ran(*where, *BY)[0] == 0
    assert "没有在移出" in ran(*where, *BY)[2]
    assert province.rows("SELECT 1 FROM moved_year UNION ALL SELECT 1 FROM moved_part") == []
    assert province.rows("SELECT actor FROM trail_entry WHERE act = 'year.kept'") == [("li.wei",)]


def _signs_nothing_that_refers_elsewhere(province: Province, ran: Ran) -> None:
    """What is put back has to stand by itself: here the money was drawn from what isn't this year's."""
    province.change("UPDATE indicator SET fund_year = fund_year + 1")
    code, _, said = ran("move", str(YEAR), *BY)
    assert code == 1
    assert (
        "所指的有未写出的（fk_flow_indicator_indicator_id_indicator 1、fk_flow_line_indicator_id_indicator 1）" in said
    )
    assert "没有签名，没有再移出" in said
    province.change("UPDATE indicator SET fund_year = fund_year - 1")


_IN_TWOS = """
import sys
from deploy.spoken import spoken
from deploy.years import __main__ as years_command
from deploy.years import moving
from deploy.years.__main__ import main
moving.PART = 2
sys.exit(spoken("years", main))
"""


def _killed(command: list[str], points: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "FAULT_POINTS": points}, capture_output=True, text=True, timeout=60
    )


@OVER
def test_what_has_changed_since_it_was_written_is_written_anew(office: Office, province: Province, ran: Ran) -> None:
    finished(office)
    assert _killed([sys.executable, "-c", _IN_TWOS, "move", str(YEAR), *BY], "after-part-moved=kill@1").returncode < 0
    province.change("UPDATE application SET group_name = '7组' WHERE id = (SELECT max(id) FROM application)")
    # whoever looked at a line in the moment in which it went has left marks of it
    gone = "SELECT county_code, unnest(application_ids) AS id FROM moved_part WHERE moved_at IS NOT NULL"
    province.change(f"INSERT INTO trail_line SELECT id, 1 FROM ({gone}) AS gone")
    province.change(f"INSERT INTO other_account {gone}")
    province.change("INSERT INTO repeated_item VALUES (:county, :year, 'x', 'BT1001')", county=office.code, year=YEAR)
    code, _, said = ran("move", str(YEAR), *BY)
    assert (code, said) == (0, "")
    assert not any(counts(province).values())
    assert province.rows("SELECT id FROM other_account UNION ALL SELECT fund_year FROM repeated_item") == []
    assert len(province.rows("SELECT 1 FROM trail_entry WHERE act = 'year.moved_out'")) == 2


@pytest.fixture
def patient_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An act waits as long for a lock as the command takes to come, however busy the machine is."""
    monkeypatch.setitem(cast(dict[Pool, Bounds], BOUNDS), Pool.DESK, replace(BOUNDS[Pool.DESK], lock_seconds=60))


@OVER
@pytest.mark.usefixtures("patient_acts")
def test_an_import_and_a_move_that_come_at_once_see_each_other(
    office: Office, province: Province, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is first: the move finds what is handed in, or who hands in is told that the year has gone."""
    monkeypatch.setitem(years_command._LIMITS, "options", "-c lock_timeout=60s")
    for catalog in ("banks", "towns", "subsidy-items"):
        office.operator.get(f"/catalogs/{catalog}", fund_year=YEAR)
    finished(office)
    move = partial(ran, "move", str(YEAR), *BY)
    # the same person's once more: it stops, until somebody says what is meant
    told = {"fund_year": str(YEAR), "applicant_kind": "personal"}
    hand_in = partial(office.operator.upload, "/application-imports", "rows.csv", _ROW.encode("gb18030"), **told)
    handed, (code, _, said) = _in_turn(province, office.code, hand_in, move)
    assert code == 1
    assert f"批量导入没有办完：1 项，如 {handed['import_no']}" in said
    path = f"/application-imports/{handed['import_no']}"
    office.operator.wait("批量导入", path, lambda seen: seen["stage"] == "to_confirm")
    office.operator.post(f"{path}/refusal", {"reason": "重复"})
    statement = "SELECT count(*) FROM run WHERE closed_at IS NULL AND fund_year = :year"
    province.until("开着的运行", statement, 0, year=YEAR)
    (code, _, said), refused = _in_turn(province, office.code, move, partial(office.refused, hand_in))
    assert (code, said) == (0, "")
    assert refused.problem["code"] == "LINES_MOVED"
    assert not any(counts(province).values())


_ROW = (
    "姓名,身份证号,手机号,乡镇,村,组,一卡通开户行,一卡通账号,户口性质,家庭成员数,补贴项目,补贴金额（元）\n"
    f"{NAME},{citizen_id(1)},13800001234,城关镇,东街村,6组,中国农业银行,{card(1)},农业,4,耕地地力保护补贴,100.00\n"
)
_WAITING = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
  AND (classid::bigint << 32) | objid::bigint = hashtextextended(:key, 0)
"""


def _in_turn(province: Province, county: str, *acts: Callable[[], Any]) -> list[Any]:
    """What they give, who wait for the county's additions in this order."""
    key = f"additions/{county}"
    with ThreadPoolExecutor() as pool:
        with province.holding(f"SELECT pg_advisory_xact_lock(hashtextextended('{key}', 0))"):
            coming = []
            for place, act in enumerate(acts, 1):
                coming.append(pool.submit(act))
                province.until("等候", _WAITING, place, seconds=50, key=key)
        return [one.result() for one in coming]


@OVER
def test_who_was_paid_by_a_later_years_flow_goes_with_that_year(
    servers: Stack,
    databases: Databases,
    office: Office,
    province: Province,
    ran: Ran,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINES_KEPT_YEARS", "1")
    _, numbers = office.ended([Line(1), Line(2, payment="failed:银行系统故障")])
    monkeypatch.setattr(county_office, "YEAR", YEAR + 1)
    later = Office(province)
    later.known([Line(2)])
    batch_no, _ = later.batched([Line(3)])
    later.operator.post(f"/batches/{batch_no}/applications", {"selection": {"application_nos": [numbers[1]]}})
    later.verify(batch_no)
    later.publicise_batch(batch_no)
    second = later.begin(batch_no)
    later.at(second, "settling")
    assert later.ordered("repayment", second)["done_count"] == 1
    unfinished = ran("move", str(YEAR), *BY)[2]
    assert "申请没有办完" in unfinished
    assert numbers[1] in unfinished
    later.pass_summary(second, refused_first=False)
    later.pay(second)
    later.at(second, "ended")
    province.until("开着的运行", "SELECT count(*) FROM run WHERE closed_at IS NULL", 0)
    assert "更早年度的明细还在" in ran("move", str(YEAR + 1), *BY)[2]
    code, told, said = ran("move", str(YEAR), *BY)
    assert (code, said) == (0, "")
    assert "1 笔" in told
    assert later.reviewer.get(f"/applications/{numbers[1]}")["stage"] == "paid"
    code, told, said = ran("move", str(YEAR + 1), *BY)
    assert (code, said) == (0, "")
    assert "2 笔" in told
    assert not any(counts(province).values())
    assert province.rows(UNLIKE_LINES) == []
    _both_stand_on_one_shelf(servers, databases, office.code, ran)


def _both_stand_on_one_shelf(servers: Stack, databases: Databases, county: str, ran: Ran) -> None:
    """The earlier year first; the later one brings what has become of it, each of its sums once."""
    name = databases.make()
    words = [("put-back", str(year), "--county", county, "--into", servers.layout.cluster.url(name, postgres.OWNER))
             for year in (YEAR, YEAR + 1)]  # fmt: skip
    try:
        for each, told in zip((*words, words[1]), ("1 笔", "2 笔", "2 笔"), strict=True):
            code, out, said = ran(*each)
            assert (code, said) == (0, "")
            assert told in out
        assert "一个区县要放回几个年度的，按年度先后放回" in ran(*words[0])[2]
        with servers.layout.cluster.connect(name) as shelf:
            assert shelf.execute(UNLIKE_LINES).fetchall() == []
            stages = shelf.execute("SELECT fund_year, stage FROM application ORDER BY id").fetchall()
            assert stages == [(YEAR, "paid"), (YEAR, "paid"), (YEAR + 1, "paid")]
            [entries] = shelf.execute("SELECT (SELECT count(*) FROM trail_entry) - sequence FROM trail_head").fetchall()
            assert entries == (0,)
    finally:
        servers.drop_database(name)


@OVER
def test_history_lets_only_a_signed_part_go(office: Office, province: Province, ran: Ran, owner_url: str) -> None:
    finished(office)
    with psycopg.connect(owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        for statement in ("DELETE FROM payment", "DELETE FROM trail_line", "UPDATE payment SET page = 2"):
            with pytest.raises(RaiseException, match="is history"):
                owner.execute(statement)
        owner.execute("SET onecard.moving_out = on")
        for statement in ("DELETE FROM trail_entry", "UPDATE payment SET page = 2", "TRUNCATE trail_line"):
            with pytest.raises(RaiseException, match="is history"):
                owner.execute(statement)
        assert owner.execute("SELECT move_out_part(%s, %s, 1)", [office.code, YEAR]).fetchone() == (0,)
        assert owner.execute("SELECT moves_out()").fetchone() == (True,)
    address = province.settings.database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as app:
        app.execute("SET onecard.moving_out = on")
        app.execute("CREATE TEMPORARY TABLE payment ()")
        assert app.execute("SELECT moves_out()").fetchone() == (False,)
    province.check()
    _asks_before_it_begins(province, ran, owner_url)


def _asks_before_it_begins(province: Province, ran: Ran, owner_url: str) -> None:
    """A line that was paid in this year, and is in a later year's flow all the same: neither year's sums would hold."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as owner:
        owner.execute(
            "INSERT INTO flow SELECT (jsonb_populate_record(f, jsonb_build_object('id', 99, 'flow_no',"
            " replace(flow_no, '2023', '2024'), 'fund_year', 2024))).* FROM flow f"
        )
        owner.execute(
            'INSERT INTO flow_line SELECT (jsonb_populate_record(l, \'{"id": 99, "flow_id": 99, "money": "released",'
            ' "state": "withdrawn", "payment": null}\')).* FROM flow_line l WHERE money = \'paid\' ORDER BY id LIMIT 1'
        )
    code, _, said = ran("move", str(YEAR), *BY)
    assert code == 1
    assert "没有作任何改动。本年度流程已发放，却又在以后年度的流程中，请先查明：1 项" in said
    assert province.rows("SELECT 1 FROM moved_year") == []


@OVER
def test_the_auditor_finds_who_was_paid_where_it_is_put_back(
    servers: Stack,
    databases: Databases,
    office: Office,
    province: Province,
    ran: Ran,
    s3_settings: Access,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flow_no, numbers = office.ended(LINES)
    _withdrawn_in_a_later_batch(office, numbers[1], monkeypatch)
    lists = ("/applications", f"/flows/{flow_no}/lines", f"/flows/{flow_no}/payments", "/flows", "/batches")
    before: dict[str, list[Json]] = {path: office.reviewer.pages(path) for path in lists}
    assert ran("move", str(YEAR), *BY)[0] == 0
    name = databases.make()
    try:
        into = servers.layout.cluster.url(name, postgres.OWNER)
        words = ("put-back", str(YEAR), "--county", office.code, "--into", into)
        code, told, said = ran(*words)
        assert code == 0, said
        assert "4 笔" in told
        assert ran(*words)[:2] == (0, told)
        with servers.layout.cluster.connect(name) as connection:
            assert connection.execute(UNLIKE_LINES).fetchall() == []
        _is_one_trail(ran, words, into)
        (tmp_path / "shelf").mkdir()
        address = servers.layout.cluster.url(name)
        after = province.portal.call(_read, address, tmp_path / "shelf", s3_settings, province, office.code, lists)
        for path in lists:
            found = [_unlike(*pair) for pair in zip(after[path], before[path], strict=True)]
            assert not any(found), (path, found)
    finally:
        servers.drop_database(name)


def _withdrawn_in_a_later_batch(office: Office, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"selection": {"application_nos": [number]}}
    with monkeypatch.context() as later:
        later.setattr(office, "year", YEAR + 1)
        batch_no = office.open_batch("补发")
    office.operator.post(f"/batches/{batch_no}/applications", chosen)
    office.operator.post("/application-withdrawals", {**chosen, "reason": "本人放弃"})
    statement = "SELECT count(*) FROM run WHERE closed_at IS NULL AND fund_year = :year"
    office.province.until("开着的运行", statement, 0, year=YEAR)


def _is_one_trail(ran: Ran, words: tuple[str, ...], into: str) -> None:
    """Who is made there is noted behind all that came; nothing comes once more among it, nor over other rows."""
    with psycopg.connect(into.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("UPDATE stored_file SET stored_by = 'somebody' WHERE id = (SELECT max(id) FROM stored_file)")
        assert "stored_file 有 1 行的编号被其他行占用" in ran(*words)[2]
        [(last, head)] = owner.execute("SELECT max(e.id), max(h.sequence) FROM trail_entry e, trail_head h").fetchall()
        people = [sys.executable, "-m", "deploy.people", words[3], "chen.jing", "陈静", "zhou.wei", "周伟"]
        ids = f"{citizen_id(901)}\n{citizen_id(902)}\n"
        subprocess.run(people, cwd=ROOT, env={**os.environ, "DATABASE_URL": into}, input=ids, text=True, check=True)
        new = owner.execute("SELECT sequence FROM trail_entry WHERE id > %s ORDER BY 1", [last]).fetchall()
        assert new == [(head + 1,), (head + 2,)]
    assert "已有" in ran(*words)[2]


def _unlike(here: Json, there: Json) -> dict[str, tuple[object, object]]:
    """But for the run, which looks once more now and then."""
    names = [name for name in here | there if name != "run"]
    return {name: (here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)}


async def _read(
    address: str, folder: Path, s3: Access, province: Province, county: str, lists: tuple[str, ...]
) -> Mapping[str, list[Json]]:
    async with api_server(address, folder, s3, vault=province.vault) as server:
        found = {}
        for path in lists:
            answer = await server.get(Role.AUDITOR, path, county, limit=500)
            assert answer.status_code == 200, answer.text
            found[path] = answer.json()["items"]
        return found
