//! The benchmark record of a run: how long it took, what it used, how it ended, and on what machine.

use std::collections::BTreeMap;

use exhibit_model::states::{RunState, UnitState};
use exhibit_model::time::Timestamp;
use exhibit_store::sql::benchmarks;
use exhibit_store::sql::runs::{self, Run};
use exhibit_store::{Append, Draft, Read, Store, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::host::RunError;
use crate::pipeline::Pipeline;

/// Stretches of work that are kept of one run; the kind of the record allows no more.
const HOSTS_MAX: usize = 1_000;

/// Longest text about the machine, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// What one host used while it worked on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostUsage {
    /// How long it worked, in microseconds.
    pub wall_us: u64,
    /// Workers, and so extractor processes at a time.
    pub workers: u64,
    /// Processor time of extractor processes with their tools, in microseconds. What a process used that died by itself is not in it.
    pub extractor_cpu_us: u64,
    /// Largest resident memory of one extractor process with its tools, as sampled each second and at its end.
    pub extractor_rss_bytes_max: u64,
    /// Processor time of the host process meanwhile, in microseconds.
    pub host_cpu_us: u64,
    /// Largest resident memory of the host process so far.
    pub host_rss_bytes_max: u64,
}

/// Adds what a host used to a run.
pub(crate) fn add_host(tx: &mut Tx<'_>, run: i64, used: HostUsage) -> Result<(), StoreError> {
    let mut hosts = read_hosts(tx, run)?;
    if hosts.len() >= HOSTS_MAX {
        hosts.remove(0);
    }
    hosts.push(used);
    let text = serde_json::to_string(&hosts).map_err(|error| StoreError::Unexpected(error.to_string()))?;
    benchmarks::set_hosts(tx, run, &text)
}

fn read_hosts(read: &Read<'_>, run: i64) -> Result<Vec<HostUsage>, StoreError> {
    let text = benchmarks::hosts(read, run)?;
    serde_json::from_str(&text).map_err(|error| StoreError::Unexpected(format!("the hosts of run {run}: {error}")))
}

/// Times of the units of one step, and what they read and made.
#[derive(Debug, Default)]
struct StepTimes {
    took_us: Vec<u64>,
    input_bytes: i64,
    blob_bytes: i64,
    artifacts: i64,
}

impl StepTimes {
    fn summary(mut self, step: &str, extractor: &str) -> Json {
        let mut document = json!({ "step": step, "extractor": extractor, "timed": self.took_us.len() });
        self.took_us.sort_unstable();
        if let (Some(max), count) = (self.took_us.last(), self.took_us.len()) {
            let total: u64 = self.took_us.iter().sum();
            document["mean_us"] = (total / count as u64).into();
            document["p50_us"] = self.took_us[nearest_rank(count, 50)].into();
            document["p95_us"] = self.took_us[nearest_rank(count, 95)].into();
            document["max_us"] = (*max).into();
            document["input_bytes"] = self.input_bytes.into();
            document["blob_bytes"] = self.blob_bytes.into();
            document["artifacts"] = self.artifacts.into();
        }
        document
    }
}

/// Index of a percentile by the nearest-rank method: the smallest value that at least `percent` of 100 are not above.
fn nearest_rank(count: usize, percent: usize) -> usize {
    (count * percent).div_ceil(100).saturating_sub(1)
}

#[derive(Deserialize)]
struct Made {
    #[serde(default)]
    took_us: u64,
}

/// Records what a run took, when it has ended. Says nothing of one that goes on later.
pub(crate) async fn record(store: &Store, key: i64, machine: Json) -> Result<(), RunError> {
    let read = store.read(move |read| {
        let Some(run) = runs::by_key(read, key)? else { return Ok(None) };
        if !matches!(run.state, RunState::Completed | RunState::Partial | RunState::Cancelled) {
            return Ok(None);
        }
        let payload = document(read, &run, machine)?;
        Ok(Some((run.id, payload)))
    });
    let Some((id, payload)) = read.await? else { return Ok(()) };
    let stretches = payload["hosts"].as_array().map_or(0, Vec::len);
    let draft = Draft::record("run.benchmark", format!("benchmark:{id}:{stretches}"), payload);
    let candidate = store.gate().check(draft).map_err(|findings| RunError::Internal(findings.to_string()))?;
    store.append(Append { candidates: vec![candidate], effect: None, ..Append::default() }).await?;
    Ok(())
}

fn document(read: &Read<'_>, run: &Run, machine: Json) -> Result<Json, StoreError> {
    let pipeline: Pipeline = serde_json::from_slice(&run.definition)
        .map_err(|error| StoreError::Unexpected(format!("the pipeline of run {}: {error}", run.id)))?;
    let mut times: BTreeMap<u32, StepTimes> = BTreeMap::new();
    benchmarks::each_timing(read, run, &mut |timing| {
        let entry = times.entry(timing.step).or_default();
        if let Ok(made) = serde_json::from_str::<Made>(&timing.made) {
            entry.took_us.push(made.took_us);
        }
        entry.artifacts += timing.artifacts;
        entry.input_bytes += timing.input_bytes;
        Ok(())
    })?;
    for (step, bytes) in benchmarks::blob_bytes(read, run)? {
        times.entry(step).or_default().blob_bytes = bytes;
    }
    let steps: Vec<Json> = (0_u32..)
        .zip(&pipeline.steps)
        .map(|(index, step)| times.remove(&index).unwrap_or_default().summary(&step.name, &step.extractor))
        .collect();
    let mut units: BTreeMap<UnitState, i64> = BTreeMap::new();
    for (_, state, count) in runs::coverage(read, run.key)? {
        *units.entry(state).or_default() += count;
    }
    let units: serde_json::Map<String, Json> = units
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| (state.to_string(), count.into()))
        .collect();
    let time = |at_us: Option<i64>| Timestamp(at_us.unwrap_or(run.created_us)).to_string();
    Ok(json!({
        "run_id": run.id,
        "pipeline": run.pipeline,
        "pipeline_version": run.pipeline_version,
        "state": run.state,
        "started": time(run.started_us),
        "ended": time(run.ended_us),
        "units": units,
        "steps": steps,
        "hosts": read_hosts(read, run.key)?,
        "machine": machine,
    }))
}

/// What this machine is, for the record.
pub(crate) fn machine(build: &str) -> Json {
    let short = |text: &str| text.trim().chars().take(TEXT_CHARS_MAX).collect::<String>();
    // What the kernel does not tell is left out.
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, field: &str| {
        text.lines()
            .find(|line| line.starts_with(field))
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| short(value))
    };
    let memory = value(&file("/proc/meminfo"), "MemTotal");
    let kib = memory.and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0);
    let mut machine = json!({
        "cores": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        "memory_bytes": kib * 1024,
        "kernel": short(&file("/proc/sys/kernel/osrelease")),
        "build": short(build),
    });
    if let Some(processor) = value(&file("/proc/cpuinfo"), "model name") {
        machine["processor"] = processor.into();
    }
    machine
}

#[cfg(test)]
mod tests {
    use super::nearest_rank;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        for (count, percent, index) in
            [(1, 50, 0), (1, 95, 0), (2, 50, 0), (3, 50, 1), (20, 95, 18), (21, 95, 19), (100, 95, 94)]
        {
            assert_eq!(nearest_rank(count, percent), index, "{percent} of {count}");
        }
    }
}
