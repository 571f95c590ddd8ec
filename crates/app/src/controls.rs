//! The controller that the configuration names.

use std::path::Path;
use std::sync::Arc;

use exhibit_agents::control::command::Commands;
use exhibit_agents::control::controller::{Controller, ThreadPace};
use exhibit_agents::control::controls::{Controls, ControlsOptions};
use exhibit_agents::control::logs::log_candidates;
use exhibit_agents::control::nobody::Nobody;
use exhibit_agents::control::openclaw::{OpenClaw, OpenClawSettings};
use exhibit_agents::control::process::{PATIENCE, ProcessSettings, Processes, SETTLE};

use crate::config::{ControllerKind, user_home};
use crate::error::CliError;
use crate::home::App;
use crate::remote::read_token;

/// The argument with which this binary guards a child of the controller `process`.
pub const GUARD_ARGUMENT: &str = "__guard";

/// Status, logs and orders, with the controller of the configuration. Nothing is asked or started yet.
pub async fn open(app: &App) -> Result<Controls, CliError> {
    let options = ControlsOptions {
        controller: controller(app)?,
        pace: Arc::new(ThreadPace::new(Arc::clone(app.store.clock()))),
        ids: Arc::clone(&app.ids),
        allowed_models: app.config.agents.control.allowed_models.clone(),
    };
    Ok(Controls::open(options, &app.store).await?)
}

fn controller(app: &App) -> Result<Arc<dyn Controller>, CliError> {
    let config = &app.config.agents.control;
    let logs = user_home().map(|home| log_candidates(&home).to_vec()).unwrap_or_default();
    Ok(match config.controller {
        ControllerKind::None => Arc::new(Nobody { logs }),
        ControllerKind::OpenClaw => {
            let token = config.token_file.as_deref().map(read_token).transpose()?;
            Arc::new(OpenClaw::new(OpenClawSettings { url: config.gateway()?, token, logs }))
        }
        ControllerKind::Command => Arc::new(Commands::start(config.command_settings(logs)?)?),
        ControllerKind::Process => Arc::new(Processes::start(ProcessSettings {
            agents: config.own_agents()?,
            env: config.environment(),
            patience: PATIENCE,
            settle: SETTLE,
            guard: Some(vec![text(&std::env::current_exe()?)?, GUARD_ARGUMENT.to_owned()]),
            clock: Arc::clone(app.store.clock()),
            ids: Arc::clone(&app.ids),
        })?),
    })
}

fn text(path: &Path) -> Result<String, CliError> {
    let wrong = || CliError::failed(format!("the path {} of this program is not text", path.display()));
    path.to_str().map(str::to_owned).ok_or_else(wrong)
}
