"""Which photos 提交材料 needs: the kinds, and the words for them (S1 2.8)."""

from collections.abc import Iterable, Mapping

from models.wire.words import ApplicantKind, DocumentKind
from models.words.labelled import label_of

PHOTOS: Mapping[str, str] = {
    DocumentKind.ID_CARD_FRONT: "身份证正面",
    DocumentKind.ID_CARD_BACK: "身份证反面",
    DocumentKind.PORTRAIT: "头像",
    DocumentKind.INVOICE: "发票",
    DocumentKind.BANK_CARD: "银行卡照片",
    DocumentKind.OTHER: "其他材料",
}
# Of a person, unless the county administrator takes kinds off for a subsidy item; one at least stays.
OF_PERSON = (DocumentKind.ID_CARD_FRONT, DocumentKind.PORTRAIT, DocumentKind.INVOICE)
# An organization has one photo at least; its business licence comes as `other`, the bank card's picture doesn't count.
OF_ORGANIZATION = DocumentKind.OTHER
LICENCE = "营业执照（其他材料）"
ORGANIZATION_RULE = f"至少一张材料照片，如{LICENCE}；银行卡照片不计"


def missing_words(missing: Iterable[str]) -> str:
    """Of a person's line the kinds that it lacks, of an organization's the one that stands for any."""
    return "、".join(LICENCE if kind == OF_ORGANIZATION else label_of(PHOTOS, kind) for kind in missing)


def is_complete(applicant_kind: str, required: Iterable[str], present: Iterable[str], taken: set[str]) -> bool:
    """Whether all that a line has of what it needs has been `taken` by the platform.

    What it lacks was judged before: a kind that is required only since then doesn't stop an order under way.
    """
    if applicant_kind == ApplicantKind.ORGANIZATION:
        return bool(taken - {DocumentKind.BANK_CARD.value})
    return bool(taken) and set(required).intersection(present) <= taken
