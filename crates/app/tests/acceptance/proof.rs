//! AR-20 and I9, I12 from outside: whoever changes what was recorded past the program is found out, on both databases.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::world::{Backend, Output, World, items, text};

both_backends! {
    a_flipped_byte_of_the_evidence_is_named,
    a_flipped_byte_of_a_blob_is_named,
    a_checkpoint_proves_extension_and_tells_a_rewritten_ledger,
    projections_are_named_when_they_differ_and_rebuilt_to_the_same_rows,
}

// Past the program -----------------------------------------------------------------------------------------------------

/// Another program at the same database.
pub enum Raw {
    /// A file.
    Sqlite(PathBuf),
    /// An address.
    Postgres(String),
}

impl Raw {
    /// At the database of a world.
    pub fn new(world: &World, backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::Sqlite(world.home().join("store.sqlite")),
            Backend::Postgres => Self::Postgres(address(world)),
        }
    }

    /// Runs statements and returns what they print, one row a line, cells apart by `|`.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        let (name, package, mut command) = match self {
            Self::Sqlite(file) => {
                let mut command = Command::new("sqlite3");
                command.args(["-batch", "-bail", "-cmd", ".timeout 60000"]).arg(file).arg(statements);
                ("sqlite3", "sqlite3", command)
            }
            Self::Postgres(address) => {
                let mut command = Command::new("psql");
                command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", statements]);
                ("psql", "postgresql-client", command)
            }
        };
        let output = command.output();
        let output =
            output.unwrap_or_else(|error| panic!("{name} does not start ({error}); apt-get install {package}"));
        assert!(output.status.success(), "{statements}: {output:#?}");
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// The bytes of a cell, as hex digits.
    #[track_caller]
    fn bytes(&self, table: &str, column: &str, place: &str) -> String {
        let cell = match self {
            Self::Sqlite(_) => format!("hex({column})"),
            Self::Postgres(_) => format!("upper(encode({column}, 'hex'))"),
        };
        let hex = self.sql(&format!("select {cell} from {table} where {place}"));
        assert!(hex.len() >= 2, "{table}.{column} where {place} holds nothing");
        hex
    }

    fn set_bytes(&self, table: &str, column: &str, place: &str, hex: &str) {
        let value = match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(_) => format!("'\\x{hex}'::bytea"),
        };
        self.sql(&format!("update {table} set {column} = {value} where {place}"));
    }
}

/// How a world reaches its PostgreSQL database.
fn address(world: &World) -> String {
    let command = world.command(&[]);
    let found =
        command.get_envs().find(|(name, _)| *name == "EXHIBIT_STORE__POSTGRES__URL").and_then(|(_, value)| value);
    found.expect("a PostgreSQL world").to_str().expect("text").to_owned()
}

/// Hex digits with one bit of the byte at `place` flipped.
fn flipped(hex: &str, place: usize) -> String {
    let digit = place * 2 + 1;
    let value = u32::from_str_radix(&hex[digit..=digit], 16).expect("a digit");
    format!("{}{:X}{}", &hex[..digit], value ^ 1, &hex[digit + 1..])
}

/// A home with a few records of `noop`, and a picture with its metadata and thumbnails.
fn evidence(backend: Backend) -> World {
    let world = World::new(backend);
    world.write_small_files(4);
    let to = world.archive().join("picture.png");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=400x300", "-frames:v", "1"])
        .arg(to)
        .output();
    let made = made.unwrap_or_else(|error| panic!("ffmpeg does not start ({error}); apt-get install ffmpeg"));
    assert!(made.status.success(), "{made:#?}");
    world.scan();
    world.json(&["run", "noop"]);
    // The small files only look like pictures.
    world.json(&["run", "basics"]);
    world.verify_clean();
    world
}

/// The problems that `verify` names; it must end with 1 when there are any, and print the same for people.
#[track_caller]
fn problems(world: &World) -> Vec<(String, String)> {
    let output = world.exhibit(&["verify", "--json"]);
    let list = output.json()["problems"].as_array().expect("problems").clone();
    assert_eq!(output.code, i32::from(!list.is_empty()), "{output:#?}");
    list.iter().map(|problem| (text(&problem["subject"]), text(&problem["code"]))).collect()
}

// Tampering ------------------------------------------------------------------------------------------------------------

/// AR-20: one bit of a payload, a lineage, a commitment, a leaf, a batch or the tree.
fn a_flipped_byte_of_the_evidence_is_named(backend: Backend) {
    let world = evidence(backend);
    let raw = Raw::new(&world, backend);
    let artifact = text(&world.artifacts("latest")[0]["artifact_id"]);
    let seq = world.json(&["explain", &artifact])["ledger"]["seq"].as_i64().expect("a position");
    let (record, unit) = (format!("seq = {seq}"), raw.sql(&format!("select unit from records where seq = {seq}")));
    let (unit, named) = (format!("unit = {unit}"), format!("record {seq} ({artifact})"));
    let of_lineage = format!("lineage of {named}");
    let cases = [
        ("records", "body", record.as_str(), named.as_str(), "content_mismatch"),
        ("records", "commitment", &record, &named, "content_mismatch"),
        ("records", "leaf", &record, &named, "leaf_mismatch"),
        ("lineages", "body", &unit, &of_lineage, "lineage_mismatch"),
        ("lineages", "lineage_hash", &unit, &of_lineage, "lineage_mismatch"),
        ("batches", "leaves_root", "batch = 1", "batch 1", "leaves_root_mismatch"),
        ("batches", "head", "batch = 1", "batch 1", "head_mismatch"),
        ("tree_nodes", "hash", "level = 0 and position = 0", "tree node 0/0", "node_mismatch"),
        ("ledger_state", "frontier", "one = 1", "ledger state", "state_mismatch"),
    ];
    for (table, column, place, subject, code) in cases {
        let good = raw.bytes(table, column, place);
        raw.set_bytes(table, column, place, &flipped(&good, good.len() / 4));
        let found = problems(&world);
        assert!(found.contains(&(subject.to_owned(), code.to_owned())), "{table}.{column}: {found:?}");
        let told = world.exhibit(&["verify"]);
        assert!(told.code == 1 && told.stdout.contains(&format!("{subject}: ")), "{table}.{column}: {told:#?}");
        if table == "records" {
            // Asked about this one artifact alone, both say the same.
            assert_eq!(world.exhibit(&["verify", &artifact]).code, 1, "{table}.{column}");
            let explained = world.exhibit(&["explain", &artifact]);
            let owned_up = explained.stdout.contains("PROBLEM") || explained.stdout.contains("DOES NOT HOLD");
            assert!(explained.code == 1 && owned_up, "{table}.{column}: {explained:#?}");
        }
        raw.set_bytes(table, column, place, &good);
    }
    // A row that goes, and a batch.
    let count = raw.sql("select count from batches where batch = 1");
    raw.sql("update batches set count = count + 1 where batch = 1");
    assert!(problems(&world).iter().any(|(subject, _)| subject == "batch 1"));
    raw.sql(&format!("update batches set count = {count} where batch = 1"));
    assert_eq!(problems(&world), []);
    raw.sql(&format!("delete from records where {record}"));
    assert!(problems(&world).iter().any(|(_, code)| code == "record_missing"));
}

/// AR-20: one bit of a blob, and a blob that is gone.
fn a_flipped_byte_of_a_blob_is_named(backend: Backend) {
    let world = evidence(backend);
    let artifacts = world.artifacts("latest");
    let thumbnail = artifacts.iter().find(|artifact| !artifact["blob"].is_null()).expect("a thumbnail");
    let (artifact, blob) = (text(&thumbnail["artifact_id"]), text(&thumbnail["blob"]));
    let path = world.home().join("blobs").join(&blob[..2]).join(&blob);
    let good = std::fs::read(&path).expect("the blob");
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::remove_file(&path).expect("our blob");
    std::fs::write(&path, &bad).expect("our blob");
    assert_eq!(problems(&world), [(format!("blob {blob}"), "blob_mismatch".to_owned())]);
    assert_eq!(world.exhibit(&["verify", &artifact]).code, 1);
    assert_eq!(world.exhibit(&["verify", "--no-blobs"]).code, 0);
    std::fs::remove_file(&path).expect("our blob");
    assert_eq!(problems(&world), [(format!("blob {blob}"), "blob_missing".to_owned())]);
    std::fs::write(&path, &good).expect("our blob");
    assert_eq!(problems(&world), []);
}

// Checkpoints ----------------------------------------------------------------------------------------------------------

/// A world in a state that can be gone back to: the database as it was.
struct Copy {
    world_home: PathBuf,
    away: PathBuf,
    database: Option<(String, String)>,
}

impl Copy {
    fn take(world: &World, backend: Backend) -> Self {
        let (world_home, away) = (world.home(), world.path().join("copy"));
        copy_folder(&world_home, &away);
        let database = (backend == Backend::Postgres).then(|| {
            let address = address(world);
            let name = address.rsplit_once("dbname=").expect("a name").1.to_owned();
            Raw::Postgres(address.replace(&format!("dbname={name}"), "dbname=postgres"))
                .sql(&format!("create database {name}_copy template {name}"));
            (address, name)
        });
        Self { world_home, away, database }
    }

    fn restore(self, world: &mut World) {
        std::fs::remove_dir_all(&self.world_home).expect("our home");
        copy_folder(&self.away, &self.world_home);
        if let Some((address, name)) = self.database {
            let copy = address.replace(&format!("dbname={name}"), &format!("dbname={name}_copy"));
            world.set("EXHIBIT_STORE__POSTGRES__URL", &copy);
        }
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().expect("cp");
    assert!(output.status.success(), "{output:#?}");
}

fn check(world: &World, note: &str, key: &str) -> Output {
    let file = world.path().join("checkpoint.txt");
    std::fs::write(&file, note).expect("a file");
    world.exhibit(&["verify", "--checkpoint", &file.display().to_string(), "--key", key])
}

/// AR-20, I12: yesterday's checkpoint proves today's ledger; a ledger with another past, or less of it, is told.
fn a_checkpoint_proves_extension_and_tells_a_rewritten_ledger(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(6);
    world.json(&["run", "noop"]);
    let key = world.ok(&["ledger", "key"]).trim().to_owned();
    let early = world.ok(&["ledger", "checkpoint"]);
    let copy = Copy::take(&world, backend);

    world.json(&["run", "noop", "--recompute"]);
    let extended = check(&world, &early, &key);
    assert_eq!(extended.code, 0, "{extended:#?}");
    assert!(extended.stdout.starts_with("the ledger extends the checkpoint: "), "{extended:#?}");
    let key_file = world.path().join("key.txt");
    std::fs::write(&key_file, &key).expect("a file");
    assert_eq!(check(&world, &early, &key_file.display().to_string()).code, 0, "the key may be a file, too");
    let late = world.ok(&["ledger", "checkpoint"]);
    let batches = world.json(&["ledger", "checkpoint"])["batches"].as_i64().expect("a count");

    // Notes and keys that are not what they say.
    let tampered = early.replacen('\n', "\n1", 1);
    let refused = check(&world, &tampered, &key);
    let message = "exhibit: the checkpoint is not signed by this key; it was changed or made by someone else\n";
    assert_eq!((refused.code, refused.stderr.as_str()), (1, message));
    let other_key = World::new(Backend::Sqlite).ok(&["ledger", "key"]);
    assert_eq!(check(&world, &early, other_key.trim()).code, 1);
    for (note, key) in [("not a note", key.as_str()), (early.as_str(), "not a key"), ("", &key)] {
        let refused = check(&world, note, key);
        assert_eq!(refused.code, 2, "{note:?} {key:?}: {refused:#?}");
        assert!(refused.stderr.starts_with("exhibit: "), "{refused:#?}");
    }
    let nowhere = world.exhibit(&["verify", "--checkpoint", "nowhere.txt", "--key", &key]);
    assert_eq!(nowhere.stderr, "exhibit: nowhere.txt cannot be read: No such file or directory (os error 2)\n");
    assert_eq!(nowhere.code, 2);

    // An older copy takes the place of the ledger: right in itself, and shorter than what was signed.
    copy.restore(&mut world);
    world.verify_clean();
    assert_eq!(check(&world, &early, &key).code, 0);
    let shorter = check(&world, &late, &key);
    assert_eq!(shorter.code, 1, "{shorter:#?}");
    assert!(shorter.stderr.starts_with("exhibit: the ledger is shorter than the checkpoint: "), "{shorter:#?}");
    // It grows beyond that, with another content.
    while world.json(&["ledger", "checkpoint"])["batches"].as_i64() < Some(batches) {
        world.json(&["run", "noop", "--recompute"]);
    }
    world.verify_clean();
    let rewritten = check(&world, &late, &key);
    assert_eq!(rewritten.code, 1, "{rewritten:#?}");
    assert!(rewritten.stderr.starts_with("exhibit: the ledger was rewritten: its first "), "{rewritten:#?}");
}

// Projections ----------------------------------------------------------------------------------------------------------

/// I9: what differs from the records is told with its table; a rebuild gives the rows that were there.
fn projections_are_named_when_they_differ_and_rebuilt_to_the_same_rows(backend: Backend) {
    let world = evidence(backend);
    let raw = Raw::new(&world, backend);
    let tables = world.json(&["projections", "verify"])["tables"].as_array().expect("tables").clone();
    let names: Vec<String> = tables.iter().map(|table| text(&table["table"])).collect();
    assert!(names.contains(&"proj_noop__echo_v1".to_owned()), "{names:?}");
    let rows = || names.iter().map(|name| raw.sql(&format!("select * from {name} order by seq"))).collect::<Vec<_>>();
    let listed = || items(world.json(&["ls"]));
    let (before, assets) = (rows(), listed());

    let same = world.json(&["projections", "rebuild"]);
    assert_eq!(same["differing"], 0, "{same}");
    assert_eq!(rows(), before);

    raw.sql("update proj_media__metadata_v1 set oriented_width = oriented_width + 1");
    raw.sql("delete from proj_image__thumbnail_v1 where seq = (select min(seq) from proj_image__thumbnail_v1)");
    assert_ne!(listed(), assets, "`ls` reads the projection");
    let told = world.exhibit(&["projections", "verify", "--json"]);
    assert_eq!(told.code, 1, "{told:#?}");
    let differing = |name: &str, document: &Value| {
        let tables = document["tables"].as_array().expect("tables");
        tables.iter().find(|table| table["table"] == name).and_then(|table| table["differing"].as_u64())
    };
    let document = told.json();
    assert_eq!(differing("proj_media__metadata_v1", &document), Some(1), "{document}");
    assert_eq!(differing("proj_image__thumbnail_v1", &document), Some(1), "{document}");
    assert_eq!(differing("proj_noop__echo_v1", &document), Some(0), "{document}");

    world.ok(&["projections", "rebuild"]);
    assert_eq!(rows(), before);
    assert_eq!(listed(), assets);
    world.ok(&["projections", "verify"]);
}
