"""English for the Chinese that the API says: labels of stages, kinds and roles, titles of refusals."""

from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    "县管理": "County administrator",
    "县操作员": "Operator",
    "审核人": "Reviewer",
    "申请人": "Applicant",
    "运维": "Operations",
    "审计": "Auditor",
}
