//! What `exhibit serve` hands to the server: the facts that it cannot know. And the place where others find it.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exhibit_http::ApiError;
use exhibit_server::{Doctor, Opened};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::commands::doctor::examine;
use crate::error::CliError;
use crate::home::App;
use crate::rooms::Rooms;

/// What the server is opened with.
pub fn opened(app: &Arc<App>, listen: SocketAddr, rooms: &mut Rooms) -> Opened {
    let (routes, counters) = (std::mem::take(&mut rooms.routes), std::mem::take(&mut rooms.counters));
    let settings = json!({ "home": app.home.display().to_string(), "listen": listen, "config": app.config });
    Opened { store: app.store.clone(), routes, settings, doctor: doctor(app), counters }
}

fn doctor(app: &Arc<App>) -> Doctor {
    let app = Arc::clone(app);
    Arc::new(move || {
        let app = Arc::clone(&app);
        Box::pin(async move {
            let diagnosis = examine(&app.home, Ok(&app)).await.map_err(|error| ApiError::internal(error.message))?;
            serde_json::to_value(diagnosis).map_err(ApiError::internal)
        })
    })
}

/// Where a server of this home can be found, in `server.json`. Removed when the server ends in order.
#[derive(Serialize, Deserialize)]
pub struct Place {
    /// Its address as a browser takes it.
    pub address: String,
    /// Where it listens.
    pub listen: SocketAddr,
}

/// The locks and the file of the server of a home: there is at most one.
pub struct Presence {
    _lock: File,
    _sign: File,
    file: PathBuf,
}

/// Held by the server of a home; only servers ever try to take it, so nobody who asks whether one runs is taken for one.
const LOCK: &str = "server";

/// Held by a server that has the other one. Whoever asks whether one runs tries this one, for a moment.
const SIGN: &str = "server-runs";

impl Presence {
    /// Takes the home for this server.
    pub fn take(home: &Path) -> Result<Self, CliError> {
        let lock = lock_file(home, LOCK)?;
        match lock.try_lock() {
            Ok(()) => {
                let sign = lock_file(home, SIGN)?;
                // Waits for those who just ask.
                sign.lock()?;
                Ok(Self { _lock: lock, _sign: sign, file: place_file(home) })
            }
            Err(TryLockError::WouldBlock) => {
                let address = read_place(home).map_or_else(String::new, |place| format!(" at {}", place.address));
                let home = home.display();
                Err(CliError::failed(format!(
                    "another server of the home {home} runs{address}; stop it first, or choose another home with --home"
                )))
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Says where the server can be found.
    pub fn announce(&self, place: &Place) -> Result<(), CliError> {
        let fresh = self.file.with_extension("json.new");
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec(place)?)?;
        // The name appears with the whole content.
        Ok(std::fs::rename(&fresh, &self.file)?)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Perhaps it was never written.
        std::fs::remove_file(&self.file).ok();
    }
}

/// Where the server of that home can be found, when one runs.
pub fn find_server(home: &Path) -> Result<Place, CliError> {
    let runs = home.is_dir() && matches!(lock_file(home, SIGN)?.try_lock_shared(), Err(TryLockError::WouldBlock));
    read_place(home).filter(|_| runs).ok_or_else(|| {
        let home = home.display();
        CliError::failed(format!("no server of the home {home} runs; `exhibit serve` starts one"))
    })
}

fn read_place(home: &Path) -> Option<Place> {
    serde_json::from_slice(&std::fs::read(place_file(home)).ok()?).ok()
}

fn place_file(home: &Path) -> PathBuf {
    home.join("server.json")
}

fn lock_file(home: &Path, name: &str) -> Result<File, CliError> {
    let folder = home.join("work").join("locks");
    std::fs::create_dir_all(&folder)?;
    Ok(File::options().create(true).truncate(false).write(true).open(folder.join(name))?)
}
