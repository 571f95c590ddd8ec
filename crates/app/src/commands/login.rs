//! `exhibit login`.

use clap::Args;
use exhibit_server::login_link;
use serde_json::json;

use crate::cli::Context;
use crate::clock::random_bytes;
use crate::error::{CliError, Exit};
use crate::serve::find_server;

/// Print a link that opens one session in a browser, within ten minutes.
#[derive(Args)]
pub struct LoginArgs {}

pub async fn login(_args: LoginArgs, context: &Context) -> Result<Exit, CliError> {
    let place = find_server(&context.home)?;
    let app = context.open()?;
    let link = login_link(&app.store, &place.address, random_bytes()).await?;
    if context.out.json {
        context.out.document(&json!({ "login": link }))?;
    } else {
        context.out.line(&link)?;
    }
    Ok(Exit::Ok)
}
