-- Where the projections stand: below this place every record is projected. An append projects what it writes only when nothing before it waits, so
-- that projections which depend on order see every record once and in order, also while they are computed anew.
alter table ledger_state add column projected integer not null default 1;
update ledger_state set projected = next_seq;
