"""Which tone a stage has on a page: ok, bad, wait, or none; the word beside it says the same."""

_OK = {
    "approved",
    "accepted",
    "passed",
    "paid",
    "ended",
    "imported",
    "matched",
    "applied",
    "confirmed",
    "valid",
    "loaded",
}
_BAD = {
    "unresolved",
    "rejected",
    "failed",
    "refused",
    "unmatched",
    "invalid",
    "partly_invalid",
    "cancelled",
    "contradicted",
    "not_taken",
}
_WAIT = {
    "awaiting",
    "in_review",
    "under_review",
    "paying",
    "pending",
    "submitted",
    "to_confirm",
    "checking",
    "asking",
    "taking",
    "held",
    "waiting",
}
_SOFT = {"withdrawn", "deferred", "closed", "draft", "none"}
_TONES = {**dict.fromkeys(_OK, "ok"), **dict.fromkeys(_BAD, "bad"), **dict.fromkeys(_WAIT, "wait")}
_TONES.update(dict.fromkeys(_SOFT, "soft"))


def tone(code: object) -> str:
    return _TONES.get(str(code), "")
