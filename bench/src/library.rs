//! The library over HTTP: 100,000 small photos, scanned and run through `basics`, then served to one person, to 64 clients and to a
//! browser.

mod browser;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use crate::measure::run;
use crate::report::{Line, Ratio};
use crate::scale::Scale;
use crate::server::{Client, Server, serve};

/// Photos.
const PHOTOS: u64 = 100_000;

/// Different pictures; each photo is one of them with bytes of its own after the end.
const PICTURES: u64 = 240;

/// Photos in one folder.
const PER_FOLDER: u64 = 500;

/// Seconds between the times of two photos: 20 years over all.
const APART_S: u64 = 20 * 365 * 24 * 3600 / PHOTOS;

/// Clients at once, and how often each asks for a page: as often as a person who scrolls on.
const CLIENTS: usize = 64;
const EVERY: Duration = Duration::from_millis(250);

/// Pages that each client asks for.
const PAGES: usize = 40;

/// Measures. The figures are of one machine that runs the clients, too.
pub fn measure(exhibit: &Path, scale: Scale) -> Result<Vec<Line>, String> {
    let photos = scale.of(PHOTOS, 2_000);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (root, home) = (folder.path().join("photos"), folder.path().join("home"));
    make_photos(&root, photos).map_err(|error| error.to_string())?;
    let command = |arguments: &[&str]| {
        let mut command = Command::new(exhibit);
        command.arg("--home").arg(&home).arg("--quiet").args(arguments);
        command
    };
    run(command(&["scan"]).arg(&root), 0)?;
    let made = run(&mut command(&["run", "basics"]), 0)?;
    let server = serve(&command, "read")?;
    let mut lines = vec![Line {
        work: format!("`basics` over {photos} tiny photos"),
        ours: format!("{:.0} photos/s", photos as f64 / made.wall.as_secs_f64()),
        peer: "for information".to_owned(),
        ratio: Ratio::at_least(photos as f64 / made.wall.as_secs_f64(), 0.0),
    }];
    lines.extend(timeline(&server, photos)?);
    lines.push(pages(&server, photos)?);
    let rss = resident_mib(server.process.id());
    lines.push(Line {
        work: format!("memory of the server after that, {photos} photos"),
        ours: format!("{rss:.0} MiB"),
        peer: "a limit in MiB".to_owned(),
        ratio: Ratio::at_most(rss, 400.0),
    });
    lines.extend(browser::measure(&server, folder.path())?);
    Ok(lines)
}

fn make_photos(root: &Path, photos: u64) -> std::io::Result<()> {
    let pictures: Vec<Vec<u8>> = (0..PICTURES).map(picture).collect::<Result<_, _>>()?;
    let newest = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600);
    for number in 0..photos {
        let folder = root.join(format!("{:04}", number / PER_FOLDER));
        if number % PER_FOLDER == 0 {
            fs::create_dir_all(&folder)?;
        }
        let mut bytes = pictures[(number % PICTURES) as usize].clone();
        bytes.extend(number.to_be_bytes());
        let path = folder.join(format!("{number:06}.jpg"));
        fs::write(&path, bytes)?;
        let file = fs::File::options().write(true).open(&path)?;
        file.set_modified(newest - Duration::from_secs(number * APART_S))?;
    }
    Ok(())
}

/// A gradient in a colour and a shape of its own.
fn picture(number: u64) -> std::io::Result<Vec<u8>> {
    let (width, height) = [(96, 64), (64, 96), (96, 54), (80, 80)][(number % 4) as usize];
    let colour = [number.wrapping_mul(37), number.wrapping_mul(91), number.wrapping_mul(151)];
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            pixels.extend(
                colour.map(|part| (part % 200) as u8 + (x * 55 / width) as u8 / 2 + (y * 55 / height) as u8 / 2),
            );
        }
    }
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 70);
    encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).map_err(std::io::Error::other)?;
    Ok(bytes)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn at(sorted: &[Duration], part: f64) -> f64 {
    let place = ((sorted.len() as f64 - 1.0) * part).round() as usize;
    millis(sorted.get(place).copied().unwrap_or_default())
}

/// The months and shapes of everything: the first time, and when nothing changed.
fn timeline(server: &Server, photos: u64) -> Result<Vec<Line>, String> {
    let mut client = Client::new(server)?;
    let (body, cold) = client.get("/v1/timeline")?;
    let shown: serde_json::Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    if shown["total"] != photos {
        return Err(format!("the timeline shows {} of {photos} photos", shown["total"]));
    }
    let mut times = Vec::new();
    for _ in 0..20 {
        times.push(client.get("/v1/timeline")?.1);
    }
    times.sort_unstable();
    let bytes = body.len() / 1024;
    let line = |work: String, took: f64, goal: f64| Line {
        work,
        ours: format!("{took:.1} ms, {bytes} KiB"),
        peer: "a limit in ms".to_owned(),
        ratio: Ratio::at_most(took, goal),
    };
    Ok(vec![
        line(format!("timeline of {photos} photos, the first after a start"), millis(cold), 3_000.0),
        line(format!("timeline of {photos} photos, p50"), at(&times, 0.5), 250.0),
    ])
}

/// Pages of 100 assets for 64 clients, each of them at another place.
fn pages(server: &Server, photos: u64) -> Result<Line, String> {
    let begun = Instant::now();
    let measured: Vec<Result<Vec<Duration>, String>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || scroll(server, number, begun))).collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".to_owned())))
            .collect()
    });
    let mut times = Vec::new();
    for client in measured {
        times.extend(client?);
    }
    times.sort_unstable();
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    let (p50, p99) = (at(&times, 0.5), at(&times, 0.99));
    Ok(Line {
        work: format!("a page of 100 of {photos} assets, {CLIENTS} clients, each 4 times a second: p99"),
        ours: format!("{p99:.1} ms (p50 {p50:.1} ms, {rate:.0} pages/s)"),
        peer: "a limit in ms".to_owned(),
        ratio: Ratio::at_most(p99, 10.0),
    })
}

fn scroll(server: &Server, number: usize, begun: Instant) -> Result<Vec<Duration>, String> {
    let mut client = Client::new(server)?;
    let mut times = Vec::new();
    let mut cursor = String::new();
    // The clients do not ask in step.
    let shift = EVERY.mul_f64(number as f64 / CLIENTS as f64);
    for page in 0..PAGES {
        let due = begun + shift + EVERY * u32::try_from(page).unwrap_or(0);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let (body, took) = client.get(&format!("/v1/assets?limit=100{cursor}"))?;
        times.push(took);
        let page: serde_json::Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        cursor = page["next"].as_str().map_or_else(String::new, |next| format!("&cursor={next}"));
    }
    Ok(times)
}

fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(f64::MAX) / 1024.0
}
