//! A seal: what is left of sessions that went, and how it is written down and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use exhibit_model::digest::Digest;
use exhibit_store::sql::records;
use exhibit_store::{Draft, Read, Seq, StoreError};
use serde::{Deserialize, Serialize};

use crate::aggregates::{Basis, Contributions, Cut, Performance, Sum, Sums};
use crate::calls::{answer_key, told_key};
use crate::sketch::Sketch;
use crate::sql::calls::{self, CallRow};
use crate::sql::dims::{self, DimKind, Names};
use crate::sql::seals::{self, Floors};
use crate::sql::sessions::{SessionRow, id_hash};
use crate::sql::usage;

/// Kind of the record.
pub const SEAL: &str = "agents.seal";

/// What is left of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The hashes of their ids, in order.
    pub sessions: Vec<i64>,
    /// The hashes of what makes their calls one call each, in order.
    pub calls: Vec<i64>,
    /// What they add to the sums, with the names of agents, models and categories.
    sums: Named,
}

/// Sums whose agents, models and categories are places in lists of names: keys are those of one database, names are for good.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Named {
    agents: Vec<String>,
    models: Vec<String>,
    categories: Vec<String>,
    sums: Contributions,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    sessions: Vec<String>,
    calls: Vec<String>,
    agents: Vec<String>,
    models: Vec<String>,
    categories: Vec<String>,
    usage: Vec<String>,
    performance: Vec<String>,
}

/// What a call is known by after its row went.
pub fn call_hash(dedupe_key: &str) -> i64 {
    id_hash(dedupe_key)
}

/// What calls are known by after their rows went: in each feed that told of one by its own key, in all others by the answer.
fn hashes_of(read: &Read<'_>, standing: &[CallRow]) -> Result<BTreeSet<i64>, StoreError> {
    let keys: Vec<i64> = standing.iter().map(|call| call.call_key).collect();
    let records = calls::records_of(read, &keys)?;
    let told: Vec<&CallRow> = standing.iter().chain(&records).collect();
    let named = told.iter().flat_map(|call| [call.provider_key, Some(call.feed_key)]).flatten().collect();
    let names = dims::names(read, &named)?;
    let mut hashes = BTreeSet::new();
    for call in told {
        hashes.insert(call_hash(&call.dedupe_key));
        let provider = call.provider_key.and_then(|key| names.get(&key));
        if let Some((provider, response)) = provider.zip(call.response_id.as_deref()) {
            let answer = answer_key(provider, response);
            let feed = names.get(&call.feed_key).map_or("", String::as_str);
            hashes.extend([call_hash(&told_key(feed, &answer)), call_hash(&answer)]);
        }
    }
    Ok(hashes)
}

fn hex(hash: i64) -> String {
    format!("{:016x}", hash.cast_unsigned())
}

fn of_hex(text: &str) -> Option<i64> {
    (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten().map(u64::cast_signed)
}

impl Seal {
    /// The seal of sessions as their rows stand.
    ///
    /// # Errors
    /// When the database cannot be read, or a session has no usage.
    pub fn of(read: &Read<'_>, rows: &[SessionRow]) -> Result<Self, StoreError> {
        let keys: Vec<i64> = rows.iter().map(|row| row.standing.session_key).collect();
        let usages = usage::by_keys(read, &keys)?;
        let mut of_sessions: BTreeMap<i64, Vec<CallRow>> = BTreeMap::new();
        let mut hashes = BTreeSet::new();
        let standing = calls::by_sessions(read, &keys)?;
        hashes.extend(hashes_of(read, &standing)?);
        for call in standing {
            of_sessions.entry(call.session_key).or_default().push(call);
        }
        let mut sums = Contributions::default();
        for row in rows {
            let key = row.standing.session_key;
            let used = usages.get(&key);
            let used = used.ok_or_else(|| StoreError::Unexpected(format!("session {key} has no usage")))?;
            sums.add(row, used, of_sessions.get(&key).into_iter().flatten(), 1);
        }
        let sessions: BTreeSet<i64> = rows.iter().map(|row| id_hash(&row.standing.session_id)).collect();
        let (sessions, calls) = (sessions.into_iter().collect(), hashes.into_iter().collect());
        Ok(Self { sessions, calls, sums: Named::of(read, sums.without_zeros())? })
    }

    /// The record. A session is sealed once, so the sessions are its id.
    ///
    /// # Errors
    /// When its own form cannot be written, which would be a mistake of ours.
    pub fn draft(&self) -> Result<Draft, StoreError> {
        let Named { agents, models, categories, sums } = &self.sums;
        let form = Form {
            sessions: self.sessions.iter().map(|hash| hex(*hash)).collect(),
            calls: self.calls.iter().map(|hash| hex(*hash)).collect(),
            agents: agents.clone(),
            models: models.clone(),
            categories: categories.clone(),
            usage: sums.usage.iter().map(|(cut, sums)| usage_text(cut, sums)).collect(),
            performance: sums.performance.iter().map(|(cut, ended)| performance_text(cut, ended)).collect(),
        };
        let id = Digest::of(form.sessions.concat().as_bytes()).to_hex();
        let body = serde_json::to_value(form)
            .map_err(|error| StoreError::Unexpected(format!("a seal cannot be written: {error}")))?;
        Ok(Draft::record(SEAL, format!("agents/seal/{}", &id[..32]), body))
    }

    /// Reads the body of a record of kind [`SEAL`].
    ///
    /// # Errors
    /// When it is not what the gate writes: the database was changed by others.
    pub fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |what: &str| StoreError::Unexpected(format!("a seal cannot be read: {what}"));
        let form: Form = serde_json::from_slice(body).map_err(|error| damaged(&error.to_string()))?;
        let hashes = |texts: &[String]| -> Option<Vec<i64>> { texts.iter().map(|text| of_hex(text)).collect() };
        let (sessions, calls) = (hashes(&form.sessions), hashes(&form.calls));
        let (sessions, calls) = sessions.zip(calls).ok_or_else(|| damaged("hashes"))?;
        let Form { agents, models, categories, .. } = form;
        let usage: Option<_> = form.usage.iter().map(|text| read_usage(text)).collect();
        let performance: Option<_> = form.performance.iter().map(|text| read_performance(text)).collect();
        let (usage, performance) = Option::zip(usage, performance).ok_or_else(|| damaged("sums"))?;
        let sums = Contributions { usage, performance };
        Ok(Self { sessions, calls, sums: Named { agents, models, categories, sums } })
    }

    /// Rows of sums in it.
    pub fn cuts(&self) -> usize {
        self.sums.sums.usage.len() + self.sums.sums.performance.len()
    }

    /// The names that have to have keys before its sums can be added.
    pub fn names(&self) -> Names {
        let Named { agents, models, categories, .. } = &self.sums;
        let each = [(DimKind::Agent, agents), (DimKind::Model, models), (DimKind::Category, categories)];
        each.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name.clone()))).collect()
    }

    /// What the sessions add to the sums, by the keys of this database.
    ///
    /// # Errors
    /// When the database cannot be read, or lacks a name.
    pub fn contributions(&self, read: &Read<'_>) -> Result<Contributions, StoreError> {
        let dims = dims::known(read, &self.names())?;
        let Named { agents, models, categories, sums } = &self.sums;
        let key = |kind: DimKind, names: &[String], place: i64| {
            let name = usize::try_from(place).ok().and_then(|place| names.get(place));
            dims.key(kind, name.ok_or_else(|| StoreError::Unexpected("a seal lacks a name".to_owned()))?)
        };
        renamed(sums, |cut| {
            Ok(Cut {
                agent_key: key(DimKind::Agent, agents, cut.agent_key)?,
                model_key: key(DimKind::Model, models, cut.model_key)?,
                category_key: key(DimKind::Category, categories, cut.category_key)?,
                ..*cut
            })
        })
    }
}

impl Contributions {
    /// Adds what others contribute.
    pub fn merge(&mut self, other: &Self) {
        for (cut, sums) in &other.usage {
            self.usage.entry(*cut).or_default().merge(sums, 1);
        }
        for (cut, performance) in &other.performance {
            self.performance.entry(*cut).or_default().merge(performance, 1);
        }
    }

    /// Leaves out what is not kept any more.
    pub fn above(mut self, floors: Floors) -> Self {
        self.usage.retain(|cut, _| floors.keep(cut));
        self.performance.retain(|cut, _| floors.keep(cut));
        self
    }
}

/// The same sums under other cuts.
fn renamed(sums: &Contributions, name: impl Fn(&Cut) -> Result<Cut, StoreError>) -> Result<Contributions, StoreError> {
    let usage = sums.usage.iter().map(|(cut, sums)| Ok((name(cut)?, *sums)));
    let performance = sums.performance.iter().map(|(cut, ended)| Ok((name(cut)?, ended.clone())));
    Ok(Contributions {
        usage: usage.collect::<Result<_, StoreError>>()?,
        performance: performance.collect::<Result<_, StoreError>>()?,
    })
}

impl Named {
    fn of(read: &Read<'_>, sums: Contributions) -> Result<Self, StoreError> {
        let cuts: BTreeSet<Cut> = sums.usage.keys().chain(sums.performance.keys()).copied().collect();
        let keys = cuts.iter().flat_map(|cut| [cut.agent_key, cut.model_key, cut.category_key]).collect();
        let names = dims::names(read, &keys)?;
        let mut lists: [BTreeSet<&str>; 3] = Default::default();
        for cut in &cuts {
            for (list, key) in lists.iter_mut().zip([cut.agent_key, cut.model_key, cut.category_key]) {
                let name = names.get(&key);
                list.insert(name.ok_or_else(|| StoreError::Unexpected(format!("the key {key} has no name")))?);
            }
        }
        let place = |list: &BTreeSet<&str>, key: i64| {
            let place = names.get(&key).and_then(|name| list.iter().position(|known| known == name));
            place.and_then(|place| i64::try_from(place).ok()).unwrap_or(i64::MAX)
        };
        let placed = renamed(&sums, |cut| {
            Ok(Cut {
                agent_key: place(&lists[0], cut.agent_key),
                model_key: place(&lists[1], cut.model_key),
                category_key: place(&lists[2], cut.category_key),
                ..*cut
            })
        })?;
        let [agents, models, categories] =
            lists.map(|list| list.into_iter().map(str::to_owned).collect::<Vec<String>>());
        Ok(Self { agents, models, categories, sums: placed })
    }
}

fn cut_text(cut: &Cut) -> String {
    let Cut { basis, grain, bucket_at, agent_key, model_key, category_key } = cut;
    format!("{} {grain} {bucket_at} {agent_key} {model_key} {category_key}", basis.code())
}

fn usage_text(cut: &Cut, sums: &Sums) -> String {
    sums.0.iter().fold(cut_text(cut), |mut text, sum| {
        // Writing to a text cannot fail.
        write!(text, " {sum}").ok();
        text
    })
}

fn performance_text(cut: &Cut, ended: &Performance) -> String {
    let Performance { runs, success, failure, killed, cancelled, inferred, runtime, cost } = ended;
    let bytes = |sketch: &Sketch| match sketch.is_empty() {
        true => "-".to_owned(),
        false => sketch.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let (runtime, cost) = (bytes(runtime), bytes(cost));
    format!("{} {runs} {success} {failure} {killed} {cancelled} {inferred} {runtime} {cost}", cut_text(cut))
}

fn read_cut(numbers: &[i64]) -> Option<Cut> {
    let &[basis, grain, bucket_at, agent_key, model_key, category_key] = numbers else { return None };
    let basis = [Basis::SessionStart, Basis::CallTime].into_iter().find(|known| known.code() == basis)?;
    Some(Cut { basis, grain, bucket_at, agent_key, model_key, category_key })
}

/// Numbers that name a cut.
const CUT_NUMBERS: usize = 6;

fn read_usage(text: &str) -> Option<(Cut, Sums)> {
    let numbers: Vec<i64> = text.split(' ').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    if numbers.len() != CUT_NUMBERS + Sum::EVERY.len() {
        return None;
    }
    let mut sums = Sums::default();
    sums.0.copy_from_slice(&numbers[CUT_NUMBERS..]);
    Some((read_cut(&numbers[..CUT_NUMBERS])?, sums))
}

fn read_performance(text: &str) -> Option<(Cut, Performance)> {
    let words: Vec<&str> = text.split(' ').collect();
    let [numbers @ .., runtime, cost] = words.as_slice() else { return None };
    let numbers: Vec<i64> = numbers.iter().map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let (cut, counts) = numbers.split_at_checked(CUT_NUMBERS)?;
    let &[runs, success, failure, killed, cancelled, inferred] = counts else { return None };
    let (runtime, cost) = (read_sketch(runtime)?, read_sketch(cost)?);
    Some((read_cut(cut)?, Performance { runs, success, failure, killed, cancelled, inferred, runtime, cost }))
}

fn read_sketch(text: &str) -> Option<Sketch> {
    if text == "-" {
        return Some(Sketch::default());
    }
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    Sketch::from_bytes(&pairs.map(byte).collect::<Option<Vec<u8>>>()?)
}

/// All seals, one at a time, in the order of the ledger.
#[derive(Debug, Default)]
pub struct Seals {
    after: Seq,
}

impl Seals {
    /// The next one.
    ///
    /// # Errors
    /// When the database cannot be read, or holds one that cannot be read.
    pub fn next(&mut self, read: &Read<'_>) -> Result<Option<Seal>, StoreError> {
        let Some(seq) = seals::next(read, self.after)? else { return Ok(None) };
        self.after = seq;
        let body = records::at(read, seq)?.and_then(|record| record.body);
        let body = body.ok_or_else(|| StoreError::Unexpected(format!("the seal at {seq} is gone")))?;
        Seal::read(&body).map(Some)
    }
}
