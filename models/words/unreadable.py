"""What stands where a stored value can't be read any more: for people, and as a code."""

UNREADABLE = "〔无法读取〕"
UNREADABLE_CODE = "UNREADABLE"
