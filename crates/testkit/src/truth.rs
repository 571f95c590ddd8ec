//! What traffic comes to, reckoned by hand: from what the generator knows of its sessions, and by none of the code under test.

#![expect(clippy::expect_used, reason = "a test says with it what it takes for granted")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Tokens in buckets: uncached, cache read, written for 5 minutes, for an hour, for nobody says how long, output, reasoning, searches.
pub type Buckets = [i64; 8];

/// Microseconds of an hour and of a day, with the seconds that they are named by.
const GRAINS: [i64; 2] = [3_600, 86_400];

/// When the second list of prices comes into force: Thursday noon of the week.
pub const SECOND_LIST: &str = "2026-03-05T12:00:00.000000Z";

/// The same, microseconds UTC.
pub const SECOND_LIST_AT: i64 = 1_772_712_000_000_000;

/// Models, the last two in no list.
pub const MODELS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "nobody", "stranger"];

/// Prices of a model: input, output, cache read, cache write, for an hour, search.
type Prices = [Option<i64>; 6];

/// Prices for more input than this, and whether for the batch service alone.
type Tier = (Option<i64>, bool, Prices);

/// Of every model: its prices, and its tiers.
fn price_table(second: bool) -> Vec<(&'static str, Prices, Vec<Tier>)> {
    let odd = if second { 1_000_000_007 } else { 0 };
    let full = |base: i64| {
        let base = base + odd;
        [Some(base), Some(5 * base), Some(base / 10), Some(base / 4 * 5), Some(2 * base + 1), Some(10_000_001)]
    };
    let bare = |base: i64| [Some(base + odd), Some(4 * (base + odd)), None, None, None, None];
    vec![
        ("alpha", full(3_000_000_001), vec![]),
        ("beta", bare(1_250_000_003), vec![]),
        ("gamma", full(2_000_000_011), vec![(None, true, full(1_000_000_005))]),
        ("delta", full(777_777_777), vec![(Some(50_000), false, full(1_555_555_554))]),
        (
            "epsilon",
            full(15_000_000_019),
            vec![
                (None, true, full(7_500_000_009)),
                (Some(50_000), false, full(30_000_000_038)),
                (Some(50_000), true, full(15_000_000_018)),
            ],
        ),
        ("zeta", [Some(0), Some(0), Some(0), Some(0), Some(0), Some(0)], vec![]),
    ]
}

/// Both lists, as files.
pub fn price_files() -> [Value; 2] {
    let object = |prices: &Prices| {
        let names = ["in", "out", "cacheRead", "cacheWrite", "cacheWrite1h", "perSearch"];
        let known = names.iter().zip(prices).filter_map(|(name, price)| Some(((*name).to_owned(), json!((*price)?))));
        Value::Object(known.collect())
    };
    [("2020-01-01T00:00:00Z", false), (SECOND_LIST, true)].map(|(from, second)| {
        let models: Vec<Value> = price_table(second)
            .iter()
            .map(|(model, prices, tiers)| {
                let mut entry = object(prices);
                entry["provider"] = "acme".into();
                entry["model"] = (*model).into();
                let tiers: Vec<Value> = tiers
                    .iter()
                    .map(|(above, batch, prices)| {
                        let mut tier = json!({"prices": object(prices)});
                        if let Some(above) = above {
                            tier["aboveInput"] = (*above).into();
                        }
                        if *batch {
                            tier["serviceTier"] = "batch".into();
                        }
                        tier
                    })
                    .collect();
                entry["tiers"] = tiers.into();
                entry
            })
            .collect();
        json!({"origin": "by hand", "owner": "tests", "effectiveFrom": from, "models": models})
    })
}

/// What tokens cost at a moment, in nano-USD; `None` for models that are in no list.
pub fn cost_at(model: &str, buckets: &Buckets, batch: bool, at: i64) -> Option<i64> {
    cost_under(model, buckets, batch, at >= SECOND_LIST_AT)
}

/// What tokens cost under one of the lists.
pub fn cost_under(model: &str, buckets: &Buckets, batch: bool, second: bool) -> Option<i64> {
    let table = price_table(second);
    let (_, prices, tiers) = table.iter().find(|(name, _, _)| *name == model)?;
    let [uncached, read, five, hour, unsplit, output, _, searches] = *buckets;
    let input: i64 = buckets[..5].iter().sum();
    let mut best: Option<&Tier> = None;
    for tier in tiers {
        let fits = tier.0.is_none_or(|above| input > above) && (!tier.1 || batch);
        if fits && best.is_none_or(|best| (tier.1, tier.0) > (best.1, best.0)) {
            best = Some(tier);
        }
    }
    let used = best.map_or(prices, |(_, _, prices)| prices);
    let p_in = used[0].unwrap_or(0);
    let parts = [
        (uncached, p_in),
        (output, used[1].unwrap_or(0)),
        (read, used[2].unwrap_or(p_in)),
        (five + unsplit, used[3].unwrap_or(p_in)),
        (hour, used[4].unwrap_or(2 * p_in)),
    ];
    let sum: i128 = parts.iter().map(|(tokens, price)| i128::from(*tokens) * i128::from(*price)).sum();
    let nano = i64::try_from((sum + 500_000) / 1_000_000).expect("an amount");
    Some(nano + searches * used[5].or(prices[5]).unwrap_or(0))
}

/// What is known of the tokens of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Used {
    /// Nothing.
    Unknown,
    /// Their number.
    Total(i64),
    /// Where they belong.
    Split(Buckets),
}

/// A call as it is in the end.
#[derive(Debug, Clone)]
pub struct TrueCall {
    /// The model, as it is priced.
    pub model: &'static str,
    /// When it began, microseconds UTC.
    pub at: i64,
    /// What it used.
    pub used: Used,
    /// Whether it was served later for less.
    pub batch: bool,
    /// Whether the provider billed it.
    pub is_billed: bool,
    /// Nano-USD; `None` when nobody knows.
    pub cost: Option<i64>,
}

/// A session as it is in the end.
#[derive(Debug, Clone)]
pub struct TrueSession {
    /// Its id.
    pub id: String,
    /// The agent.
    pub agent: String,
    /// The model.
    pub model: &'static str,
    /// The category; `uncategorized` when none was told.
    pub category: &'static str,
    /// When it began, microseconds UTC.
    pub at: i64,
    /// Whether it goes on.
    pub live: bool,
    /// Milliseconds; 0 while it goes on.
    pub runtime_ms: i64,
    /// Prompt, completion and total, as it tells them itself.
    pub sent: Option<[Option<i64>; 3]>,
    /// What was billed for the whole of it, nano-USD.
    pub billed: Option<i64>,
    /// Its calls.
    pub calls: Vec<TrueCall>,
    /// Whether the second list was asked for, whenever it began.
    pub is_recomputed: bool,
}

/// Where something is booked: basis, grain, bucket, agent, model, category.
pub type Place = (i64, i64, i64, String, String, String);

/// What is booked there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Sessions.
    pub runs: i64,
    /// Those that go on.
    pub live: i64,
    /// Those without a cost.
    pub unpriced: i64,
    /// Milliseconds.
    pub runtime_ms: i64,
    /// Prompt, completion, total.
    pub sides: [i64; 3],
    /// Tokens by bucket.
    pub buckets: Buckets,
    /// Nano-USD.
    pub cost: i64,
}

/// Everything that is booked.
#[derive(Debug, Default)]
pub struct Truth(pub BTreeMap<Place, Figures>);

impl Truth {
    /// What sessions come to.
    pub fn of(sessions: &[TrueSession]) -> Self {
        let mut truth = Self::default();
        sessions.iter().for_each(|session| truth.add(session));
        truth
    }

    fn book(&mut self, basis: i64, at: i64, session: &TrueSession, model: &str, figures: &Figures) {
        for grain in GRAINS {
            let bucket = at.div_euclid(grain * 1_000_000) * grain * 1_000_000;
            let (agent, category) = (session.agent.clone(), session.category.to_owned());
            let place = (basis, grain, bucket, agent, model.to_owned(), category);
            let sums = self.0.entry(place).or_default();
            sums.runs += figures.runs;
            sums.live += figures.live;
            sums.unpriced += figures.unpriced;
            sums.runtime_ms += figures.runtime_ms;
            sums.cost += figures.cost;
            sums.sides.iter_mut().zip(figures.sides).for_each(|(sum, part)| *sum += part);
            sums.buckets.iter_mut().zip(figures.buckets).for_each(|(sum, part)| *sum += part);
        }
    }

    fn add(&mut self, session: &TrueSession) {
        let mut whole = Figures {
            runs: 1,
            live: i64::from(session.live),
            runtime_ms: session.runtime_ms,
            sides: session.sides(),
            buckets: session.buckets(),
            ..Figures::default()
        };
        charge(&mut whole, session.cost());
        self.book(0, session.at, session, session.model, &whole);
        for call in &session.calls {
            let mut part = Figures { runs: 1, ..Figures::default() };
            if let Used::Split(buckets) = call.used {
                part.buckets = buckets;
            }
            if session.sent.is_none() {
                part.sides = sides_of(call.used);
            }
            if session.billed.is_none() {
                charge(&mut part, call.cost);
            }
            self.book(1, call.at, session, call.model, &part);
        }
        let alone = session.calls.is_empty();
        if alone || session.sent.is_some() || session.billed.is_some() {
            let mut part = Figures { runs: 1, ..Figures::default() };
            if alone || session.sent.is_some() {
                part.sides = whole.sides;
            }
            if alone {
                part.buckets = whole.buckets;
            }
            if alone || session.billed.is_some() {
                charge(&mut part, session.cost());
            }
            self.book(1, session.at, session, session.model, &part);
        }
    }
}

fn charge(figures: &mut Figures, cost: Option<i64>) {
    match cost {
        Some(cost) => figures.cost += cost,
        None => figures.unpriced += 1,
    }
}

fn sides_of(used: Used) -> [i64; 3] {
    match used {
        Used::Unknown => [0; 3],
        Used::Total(total) => [0, 0, total],
        Used::Split(buckets) => {
            let input = buckets[..5].iter().sum();
            [input, buckets[5], input + buckets[5]]
        }
    }
}

impl TrueSession {
    /// Prompt, completion, total; 0 where nothing is known.
    pub fn sides(&self) -> [i64; 3] {
        if let Some([prompt, completion, total]) = self.sent {
            let (prompt, completion) = (prompt.unwrap_or(0), completion.unwrap_or(0));
            return [prompt, completion, total.unwrap_or(prompt + completion)];
        }
        let mut sides = [0; 3];
        for call in &self.calls {
            sides.iter_mut().zip(sides_of(call.used)).for_each(|(sum, part)| *sum += part);
        }
        // One call that tells its total alone, and nobody knows the sides of the whole.
        if self.calls.iter().any(|call| matches!(call.used, Used::Total(_))) {
            (sides[0], sides[1]) = (0, 0);
        }
        sides
    }

    fn buckets(&self) -> Buckets {
        let mut sums = Buckets::default();
        for call in &self.calls {
            if let Used::Split(buckets) = call.used {
                sums.iter_mut().zip(buckets).for_each(|(sum, part)| *sum += part);
            }
        }
        if let (Some([prompt, completion, _]), true) = (self.sent, self.calls.is_empty()) {
            (sums[0], sums[5]) = (prompt.unwrap_or(0), completion.unwrap_or(0));
        }
        sums
    }

    /// What becomes of it when its costs are reckoned anew under the second list: what nobody billed and the list knows.
    pub fn recompute(&mut self) {
        self.is_recomputed = true;
        for call in self.calls.iter_mut().filter(|call| !call.is_billed) {
            if let Used::Split(buckets) = call.used {
                call.cost = cost_under(call.model, &buckets, call.batch, true).or(call.cost);
            }
        }
    }

    /// What it cost.
    pub fn cost(&self) -> Option<i64> {
        if self.billed.is_some() {
            return self.billed;
        }
        if self.calls.is_empty() {
            let [prompt, completion, _] = self.sent?;
            prompt.or(completion)?;
            return cost_under(self.model, &self.buckets(), false, self.is_recomputed || self.at >= SECOND_LIST_AT);
        }
        let known: Vec<i64> = self.calls.iter().filter_map(|call| call.cost).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    }
}
