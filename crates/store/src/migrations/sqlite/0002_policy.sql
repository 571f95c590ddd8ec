-- Policies: what a person wants of a run, which runs answer production questions, and bytes that may go.
alter table runs rename column cancel_wanted to wish;
alter table runs add column shown integer not null default 1;
alter table runs add column expires_us integer;
alter table runs add column expired_us integer;
-- what the hosts that worked on it used, JSON
alter table runs add column hosts text;
alter table blobs add column condemned_us integer;
alter table blobs add column gone_us integer;
-- blobs that wait for the collector
create index blobs_condemned on blobs (condemned_us) where condemned_us is not null;
-- whether a living record still names a blob
create index records_blob on records (blob) where blob is not null and body is not null;
