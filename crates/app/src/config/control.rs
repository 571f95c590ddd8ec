//! `[agents.control]`: who runs agents, and what may be ordered of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use exhibit_agents::control::command::{ArgvTemplate, CommandSettings};
use exhibit_agents::control::openclaw::GatewayUrl;
use exhibit_agents::control::process::OwnAgent;
use exhibit_agents::control::words::AgentId;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::CliError;

/// Models that may be allowed, and agents that may be named: more than any list that a person keeps.
const NAMES_MAX: usize = 1_000;

/// `[agents.control]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlConfig {
    /// Who runs agents.
    pub controller: ControllerKind,
    /// Where the gateway listens, on this machine. For `openclaw`.
    pub url: String,
    /// A file that holds the token of the gateway. For `openclaw`.
    pub token_file: Option<PathBuf>,
    /// The models that may be set, as `provider/model`; with none, no model can be set.
    pub allowed_models: Vec<String>,
    /// The command lines that ask and order. For `command`.
    pub commands: CommandsConfig,
    /// The command line of each agent that may be started. For `process`.
    pub agents: BTreeMap<String, Vec<String>>,
    /// The whole environment of what is started; nothing is inherited. For `command` and `process`.
    pub env: Environment,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            controller: ControllerKind::None,
            url: "ws://127.0.0.1:18789".to_owned(),
            token_file: None,
            allowed_models: Vec::new(),
            commands: CommandsConfig::default(),
            agents: BTreeMap::new(),
            env: Environment::default(),
        }
    }
}

/// `agents.control.controller`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ControllerKind {
    /// Nobody: agents are not looked at, and no order is carried out.
    #[default]
    None,
    /// An OpenClaw gateway on this machine.
    OpenClaw,
    /// The server itself: agents are its children.
    Process,
    /// Allowed command lines.
    Command,
}

/// `[agents.control.commands]`: each a program by its absolute path and its arguments; what has none is not supported.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandsConfig {
    /// Ends with 0 when all is well.
    pub health: Option<Vec<String>>,
    /// Prints the agents as JSON.
    pub agents: Option<Vec<String>>,
    /// Prints the sessions as JSON.
    pub sessions: Option<Vec<String>>,
    /// Prints the session `{sessionId}` as JSON.
    pub describe: Option<Vec<String>>,
    /// Ends the session `{sessionId}`.
    pub kill: Option<Vec<String>>,
    /// Starts a session of `{agentId}` with `{prompt}`, and prints it as JSON.
    pub spawn: Option<Vec<String>>,
    /// Sets the model `{provider}`, `{model}` of `{sessionId}` or `{agentId}`, and prints the session as JSON.
    pub model: Option<Vec<String>>,
}

/// Names and values of an environment. Values may be secrets, so only names are shown.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn is_sound(&self) -> bool {
        let sound = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
        self.0.len() <= NAMES_MAX && self.0.iter().all(|(name, value)| sound(name) && !value.contains('\0'))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.keys().map(|name| (name, "set")))
    }
}

fn wrong(key: &str, told: &dyn fmt::Display) -> CliError {
    CliError::usage(format!("agents.control.{key}: {told}"))
}

impl ControlConfig {
    /// Everything that can be seen to be wrong without starting anything.
    pub fn check(&self) -> Result<(), CliError> {
        let named = |model: &String| {
            let parts = model.split_once('/');
            parts.is_some_and(|(provider, name)| !provider.is_empty() && !name.is_empty()) && model.trim() == model
        };
        if self.allowed_models.len() > NAMES_MAX || !self.allowed_models.iter().all(named) {
            return Err(wrong("allowed_models", &"at most 1,000 names such as anthropic/claude-sonnet-4"));
        }
        if !self.env.is_sound() {
            return Err(wrong("env", &"names are not empty and hold no `=`, and nothing holds U+0000"));
        }
        self.gateway()?;
        self.own_agents()?;
        self.command_settings(Vec::new()).map(|_| ())
    }

    /// Where the gateway listens.
    pub fn gateway(&self) -> Result<GatewayUrl, CliError> {
        GatewayUrl::loopback(&self.url).map_err(|fault| wrong("url", &fault))
    }

    /// The environment of what is started.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.env.pairs()
    }

    /// The agents that may be started.
    pub fn own_agents(&self) -> Result<Vec<OwnAgent>, CliError> {
        if self.agents.len() > NAMES_MAX {
            return Err(wrong("agents", &"at most 1,000 agents"));
        }
        let own = |(id, argv): (&String, &Vec<String>)| {
            let key = format!("agents.{id}");
            let agent_id = AgentId::parse(id).map_err(|fault| wrong(&key, &format_args!("the name {fault}")))?;
            Ok(OwnAgent { agent_id, argv: ArgvTemplate::parse(argv).map_err(|fault| wrong(&key, &fault))? })
        };
        self.agents.iter().map(own).collect()
    }

    /// The command lines that ask and order; `logs` are tried in their order.
    pub fn command_settings(&self, logs: Vec<PathBuf>) -> Result<CommandSettings, CliError> {
        let line = |name: &str, argv: &Option<Vec<String>>| {
            let parsed = argv.as_ref().map(|argv| ArgvTemplate::parse(argv)).transpose();
            parsed.map_err(|fault| wrong(&format!("commands.{name}"), &fault))
        };
        let CommandsConfig { health, agents, sessions, describe, kill, spawn, model } = &self.commands;
        Ok(CommandSettings {
            health: line("health", health)?,
            agents: line("agents", agents)?,
            sessions: line("sessions", sessions)?,
            describe: line("describe", describe)?,
            kill: line("kill", kill)?,
            spawn: line("spawn", spawn)?,
            model: line("model", model)?,
            env: self.environment(),
            logs,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ControlConfig, String> {
        let config: ControlConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.check().map_err(|error| error.message)?;
        Ok(config)
    }

    #[test]
    fn nobody_is_asked_unless_it_is_said() {
        let config = read("").unwrap();
        assert_eq!((config.controller, config.url.as_str()), (ControllerKind::None, "ws://127.0.0.1:18789"));
        assert_eq!(read("controller = \"openclaw\"").unwrap().controller, ControllerKind::OpenClaw);
    }

    #[test]
    fn mistakes_are_told_with_their_key() {
        for (text, told) in [
            ("controller = \"shell\"", "unknown variant"),
            ("url = \"ws://10.0.0.1\"", "agents.control.url: "),
            ("allowed_models = [\"claude\"]", "agents.control.allowed_models: "),
            ("[commands]\nkill = [\"kill\", \"{sessionId}\"]", "agents.control.commands.kill: "),
            ("[agents]\nmain = [\"/bin/agent\", \"--p={prompt}\"]", "agents.control.agents.main: "),
            ("[agents]\n-x = [\"/bin/agent\"]", "agents.control.agents.-x: the name begins with a dash"),
            ("[env]\n\"a=b\" = \"c\"", "agents.control.env: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn values_of_the_environment_are_not_shown() {
        let config = read("[env]\nAPI_KEY = \"hunter2\"").unwrap();
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(shown.contains("API_KEY") && !shown.contains("hunter2"), "{shown}");
    }
}
