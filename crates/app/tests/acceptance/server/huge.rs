//! A library with as many assets as an archive has, in a real browser. The promises are measured in `make bench` with a release build on
//! a quiet machine; here each has to hold with five times the room.

use std::process::Command;

use super::Served;
use super::browser::journeys;
use crate::world::{Backend, World};

/// Assets: what the promises are about.
const ASSETS: u32 = 100_000;

/// Photos that are really there; every other asset looks like one of them.
const PHOTOS: u32 = 24;

/// Assets, paths and thumbnails that are rows alone: no file is behind them, and no ledger. The Library needs no more, and it takes seconds
/// where files and a run would take minutes. Each gets a time of its own, twenty years in all.
const ROWS: &str = "
    pragma synchronous = off;
    create temp table seen as
      select row_number() over (order by near.asset) - 1 as place, near.seq, near.asset, near.width, near.height, near.average_colour
      from \"proj_image__thumbnail_v1\" as near where near.edge = 256;
    create temp table made as
      with recursive n (i) as (select 1 union all select i + 1 from n where i < $assets)
      select n.i, (select max(asset) from assets) + n.i as asset, (select max(seq) from records) + n.i as seq, seen.seq as like_seq,
        seen.asset as like_asset, seen.width, seen.height, seen.average_colour
      from n join seen on seen.place = n.i % (select count(*) from seen);
    begin;
    insert into assets (asset, sha256, size_bytes, media_type, first_seen_us)
      select made.asset, randomblob(32), near.size_bytes, near.media_type, near.first_seen_us
      from made join assets as near on near.asset = made.like_asset;
    insert into paths (source, asset, path_hash, path_bytes, size_bytes, mtime_ns, device, inode, first_seen_us, last_seen_us, state)
      select 1, made.asset, randomblob(32), cast('made/' || made.i || '.jpg' as blob), 1,
        1735689600000000000 - made.i * (631152000000000000 / $assets), 0, 0, assets.first_seen_us, assets.first_seen_us, 0
      from made join assets on assets.asset = made.asset;
    insert into records (seq, kind, admission, unit, ordinal, asset, blob, commitment, leaf, body)
      select made.seq, near.kind, near.admission, near.unit, 1000 + made.i, made.asset, near.blob, near.commitment, near.leaf, near.body
      from made join records as near on near.seq = made.like_seq;
    insert into \"proj_image__thumbnail_v1\" (seq, asset, edge, width, height, average_colour)
      select seq, asset, 256, width, height, average_colour from made;
    -- What the server itself writes when it starts comes after them.
    update ledger_state set next_seq = (select max(seq) + 1 from records), projected = (select max(seq) + 1 from records);
    commit;
    select count(*) from assets;";

/// First paint, blank tiles, nodes, memory and the answer to every key: `web/e2e/huge.spec.ts` holds what is promised.
#[test]
fn a_library_of_a_hundred_thousand_assets_is_quick_in_a_browser() {
    let world = World::new(Backend::Sqlite);
    world.sample(PHOTOS, 1);
    world.json(&["run", "basics"]);
    let rows = ROWS.replace("$assets", &ASSETS.to_string());
    let output =
        Command::new("sqlite3").args(["-batch", "-bail"]).arg(world.home().join("store.sqlite")).arg(rows).output();
    let output = output.unwrap_or_else(|error| panic!("sqlite3 does not start ({error}); apt-get install sqlite3"));
    assert!(output.status.success(), "{output:#?}");
    let served = Served::new(&world);
    journeys(&world, &served, Backend::Sqlite, &["huge"]);
}
