"""The forms that are printed, by the name of template and module."""

from enum import StrEnum


class Template(StrEnum):
    SUMMARY_FORM = "summary_form"
    VILLAGE_LIST = "village_list"
