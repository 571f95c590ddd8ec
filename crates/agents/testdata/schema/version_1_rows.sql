insert into agent_dims (dim_key, kind, value) values (2, 'agent', 'builder'), (3, 'model', 'claude-sonnet-4'), (4, 'provider', 'anthropic'), (5, 'feed', 'api');
insert into session_ledger (session_key, session_id, id_hash, status, revision, agent_key, agent_label, model_key, provider_key, task_title, task_category_key,
  started_at, ended_at, end_inferred, last_activity_at, runtime_ms, artifact_count, feed_key, ledger_seq, ingested_at) values
  (1, 'billed', -6151586418989046287, 'success', 2, 2, 'Builder', 3, 4, 'a bill', 1, 1767323045000000, 1767323047000000, 0, 1767323047000000, 2000, 0, 5, 1, 1700000000000000),
  (2, 'guessed', 1, 'failed', 1, 2, 'Builder', 3, null, null, 1, 1767323045000000, null, 0, 1767323045000000, 7, 1, 5, 2, 1700000000000000),
  (3, 'unsure', 2, 'running', 1, 2, 'Builder', 3, null, null, 1, 1767323045000000, null, 0, 1767323045000000, 0, 0, 5, 3, 1700000000000000),
  (4, 'silent', 3, 'killed', 1, 2, 'Builder', 3, null, null, 1, 1767323045000000, 1767323046000000, 1, 1767323045000000, 1000, 0, 5, 4, 1700000000000000);
insert into session_events (session_key, seq, event_id, event_type, event_ts, payload_json) values (1, 1, 'e', 'message', 1767323046000000, '{"text":"hello"}');
insert into session_usage (session_key, sent_prompt, sent_completion, sent_total, sent_billed_nano, prompt_tokens, completion_tokens, total_tokens, input_uncached,
  cache_read, cache_write_5m, cache_write_1h, cache_write, output, reasoning, web_search_requests, call_count, unpriced_calls, runtime_ms, cost_nano,
  cost_confidence, provider_key, started_at, computed_at) values
  (1, 10, 5, 15, 2000000001, 10, 5, 15, 10, 0, 0, 0, 0, 5, 0, 0, 0, 0, 2000, 2000000001, 'exact', 4, 1767323045000000, 1700000000000000),
  (2, 10, 5, null, null, 10, 5, 15, 10, 0, 0, 0, 0, 5, 0, 0, 0, 0, 7, 30, 'estimated', null, 1767323045000000, 1700000000000000),
  (3, null, null, null, null, 100, 20, 120, 100, 0, 0, 0, 0, 20, 0, 0, 2, 1, 0, 0, 'unknown', null, 1767323045000000, 1700000000000000),
  (4, null, null, null, null, null, null, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000, null, 'unknown', null, 1767323045000000, 1700000000000000);
insert into agent_calls (call_key, dedupe_key, call_id, session_key, model_key, feed_key, status, started_at, input_uncached, output, semantics, billed_nano,
  cost_nano, cost_confidence, revision, ledger_seq) values
  (1, 'call:api:6:unsure:a', 'a', 3, 3, 5, 'success', 1767323045000000, 100, 20, 'disjoint', 0, 0, 'exact', 1, 3),
  (2, 'call:api:6:unsure:b', 'b', 3, 3, 5, 'failed', 1767323045000000, null, null, 'unknown', null, null, 'unknown', 1, 3);
