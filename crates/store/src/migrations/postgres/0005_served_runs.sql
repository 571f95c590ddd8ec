-- Runs that were handed to the server: it works them off, also after a restart. A run of the command line is worked off by its command.
alter table runs add column served bigint not null default 0;
-- the next run of the server
create index runs_served on runs (run) where served = 1 and state in (0, 1, 2, 7);
-- runs that are not over
create index runs_open on runs (run) where state in (0, 1, 2, 7, 8);
