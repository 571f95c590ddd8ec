//! Two runs side by side.

use serde_json::Value;

use crate::world::{Backend, World, text};

both_backends! {
    ar_15_compare_says_faster_more_reliable_and_what_differs,
    a_run_leaves_a_benchmark_record,
    compare_says_when_it_cannot_say,
}

/// AR-15: which run was faster, which was more reliable, which facts differ.
fn ar_15_compare_says_faster_more_reliable_and_what_differs(backend: Backend) {
    let world = World::new(backend);
    world.sample(6, 0);
    let run =
        |arguments: &[&str]| text(&world.json(&[&["run", "basics", "--workers", "1"], arguments].concat())["run"]);
    let first = run(&[]);
    let second = run(&["--policy", "sandbox", "--recompute", "--set", "thumbnail.quality=40"]);
    let found = world.json(&["compare", &first, &second]);
    let pictures = world.artifacts(&first).iter().filter(|artifact| artifact["kind"] == "image.thumbnail").count();
    let facts = &found["facts"];
    assert!(pictures > 0);
    assert_eq!(
        (&facts["differing"], &facts["only_first"], &facts["only_second"]),
        (&pictures.into(), &0.into(), &0.into())
    );
    assert_eq!(facts["same"], world.artifacts(&first).len() - pictures, "metadata is the same");
    assert!(
        facts["examples"]
            .as_array()
            .is_some_and(|list| list.iter().all(|example| example["kind"] == "image.thumbnail"))
    );
    let params = found["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["step"] == "thumbnail"));
    assert_eq!(params.expect("a step")["params"]["quality"][1], 40);
    assert!(found["faster"]["because"].as_str().is_some_and(|because| because.contains("ms for a unit")), "{found}");
    // The sample holds a damaged file, so both failed alike.
    assert_eq!(found["more_reliable"]["run"], Value::Null);
    // One that sleeps is slower, one that fails is less reliable.
    let noop = |set: &str| text(&world.json(&["run", "noop", "--recompute", "--workers", "1", "--set", set])["run"]);
    let (slow, failing) = (noop("noop.sleep_ms=20"), noop("noop.fail_every=2"));
    let found = world.json(&["compare", &slow, &failing]);
    assert_eq!(found["faster"]["run"], failing.as_str());
    assert_eq!(found["more_reliable"]["run"], slow.as_str());
    let only = found["facts"]["only_first"].as_i64().expect("a number");
    assert!(only > 0 && found["facts"]["only_second"] == 0, "{found}");
    let shown = world.ok(&["compare", &slow, &failing, "--limit", "1"]);
    for words in
        ["wall time", "processor time", "peak memory", "faster: run_", "more reliable: run_", "only in the first"]
    {
        assert!(shown.contains(words), "{words} is missing: {shown}");
    }
    assert_eq!(world.json(&["compare", &slow, &slow])["facts"]["differing"], 0);
}

fn a_run_leaves_a_benchmark_record(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(100);
    let host = world.start(&["run", "noop", "--workers", "2", "--set", "noop.sleep_ms=40"]);
    let run = world.wait_for_run("latest", "begun", |status| status.count("done") > 0).run;
    world.ok(&["pause", &run]);
    host.wait();
    let side = || world.json(&["compare", &run, &run])["runs"][0].clone();
    assert_eq!(side()["benchmark"], Value::Null, "it has not ended");
    world.ok(&["resume", &run, "--workers", "1"]);
    let benchmark = side()["benchmark"].clone();
    assert_eq!((&benchmark["state"], &benchmark["units"]["done"]), (&"completed".into(), &100.into()));
    let hosts = benchmark["hosts"].as_array().expect("hosts").clone();
    assert_eq!(hosts.iter().map(|host| host["workers"].clone()).collect::<Vec<_>>(), vec![2, 1]);
    let step = &benchmark["steps"][0];
    assert_eq!((&step["timed"], &step["artifacts"]), (&100.into(), &100.into()));
    let time = |field: &str| step[field].as_u64().expect("a number");
    assert!(
        time("p50_us") >= 40_000 && time("p95_us") >= time("p50_us") && time("max_us") >= time("mean_us"),
        "{step}"
    );
    assert!(benchmark["machine"]["memory_bytes"].as_u64() > Some(1 << 20), "{benchmark}");
    assert!(hosts.iter().all(|host| host["extractor_rss_bytes_max"].as_u64() > Some(1 << 20)), "{hosts:?}");
    world.verify_clean();
}

fn compare_says_when_it_cannot_say(backend: Backend) {
    let world = World::new(backend);
    world.archive_of_small_files(4);
    let run = || text(&world.json(&["run", "noop"])["run"]);
    let (first, reused) = (run(), run());
    let shown = world.ok(&["compare", &first, &reused]);
    assert!(shown.contains("faster: cannot be said, no step was timed in both"), "{shown}");
    assert!(shown.contains("facts: 4 the same, 0 differ"), "{shown}");
    let unknown = world.exhibit(&["compare", &first, "run_01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
}
