-- What people ordered: an intent before anything is done, an outcome after it was read back. Append-only; an intent without an outcome
-- says that the program ended meanwhile, or that the outcome could not be noted.
create table control_audit (
  audit_id text not null,
  phase text not null check (phase in ('intent', 'outcome')),
  at integer not null,
  actor text not null,
  remote_addr text not null,
  forwarded_for text,
  action text not null check (action in ('kill', 'spawn', 'model')),
  target text not null,
  controller text not null,
  dry_run integer not null check (dry_run in (0, 1)),
  outcome text check (outcome in ('confirmed', 'already_ended', 'unconfirmed', 'failed', 'refused', 'unsupported', 'dry_run')),
  final_state text,
  detail text,
  primary key (audit_id, phase),
  check ((phase = 'outcome') = (outcome is not null)),
  check (phase = 'outcome' or (final_state is null and detail is null))
) strict, without rowid;

-- the model for later sessions that was confirmed last
create index control_audit_model on control_audit (audit_id) where action = 'model' and outcome = 'confirmed';
