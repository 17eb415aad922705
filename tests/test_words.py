"""One word per thing: a label on each member, plain values for machines."""

import json
import pickle
import re

import orjson
import pytest
from pydantic import BaseModel
from sqlalchemy import Enum

from models import contracts
from models.tables.base import enum_column
from models.words import card_stages, stages, summary_words
from models.words.labelled import Labelled

LABELLED = sorted(
    {
        kind
        for module in (contracts, stages, card_stages, summary_words)
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
    assert stages.BatchStage.OPEN == stages.SummaryStage.OPEN
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
    column = enum_column(stages.FlowStage)
    assert isinstance(column, Enum)
    assert column.enums == [stage.value for stage in stages.FlowStage]
