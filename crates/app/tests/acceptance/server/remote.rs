//! The command line on a server: what it says is what it says on the home, and what goes wrong has one message.

mod jobs;
mod refusals;
mod story;
mod troubles;

use std::process::Command;

use serde_json::{Value, json};

use super::{Served, token};
use crate::world::{Backend, Output, World, items, text};

both_backends! {
    every_verb_that_looks_says_the_same_as_on_the_home,
    mistakes_are_told_as_on_the_home,
    long_lists_come_page_by_page,
    collections_are_made_and_deleted_as_on_the_home,
}

/// A world, its server, and the way to ask it: a token that may do everything.
pub struct Far {
    /// The home.
    pub world: World,
    /// Its server.
    pub served: Served,
}

impl Far {
    /// Starts a server on a world.
    #[track_caller]
    pub fn new(mut world: World) -> Self {
        let good = token(&world, "read,control,admin");
        world.set("EXHIBIT_TOKEN", &good);
        let served = Served::new(&world);
        Self { world, served }
    }

    /// What stands before every command.
    pub fn arguments<'a>(url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["--server", url], arguments].concat()
    }

    /// The address of the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.served.host)
    }

    /// A command that asks the server. It has no home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(&Self::arguments(&self.url(), arguments));
        command.env_remove("EXHIBIT_HOME").env_remove("EXHIBIT_STORE__POSTGRES__URL");
        command
    }

    /// Runs it to its end.
    pub fn exhibit(&self, arguments: &[&str]) -> Output {
        Output::new(self.command(arguments).output().expect("the program starts"))
    }

    /// Runs it with `--json`; it has to end with 0 or 3.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.exhibit(&[arguments, &["--json"]].concat());
        assert!(matches!(output.code, 0 | 3), "exhibit --server {arguments:?}: {output:#?}");
        output.json()
    }

    /// The same text, the same document and the same exit code here and there.
    #[track_caller]
    pub fn says_the_same(&self, arguments: &[&str]) {
        let (here, there) = (self.world.exhibit(arguments), self.exhibit(arguments));
        assert_eq!((here.code, &here.stdout), (there.code, &there.stdout), "{arguments:?}: {there:#?}");
        let arguments = [arguments, &["--json"]].concat();
        let (here, there) = (self.world.exhibit(&arguments), self.exhibit(&arguments));
        assert_eq!((here.code, here.json()), (there.code, there.json()), "{arguments:?}");
    }
}

/// A world with runs that ended well, in part and in the sandbox, and with a collection.
fn lived_in(backend: Backend) -> (World, Vec<String>) {
    let world = World::new(backend);
    world.write_small_files(24);
    std::fs::copy(world.archive().join("folder 0/0.txt"), world.archive().join("folder 1/copy.txt")).expect("a copy");
    std::os::unix::fs::symlink("nowhere", world.archive().join("link")).expect("a link");
    world.scan();
    std::fs::remove_file(world.archive().join("folder 2/2.txt")).expect("it was there");
    world.scan();
    world.ok(&["collections", "create", "pictures", "--filter", "type:image", "--about", "what shows something"]);
    let run = |more: &[&str]| text(&world.json(&[&["run", "noop", "--recompute"], more].concat())["run"]);
    let runs = vec![
        run(&[]),
        run(&["--set", "noop.fail_every=3"]),
        run(&["--policy", "sandbox", "--collection", "pictures"]),
        run(&["--filter", "not type:image"]),
    ];
    (world, runs)
}

fn every_verb_that_looks_says_the_same_as_on_the_home(backend: Backend) {
    let (world, runs) = lived_in(backend);
    let asset = text(&items(world.json(&["ls", "type:image", "--limit", "1"]))[0]["asset_id"]);
    let artifact = text(&world.artifacts(&runs[0])[0]["artifact_id"]);
    let source = text(&items(world.json(&["sources"]))[0]["source"]);
    let far = Far::new(world);
    for arguments in [
        &["ls"] as &[&str],
        &["ls", "--limit", "7"],
        &["ls", "--limit", "7", "--after", &asset],
        &["ls", "--type", "image", "txt", "or", "png"],
        &["ls", "--source", "archive", "sample", "5", "seed", "3"],
        &["ls", "--source", &source[..12], "--duplicates"],
        &["ls", "--missing"],
        &["ls", "in:pictures"],
        &["show", &asset],
        &["show", &asset[..16], "--sandbox"],
        &["collections"],
        &["collections", "show", "all"],
        &["collections", "show", "pictures"],
        &["run", "show", "latest"],
        &["run", "show", &runs[1]],
        &["run", "show", &runs[1], "--units", "failed"],
        &["run", "show", &runs[0], "--units", "done", "--limit", "3"],
        &["run", "show", &runs[0], "--artifacts", "any"],
        &["run", "show", &runs[0], "--artifacts", "any", "--limit", "2"],
        &["runs"],
        &["runs", "--limit", "1"],
        &["watch", &runs[1]],
        &["compare", &runs[0], &runs[1]],
        &["compare", &runs[0], &runs[2], "--limit", "0"],
        &["explain", &artifact],
        &["sources"],
        &["sources", "archive"],
        &["sources", &source, "--limit", "1"],
        &["pipelines"],
        &["pipelines", "basics"],
        &["extractors"],
        &["extractors", "list"],
    ] {
        far.says_the_same(arguments);
    }
    let lineage = ["explain", artifact.as_str(), "--prov"];
    assert_eq!(far.exhibit(&lineage).stdout, far.world.ok(&lineage));
    // Free room and times to start differ from one moment to the next.
    let looked_at = |document: Value| {
        let names = document["checks"].as_array().expect("checks").iter().map(|check| text(&check["name"]));
        (names.collect::<Vec<_>>(), document["kernel"].clone())
    };
    assert_eq!(looked_at(far.json(&["doctor"])), looked_at(far.world.json(&["doctor"])));
    assert!(!far.exhibit(&["doctor"]).stdout.is_empty());
}

/// The same words and the same exit code, wherever they come from.
fn mistakes_are_told_as_on_the_home(backend: Backend) {
    let (world, runs) = lived_in(backend);
    let far = Far::new(world);
    for arguments in [
        &["show", "ast_ffffffff"] as &[&str],
        &["show", "no hex"],
        &["ls", "--after", "no hex"],
        &["ls", "--source", "nothing"],
        &["ls", "type:"],
        &["run", "show", "run_ZZ"],
        &["watch", "run_ZZ"],
        &["explain", "art_x"],
        &["sources", "nothing"],
        &["run", "noop", "--filter", "type:"],
        &["run", "noop", "--set", "sleep"],
    ] {
        let (here, there) = (far.world.exhibit(arguments), far.exhibit(arguments));
        assert_eq!((here.code, &here.stderr), (there.code, &there.stderr), "{arguments:?}");
        assert_eq!(here.code, 2, "{arguments:?}: {here:?}");
    }
    // Said in other words, as the rules are those of the server; but told, and with the same exit code.
    for arguments in [
        &["ls", "in:nothing"] as &[&str],
        &["run", "nothing"],
        &["run", "noop", "--collection", "nothing"],
        &["run", "noop", "--set", "noop.unknown=1"],
        &["run", "show", &runs[0], "--artifacts", "smell"],
        &["collections", "show", "nothing"],
        &["collections", "delete", "nothing"],
        &["collections", "create", "pictures", "--filter", "type:image"],
        &["collections", "create", "two words", "--filter", "type:image"],
        &["cancel", &runs[0]],
        &["promote", &runs[0]],
        &["pipelines", "nothing"],
    ] {
        let (here, there) = (far.world.exhibit(arguments), far.exhibit(arguments));
        assert_eq!(here.code, there.code, "{arguments:?}: {here:#?} {there:#?}");
        assert!(there.stderr.starts_with("exhibit: ") && there.stdout.is_empty(), "{arguments:?}: {there:#?}");
        assert_eq!(far.exhibit(arguments).stderr, there.stderr, "the same each time");
    }
}

/// More than one page of the server holds.
fn long_lists_come_page_by_page(backend: Backend) {
    const FILES: usize = 1_070;
    let world = World::new(backend);
    world.archive_of_small_files(FILES);
    world.ok(&["run", "noop"]);
    let far = Far::new(world);
    for arguments in [
        &["ls", "--limit", "5000"] as &[&str],
        &["ls", "--limit", "1000"],
        &["ls", "--limit", "1001"],
        &["run", "show", "latest", "--units", "done", "--limit", "1069"],
        &["run", "show", "latest", "--artifacts", "any", "--limit", "2000"],
    ] {
        far.says_the_same(arguments);
    }
    assert_eq!(items(far.json(&["ls", "--limit", "5000"])).len(), FILES);
}

fn collections_are_made_and_deleted_as_on_the_home(backend: Backend) {
    let (world, runs) = lived_in(backend);
    let asset = text(&items(world.json(&["ls", "--limit", "1"]))[0]["asset_id"]);
    let list = world.path().join("list.txt");
    std::fs::write(&list, format!("{asset}\n\n  {}\n", &asset[..20])).expect("a list");
    let list = list.display().to_string();
    let far = Far::new(world);
    for (name, members) in [
        ("filtered", &["--filter", "type:image sample 4", "--about", "some"] as &[&str]),
        ("listed", &["--assets", &list]),
        ("failed", &["--from-run", &runs[1], "--state", "failed"]),
    ] {
        let create = [&["collections", "create", name], members].concat();
        let made = far.json(&create);
        assert_eq!(made["name"], name);
        assert_eq!(far.exhibit(&create).code, 2, "{name} is taken");
        let again = far.json(&[&create[..], &["--replace"]].concat());
        assert_eq!((&again["collection"], &again["revision"]), (&made["collection"], &json!(2)));
        far.says_the_same(&["collections", "show", name]);
    }
    assert_eq!(far.json(&["collections", "show", "listed"])["members_now"], 1);
    std::fs::write(&list, "ast_ffffffff\n").expect("a list");
    let refused = far.exhibit(&["collections", "create", "none", "--assets", &list]);
    assert!(refused.code == 2 && refused.stderr.contains("line 1 of the list: there is no asset"), "{refused:?}");
    let deleted = far.exhibit(&["collections", "delete", "listed"]);
    assert_eq!((deleted.code, deleted.stdout.as_str()), (0, "deleted listed  withdrawn\n"), "{deleted:?}");
    assert_eq!(far.exhibit(&["collections", "show", "listed"]).code, 2);
    far.says_the_same(&["collections", "list"]);
    far.world.verify_clean();
}
