-- A province's rows, made of one county's: `county` (code, place), `pattern` (that county's applications, sealed for real,
-- with `part` 1 to 20 and `place` within it) and the patterns of trail, card changes and entries are there. What the other
-- counties' rows hold sealed is of the right length and opens for nobody. Parts come in county by county, as in a year.

CREATE FUNCTION pg_temp.of(code text, value text, measured text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE WHEN code = measured THEN value ELSE md5(code || value) END
$$;

INSERT INTO stored_file (county_code, object_key, sha256, content_type, size, stored_by, stored_at)
SELECT code, code || '/bench', md5(code), 'application/pdf', 1000, 'rev.bench', now() FROM county ORDER BY code;

INSERT INTO policy_unit SELECT code, 'U-1', '农业农村委', 'adm.bench', now() FROM county;

INSERT INTO policy (policy_no, county_code, fund_year, policy_unit_code, policy_unit_name, title_sealed, item_codes, file_id,
  stage, round, entered_by, created_at, updated_at)
SELECT code || '-Z2026-0001', code, 2026, 'U-1', '农业农村委', (SELECT title FROM sealed_texts), '["ITEM-01"]', f.id, 'approved', 1,
  'op.bench', now(), now() FROM county JOIN stored_file f ON f.county_code = code ORDER BY code;

INSERT INTO indicator (indicator_no, county_code, fund_year, budget_unit_code, budget_unit_name, budget_project_code,
  budget_project_name, document_no, total_fen, central_fen, provincial_fen, municipal_fen, county_fen, reserved_fen, paid_fen,
  stage, round, entered_by, created_at, updated_at)
SELECT code || '-B2026-0001', code, 2026, 'BU', '预算单位', 'BP', '预算项目', '渝财预〔2026〕15号', 1000000000000, 1000000000000, 0,
  0, 0, 0, 0, 'approved', 1, 'op.bench', now(), now() FROM county ORDER BY code;

INSERT INTO batch (batch_no, county_code, fund_year, title_sealed, stage, verification_round, publicity_start,
  publicity_address, created_by, created_at, updated_at)
SELECT code || '-P2026-' || lpad(part::text, 4, '0'), code, 2026, (SELECT title FROM sealed_texts),
  CASE WHEN part <= 8 THEN 'done' WHEN part = 9 THEN 'in_flow' WHEN part <= 11 THEN 'verified' ELSE 'open' END,
  CASE WHEN part <= 11 THEN 1 ELSE 0 END, now() - interval '10 days', '镇政府公示栏', 'op.bench', now(), now()
FROM generate_series(1, 12) AS part CROSS JOIN county ORDER BY part, code;

INSERT INTO beneficiary_list (list_no, county_code, fund_year, line_count, total_fen, held_count, entered_by, created_at)
SELECT code || '-N2026-' || lpad(part::text, 4, '0'), code, 2026, (SELECT count(*) FROM pattern p WHERE p.part = l.part),
  (SELECT sum(amount_fen) FROM pattern p WHERE p.part = l.part), 0, 'op.bench', now()
FROM generate_series(1, 16) AS l (part) CROSS JOIN county ORDER BY part, code;

INSERT INTO application_import (import_no, county_code, fund_year, applicant_kind, file_id, stage, rows_total, rows_checked,
  rows_imported, rows_refused, total_fen, to_confirm_count, rows_to_confirm, entered_by, created_at, finished_at)
SELECT code || '-I2026-' || lpad(part::text, 4, '0'), code, 2026, 'personal', f.id, 'imported', 2000, 2000, 2000, 0, 1, 0, 0,
  'op.bench', now(), now()
FROM generate_series(1, 20) AS part CROSS JOIN county JOIN stored_file f ON f.county_code = code ORDER BY part, code;

INSERT INTO application (application_no, county_code, fund_year, applicant_kind, channel, stage, stage_since, name_sealed,
  name_index, id_number_sealed, person_index, phone_sealed, town_code, village_code, group_name, bank_code, account_sealed,
  account_index, household_registration, family_size, item_code, amount_fen, list_id, batch_id, match_outcome, verification,
  payments, returned_reason_sealed, import_id, entered_by, reviewed_by, version, created_at, updated_at)
SELECT replace(p.application_no, (SELECT measured FROM sealed_texts), c.code), c.code, 2026, 'personal', 'import', x.stage,
  now() - (20 - p.part) * interval '3 days', p.name_sealed, p.name_index, p.id_number_sealed,
  pg_temp.of(c.code, p.person_index, t.measured), p.phone_sealed, c.code || right(p.town_code, 3), p.village_code, '6组',
  p.bank_code, p.account_sealed, CASE WHEN p.place = 7 THEN p.account_index ELSE pg_temp.of(c.code, p.account_index, t.measured) END,
  'agricultural', 3, p.item_code, p.amount_fen, l.id, b.id,
  CASE WHEN p.part <= 14 OR p.part = 15 AND x.stage = 'matched' THEN 'matched' WHEN p.part = 15 THEN
    (ARRAY['name_differs', 'not_found', 'no_account'])[p.place % 3 + 1] END,
  CASE WHEN p.part > 11 THEN 'none' WHEN p.place % 33 = 5 THEN 'failed' ELSE 'passed' END,
  CASE WHEN x.stage IN ('paid', 'evidence_sent', 'failed') THEN 1 ELSE 0 END,
  CASE WHEN p.part = 20 AND p.place % 20 = 0 THEN t.title END, i.id, CASE WHEN p.place % 50 = 0 THEN 'op.other' ELSE 'op.bench' END,
  CASE WHEN p.part <= 17 OR p.part = 18 AND p.place % 2 = 0 THEN 'rev.bench' END, 6, now(), now() - (20 - p.part) * interval '3 days'
FROM sealed_texts t CROSS JOIN county c CROSS JOIN pattern p
CROSS JOIN LATERAL (SELECT CASE
  WHEN p.part <= 8 THEN CASE WHEN p.place % 100 = 0 THEN 'failed' WHEN p.place % 100 = 1 THEN 'withdrawn'
    WHEN p.place % 100 < 20 THEN 'evidence_sent' ELSE 'paid' END
  WHEN p.part = 9 THEN CASE WHEN p.place % 2 = 0 THEN 'in_flow' ELSE 'paid' END
  WHEN p.part <= 12 THEN 'in_batch' WHEN p.part = 13 THEN 'pending_settlement' WHEN p.part = 14 THEN 'matched'
  WHEN p.part = 15 THEN CASE WHEN p.place % 10 = 0 THEN 'unmatched' ELSE 'matched' END
  WHEN p.part <= 17 THEN 'publicised' WHEN p.part <= 19 THEN 'in_review' ELSE 'draft' END AS stage) AS x
LEFT JOIN batch b ON b.batch_no = c.code || '-P2026-' || lpad(p.part::text, 4, '0')
LEFT JOIN beneficiary_list l ON l.list_no = c.code || '-N2026-' || lpad(p.part::text, 4, '0')
LEFT JOIN application_import i ON i.import_no = c.code || '-I2026-' || lpad(p.part::text, 4, '0')
ORDER BY p.part, c.place, p.place;

INSERT INTO application_photo (application_id, kind, file_id, stored_at)
SELECT a.id, 'bank_card', f.id, now() FROM application a JOIN stored_file f USING (county_code) WHERE a.id % 10 = 0;

INSERT INTO flow (flow_no, county_code, fund_year, batch_id, batch_no, policy_unit_code, stage, outcome, balanced, platform_id,
  round_no, summary_no, called_off, published_pages, started_by, created_at, started_at, ended_at)
SELECT replace(batch_no, '-P', '-F'), county_code, 2026, id, batch_no, 'U-1', CASE stage WHEN 'done' THEN 'ended' ELSE 'paying' END,
  CASE stage WHEN 'done' THEN 'disbursed' END, CASE stage WHEN 'done' THEN true END, 'F-' || id, 1, 1, false, 4, 'op.bench', now(),
  now(), CASE stage WHEN 'done' THEN now() END FROM batch WHERE stage IN ('done', 'in_flow') AND right(batch_no, 4)::int >= (SELECT first_part FROM sealed_texts) ORDER BY id;

INSERT INTO flow_policy SELECT f.id, p.id, 'U-1' FROM flow f JOIN policy p USING (county_code);
INSERT INTO flow_indicator SELECT f.id, 1, i.id FROM flow f JOIN indicator i USING (county_code);

INSERT INTO dataset (reference, kind, county_code, batch_id, flow_id, mode, stage, generation, platform_id, record_count, total_fen,
  result_pages, created_at, committed_at, reviewed_at)
SELECT list_no, 'beneficiary_init', county_code, NULL::bigint, NULL::bigint, NULL, CASE WHEN right(list_no, 2) = '16' THEN 'under_review'
  ELSE 'reviewed' END, 1, 'D-' || id, line_count, total_fen, 4, now(), now(), now() FROM beneficiary_list
UNION ALL SELECT batch_no || '-V1', 'verification', county_code, id, NULL, NULL, 'reviewed', 1, 'V-' || id, 2000, 1, 4, now(), now(), now()
FROM batch WHERE verification_round = 1
UNION ALL SELECT flow_no || '.r1', 'application_submission', county_code, batch_id, id, 'initial', 'reviewed', 1, 'R-' || id, 2000, 1, 4,
  now(), now(), now() FROM flow;

INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome)
SELECT d.id, row_number() OVER (PARTITION BY d.id ORDER BY a.id) - 1, a.id, a.application_no, a.amount_fen,
  CASE WHEN d.stage = 'reviewed' THEN a.match_outcome END
FROM application a JOIN beneficiary_list l ON l.id = a.list_id JOIN dataset d ON d.reference = l.list_no
WHERE right(l.list_no, 4)::int >= (SELECT first_part FROM sealed_texts)
UNION ALL
SELECT d.id, row_number() OVER (PARTITION BY d.id ORDER BY a.id) - 1, a.id, a.application_no, a.amount_fen, CASE d.kind
  WHEN 'verification' THEN a.verification WHEN 'application_submission' THEN 'accepted' END
FROM dataset d JOIN application a ON a.batch_id = d.batch_id JOIN batch b ON b.id = d.batch_id
WHERE right(b.batch_no, 4)::int >= (SELECT first_part FROM sealed_texts);

INSERT INTO flow_line (flow_id, application_id, application_no, attempt, county_code, applicant_kind, name_sealed, name_index,
  id_number_sealed, person_index, phone_sealed, town_code, village_code, group_name, bank_code, account_sealed, account_index,
  household_registration, family_size, item_code, amount_fen, indicator_id, verification, state, sent, mode, money, payment,
  payment_sequence, payment_reason_code, payment_at, evidence_sent_at, updated_at)
SELECT f.id, a.id, a.application_no, 1, a.county_code, applicant_kind, name_sealed, name_index, id_number_sealed, person_index,
  phone_sealed, town_code, village_code, group_name, bank_code, account_sealed, account_index, household_registration, family_size,
  item_code, amount_fen, i.id, verification, CASE a.stage WHEN 'withdrawn' THEN 'withdrawn' ELSE 'accepted' END, true, 'initial',
  CASE WHEN a.stage IN ('paid', 'evidence_sent') THEN 'paid' WHEN a.stage = 'in_flow' THEN 'reserved' ELSE 'released' END,
  CASE a.stage WHEN 'in_flow' THEN 'awaiting' WHEN 'failed' THEN 'failed' WHEN 'withdrawn' THEN NULL ELSE 'paid' END,
  CASE WHEN a.stage IN ('in_flow', 'withdrawn') THEN 0 ELSE 1 END, CASE a.stage WHEN 'failed' THEN 'account_frozen' END,
  CASE WHEN a.stage NOT IN ('in_flow', 'withdrawn') THEN a.updated_at END, CASE a.stage WHEN 'evidence_sent' THEN a.updated_at END, now()
FROM flow f JOIN application a ON a.batch_id = f.batch_id JOIN indicator i ON i.county_code = a.county_code ORDER BY f.id, a.id;

INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code, at, page, source, after_end,
  taken_at)
SELECT flow_id, id, 1, payment, amount_fen, 'S' || id, payment_reason_code, payment_at, 1, 'platform', false, payment_at
FROM flow_line WHERE payment IN ('paid', 'failed') ORDER BY id;

INSERT INTO summary (flow_id, number, stage, figures, opened_at, reviewed_by, reviewed_at, submitted_by, submitted_at)
SELECT id, 1, 'confirmed', (SELECT figures FROM sealed_texts), now(), 'rev.bench', now(), 'op.bench', now() FROM flow;

INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, bank_code, account_sealed,
  account_index, status, source, updated_at)
SELECT c.code, pg_temp.of(c.code, p.person_index, t.measured), p.register_name, p.name_index, p.register_id, p.bank_code,
  p.register_account, CASE
    WHEN p.place = 7 THEN p.account_index  -- one in every county
    WHEN p.place IN (8, 9) THEN pg_temp.of(c.code, first.account_index, t.measured)  -- two persons of the county
    ELSE pg_temp.of(c.code, p.account_index, t.measured) END,
  CASE WHEN p.place % 200 = 3 THEN 'invalid' ELSE 'valid' END, '申请录入', now()
FROM sealed_texts t CROSS JOIN county c CROSS JOIN pattern p JOIN pattern first ON first.part = p.part AND first.place = 8
WHERE p.part BETWEEN t.first_part AND 15 ORDER BY p.part, c.place, p.place;

INSERT INTO register_change (register_account_id, source, actor, new_bank_code, new_account_sealed, new_status, at, reason_code)
SELECT id, '申请录入', 'system', bank_code, account_sealed, status, now(), CASE status WHEN 'invalid' THEN 'account_frozen' END
FROM register_account;

INSERT INTO check_round (round_no, province_code, trigger, stage, cursor, pages, checked, figures, asked_by, created_at, ended_at)
SELECT '500000-H2026-' || lpad(n::text, 4, '0'), '500000', 'schedule', 'done', 0, 1, 1, '{}', 'system', now(), now()
FROM generate_series(1, 200) AS n;
INSERT INTO account_check SELECT r.id, a.id, a.status = 'valid', NULL, now() FROM register_account a
JOIN check_round r ON r.id = a.id % 200 + 1 WHERE a.id % 4 = 0;

INSERT INTO trail_entry (county_code, sequence, actor, role, act, subject, line_count, total_fen, detail, at, chain)
SELECT c.code, p.sequence, p.actor, p.role, p.act, replace(p.subject, t.measured, c.code), 1, 1, p.detail,
  now() - (3000 - p.sequence) * interval '1 hour', 'k1.' || md5(c.code || p.sequence)
FROM sealed_texts t CROSS JOIN county c CROSS JOIN pattern_trail p ORDER BY p.sequence, c.place;
INSERT INTO trail_head SELECT county_code, max(sequence), 'k1.x' FROM trail_entry GROUP BY 1;
INSERT INTO trail_line SELECT id, 1 FROM application WHERE list_id IS NOT NULL AND batch_id IS NULL;

INSERT INTO disclosure (county_code, at, actor, role, purpose, thing, number)
SELECT c.code, now() - n * interval '1 hour', 'op.' || n % 20, 'operator', 'look', 'application', c.code || '-S2026-' || lpad(n::text, 7, '0')
FROM sealed_texts t CROSS JOIN generate_series(1, t.records * 5 / 3) AS n CROSS JOIN county c ORDER BY n, c.place;

INSERT INTO card_change (request_no, province_code, person_index, name_sealed, name_index, id_number_sealed, card_type, bank_code,
  account_sealed, account_index, authorised, channel, stage, result, created_at, ended_at)
SELECT replace(p.request_no, t.measured, c.code), '500000', pg_temp.of(c.code, p.person_index, t.measured), p.name_sealed, p.name_index,
  p.id_number_sealed, 'passbook', p.bank_code, p.account_sealed, pg_temp.of(c.code, p.account_index, t.measured), true, 'app',
  CASE WHEN p.place > 900 THEN 'in_progress' ELSE 'ended' END, CASE WHEN p.place <= 900 THEN 'applied' END, now(),
  CASE WHEN p.place <= 900 THEN now() END
FROM sealed_texts t CROSS JOIN county c CROSS JOIN pattern_card p ORDER BY p.place, c.place;
INSERT INTO card_change_part (request_id, part_no, county_code, stage, old_bank_code, old_account_sealed, old_account_index, attempt,
  created_at, ended_at)
SELECT id, request_no || '.1', left(request_no, 6), CASE stage WHEN 'ended' THEN 'applied' ELSE 'in_review' END, bank_code, NULL, account_index,
  1, created_at, ended_at FROM card_change ORDER BY id;
INSERT INTO account_lock (county_code, person_index, request_no, since, ended_at)
SELECT left(request_no, 6), person_index, request_no, created_at, ended_at FROM card_change ORDER BY id;

INSERT INTO village_entry (entry_no, county_code, person_index, name_sealed, id_number_sealed, card_type, bank_code, account_sealed,
  account_index, photo_file_id, stage, attempt, entered_by, created_at, ended_at)
SELECT replace(p.request_no, t.measured || '-K', c.code || '-E'), c.code, pg_temp.of(c.code, p.person_index, t.measured), p.entry_name, p.entry_id,
  'passbook', p.bank_code, p.entry_account, pg_temp.of(c.code, p.account_index, t.measured), f.id,
  CASE WHEN p.place > 900 THEN 'entered' ELSE 'applied' END, 1, 'op.bench', now(), CASE WHEN p.place <= 900 THEN now() END
FROM sealed_texts t CROSS JOIN county c JOIN stored_file f ON f.county_code = c.code CROSS JOIN pattern_card p ORDER BY p.place, c.place;

INSERT INTO inbox (province_code, event_id, source, event_type, county_code, reference, number, body_sha256, body, state, received_at,
  next_try_at, tries, delivered_at, applied_at, effect)
SELECT '500000', c.code || '-' || n, 'platform', (ARRAY['dataset.results', 'flow.payments', 'policy.reviewed'])[n % 3 + 1], c.code,
  c.code || '-F2026-' || lpad((n % 9 + 1)::text, 4, '0'), c.code || '-F2026-' || lpad((n % 9 + 1)::text, 4, '0'), md5(n::text),
  repeat('x', 2000), CASE WHEN n % 500 = 0 THEN 'parked' ELSE 'applied' END, now(), now() + interval '1 day', 0, now(),
  CASE WHEN n % 500 <> 0 THEN now() END, CASE WHEN n % 500 <> 0 THEN 'applied' END
FROM sealed_texts t CROSS JOIN generate_series(1, t.records) AS n CROSS JOIN county c ORDER BY n, c.place;

INSERT INTO outbox (workflow_id, signal, ids, created_at, next_try_at, delivered_at, tries)
SELECT 'subsidy-flow/' || number, 'callbacks_arrived', jsonb_build_array(id), received_at, received_at, received_at, 0 FROM inbox ORDER BY id;

INSERT INTO run (workflow_id, kind, number, county_code, fund_year, batch_no, stage, waiting_for, since, opened_at, closed_at, restarts, asked)
SELECT 'subsidy-flow/' || flow_no, 'subsidy-flow', flow_no, county_code, 2026, batch_no, stage, '等待平台发放结果', now(), now(), ended_at, 0, 0 FROM flow
UNION ALL SELECT 'beneficiary-init/' || list_no, 'beneficiary-init', list_no, county_code, 2026, NULL, 'reviewed', '已办结', now(), now(), now(), 0, 0
FROM beneficiary_list
UNION ALL SELECT 'card-change/' || request_no, 'card-change', request_no, left(request_no, 6), NULL, NULL, stage, '等待审核', now(), now(), ended_at, 0, 0
FROM card_change;

INSERT INTO operator_order (order_no, county_code, kind, flow_id, state, reason_sealed, line_count, total_fen, done_count, done_fen, entered_by,
  entered_at, confirmed_by, confirmed_at, finished_at)
SELECT f.county_code || '-O2026-' || lpad((f.id * 50 + n)::text, 6, '0'), f.county_code, 'evidence', f.id, 'done', t.title, 20, 1, 20, 1, 'op.bench',
  now(), 'rev.bench', now(), now() FROM sealed_texts t CROSS JOIN flow f CROSS JOIN generate_series(1, 40) AS n ORDER BY f.id, n;
INSERT INTO order_line (order_id, application_id, application_no, flow_line_id, amount_fen, done)
SELECT o.id, l.application_id, l.application_no, l.id, l.amount_fen, true FROM operator_order o JOIN LATERAL
  (SELECT * FROM flow_line n WHERE n.flow_id = o.flow_id ORDER BY n.id OFFSET o.id % 40 * 20 LIMIT 20) AS l ON true;

INSERT INTO odd_answer (county_code, operation, key, status, body_sha256, body, times, came_at)
SELECT code, 'put_page', 'k' || n, 500, md5(n::text), 'x', 1, now() FROM county CROSS JOIN generate_series(1, 200) AS n;
INSERT INTO instruction (key, county_code, operation, body, body_sha256, answer, intended_at, answered_at)
SELECT reference || '/g1/p' || n, county_code, 'put_page', repeat('x', 200), md5(reference || n), '{}', now(), now()
FROM dataset CROSS JOIN generate_series(1, 4) AS n;

-- What triggers keep, which are off: a look at each key of each row would take longer than all the rest.
INSERT INTO flow_tally SELECT flow_id, indicator_id, money, state, coalesce(payment, ''), count(*), sum(amount_fen), 0 FROM flow_line
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO dataset_tally SELECT dataset_id, coalesce(outcome, ''), coalesce(reason_code, ''), count(*), sum(amount_fen)
FROM dataset_line GROUP BY 1, 2, 3;
INSERT INTO batch_tally (batch_id, stage, verification, lines, fen) SELECT batch_id, stage, verification, count(*), sum(amount_fen)
FROM application WHERE batch_id IS NOT NULL GROUP BY 1, 2, 3;
INSERT INTO application_standing SELECT county_code, stage, id, amount_fen, stage_since, list_id, match_outcome, entered_by, edited_by,
  reviewed_by, returned_reason_sealed IS NOT NULL FROM application ORDER BY county_code, stage, id;
INSERT INTO other_account SELECT a.county_code, a.id FROM application a JOIN register_account r USING (county_code, person_index)
WHERE (r.account_index, r.bank_code) IS DISTINCT FROM (a.account_index, a.bank_code);
INSERT INTO shared_account SELECT r.county_code, r.id FROM register_account r JOIN (
  SELECT account_index FROM register_account GROUP BY 1 HAVING min(person_index) < max(person_index)) AS s USING (account_index);
UPDATE indicator i SET reserved_fen = l.reserved, paid_fen = l.paid FROM (
  SELECT indicator_id, coalesce(sum(amount_fen) FILTER (WHERE money = 'reserved'), 0) AS reserved,
    coalesce(sum(amount_fen) FILTER (WHERE money = 'paid'), 0) AS paid FROM flow_line GROUP BY 1) AS l
WHERE l.indicator_id = i.id;
