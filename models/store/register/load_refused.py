"""Accounts that the bank refused in a load (初始导入): the last word on an account that the register never had."""

# Of a load as `d` and its row `w`: where the register has this very account, its own checks are later word.
_LATER_WORD = """
  SELECT FROM register_account r WHERE r.person_index = w.person_index AND r.county_code = d.county_code
    AND (r.bank_code, r.account_index) = (w.bank_code, w.account_index) AND (
      EXISTS (SELECT FROM register_change h WHERE h.register_account_id = r.id AND coalesce(h.as_of, h.at) > d.asked_at)
      OR EXISTS (SELECT FROM check_round k WHERE k.stage = 'done' AND k.created_at > d.asked_at
        AND (k.account_id = r.id OR k.account_id IS NULL AND (k.county_code = d.county_code
          OR k.county_code IS NULL AND left(k.province_code, 2) = left(d.county_code, 2)))))
"""
REFUSED_AT_LOAD = (
    "FROM register_load d JOIN register_load_row w ON w.load_id = d.id AND w.outcome = 'refused'"
    f" WHERE d.county_code = :county AND NOT EXISTS ({_LATER_WORD})"
)


def is_refused_at_load(person: str, bank: str, account: str) -> str:
    """True in SQL where the bank refused a person's account as the county loaded it; binds `county`.

    A set and never a join, which a plan that knows nothing of the tables would walk through once for each line.
    """
    return f"({person}, {bank}, {account}) IN (SELECT w.person_index, w.bank_code, w.account_index {REFUSED_AT_LOAD})"


def why_refused_at_load(person: str, bank: str, account: str) -> str:
    """A join in SQL: `u.reason_code` and `u.since` of that refusal, else NULL; binds `county`."""
    return (
        f" LEFT JOIN LATERAL (SELECT w.code AS reason_code, d.asked_at AS since {REFUSED_AT_LOAD}"
        f" AND (w.person_index, w.bank_code, w.account_index) = ({person}, {bank}, {account})"
        " ORDER BY w.id DESC LIMIT 1) AS u ON TRUE"
    )
