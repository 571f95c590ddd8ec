//! The routes of the room: those of the older contract below `/api/`, in its exact words, and the newer ones below `/v1/agents`.

pub mod alerts;
pub mod analytics;
mod collectors;
pub mod control;
pub mod costs;
mod dialect;
pub mod evidence;
pub mod imports;
mod ingest;
pub mod ledger;
pub mod live;
mod numbers;
pub mod otlp;
mod preview;
pub mod prices;
pub mod proof;
mod status;
pub mod views;

use std::sync::Arc;

use exhibit_http::{ApiError, Dialect, Route};
use exhibit_model::time::IdSource;
use exhibit_store::{Read, Store, StoreError};

use crate::alerts::evaluator::{Commits, Evaluator};
use crate::contract::Options;
use crate::control::controls::Controls;

pub use self::numbers::Rejections;

/// How problems are told below `/api/`.
pub const DIALECT: Dialect = Dialect { prefix: "/api/", body: dialect::body };

/// What the routes need.
pub struct ApiOptions {
    /// Where everything is.
    pub store: Store,
    /// Whether documents without an envelope are taken in.
    pub allow_bare: bool,
    /// Who hears that something was taken in.
    pub commits: Commits,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Who evaluates alerts.
    pub evaluator: Arc<Evaluator>,
    /// What agents do now, and acting on them.
    pub controls: Controls,
    /// Where older files may lie, and where reports of them go.
    pub import: imports::Folders,
}

/// What every handler has.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    options: ApiOptions,
    rejections: Arc<Rejections>,
    recomputes: prices::Recomputes,
    /// Held while a file is taken over: two at once would only wait for each other.
    importing: Arc<tokio::sync::Mutex<()>>,
    live: live::Live,
}

impl Api {
    /// With these options.
    pub fn new(options: ApiOptions) -> Self {
        let (recomputes, live) = (prices::Recomputes::default(), live::Live::default());
        let importing = Arc::default();
        Self(Arc::new(Inner { options, rejections: Arc::default(), recomputes, importing, live }))
    }

    /// What was refused, counted.
    pub fn rejections(&self) -> Arc<Rejections> {
        Arc::clone(&self.0.rejections)
    }

    fn options(&self) -> Options {
        Options { allow_bare: self.0.options.allow_bare }
    }

    fn store(&self) -> &Store {
        &self.0.options.store
    }

    fn controls(&self) -> &Controls {
        &self.0.options.controls
    }

    async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Read<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        Ok(self.store().read(ask).await?)
    }
}

/// Every route of the room.
pub fn routes(api: &Api) -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(ingest::routes(api));
    routes.extend(ledger::routes(api));
    routes.extend(analytics::routes(api));
    routes.extend(alerts::routes(api));
    routes.extend(prices::routes(api));
    routes.extend(evidence::routes(api));
    routes.extend(status::routes(api));
    routes.extend(control::routes(api));
    routes.extend(otlp::routes(api));
    routes.extend(collectors::routes(api));
    routes.extend(imports::routes(api));
    routes.extend(live::routes(api));
    routes
}
