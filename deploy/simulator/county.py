"""A county that speaks the contract by itself: the shortest way through a flow, for trials and bare measurements."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

import httpx

from .probe import Json, Probe, Receiver

PDF, PNG = b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n"
YEAR = 2025

Record = dict[str, object]
Person = Sequence[str]


class County:
    """Each step raises when the platform refuses it; what is to be refused goes through `probe` itself."""

    def __init__(self, probe: Probe, receiver: Receiver, code: str) -> None:
        self.probe, self.receiver, self.code = probe, receiver, code
        self._numbers = itertools.count(1)
        self.policy_id = self.indicator_id = self.flow_id = ""
        self.batch_no = "B1"
        self.file_id = probe.upload(PDF + code.encode())
        self.image_id = probe.upload(PNG + code.encode(), "image/png")

    def reference(self, prefix: str) -> str:
        return f"{prefix}-{self.code}-{next(self._numbers)}"

    def listed(self, name: str, *, year: bool = False) -> dict[str, str]:
        """One of the platform's lists, code by name."""
        query = f"?fund_year={YEAR}" if year else ""
        items = self._ok("GET", f"/counties/{self.code}/{name}{query}")["items"]
        assert isinstance(items, list)
        return {item["name"]: item["code"] for item in items}

    def policy_body(self, items: Sequence[str] = ("BT1001", "BT1002", "BT1003"), title: str = "补贴实施方案") -> Json:
        return {
            "client_reference": self.reference("P"),
            "county_code": self.code,
            "fund_year": YEAR,
            "policy_unit_code": next(iter(self.listed("policy-units").values())),
            "title": title,
            "item_codes": list(items),
            "file_id": self.file_id,
        }

    def indicator_body(self, total_fen: int = 10**10, nature: str = "一般公共预算") -> Json:
        return {
            "client_reference": self.reference("I"),
            "county_code": self.code,
            "fund_year": YEAR,
            "budget_unit_code": next(iter(self.listed("budget-units").values())),
            "budget_project_code": next(iter(self.listed("budget-projects", year=True).values())),
            "document_no": next(iter(self.listed("indicator-documents", year=True))),
            "fund_nature": nature,
            "total_fen": total_fen,
            "central_fen": total_fen,
            "provincial_fen": 0,
            "municipal_fen": 0,
            "county_fen": 0,
        }

    def prepare(self, total_fen: int = 10**10) -> None:
        """An approved policy and an approved indicator."""
        self.policy_id = str(self._ok("POST", "/policies", self.policy_body())["submission_id"])
        self.indicator_id = str(self._ok("POST", "/indicators", self.indicator_body(total_fen))["submission_id"])
        self.reviewed(self.policy_id)
        self.reviewed(self.indicator_id)

    def reviewed(self, submission: str) -> Json:
        return self.receiver.wait(lambda one: one.data.get("submission_id") == submission)[0].data

    def record(self, number: str, person: Person, amount_fen: int = 10_000, **other: object) -> Record:
        """`person` is id, name, bank code and account."""
        id_number, name, bank, account = person
        town = f"{self.code}100"
        return {
            "application_no": number,
            "attempt": 1,
            "applicant_kind": "personal",
            "name": name,
            "id_number": id_number,
            "town_code": town,
            "village_code": f"{town}001",
            "item_code": "BT1001",
            "amount_fen": amount_fen,
            "bank_code": bank,
            "account_no": account,
            "indicator_id": self.indicator_id,
        } | other

    def lines(self, persons: Sequence[Person], **other: object) -> list[Record]:
        """One line each, with amounts that tell them apart."""
        return [
            self.record(f"{self.code}-{place}", person, 10_000 + place, **other) for place, person in enumerate(persons)
        ]

    def verified(self, records: list[Record]) -> list[Record]:
        self.judged("verification", records)
        return records

    def open(self, kind: str, mode: str | None = None) -> str:
        body: Json = {"client_reference": self.reference("L"), "kind": kind, "county_code": self.code, "mode": mode}
        body["batch_no"] = None if kind == "beneficiary_init" else self.batch_no
        body["flow_id"] = self.flow_id if kind == "application_submission" else None
        return str(self._ok("POST", "/datasets", body)["dataset_id"])

    def fill(self, dataset: str, records: Sequence[Record], size: int = 500) -> Json:
        """Sends the pages; answers what the commit must say."""
        starts = range(0, len(records), size)
        for page, start in enumerate(starts, start=1):
            self._ok("PUT", f"/datasets/{dataset}/pages/{page}", {"records": list(records[start : start + size])})
        return {"page_count": len(starts), "record_count": len(records), "total_fen": fen(records)}

    def push(self, kind: str, records: Sequence[Record], mode: str | None = None) -> str:
        dataset = self.open(kind, mode)
        self._ok("POST", f"/datasets/{dataset}/commit", self.fill(dataset, records))
        return dataset

    def try_round(self, records: Sequence[Record], mode: str = "initial") -> httpx.Response:
        dataset = self.open("application_submission", mode)
        return self.probe.post(f"/datasets/{dataset}/commit", self.fill(dataset, records))

    def results(self, dataset: str, count: int) -> dict[str, Json]:
        """Waits for all result pages by callback; the entries by application number."""
        found: dict[str, Json] = {}
        pages = self.receiver.wait(
            lambda one: one.type == "dataset.results" and one.data["dataset_id"] == dataset, -(-count // 500), 20.0
        )
        for page in pages:
            entries = page.data["results"]
            assert isinstance(entries, list)
            found.update((entry["application_no"], entry) for entry in entries)
        return found

    def judged(self, kind: str, records: Sequence[Record], mode: str | None = None) -> dict[str, Json]:
        return self.results(self.push(kind, records, mode), len(records))

    def flow_body(self) -> Json:
        return {
            "client_reference": self.reference("F"),
            "county_code": self.code,
            "batch_no": self.batch_no,
            "fund_year": YEAR,
            "policy_unit_code": next(iter(self.listed("policy-units").values())),
            "policy_ids": [self.policy_id],
            "indicator_ids": [self.indicator_id],
            "publicity": {"start_date": "2025-03-01", "address": "村务公开栏", "image_file_ids": [self.image_id]},
        }

    def start(self) -> str:
        self.flow_id = str(self._ok("POST", "/flows", self.flow_body())["flow_id"])
        return self.flow_id

    def summary_body(self, accepted: Sequence[Record], opinion: str = "同意发放") -> Json:
        return {
            "client_reference": self.reference("S"),
            "total_fen": fen(accepted),
            "application_count": len(accepted),
            "household_count": len({record["id_number"] for record in accepted}),
            "towns": _shares(accepted, "town_code"),
            "banks": _shares(accepted, "bank_code"),
            "approval_form_file_id": self.file_id,
            "opinion": opinion,
        }

    def summarise(self, accepted: Sequence[Record], opinion: str = "同意发放") -> Json:
        answer = self._ok("POST", f"/flows/{self.flow_id}/summary", self.summary_body(accepted, opinion))
        return self.reviewed(str(answer["submission_id"]))

    def confirm(self, accepted: Sequence[Record]) -> None:
        body = {"application_count": len(accepted), "total_fen": fen(accepted)}
        self._ok("POST", f"/flows/{self.flow_id}/payment-confirmation", body)

    def ended(self) -> Json:
        flow = self.flow_id
        return self.receiver.wait(lambda one: one.type == "flow.ended" and one.data["flow_id"] == flow, 1, 20.0)[0].data

    def flow(self) -> Json:
        return self._ok("GET", f"/flows/{self.flow_id}")

    def pay(self, records: Sequence[Record], mode: str = "initial") -> Json:
        """A whole flow of lines that are all to be accepted; answers what flow.ended said."""
        self.start()
        results = self.judged("application_submission", records, mode)
        refused = [one for one in results.values() if one["outcome"] != "accepted"]
        if refused:
            raise AssertionError(f"{len(refused)} lines were refused, the first: {refused[0].get('reason')}")
        self.summarise(records)
        self.confirm(records)
        return self.ended()

    def _ok(self, method: str, path: str, body: object = None) -> Json:
        if method == "GET":
            answer = self.probe.get(path)
        else:
            answer = self.probe.post(path, body) if method == "POST" else self.probe.put(path, body)
        if not answer.is_success:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        said: Json = answer.json() if answer.content else {}
        return said


def fen(records: Iterable[Record]) -> int:
    return sum(record["amount_fen"] for record in records if isinstance(record["amount_fen"], int))


def _shares(records: Sequence[Record], name: str) -> list[Json]:
    by_code: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_code[str(record[name])].append(record)
    return [
        {"code": code, "name": code, "application_count": len(own), "total_fen": fen(own)}
        for code, own in by_code.items()
    ]
