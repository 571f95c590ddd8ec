//! The archive over HTTP: lists, one asset, originals, pictures, the library by month, collections.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Served, token};
use crate::world::{Backend, PATIENCE, World, items, text};

both_backends! {
    assets_are_listed_in_pages_and_shown,
    originals_are_delivered_in_whole_and_in_part,
    pictures_stand_for_assets,
    the_timeline_shows_everything_once,
    collections_are_made_and_deleted,
    sources_are_scanned_and_guarded,
    every_answer_fits_the_document,
}

/// A world with a small archive, its server, and a token that may do everything.
pub(super) fn served(backend: Backend, photos: u32, videos: u32) -> (World, Served, String) {
    let world = World::new(backend);
    world.sample(photos, videos);
    let served = Served::new(&world);
    let token = token(&world, "read,control,admin");
    (world, served, token)
}

impl Served {
    /// The document that a GET answers with.
    #[track_caller]
    pub fn json(&self, path: &str, token: &str) -> Value {
        let answer = self.get(path, token);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

/// The same lists and documents as on the command line; bad questions get the same bytes each time.
fn assets_are_listed_in_pages_and_shown(backend: Backend) {
    let (world, served, token) = served(backend, 8, 1);
    let mut listed = Vec::new();
    let mut path = "/v1/assets?limit=7".to_owned();
    loop {
        let page = served.json(&path, &token);
        listed.extend(items(page.clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/assets?limit=7&cursor={next}");
    }
    assert_eq!(listed, items(world.json(&["ls", "--limit", "1000"])));
    let images = items(served.json("/v1/assets?filter=type:image&limit=1000", &token));
    assert_eq!(images, items(world.json(&["ls", "type:image", "--limit", "1000"])));
    assert!(!images.is_empty() && images.len() < listed.len());

    let id = text(&listed[0]["asset_id"]);
    let shown = served.json(&format!("/v1/assets/{id}"), &token);
    assert_eq!(shown, world.json(&["show", &id]));
    assert_eq!(served.json(&format!("/v1/assets/{}", &id[..16]), &token), shown);
    assert_eq!(served.json("/v1/filters?text=type:image", &token)["matches"], images.len());

    for (path, status, code) in [
        ("/v1/assets?limit=0", 400, "query-invalid"),
        ("/v1/assets?limit=1001", 400, "query-invalid"),
        ("/v1/assets?limit=x", 400, "query-invalid"),
        ("/v1/assets?limt=5", 400, "query-invalid"),
        ("/v1/assets?limit=5&limit=6", 400, "query-invalid"),
        ("/v1/assets?cursor=abc", 400, "cursor-invalid"),
        ("/v1/assets?cursor=cnVuczox", 400, "cursor-invalid"),
        ("/v1/assets?filter=type:imagx", 400, "filter-invalid"),
        ("/v1/assets?filter=in:nowhere", 400, "filter-invalid"),
        ("/v1/assets?filter=%FF", 400, "query-invalid"),
        ("/v1/assets/ast_0000000000", 404, "not-found"),
        ("/v1/assets/..%2f..%2fetc%2fpasswd", 404, "not-found"),
        ("/v1/assets/%00", 400, "path-invalid"),
        ("/v1/assets?filter=a%00b", 400, "query-invalid"),
        ("/v1/assets/%FF", 400, "path-invalid"),
        ("/v1/filters", 400, "query-invalid"),
    ] {
        let first = served.get(path, &token);
        assert_eq!((first.status, first.code().as_str()), (status, code), "{path}: {}", first.text());
        for _ in 0..9 {
            assert_eq!(served.get(path, &token).body, first.body, "{path}");
        }
    }
    let problem = served.get("/v1/assets?filter=type:image%20type:imagx", &token).json();
    assert_eq!(
        (&problem["errors"][0]["offset"], &problem["errors"][0]["length"]),
        (&json!(16), &json!(5)),
        "{problem}"
    );
}

/// Bytes as they lie on the disk, by range and by ETag; what could run in a browser is only saved; what has changed is not served.
fn originals_are_delivered_in_whole_and_in_part(backend: Backend) {
    let (world, served, token) = served(backend, 12, 1);
    let bearer = format!("Bearer {token}");
    let get = |path: &str, more: &[(&str, &str)]| {
        served.ask("GET", path, &[&[("authorization", bearer.as_str())], more].concat(), "")
    };
    let jpeg =
        items(world.json(&["ls", "type:image/jpeg", "is:present", "not", "is:duplicate", "--limit", "1"])).remove(0);
    let file = world.archive().join(text(&jpeg["path"]));
    let bytes = std::fs::read(&file).expect("an original");
    let path = format!("/v1/assets/{}/original", text(&jpeg["asset_id"]));

    let whole = get(&path, &[]);
    assert_eq!((whole.status, &whole.body), (200, &bytes));
    assert_eq!(whole.header("content-type"), Some("image/jpeg"));
    assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
    assert!(whole.header("content-disposition").is_some_and(|value| value.starts_with("inline")), "{whole:?}");
    let etag = whole.header("etag").expect("an ETag").to_owned();
    assert_eq!(get(&path, &[("if-none-match", &etag)]).status, 304);
    let part = get(&path, &[("range", "bytes=100-199")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &bytes[100..200]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 100-199/{}", bytes.len()).as_str()));
    let tail = get(&path, &[("range", "bytes=-10"), ("if-range", &etag)]);
    assert_eq!((tail.status, tail.body.as_slice()), (206, &bytes[bytes.len() - 10..]));
    let other = get(&path, &[("range", "bytes=-10"), ("if-range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, bytes.len()));
    let beyond = get(&path, &[("range", &format!("bytes={}-", bytes.len()))]);
    assert_eq!((beyond.status, beyond.code().as_str()), (416, "range-not-satisfiable"));
    let head = served.ask("HEAD", &path, &[("authorization", &bearer), ("range", "bytes=0-0")], "");
    assert_eq!(head.status, 206);

    std::fs::write(
        world.archive().join("script.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
    )
    .expect("a file");
    std::fs::write(world.archive().join("page.html"), "<!doctype html><script>1</script>").expect("a file");
    world.scan();
    for name in ["script.svg", "page.html"] {
        let found = items(world.json(&["ls", &format!("path:{name}"), "--limit", "1"])).remove(0);
        let answer = get(&format!("/v1/assets/{}/original", text(&found["asset_id"])), &[]);
        assert_eq!(answer.status, 200);
        assert!(
            answer.header("content-disposition").is_some_and(|value| value.starts_with("attachment")),
            "{answer:?}"
        );
        assert!(answer.header("content-security-policy").is_some_and(|value| value.contains("sandbox")), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }

    std::fs::write(&file, b"something else").expect("a change");
    let gone = get(&path, &[]);
    assert_eq!((gone.status, gone.code().as_str()), (404, "not-present"));
}

/// Thumbnails and posters once a run made them, the size that fits, and no picture before.
fn pictures_stand_for_assets(backend: Backend) {
    let (world, served, token) = served(backend, 6, 1);
    let first = |filter: &str| text(&items(world.json(&["ls", filter, "--limit", "1"])).remove(0)["asset_id"]);
    let (photo, video) = (first("type:image/jpeg"), first("type:video"));
    let none = served.get(&format!("/v1/assets/{photo}/thumbnail"), &token);
    assert_eq!((none.status, none.code().as_str()), (404, "no-thumbnail"));
    let output = world.exhibit(&["run", "basics"]);
    assert!(matches!(output.code, 0 | 3), "{output:?}");
    let small = served.get(&format!("/v1/assets/{photo}/thumbnail?edge=256"), &token);
    let large = served.get(&format!("/v1/assets/{photo}/thumbnail?edge=1024"), &token);
    let poster = served.get(&format!("/v1/assets/{video}/thumbnail"), &token);
    for answer in [&small, &large, &poster] {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!((answer.header("content-type"), &answer.body[8..12]), (Some("image/webp"), b"WEBP".as_slice()));
    }
    assert!(small.body.len() <= large.body.len());
    let artifact = items(world.json(&["run", "show", "latest", "--artifacts", "image.thumbnail"])).remove(0);
    let id = text(&artifact["artifact_id"]);
    let blob = served.get(&format!("/v1/artifacts/{id}/blob"), &token);
    assert_eq!((blob.status, Some(blob.body.len() as u64)), (200, artifact["blob_bytes"].as_u64()));
    assert!(blob.header("cache-control").is_some_and(|value| value.contains("immutable")), "{blob:?}");
    assert_eq!(served.json(&format!("/v1/artifacts/{id}"), &token), world.json(&["explain", &id]));
    let lineage = served.get(&format!("/v1/artifacts/{id}/lineage"), &token);
    assert!(lineage.status == 200 && lineage.json()["wasGeneratedBy"].is_object(), "{}", lineage.text());
    let metadata = items(world.json(&["run", "show", "latest", "--artifacts", "media.metadata"])).remove(0);
    let none = served.get(&format!("/v1/artifacts/{}/blob", text(&metadata["artifact_id"])), &token);
    assert_eq!((none.status, none.code().as_str()), (404, "no-blob"));
}

/// Everything of a timeline by month. Where it changes meanwhile, it is loaded anew, as a page does.
fn all_of(served: &Served, token: &str, filter: &str) -> (Value, Vec<Value>) {
    loop {
        let timeline = served.json(&format!("/v1/timeline?filter={filter}"), token);
        if let Some(all) = all_items_of(served, token, filter, &timeline) {
            return (timeline, all);
        }
    }
}

/// The items of that timeline; `None` when there is another one by now.
fn all_items_of(served: &Served, token: &str, filter: &str, timeline: &Value) -> Option<Vec<Value>> {
    let mut all = Vec::new();
    for bucket in timeline["buckets"].as_array().expect("buckets") {
        let name = text(&bucket["bucket"]);
        let mut found = Vec::new();
        while found.len() < bucket["count"].as_u64().expect("a count") as usize {
            let path = format!("/v1/timeline/{name}?filter={filter}&from={}&limit=5", found.len());
            let answer = served.get(&path, token);
            if answer.status == 404 && answer.code() == "no-such-bucket" {
                return None;
            }
            let page = answer.json();
            if page["version"] != timeline["version"] {
                return None;
            }
            found.extend(items(page));
        }
        let ratios: Vec<&Value> = found.iter().map(|item| &item["ratio"]).collect();
        assert_eq!(json!(ratios), bucket["ratios"]);
        assert!(found.iter().all(|item| text(&item["at"]).starts_with(&name)), "{found:#?}");
        all.extend(found);
    }
    Some(all)
}

/// Each present asset in one month, newest first; capture times, pictures and scans change it; a missing file goes.
fn the_timeline_shows_everything_once(backend: Backend) {
    let (world, served, token) = served(backend, 10, 1);
    let ids = |items: &[Value]| items.iter().map(|item| text(&item["asset_id"])).collect::<Vec<_>>();
    let present =
        || ids(&items(world.json(&["ls", "is:present", "--limit", "1000"]))).into_iter().collect::<BTreeSet<_>>();
    let (before, shown) = all_of(&served, &token, "");
    assert_eq!(before["total"], shown.len());
    assert_eq!(ids(&shown).into_iter().collect::<BTreeSet<_>>(), present());
    assert!(shown.iter().all(|item| item["thumbnail"] == false && item["colour"].is_null()));

    let output = world.exhibit(&["run", "basics"]);
    assert!(matches!(output.code, 0 | 3), "{output:?}");
    let looked_again = |wanted: &dyn Fn(&Value, &[Value]) -> bool| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The library is at most half a second behind.
            let (timeline, shown) = all_of(&served, &token, "");
            if wanted(&timeline, &shown) {
                break (timeline, shown);
            }
            assert!(Instant::now() < deadline, "the library stays behind: {timeline}");
        }
    };
    let (after, shown) = looked_again(&|timeline, shown| {
        timeline["version"] != before["version"] && shown.iter().any(|item| item["thumbnail"] == true)
    });
    assert_eq!(after["total"], before["total"]);
    let times: Vec<String> = shown.iter().map(|item| text(&item["at"])).collect();
    assert!(times.is_sorted_by(|left, right| left >= right), "{times:#?}");
    let lines = items(world.json(&["ls", "--limit", "1000"]));
    for item in &shown {
        let line = lines.iter().find(|line| line["asset_id"] == item["asset_id"]).expect("a line");
        if !line["captured_at"].is_null() {
            assert_eq!(item["at"], line["captured_at"]);
        }
    }

    let place = served.json(&format!("/v1/timeline/neighbours?asset={}", text(&shown[3]["asset_id"])), &token);
    assert_eq!((&place["previous"], &place["next"]), (&shown[2]["asset_id"], &shown[4]["asset_id"]));
    assert_eq!((&place["index"], &place["total"]), (&json!(3), &after["total"]));
    let first = served.json(&format!("/v1/timeline/neighbours?asset={}", text(&shown[0]["asset_id"])), &token);
    assert!(first["previous"].is_null() && first["index"] == 0);
    let (_, videos) = all_of(&served, &token, "type:video");
    assert!(!videos.is_empty() && videos.iter().all(|item| item["class"] == "video"), "{videos:#?}");
    let missing_bucket = served.get("/v1/timeline/1812-01", &token);
    assert_eq!((missing_bucket.status, missing_bucket.code().as_str()), (404, "no-such-bucket"));

    let only = ["ls", "type:image/jpeg", "is:present", "not", "is:duplicate", "--limit", "1"];
    let lost = items(world.json(&only)).remove(0);
    let path = text(&lost["path"]);
    std::fs::remove_file(world.archive().join(path)).expect("a file less");
    world.scan();
    let now = present();
    looked_again(&|timeline, _| timeline["total"] == now.len());
    let (_, gone) = all_of(&served, &token, "is:missing");
    assert!(gone.iter().any(|item| item["asset_id"] == lost["asset_id"]), "{gone:#?}");
    assert_eq!(gone.len(), items(world.json(&["ls", "is:missing", "--limit", "1000"])).len());
}

/// From a filter, a list and a run; taken names, unknown assets and bad filters are refused and nothing is made.
fn collections_are_made_and_deleted(backend: Backend) {
    let (world, served, token) = served(backend, 8, 1);
    let make = |body: Value| served.post("/v1/collections", &token, &body);
    let made = make(json!({ "name": "photos", "about": "all photos", "filter": "type:image" }));
    assert_eq!((made.status, &made.json()["kind"]), (201, &json!("dynamic")), "{}", made.text());
    let ids: Vec<String> =
        items(world.json(&["ls", "--limit", "3"])).iter().map(|line| text(&line["asset_id"])).collect();
    let made = make(json!({ "name": "three", "assets": ids }));
    assert_eq!((made.status, &made.json()["members"]), (201, &json!(3)), "{}", made.text());
    world.exhibit(&["run", "noop", "--set", "noop.fail_every=4"]);
    let made = make(json!({ "name": "failed", "run": "latest", "state": "failed" }));
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.json()["members"], world.run_status("latest").count("failed"));
    let listed = served.json("/v1/collections", &token);
    assert_eq!(listed, world.json(&["collections"]));
    assert_eq!(served.json("/v1/collections/three", &token), world.json(&["collections", "show", "three"]));
    assert_eq!(served.json("/v1/collections/all", &token), world.json(&["collections", "show", "all"]));

    let unknown = format!("ast_{}", "0".repeat(64));
    for (body, status, code) in [
        (json!({ "name": "photos", "filter": "type:video" }), 409, "name-taken"),
        (json!({ "name": "a b", "filter": "type:video" }), 400, "invalid"),
        (json!({ "name": "x", "filter": "type:" }), 400, "filter-invalid"),
        (json!({ "name": "x", "filter": "" }), 400, "filter-invalid"),
        (json!({ "name": "x", "assets": [unknown] }), 400, "invalid"),
        (json!({ "name": "x", "assets": ["ast_1"] }), 400, "body-invalid"),
        (json!({ "name": "x", "run": "latest", "state": "asleep" }), 400, "body-invalid"),
        (json!({ "name": "x", "run": "run_00000000000000000000000000", "state": "failed" }), 404, "not-found"),
        (json!({ "name": "x" }), 400, "body-invalid"),
        (json!({ "name": "x", "filter": "type:video", "assets": [] }), 400, "body-invalid"),
        (json!({ "name": "x", "filter": "type:video", "owner": "me" }), 400, "body-invalid"),
    ] {
        let answer = make(body.clone());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}: {}", answer.text());
    }
    assert_eq!(served.json("/v1/collections", &token), listed);
    let bearer = format!("Bearer {token}");
    let delete =
        |name: &str| served.ask("DELETE", &format!("/v1/collections/{name}"), &[("authorization", &bearer)], "");
    assert_eq!(delete("three").status, 200);
    assert_eq!((delete("three").status, delete("nothing").status, delete("all").status), (404, 404, 409));
    assert_eq!(served.get("/v1/collections/three", &token).status, 404);
}

/// A source that is known is scanned again; a new one only below a folder that the configuration names (AR-27: never around the home).
fn sources_are_scanned_and_guarded(backend: Backend) {
    let mut world = World::new(backend);
    world.archive_of_small_files(5);
    let allowed = world.path().join("allowed");
    for folder in ["allowed/inside", "elsewhere"] {
        std::fs::create_dir_all(world.path().join(folder)).expect("a folder");
        std::fs::write(world.path().join(folder).join("a.txt"), folder).expect("a file");
    }
    world.set("EXHIBIT_SERVER__SOURCES_ALLOWED", &json!([allowed]).to_string());
    let served = Served::new(&world);
    let token = token(&world, "read,control,admin");
    let name = text(&served.json("/v1/sources", &token)["items"][0]["name"]);
    std::fs::write(world.archive().join("one-more.txt"), b"one more").expect("a file");
    std::os::unix::fs::symlink("one-more.txt", world.archive().join("a-link")).expect("a link");
    let ended = |root_end: &str| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let scans = items(served.json("/v1/scans", &token));
            let scan = scans.into_iter().find(|scan| text(&scan["root"]).ends_with(root_end)).expect("the scan");
            if !scan["ended"].is_null() {
                break scan;
            }
            assert!(Instant::now() < deadline, "the scan does not end: {scan}");
        }
    };
    let begun = served.post(&format!("/v1/sources/{name}/scan"), &token, &json!({}));
    assert_eq!(begun.status, 202, "{}", begun.text());
    let scan = ended(&world.archive().display().to_string());
    assert_eq!((&scan["state"], &scan["new"]), (&json!("done"), &json!(1)), "{scan}");

    let add = |root: &std::path::Path| served.post("/v1/sources", &token, &json!({ "root": root, "name": "more" }));
    let begun = add(&allowed.join("inside"));
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert_eq!(ended("inside")["state"], "done");
    for root in [world.path().join("elsewhere"), world.home(), allowed.join("nothing"), allowed.join("../elsewhere")] {
        let refused = add(&root);
        assert_eq!((refused.status, refused.code().as_str()), (409, "source-refused"), "{root:?}: {}", refused.text());
    }
    assert_eq!(items(served.json("/v1/sources", &token)).len(), 2);
    assert_eq!(served.post("/v1/sources/nothing/scan", &token, &json!({})).status, 404);
    let outcomes = items(served.json(&format!("/v1/sources/{name}/outcomes"), &token));
    let told: Vec<(&Value, &Value)> = outcomes.iter().map(|outcome| (&outcome["path"], &outcome["code"])).collect();
    assert_eq!(told, [(&json!("a-link"), &json!("symlink"))]);
}

/// A session, a list of prices, a recompute and a rule, by what stands for them in paths.
fn what_agents_have(world: &World, served: &Served) -> [(&'static str, String); 5] {
    let token = token(world, "read,ingest,control,admin");
    let told = |path: &str, body: &Value, wanted: u16| {
        let answer = served.post(path, &token, body);
        assert_eq!(answer.status, wanted, "{path}: {answer:?}");
        answer.json()
    };
    let session = json!({"sessionId": "s", "agentId": "a", "modelId": "m", "state": "failed", "startedAt": "2026-01-02T03:04:05Z"});
    told("/api/v3/ingest/session", &json!({"envelope_version": "v1", "payload": {"session": session}}), 200);
    let version = text(&served.json("/v1/agents/prices", &token)["items"][0]["pricingVersion"]);
    let job = told("/v1/agents/prices/recompute", &json!({"pricingVersion": version, "dryRun": true}), 202);
    let rule = json!({
        "metric": "rolling_cost_usd", "scopeType": "agent", "warnThreshold": 1, "criticalThreshold": 2, "window": "24h",
        "comparison": "gt", "dedupCooldownSec": 60, "enabled": true,
    });
    let rule = told("/api/v3/alerts/rules", &rule, 201);
    let older = concat!(env!("CARGO_MANIFEST_DIR"), "/../agents/testdata/import/v3.json");
    let report = world.json(&["agents", "import", "json", older]);
    [
        ("{session_id}", "s".to_owned()),
        ("{version}", version),
        ("{job_id}", text(&job["jobId"])),
        ("{rule_id}", text(&rule["ruleId"])),
        ("{report_id}", text(&report["reportId"])),
    ]
}

/// What each route answers is what the OpenAPI document says, for every GET that needs no more than ids of what is there.
fn every_answer_fits_the_document(backend: Backend) {
    let (world, served, _) = served(backend, 6, 1);
    let token = token(&world, "read,ingest,control,admin");
    for _ in 0..2 {
        let output = world.exhibit(&["run", "basics", "--recompute"]);
        assert!(matches!(output.code, 0 | 3), "{output:?}");
    }
    world.ok(&["collections", "create", "photos", "--filter", "type:image"]);
    let thumbnail = items(world.json(&["run", "show", "latest", "--artifacts", "image.thumbnail"])).remove(0);
    let (asset, artifact) = (text(&thumbnail["asset_id"]), text(&thumbnail["artifact_id"]));
    let source = text(&served.json("/v1/sources", &token)["items"][0]["name"]);
    let runs = items(served.json("/v1/runs", &token));
    let bucket = text(&served.json("/v1/timeline", &token)["buckets"][0]["bucket"]);
    let begun = served.post("/v1/verify", &token, &json!({}));
    assert_eq!(begun.status, 202, "{begun:?}");
    let job = text(&begun.json()["job"]);
    let document = served.json("/openapi.json", &token);
    let of_agents = what_agents_have(&world, &served);
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some(get) = methods.get("get") else { continue };
        let Some(schema) = get.pointer("/responses/200/content/application~1json/schema") else { continue };
        let id = if path.starts_with("/v1/assets") {
            &asset
        } else if path.starts_with("/v1/artifacts") {
            &artifact
        } else if path.starts_with("/v1/jobs") {
            &job
        } else {
            &text(&runs[0]["run"])
        };
        let name = match path {
            path if path.starts_with("/v1/collections") => "photos",
            path if path.starts_with("/v1/pipelines") => "basics",
            _ => &source,
        };
        let mut asked = path.replace("{id}", id).replace("{name}", name).replace("{bucket}", &bucket);
        asked = asked.replace("{other}", &text(&runs[1]["run"]));
        asked = of_agents.iter().fold(asked, |asked, (name, value)| asked.replace(name, value));
        match path.as_str() {
            "/v1/filters" => asked.push_str("?text=type:image"),
            "/v1/timeline/neighbours" => asked.push_str(&format!("?asset={asset}")),
            "/v1/runs/{id}/units" => asked.push_str("?state=done"),
            _ => {}
        }
        let answer = served.json(&asked, &token);
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&whole).unwrap_or_else(|error| panic!("{path}: {error}"));
        let wrong: Vec<String> =
            validator.iter_errors(&answer).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        assert!(wrong.is_empty(), "{asked}: {wrong:#?}");
        checked += 1;
    }
    assert!(checked >= 20, "only {checked} routes were checked");
}
