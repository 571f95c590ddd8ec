//! Of whom a rule speaks, and the instances it opens: one for each agent or model that it does not name.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::words::ScopeType;

/// Instances of one rule that are looked at: a hundred agents with a hundred models. More is a rule that should name somebody.
pub const INSTANCES_MAX: usize = 10_000;

/// Of whom a rule speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Of whom in general.
    pub scope_type: ScopeType,
    /// The agent it names; only where the type speaks of agents.
    pub agent_id: Option<String>,
    /// The model it names; only where the type speaks of models.
    pub model_id: Option<String>,
}

/// One state of a rule: everybody, an agent, a model, or an agent with a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instance {
    /// The agent it is about.
    pub agent_id: Option<String>,
    /// The model it is about.
    pub model_id: Option<String>,
}

/// The instances of a rule that are to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// In order, at most [`INSTANCES_MAX`].
    pub instances: BTreeSet<Instance>,
    /// Whether there were more; the log should say so.
    pub is_cut: bool,
}

impl Scope {
    /// `scopeRef` as the API writes it; `None` when nobody is named.
    pub(super) fn reference(&self) -> Option<Value> {
        let map = named(self.agent_id.as_deref(), self.model_id.as_deref());
        (!map.is_empty()).then_some(Value::Object(map))
    }

    /// The instance to which something belongs that this agent did with this model; `None` when the rule does not speak of it.
    pub fn instance_of(&self, agent_id: &str, model_id: &str) -> Option<Instance> {
        let (of_agents, of_models) = self.speaks_of();
        let fits = |spoken_of: bool, name: &Option<String>, id: &str| {
            !spoken_of || name.as_deref().is_none_or(|name| name == id)
        };
        if !fits(of_agents, &self.agent_id, agent_id) || !fits(of_models, &self.model_id, model_id) {
            return None;
        }
        Some(Instance {
            agent_id: of_agents.then(|| agent_id.to_owned()),
            model_id: of_models.then(|| model_id.to_owned()),
        })
    }

    /// Whether an instance is one of this scope. One that is not, after its rule was changed, is closed.
    pub fn covers(&self, instance: &Instance) -> bool {
        let fits = |spoken_of: bool, name: &Option<String>, id: &Option<String>| match id {
            None => !spoken_of,
            Some(id) => spoken_of && name.as_ref().is_none_or(|name| name == id),
        };
        let (of_agents, of_models) = self.speaks_of();
        fits(of_agents, &self.agent_id, &instance.agent_id) && fits(of_models, &self.model_id, &instance.model_id)
    }

    /// The only instance, when nothing is left open: it exists even when there is nothing to measure.
    pub fn closed(&self) -> Option<Instance> {
        let (of_agents, of_models) = self.speaks_of();
        let is_open = (of_agents && self.agent_id.is_none()) || (of_models && self.model_id.is_none());
        (!is_open).then(|| Instance {
            agent_id: self.agent_id.clone().filter(|_| of_agents),
            model_id: self.model_id.clone().filter(|_| of_models),
        })
    }

    /// Whether agents and whether models are told apart.
    fn speaks_of(&self) -> (bool, bool) {
        match self.scope_type {
            ScopeType::Global => (false, false),
            ScopeType::Agent => (true, false),
            ScopeType::Model => (false, true),
            ScopeType::AgentModel => (true, true),
        }
    }
}

/// The instances of a scope: the only one when nothing is open, else those that have a state already (`standing`: an alert whose data are
/// gone has to be looked at, too) and those of each `(agent, model)` that has data in the window (`seen`).
pub fn instances<'a>(
    scope: &Scope,
    standing: impl IntoIterator<Item = &'a Instance>,
    seen: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Opened {
    if let Some(only) = scope.closed() {
        return Opened { instances: BTreeSet::from([only]), is_cut: false };
    }
    let standing = standing.into_iter().filter(|instance| scope.covers(instance)).cloned();
    let seen = seen.into_iter().filter_map(|(agent_id, model_id)| scope.instance_of(agent_id, model_id));
    let mut opened = Opened { instances: BTreeSet::new(), is_cut: false };
    for instance in standing.chain(seen) {
        if opened.instances.len() < INSTANCES_MAX {
            opened.instances.insert(instance);
        } else if !opened.instances.contains(&instance) {
            opened.is_cut = true;
        }
    }
    opened
}

impl Instance {
    /// Whether something that this agent did with this model counts here.
    pub fn holds(&self, agent_id: &str, model_id: &str) -> bool {
        self.agent_id.as_deref().is_none_or(|id| id == agent_id)
            && self.model_id.as_deref().is_none_or(|id| id == model_id)
    }

    /// The key of the state: `global`, or `agent=<id>`, `model=<id>` or both with `;` between. In ids `%`, `;` and `=` are written as
    /// `%25`, `%3B` and `%3D`, so that no two instances share a key.
    pub fn key(&self) -> String {
        let part = |name: &str, id: &Option<String>| id.as_ref().map(|id| format!("{name}={}", escaped(id)));
        let parts: Vec<String> =
            [part("agent", &self.agent_id), part("model", &self.model_id)].into_iter().flatten().collect();
        if parts.is_empty() { "global".to_owned() } else { parts.join(";") }
    }

    /// Reads a key; `None` when [`Instance::key`] would not write it so.
    pub fn parse_key(key: &str) -> Option<Self> {
        let mut instance = Self::default();
        if key == "global" {
            return Some(instance);
        }
        for part in key.split(';') {
            let (name, id) = part.split_once('=')?;
            let id = Some(unescaped(id)?);
            match name {
                "agent" => instance.agent_id = id,
                "model" => instance.model_id = id,
                _ => return None,
            }
        }
        (instance.key() == key).then_some(instance)
    }

    /// The scope as the feed and the payload show it: whoever is named, else the type.
    pub fn shown(&self, scope_type: ScopeType) -> Value {
        let mut map = named(self.agent_id.as_deref(), self.model_id.as_deref());
        if map.is_empty() {
            map.insert("type".to_owned(), Value::from(scope_type.as_str()));
        }
        Value::Object(map)
    }
}

fn named(agent_id: Option<&str>, model_id: Option<&str>) -> Map<String, Value> {
    [("agentId", agent_id), ("modelId", model_id)]
        .into_iter()
        .filter_map(|(name, id)| Some((name.to_owned(), Value::from(id?))))
        .collect()
}

fn escaped(id: &str) -> String {
    id.replace('%', "%25").replace(';', "%3B").replace('=', "%3D")
}

fn unescaped(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut id = pieces.next()?.to_owned();
    for piece in pieces {
        let code = piece.get(..2)?;
        id.push(match code {
            "25" => '%',
            "3B" => ';',
            "3D" => '=',
            _ => return None,
        });
        id.push_str(&piece[2..]);
    }
    Some(id)
}
