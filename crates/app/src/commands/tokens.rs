//! `exhibit tokens`.

use clap::{Args, Subcommand};
use exhibit_http::Scopes;
use exhibit_model::time::Timestamp;
use exhibit_server::{Token, new_token};
use exhibit_store::sql::tokens::{self as sql, Purpose, StoredToken};
use serde_json::json;

use crate::cli::Context;
use crate::clock::random_bytes;
use crate::error::{CliError, Exit};
use crate::output::table;

/// List tokens and sessions, or make and revoke them.
#[derive(Args)]
pub struct TokensArgs {
    #[command(subcommand)]
    command: Option<TokensCommand>,
}

#[derive(Subcommand)]
enum TokensCommand {
    /// List tokens, sessions and login links; what happens without a command, too
    List,
    /// Make a token for a program; it is printed once and kept nowhere
    Create(CreateArgs),
    /// Take a token or a session back, with every session that the token opened
    Revoke(RevokeArgs),
}

#[derive(Args)]
struct CreateArgs {
    /// What it is for, in your words
    name: String,
    /// What it may do: read, ingest, control, admin, with commas between them
    #[arg(long, default_value = "read")]
    scopes: Scopes,
    /// How many days it lasts; for ever when not given
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=36_500))]
    days: Option<i64>,
}

#[derive(Args)]
struct RevokeArgs {
    /// Its id, as `exhibit tokens list` shows it
    id: String,
}

/// Longest name of a token.
const NAME_CHARS_MAX: usize = 100;

pub async fn tokens(args: TokensArgs, context: &Context) -> Result<Exit, CliError> {
    match args.command {
        None | Some(TokensCommand::List) => list(context).await,
        Some(TokensCommand::Create(args)) => create(args, context).await,
        Some(TokensCommand::Revoke(args)) => revoke(args, context).await,
    }
}

async fn create(args: CreateArgs, context: &Context) -> Result<Exit, CliError> {
    let name = args.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control) {
        return Err(CliError::usage(format!("a name has 1 to {NAME_CHARS_MAX} letters")));
    }
    let app = context.open()?;
    let token = Token::new(random_bytes());
    let now_us = app.store.clock().now().0;
    let expires_us = args.days.map(|days| now_us + days * 86_400 * 1_000_000);
    let row = new_token(&token, Purpose::Api, name, args.scopes, (now_us, expires_us));
    app.store.write(move |tx| sql::insert(tx, &row)).await?;
    if context.out.json {
        context.out.document(&json!({
            "id": token.id(), "token": token.text(), "name": name, "scopes": args.scopes, "expires": expires_us.map(Timestamp),
        }))?;
    } else {
        context.out.line(&token.text())?;
        context.out.note("this is shown once; send it as `Authorization: Bearer …`");
    }
    Ok(Exit::Ok)
}

async fn revoke(args: RevokeArgs, context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let now_us = app.store.clock().now().0;
    let id = args.id.clone();
    let revoked = app.store.write(move |tx| sql::revoke(tx, &id, now_us)).await?;
    if !revoked {
        let id = args.id;
        return Err(CliError::usage(format!("no living token has the id `{id}`; `exhibit tokens list` shows them")));
    }
    if context.out.json {
        context.out.document(&json!({ "revoked": args.id }))?;
    } else {
        context.out.line(&format!("{} is revoked", args.id))?;
    }
    Ok(Exit::Ok)
}

fn purpose(token: &StoredToken) -> &'static str {
    match token.purpose {
        Purpose::Api => "token",
        Purpose::Login => "login link",
        Purpose::Session => "session",
    }
}

async fn list(context: &Context) -> Result<Exit, CliError> {
    let app = context.open()?;
    let now_us = app.store.clock().now().0;
    let all = app.store.read(sql::all).await?;
    let state = |token: &StoredToken| match token {
        token if token.lives(now_us) => "lives",
        StoredToken { revoked_us: Some(_), .. } => "revoked",
        StoredToken { purpose: Purpose::Login, used_us: Some(_), .. } => "used",
        _ => "ended",
    };
    if context.out.json {
        let item = |token: &StoredToken| {
            json!({
                "id": token.id, "purpose": purpose(token), "name": token.name, "state": state(token),
                "scopes": token.scopes.split(',').collect::<Vec<_>>(), "opened_by": token.parent,
                "created": Timestamp(token.created_us), "expires": token.expires_us.map(Timestamp),
                "revoked": token.revoked_us.map(Timestamp), "last_used": token.used_us.map(Timestamp),
            })
        };
        context.out.document(&json!({ "items": all.iter().map(item).collect::<Vec<_>>() }))?;
        return Ok(Exit::Ok);
    }
    let when = |at: Option<i64>, never: &str| at.map_or_else(|| never.to_owned(), |at| Timestamp(at).to_string());
    let rows = all.iter().map(|token| {
        let used = when(token.used_us, "never used");
        let (state, purpose) = (state(token).to_owned(), purpose(token).to_owned());
        vec![
            token.id.clone(),
            state,
            purpose,
            token.scopes.clone(),
            when(token.expires_us, "no end"),
            used,
            token.name.clone(),
        ]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        context.out.line(&line)?;
    }
    if all.is_empty() {
        context.out.note("no tokens yet; `exhibit tokens create NAME` makes one");
    }
    Ok(Exit::Ok)
}
