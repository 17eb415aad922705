"""One word per thing: a label on each member, each code of a refusal once, no public name for two things."""

import ast
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from pydantic import BaseModel
from sqlalchemy import Enum

from api.main import openapi
from deploy.measures import SHAPES, names_of_two_things, public_names, sources
from models import contracts
from models.tables.base import enum_column
from models.words import card_stages, staff, stages, waiting
from models.words.faults import FaultCode
from models.words.labelled import Labelled
from models.words.refusals import Refusal

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = [
    path for room in ("models", "activities", "workflows", "api") for path in sorted((ROOT / room).rglob("*.py"))
]
# Codes of other vocabularies: a callback that was put aside, and why.
EFFECTS = {("routing.py", "OTHER_COUNTY")}
LABELLED = sorted(
    {
        kind
        for module in (contracts, stages, staff, card_stages, waiting)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Labelled) and kind is not Labelled
    },
    key=lambda kind: kind.__name__,
)


def test_every_stage_has_its_word() -> None:
    assert len(LABELLED) > 25
    assert not [word for kind in LABELLED for word in kind if re.search("[A-Za-z]", word.label)]


def test_words_that_are_spelled_alike_keep_their_own_labels() -> None:
    assert (stages.PaymentState.FAILED.label, card_stages.PartStage.FAILED.label) == ("发放失败", "申请失败")
    assert stages.BatchStage.OPEN.value == stages.SummaryStage.OPEN.value
    assert stages.BatchStage.OPEN.label != stages.SummaryStage.OPEN.label


def test_a_member_without_a_word_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="Sloppy open has no label"):

        class Sloppy(Labelled):
            OPEN = "open"


def test_rows_json_and_documents_see_the_value_alone() -> None:
    class Shown(BaseModel):
        stage: stages.FlowStage

    shown, starting = Shown(stage=stages.FlowStage("starting")), stages.FlowStage.STARTING
    assert shown.stage is starting
    assert type(starting.value) is str
    assert json.loads(shown.model_dump_json()) == json.loads(orjson.dumps(shown.model_dump())) == {"stage": "starting"}
    assert json.dumps({starting: starting}) == '{"starting": "starting"}'
    schema = Shown.model_json_schema()["$defs"]["FlowStage"]
    assert (schema["type"], schema["enum"][0]) == ("string", "starting")
    assert pickle.loads(pickle.dumps(starting)) is starting
    assert f"{starting}" == str(starting) == "starting"
    [words] = [word for word in vars(enum_column(stages.FlowStage)).values() if isinstance(word, Enum)]
    assert words.enums == [stage.value for stage in stages.FlowStage]


def literals(path: Path) -> Iterator[str]:
    """Texts in a file, without those that give the members of an enumeration their values."""
    tree = ast.parse(path.read_text())
    kinds = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Enum" in " ".join(map(ast.unparse, node.bases))
    ]
    values = {id(node) for kind in kinds for node in ast.walk(kind)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in values:
            yield node.value


def test_a_refusals_code_is_written_once() -> None:
    sources = [path for path in PRODUCT if path.parent.name not in ("words", "wire")]
    again = {(path.name, text) for path in sources for text in literals(path) if text in set(Refusal) | set(FaultCode)}
    assert again == EFFECTS


def test_every_code_is_used_and_every_documented_code_is_known() -> None:
    texts = [path.read_text() for path in PRODUCT if path.name != "refusals.py"]
    told = {
        keyword
        for text in texts
        for call in re.findall(r"\brefusals\(([^()]*)\)", text)
        for keyword in re.findall(r"(\w+)=\d", call)
    }
    used = {code for text in texts for code in re.findall(r"\bRefusal\.([A-Z_]+)", text)}
    assert {each.name for each in Refusal} == used
    assert not told - {each.name for each in (*Refusal, *FaultCode)}
    assert all(each.name == each.value for each in Refusal)
    answer = openapi()["paths"]["/batches/{batch_no}/verifications"]["post"]["responses"]["409"]
    assert f"BATCH_FROZEN {Refusal.BATCH_FROZEN.label}" in answer["description"]


def test_no_public_name_says_two_things() -> None:
    """A shape of the platform's may be called as the row it tells of: its user writes `answers.Flow`."""
    assert names_of_two_things() == []
    twice = {name for name, modules in public_names().items() if len(modules) > 1}
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in SHAPES and not path.startswith("models/wire/"):
                assert not {alias.name for alias in node.names} & twice, f"{path}:{node.lineno}"
