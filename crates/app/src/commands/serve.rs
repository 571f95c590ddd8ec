//! `exhibit serve`.

use std::io::{ErrorKind, IsTerminal as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use exhibit_server::{Limits, Options, Reason, Server, SharedSecret, login_link};
use exhibit_store::sql::tokens::{self, Purpose};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Context;
use crate::clock::{Ulids, random_bytes};
use crate::config::{self, ServerConfig};
use crate::error::{CliError, Exit};
use crate::home::{App, make_folder};
use crate::rooms::Rooms;
use crate::serve::{Place, Presence, opened};

/// Serves the web UI and the API. Stops with Ctrl-C or SIGTERM; runs go on with the next start.
#[derive(Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes any [default: server.listen, 127.0.0.1:8765]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// A proxy with TLS stands before it: listening elsewhere than on this machine alone is allowed, cookies need TLS
    #[arg(long)]
    behind_proxy: bool,
    /// Print no login link, whoever looks
    #[arg(long)]
    no_login_link: bool,
}

/// How long to wait before asking again for a database that does not answer.
const AGAIN: Duration = Duration::from_secs(1);

pub async fn serve(args: ServeArgs, context: &Context) -> Result<Exit, CliError> {
    let (mut config, secret, wrong) = match settings(context) {
        Ok((config, secret)) => (config, secret, None),
        // It says so under the address that it would have had.
        Err(error) => (ServerConfig::default(), SharedSecret::default(), Some(error)),
    };
    config.listen = args.listen.unwrap_or(config.listen);
    config.behind_proxy |= args.behind_proxy;
    refuse_exposure(&config)?;
    make_folder(&context.home)?;
    let presence = Presence::take(&context.home)?;
    let mut ends = Ends::new()?;
    let server = bind(&config, secret).await?;
    let listen = server.address();
    let place = Place { address: address(&config, listen), listen };
    presence.announce(&place)?;
    let opening = async {
        match wrong {
            Some(error) => Err(error),
            None => open(&server, context).await,
        }
    };
    let opened_rooms = tokio::select! {
        opened_rooms = opening => opened_rooms,
        () = ends.wait() => {
            server.stop().await;
            return Ok(Exit::Ok);
        }
    };
    let (app, mut rooms) = match opened_rooms {
        Ok(found) => found,
        Err(error) => {
            // Whoever watches it is told the reason; whoever started it, how to mend it. Nothing was changed.
            server.not_ready(error.reason.unwrap_or(Reason::MigrationFailed));
            context.out.warn(&format!(
                "{}; nothing is served until this is mended and the server started anew",
                error.message
            ));
            ends.wait().await;
            server.stop().await;
            return Err(error);
        }
    };
    server.open(opened(&app, listen, &mut rooms));
    greet(&app, &place, args.no_login_link, context).await?;
    ends.wait().await;
    tracing::info!("the server ends");
    // Runs give their units back while requests end.
    tokio::join!(server.stop(), rooms.stop());
    drop(presence);
    Ok(Exit::Ok)
}

/// How to serve, and the secret of older clients.
fn settings(context: &Context) -> Result<(ServerConfig, SharedSecret), CliError> {
    let config::Config { server, agents, .. } = config::load(&context.home)?;
    Ok((server, SharedSecret { value: config::shared_secret()?, scopes: agents.scopes()? }))
}

/// There is no TLS here, so what leaves the machine would be readable by anyone on the way.
fn refuse_exposure(config: &ServerConfig) -> Result<(), CliError> {
    let ServerConfig { listen, behind_proxy, .. } = config;
    if listen.ip().is_loopback() || *behind_proxy {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "REFUSED to listen on {listen}: that address can be reached from other machines, and Exhibit speaks no TLS: logins and pictures \
         would be readable on the way. Put a proxy with TLS before it and say --behind-proxy, or reach it through \
         `ssh -L 8765:localhost:8765`; docs/how-to/serve.md says how"
    )))
}

async fn bind(config: &ServerConfig, secret: SharedSecret) -> Result<Server, CliError> {
    let options = Options {
        listen: config.listen,
        behind_proxy: config.behind_proxy,
        hosts: config.hosts.clone(),
        limits: Limits::default(),
        version: env!("CARGO_PKG_VERSION"),
        ids: Arc::new(Ulids::default()),
        chance: random_bytes,
        dialects: vec![exhibit_agents::http::DIALECT],
        secret,
    };
    let listen = config.listen;
    Server::bind(options).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => CliError::failed(format!(
            "{listen} is taken by another program; choose another address with --listen, such as --listen 127.0.0.1:0"
        )),
        _ => CliError::failed(format!("cannot listen on {listen}: {error}; choose another address with --listen")),
    })
}

/// Opens the home and its rooms, and waits for a database server that does not answer yet.
async fn open(server: &Server, context: &Context) -> Result<(Arc<App>, Rooms), CliError> {
    let mut warned = false;
    loop {
        let home = context.home.clone();
        let tried = tokio::task::spawn_blocking(move || App::open_if_reachable(&home)).await;
        match tried.map_err(|error| CliError::failed(format!("the home could not be opened: {error}")))?? {
            Ok(app) => {
                let app = Arc::new(app);
                let rooms = Rooms::open(&app).await?;
                return Ok((app, rooms));
            }
            Err(why) => {
                server.not_ready(Reason::DbUnreachable);
                if !warned {
                    context.out.warn(&format!("{why}; waiting for it"));
                    warned = true;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Says where it is, and how to get in when nobody is yet or somebody looks.
async fn greet(app: &App, place: &Place, no_link: bool, context: &Context) -> Result<(), CliError> {
    let now_us = app.store.clock().now().0;
    let all = app.store.read(tokens::all).await?;
    let somebody_is_in = all.iter().any(|token| token.purpose == Purpose::Session && token.lives(now_us));
    let wanted = !no_link && (!somebody_is_in || std::io::stdout().is_terminal());
    let link = match wanted {
        true => Some(login_link(&app.store, &place.address, random_bytes()).await?),
        false => None,
    };
    tracing::info!(address = place.address, "the server is ready");
    if context.out.json {
        return context.out.document(&json!({ "address": place.address, "listen": place.listen, "login": link }));
    }
    context.out.line(&format!("Exhibit is ready at {}", place.address))?;
    match link {
        Some(link) => context.out.line(&format!("log in within 10 minutes, once: {link}")),
        None => Ok(()),
    }
}

/// The address as a browser takes it.
fn address(config: &ServerConfig, listen: SocketAddr) -> String {
    match config.hosts.first().filter(|_| config.behind_proxy) {
        Some(host) => format!("https://{host}"),
        None if listen.ip().is_unspecified() => format!("http://localhost:{}", listen.port()),
        None => format!("http://{listen}"),
    }
}

/// What tells the server to end.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
}

impl Ends {
    fn new() -> Result<Self, CliError> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
