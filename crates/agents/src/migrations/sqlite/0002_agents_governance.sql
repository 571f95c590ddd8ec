-- Where every token, second and dollar comes from: prices have versions, and no cost stands without one.
-- What stood before had no version: what a provider billed keeps its word, all else is told as what it is.
create table session_usage_before as select session_key, cost_nano, cost_confidence from session_usage where cost_nano is not null;
update session_usage set cost_nano = null, cost_confidence = 'unknown';
alter table session_usage add column pricing_version text;
alter table session_usage add column token_source text not null default 'missing' check (token_source = 'provider_reported' or token_source = 'derived' or token_source = 'missing');
alter table session_usage add column token_confidence text not null default 'unknown' check (token_confidence = 'high' or token_confidence = 'medium' or token_confidence = 'low' or token_confidence = 'unknown');
alter table session_usage add column runtime_source text not null default 'missing' check (runtime_source = 'provider_reported' or runtime_source = 'derived' or runtime_source = 'missing');
alter table session_usage add column runtime_confidence text not null default 'unknown' check (runtime_confidence = 'high' or runtime_confidence = 'medium' or runtime_confidence = 'low' or runtime_confidence = 'unknown');
alter table session_usage add column cost_source text not null default 'missing' check (cost_source = 'provider_reported' or cost_source = 'derived' or cost_source = 'missing');
alter table session_usage add column cost_confidence_level text not null default 'unknown' check ((cost_confidence_level = 'high' or cost_confidence_level = 'medium' or cost_confidence_level = 'low' or cost_confidence_level = 'unknown')
  and (cost_nano is null) = (pricing_version is null)
  and (cost_nano is null) = (cost_source = 'missing')
  and (cost_nano is null) = (cost_confidence = 'unknown')
  and (cost_nano is null) = (cost_confidence_level = 'unknown')
  and (cost_nano is null or cost_nano >= 0));
update session_usage set
  cost_nano = before.cost_nano,
  pricing_version = case before.cost_confidence when 'exact' then 'provider_native' else 'legacy_unversioned' end,
  cost_source = case before.cost_confidence when 'exact' then 'provider_reported' else 'derived' end,
  cost_confidence_level = case before.cost_confidence when 'exact' then 'high' else 'low' end,
  cost_confidence = case before.cost_confidence when 'exact' then 'exact' else 'estimated' end
from session_usage_before as before where before.session_key = session_usage.session_key;
drop table session_usage_before;

-- Who said a number is known from what version 1 kept: the counts that a session sent itself, and when it ended.
update session_usage set
  token_source = case
    when sent_prompt is not null and sent_completion is not null and sent_total is null then 'derived'
    when coalesce(sent_prompt, sent_completion, sent_total) is not null then 'provider_reported'
    when total_tokens is not null then 'derived' else 'missing' end,
  token_confidence = case
    when sent_prompt + sent_completion = sent_total then 'high'
    when sent_prompt + sent_completion <> sent_total or sent_prompt > sent_total or sent_completion > sent_total then 'low'
    when total_tokens is not null or coalesce(sent_prompt, sent_completion, sent_total) is not null then 'medium' else 'unknown' end;
update session_usage set
  runtime_source = case
    when ended.end_inferred = 1 then 'derived'
    when ended.ended_at is null and session_usage.runtime_ms = 0 then 'missing'
    when ended.ended_at is null or session_usage.runtime_ms <> (ended.ended_at - ended.started_at) / 1000 then 'provider_reported'
    else 'derived' end,
  runtime_confidence = case
    when ended.end_inferred = 1 then 'low'
    when ended.ended_at is null and session_usage.runtime_ms = 0 then 'unknown'
    when ended.ended_at < ended.started_at then 'low'
    when ended.ended_at is null or session_usage.runtime_ms <> (ended.ended_at - ended.started_at) / 1000 then 'high'
    else 'medium' end
from session_ledger as ended where ended.session_key = session_usage.session_key;

-- What stood before had no version: what a provider billed keeps its word, all else is told as what it is.
create table agent_calls_before as select call_key, cost_nano, cost_confidence from agent_calls where cost_nano is not null;
update agent_calls set cost_nano = null, cost_confidence = 'unknown';
alter table agent_calls add column pricing_version text;
alter table agent_calls add column token_source text not null default 'missing' check (token_source = 'provider_reported' or token_source = 'derived' or token_source = 'missing');
alter table agent_calls add column token_confidence text not null default 'unknown' check (token_confidence = 'high' or token_confidence = 'medium' or token_confidence = 'low' or token_confidence = 'unknown');
alter table agent_calls add column cost_source text not null default 'missing' check (cost_source = 'provider_reported' or cost_source = 'derived' or cost_source = 'missing');
alter table agent_calls add column cost_confidence_level text not null default 'unknown' check ((cost_confidence_level = 'high' or cost_confidence_level = 'medium' or cost_confidence_level = 'low' or cost_confidence_level = 'unknown')
  and (cost_nano is null) = (pricing_version is null)
  and (cost_nano is null) = (cost_source = 'missing')
  and (cost_nano is null) = (cost_confidence = 'unknown')
  and (cost_nano is null) = (cost_confidence_level = 'unknown')
  and (cost_nano is null or cost_nano >= 0));
update agent_calls set
  cost_nano = before.cost_nano,
  pricing_version = case before.cost_confidence when 'exact' then 'provider_native' else 'legacy_unversioned' end,
  cost_source = case before.cost_confidence when 'exact' then 'provider_reported' else 'derived' end,
  cost_confidence_level = case before.cost_confidence when 'exact' then 'high' else 'low' end,
  cost_confidence = case before.cost_confidence when 'exact' then 'exact' else 'estimated' end
from agent_calls_before as before where before.call_key = agent_calls.call_key;
drop table agent_calls_before;
update agent_calls set
  token_source = 'provider_reported',
  token_confidence = case
    when semantics = 'exclusive_inferred' then 'low'
    when output is null or coalesce(input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write) is null then 'medium'
    else 'high' end
where coalesce(total_only, output, input_uncached, cache_read, cache_write_5m, cache_write_1h, cache_write) is not null;

-- costs that were reckoned anew, and usage by its prices
create index usage_version on session_usage (pricing_version);

-- What something cost before and after it was reckoned anew. Append-only.
create table cost_rows (
  subject text not null check (subject in ('session', 'call')),
  subject_key integer not null,
  revision integer not null check (revision >= 1),
  cost_nano integer,
  pricing_version text,
  cost_source text not null check (cost_source in ('provider_reported', 'derived', 'missing')),
  cost_confidence_level text not null check (cost_confidence_level in ('high', 'medium', 'low', 'unknown')),
  cost_confidence text not null check (cost_confidence in ('exact', 'estimated', 'unknown')),
  computed_at integer not null,
  reason text not null check (reason in ('ingest', 'recompute')),
  primary key (subject, subject_key, revision),
  check ((cost_nano is null) = (pricing_version is null)
  and (cost_nano is null) = (cost_source = 'missing')
  and (cost_nano is null) = (cost_confidence = 'unknown')
  and (cost_nano is null) = (cost_confidence_level = 'unknown')
  and (cost_nano is null or cost_nano >= 0))
) strict, without rowid;

create table price_snapshots (
  pricing_version text primary key,
  content_hash blob,
  kind text not null check (kind in ('table', 'native', 'legacy', 'external')),
  origin text not null,
  owner text not null,
  effective_at integer not null,
  review_at integer,
  loaded_at integer not null,
  body text
) strict;

-- Sums by UTC hour and day, in the finest cut: (agent, model, category). Basis 0 books a session at its start, basis 1 each call at its own.
create table daily_usage_agg (
  basis integer not null check (basis in (0, 1)),
  grain integer not null check (grain in (3600, 86400)),
  bucket_at integer not null,
  agent_key integer not null,
  model_key integer not null,
  task_category_key integer not null,
  runs_total integer not null,
  live_runs integer not null,
  unpriced_runs integer not null,
  runtime_ms_total integer not null,
  prompt_tokens integer not null,
  completion_tokens integer not null,
  total_tokens integer not null,
  input_uncached integer not null,
  cache_read integer not null,
  cache_write_5m integer not null,
  cache_write_1h integer not null,
  cache_write integer not null,
  output integer not null,
  reasoning integer not null,
  web_search_requests integer not null,
  cost_nano_total integer not null,
  token_reported integer not null,
  token_derived integer not null,
  token_missing integer not null,
  runtime_reported integer not null,
  runtime_derived integer not null,
  runtime_missing integer not null,
  cost_reported integer not null,
  cost_derived integer not null,
  cost_missing integer not null,
  sealed integer not null default 0 check (sealed in (0, 1)),
  updated_at integer not null,
  primary key (basis, grain, bucket_at, agent_key, model_key, task_category_key)
) strict, without rowid;

create table model_perf_agg (
  basis integer not null check (basis in (0, 1)),
  grain integer not null check (grain in (3600, 86400)),
  bucket_at integer not null,
  agent_key integer not null,
  model_key integer not null,
  task_category_key integer not null,
  runs_total integer not null,
  success_count integer not null,
  failure_count integer not null,
  killed_count integer not null,
  cancelled_count integer not null,
  inferred_count integer not null,
  runtime_sketch blob not null,
  cost_sketch blob not null,
  updated_at integer not null,
  primary key (basis, grain, bucket_at, agent_key, model_key, task_category_key)
) strict, without rowid;
