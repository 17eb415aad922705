"""Imports point one way, workflows stay deterministic, and clients are built in two places only."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"models", "activities", "workflows", "api", "worker", "deploy", "tests"}
NETWORK = {"httpx", "httpcore", "boto3", "botocore", "requests", "urllib", "urllib3", "aiohttp", "socket", "psycopg"}

# What a layer may import of ours; every layer may import itself.
ALLOWED = {
    "models": set[str](),
    "activities": {"models"},
    "workflows": {"models", "activities"},
    "api": {"models", "workflows"},
    "worker": {"models", "activities", "workflows"},
}
FORBIDDEN_LIBRARIES = {
    "models": {"temporalio", "fastapi", "starlette", "uvicorn"} | (NETWORK - {"psycopg"}),
    "workflows": {"fastapi", "starlette", "uvicorn", "sqlalchemy", "sqlmodel"} | NETWORK,
}
# Beside the workflows: how they are started, by which timeouts, and what takes them.
NO_WORKFLOW = {
    f"workflows/{name}.py"
    for name in ("build", "canary_worker", "certificates", "client", "options", "schedules", "versions")
}
# What a second run of the same history would find otherwise.
CHANGING_MODULES = {"time", "random", "uuid", "secrets", "os", "sys", "threading", "subprocess", "io", "pathlib"}
CHANGING_CALLS = (".now", ".utcnow", ".today", "open", "print", "input")
FORBIDDEN_MODULES = {"workflows": ("models.tables", "models.settings", "models.store")}

# The rooms of a layer, from the floor up: a room imports what lies under it, never back.
ROOMS = (
    *("models/wire", "models/words", "models", "models/sheets", "models/forms", "models/photos", "models/prints"),
    "models/tables",
    *("models/store", "models/store/events", "models/store/trail", "models/store/runs", "models/store/register"),
    *("models/store/people", "models/store/cards", "models/store/citizens", "models/store/policies"),
    "models/store/applications",
    "models/store/batches",
    *(
        "models/store/imports",
        "models/store/lists",
        "models/store/orders",
        "models/store/flows",
        "models/store/pre_flight",
        "models/store/applying",
        "models/store/to_dos",
    ),
    *("activities/platform", "activities/intake", "activities"),
    *("api/server", "api/oidc", "api/relay", "api/counter", "api/figures", "api/acts", "api/drafts"),
    *("api/applications", "api/photos", "api/policies"),
    *("api/imports", "api/batches", "api/flows", "api/prints", "api/orders"),
    *("api/way", "api/season", "api/cards", "api/citizens", "api/platform"),
    *("api/ops", "api/people", "api/pages", "api"),
)
# Subjects know each other only where one is about the other; `applying` and `to_dos` sit on top of all.
BESIDE = {
    "models/store/applications": {"models/store/register"},
    "models/store/imports": {"models/store/applications", "models/store/register"},
    "models/store/cards": {"models/store/people", "models/store/register"},
    "models/store/lists": {"models/store/register"},
    "models/store/orders": {"models/store/applications", "models/store/register"},
    "models/store/batches": {"models/store/register"},
    "models/store/pre_flight": {
        "models/store/applications",
        "models/store/batches",
        "models/store/register",
    },
    "models/store/flows": {"models/store/applications", "models/store/batches", "models/store/register"},
}
SUBJECTS = {room for room in ROOMS[ROOMS.index("models/store/register") :] if room.startswith("models/store/")}
SUBJECTS -= {"models/store/applying", "models/store/to_dos"}

# The fifth law: pages ask the API and know nothing else; of the models, words and how values are written.
PAGES = "api/pages/"
PAGES_MAY = ("api.pages", "models.words", "models.forms.money", "models.forms.identity")
PAGES_MAY_NOT_USE = {"sqlalchemy", "sqlmodel", "psycopg", "temporalio", "boto3"}

# Calls that open a connection to the outside, wherever the name came from.
CONSTRUCTORS = {
    "Client.connect",
    "httpx.Client",
    "httpx.AsyncClient",
    "AsyncClient",
    "boto3.client",
    "boto3.resource",
    "boto3.Session",
    "boto3.session.Session",
    "create_engine",
    "create_async_engine",
    "psycopg.connect",
    "AsyncConnection.connect",
    "psycopg.AsyncConnection.connect",
    "ConnectionPool",
    "AsyncConnectionPool",
}
MAY_CONSTRUCT = {"worker.py", "api/main.py"}
MAY_CONNECT_TEMPORAL = {"workflows/client.py"}
# Of the API, who speaks with Temporal at all: whoever serves a request writes to the database only.
MAY_SPEAK_WITH_TEMPORAL = ("api/main.py", "api/relay/", "api/ops/health.py")
# It hands the client on, and asks nothing.
HOLDS_THE_CLIENT = "api/counter/parts.py"


@dataclass(frozen=True)
class Source:
    """One file of the product."""

    path: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        return self.path.partition("/")[0].removesuffix(".py")

    def imported(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of everything imported, at any depth of the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = self._absolute(node)
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)

    def called(self) -> Iterator[tuple[int, str]]:
        calls = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return ((call.lineno, ast.unparse(call.func)) for call in calls)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.path.removesuffix(".py").split("/")[: -node.level]
        return ".".join([*package, *([node.module] if node.module else [])])


def breaches(source: Source) -> list[str]:
    return [
        *_import_breaches(source),
        *_client_breaches(source),
        *_room_breaches(source),
        *_temporal_breaches(source),
        *_page_breaches(source),
        *_memory_breaches(source),
    ]


def _memory_breaches(source: Source) -> Iterator[str]:
    """All runs share one copy of a workflow's file: it keeps nothing, and depends on nothing that a history hasn't."""
    if source.layer != "workflows" or source.path in NO_WORKFLOW:
        return
    for statement in source.tree.body:
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if value is not None and not isinstance(value, ast.Constant | ast.Tuple | ast.BinOp | ast.Call):
            yield f"{source.path}:{statement.lineno} what runs share can't change: {ast.unparse(value)}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            yield f"{source.path}:{node.lineno} runs share nothing that changes"
    for line, name in source.imported():
        if name.partition(".")[0] in CHANGING_MODULES:
            yield f"{source.path}:{line} a history has no {name}"
    for line, name in source.called():
        if (name.endswith(CHANGING_CALLS[:3]) and name != "workflow.now") or name in CHANGING_CALLS:
            yield f"{source.path}:{line} a history has no {name}()"


def _page_breaches(source: Source) -> Iterator[str]:
    for line, name in source.imported():
        top = name.partition(".")[0]
        allowed = any(name == module or name.startswith(f"{module}.") for module in PAGES_MAY)
        if source.path.startswith(PAGES) and ((top in OURS and not allowed) or top in PAGES_MAY_NOT_USE):
            yield f"{source.path}:{line} pages ask the API and know nothing else: {name}"


def _room_breaches(source: Source) -> Iterator[str]:
    here = source.path.rpartition("/")[0]
    if here not in ROOMS or source.path == "api/routers.py":
        return
    for line, name in source.imported():
        there = _file_of(name)
        room = there.rpartition("/")[0]
        if room not in ROOMS or room == here or room.partition("/")[0] != source.layer:
            continue
        if ROOMS.index(room) > ROOMS.index(here):
            yield f"{source.path}:{line} {here} lies under {room}"
        elif {here, room} <= SUBJECTS and room not in BESIDE.get(here, set()):
            yield f"{source.path}:{line} {here} isn't about {room}"
        elif room.startswith("api/") and here != "api" and _is_route_or_act(there):
            yield f"{source.path}:{line} routes and acts of {room} are its own: {name}"


def _file_of(name: str) -> str:
    """Of what is imported: the file it stands in, or would."""
    path = name.replace(".", "/")
    return f"{path}.py" if (ROOT / f"{path}.py").exists() else f"{path.rpartition('/')[0]}.py"


def _is_route_or_act(path: str) -> bool:
    return path.endswith("_acts.py") or ((ROOT / path).exists() and "APIRouter(" in (ROOT / path).read_text("utf-8"))


def _import_breaches(source: Source) -> Iterator[str]:
    layer = source.layer
    for line, name in source.imported():
        top = name.partition(".")[0]
        forbidden = FORBIDDEN_MODULES.get(layer, ())
        if top in OURS and top != layer and top not in ALLOWED[layer]:
            yield f"{source.path}:{line} {layer} must not import {name}"
        elif top in FORBIDDEN_LIBRARIES.get(layer, set()):
            yield f"{source.path}:{line} {layer} must not use {name}"
        elif any(name == module or name.startswith(f"{module}.") for module in forbidden):
            yield f"{source.path}:{line} {layer} must not import {name}"


def _client_breaches(source: Source) -> Iterator[str]:
    if source.path in MAY_CONSTRUCT:
        return
    for line, name in source.called():
        temporal_here = name == "Client.connect" and source.path in MAY_CONNECT_TEMPORAL
        if name in CONSTRUCTORS and not temporal_here:
            yield f"{source.path}:{line} builds a client: {name}(...) belongs into worker.py or api/main.py"


def _temporal_breaches(source: Source) -> Iterator[str]:
    """Nobody writes to the database and to Temporal in one request: the relay starts and signals."""
    if source.layer != "api" or source.path.startswith(MAY_SPEAK_WITH_TEMPORAL):
        return
    for line, name in source.imported():
        if name.partition(".")[0] in {"temporalio", "workflows"} and source.path != HOLDS_THE_CLIENT:
            yield f"{source.path}:{line} only the relay speaks with Temporal: {name}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "temporal":
            yield f"{source.path}:{node.lineno} only the relay speaks with Temporal: {ast.unparse(node)}"


def product() -> list[Path]:
    files = [path for layer in ALLOWED for path in (ROOT / layer).rglob("*.py")]
    return [*files, *(path for path in [ROOT / "worker.py"] if path.exists())]


def read(path: Path) -> Source:
    return Source(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))


def test_the_product_keeps_the_law() -> None:
    files = product()
    assert {source.parts[len(ROOT.parts)] for source in files} >= {"models", "activities"}
    assert [breach for path in files for breach in breaches(read(path))] == []


def test_a_folder_can_be_overlooked() -> None:
    """Tables, workflows and pages aside: there each file is one thing of its kind."""
    rooms = [room for layer in ("models", "activities", "api") for room in (ROOT / layer).rglob("*/")]
    files = {room: [path for path in room.glob("*.py") if path.name != "__init__.py"] for room in rooms}
    assert {
        str(room): len(found)
        for room, found in files.items()
        if len(found) > 15 and room.name not in ("tables", "pages")
    } == {}


def test_nothing_imports_deploy_but_tests() -> None:
    importers = [
        path for path in product() for _, name in read(path).imported() if name.partition(".")[0] in {"deploy", "tests"}
    ]
    assert importers == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("models/a.py", "import temporalio"),
        ("models/a.py", "def f():\n    from activities.b import c"),
        ("models/tables/a.py", "from ...workflows import b"),
        ("activities/a.py", "from workflows.flow import Flow"),
        ("workflows/a.py", "with passed_through():\n    from models.tables import Flow"),
        ("workflows/a.py", "from models import settings"),
        ("workflows/a.py", "from models.store.vault import Vault"),
        ("workflows/a.py", "import urllib.request"),
        ("workflows/a.py", "SEEN = {}"),
        ("workflows/a.py", "SEEN: list[int] = [n for n in ()]"),
        ("workflows/a.py", "count = 0\ndef f():\n    global count"),
        ("workflows/a.py", "from random import uniform"),
        ("workflows/a.py", "def f():\n    return datetime.now()"),
        ("api/flows/flows.py", "from activities.flows import submit"),
        ("api/flows/flows.py", "import deploy.stack"),
        ("worker.py", "import api.main"),
        ("activities/a.py", "engine = create_async_engine(url)"),
        ("activities/a.py", "async def f():\n    async with httpx.AsyncClient() as c: ..."),
        ("api/flows/flows.py", "s3 = boto3.client('s3')"),
        ("workflows/flow.py", "async def f():\n    await Client.connect('x')"),
        ("models/store/rows.py", "psycopg.connect(url)"),
        ("models/store/register/a.py", "from models.store.cards.parts import end_part"),
        ("models/store/lists/a.py", "from models.store.cards import parts"),
        ("models/store/cards/a.py", "from models.store.applying.pending import apply_pending_events"),
        ("models/words/a.py", "from models.forms import money"),
        ("activities/platform/a.py", "from activities.flows import Flows"),
        ("api/counter/a.py", "from api.flows.guard import flow_for"),
        ("api/orders/a.py", "from api.flows.flows import router"),
        ("api/orders/a.py", "from api.batches.batch_acts import join"),
        ("api/orders/a.py", "from temporalio.client import Client"),
        ("api/orders/a.py", "def f(desk):\n    from workflows.client import attributes_of"),
        ("api/orders/a.py", "async def f(desk):\n    await desk.parts.temporal.start_workflow('x')"),
        ("api/counter/parts.py", "async def f(parts):\n    await parts.temporal.start_workflow('x')"),
        ("api/pages/flows.py", "from api.flows.flow_views import flow_head"),
        ("api/pages/flows.py", "from models.tables.flows import Flow"),
        ("api/pages/flows.py", "from sqlmodel import select"),
    ],
)
def test_a_breach_is_seen(path: str, code: str) -> None:
    assert breaches(Source(path, ast.parse(code)))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("models/a.py", "from models.tables import Flow\nimport sqlalchemy"),
        ("models/tables/a.py", "from ..words import Stage"),
        ("activities/a.py", "import httpx\nfrom models.settings import Settings\ndef f(c: httpx.AsyncClient): ..."),
        ("workflows/a.py", "from activities.flows import Flows\nfrom models.contracts import FlowInput"),
        (
            "workflows/a.py",
            "WORD = 'due'\nSECONDS = 60.0 * 2\nEVERY = timedelta(days=1)\ndef f():\n    return workflow.now()",
        ),
        ("workflows/client.py", "async def connect():\n    return await Client.connect('x')"),
        ("api/main.py", "engine = create_async_engine(url)"),
        ("worker.py", "from workflows.client import connect\nfrom activities.flows import Flows"),
        ("api/orders/a.py", "from api.flows.guard import flow_for\nfrom api.counter.desk import Desk"),
        ("models/store/flows/a.py", "from models.store.applications.acts import choose"),
        ("api/relay/a.py", "from temporalio.client import Client\nfrom workflows.client import attributes_of"),
        ("api/ops/health.py", "def f(parts):\n    return parts.temporal"),
        ("api/counter/parts.py", "from temporalio.client import Client\nclass Parts:\n    temporal: Client | None"),
        ("models/store/applying/a.py", "from models.store.cards.parts import end_part"),
    ],
)
def test_what_is_allowed_passes(path: str, code: str) -> None:
    assert breaches(Source(path, ast.parse(code))) == []
