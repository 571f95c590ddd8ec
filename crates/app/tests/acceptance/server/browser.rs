//! The web UI in a real browser: journeys of `web/e2e` against the real program, on both databases.

use std::path::Path;
use std::process::{Command, Stdio};

use super::control::gateway;
use super::import::make_v41;
use super::{Served, token};
use crate::world::{Backend, World};

both_backends! {
    everything_that_a_person_does_works_in_a_browser,
    a_page_goes_on_by_itself_after_the_server_was_killed,
    ag_35_agents_are_looked_at_and_stopped_in_a_browser,
    ag_35_a_kill_that_is_not_confirmed_is_told_in_a_browser,
    ag_09_an_older_database_is_taken_over_in_a_browser,
}

/// How much of a failure is printed.
const REPORT_CHARS_MAX: usize = 12_000;

/// Everything that a person does, but for the death of the server.
fn everything_that_a_person_does_works_in_a_browser(backend: Backend) {
    let world = with_results(backend);
    let served = Served::new(&world);
    let specs = ["login", "library", "asset", "runs", "keyboard", "jobs", "pages"];
    // How pages look does not depend on the database, and looking at all of them in both themes takes half of the time.
    let wanted = if backend == Backend::Sqlite { &specs[..] } else { &specs[..specs.len() - 1] };
    journeys(&world, &served, backend, wanted);
}

/// Its own world, because it ends the server.
fn a_page_goes_on_by_itself_after_the_server_was_killed(backend: Backend) {
    let world = with_results(backend);
    let served = Served::new(&world);
    journeys(&world, &served, backend, &["offline"]);
}

/// With a gateway that does what it is told.
fn ag_35_agents_are_looked_at_and_stopped_in_a_browser(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = gateway(&mut world, &[]);
    let served = Served::new(&world);
    journeys(&world, &served, backend, &["agents", "agents_alerts", "agents_orders"]);
}

/// With a gateway that says yes to a kill and goes on.
fn ag_35_a_kill_that_is_not_confirmed_is_told_in_a_browser(backend: Backend) {
    let mut world = World::new(backend);
    let _gateway = gateway(&mut world, &["--behave", "sessions.abort=no-effect"]);
    let served = Served::new(&world);
    journeys(&world, &served, backend, &["agents_vain"]);
}

fn ag_09_an_older_database_is_taken_over_in_a_browser(backend: Backend) {
    let mut world = World::new(backend);
    let folder = world.path().join("older");
    std::fs::create_dir(&folder).expect("a folder");
    make_v41(&folder.join("v41.sqlite"));
    world.set("EXHIBIT_AGENTS__IMPORT__FOLDER", folder.to_str().expect("text"));
    let served = Served::new(&world);
    journeys(&world, &served, backend, &["agents_import"]);
}

/// A small archive that a run has gone over.
fn with_results(backend: Backend) -> World {
    let world = World::new(backend);
    world.sample(24, 1);
    // Files that cannot be read belong to the sample.
    world.json(&["run", "basics"]);
    world
}

/// Runs these files of `web/e2e` with Playwright and prints its report when one fails.
#[track_caller]
pub(super) fn journeys(world: &World, served: &Served, backend: Backend, specs: &[&str]) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let program = world.command(&[]);
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/web"));
    command.arg("e2e").args(specs.iter().map(|spec| format!("e2e/{spec}.spec.ts"))).stdin(Stdio::null());
    // The environment of the program, so that a journey can start it again; Node may lie anywhere.
    let given = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(given.filter(|(name, _)| *name != "PATH")).env("CARGO_TARGET_DIR", target);
    // Pictures of what failed stay after the test.
    command.env("JOURNEY_OUT", target.join(format!("journeys/{backend:?}-{}", specs[0]).to_lowercase()));
    command.env("JOURNEY_BINARY", program.get_program()).env("JOURNEY_PID", served.running.pid().to_string());
    command.env("JOURNEY_URL", format!("http://{}", served.host));
    command.env("JOURNEY_LINK", served.link.as_deref().unwrap_or_default());
    command.env("JOURNEY_TOKEN", token(world, "read,ingest,control,admin")).env("JOURNEY_READER", token(world, "read"));
    let output = command.output().expect("scripts/web starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let cut = said.char_indices().rev().nth(REPORT_CHARS_MAX).map_or(0, |(at, _)| at);
    assert!(output.status.success(), "a journey failed:\n{}", &said[cut..]);
}
