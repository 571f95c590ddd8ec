//! Collections: list, show, make, delete.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use exhibit_http::{ApiError, At, Body, Json, Page, Route, Scope};
use exhibit_model::ids::{AssetId, CollectionId};
use exhibit_model::states::UnitState;
use exhibit_store::collections::{Members, NewCollection, define, withdraw};
use exhibit_store::filter::Filter;
use exhibit_store::sql::collections as sql;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Api;
use crate::catalog::{LookupError, find_run};
use crate::collections::{CollectionDetail, CollectionView, detail};

/// Collections of one answer.
const LISTED_MAX: i64 = 10_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewCollection")]
struct NewBody {
    /// Its name: letters, digits, `_`, `-` and `.`
    name: String,
    /// What it is for
    #[serde(default)]
    about: String,
    /// Whatever fulfils this filter when it is asked
    filter: Option<String>,
    /// These assets
    assets: Option<Vec<AssetId>>,
    /// The assets of this run whose units are in the state `state`
    run: Option<String>,
    /// With `run`
    #[schemars(with = "Option<UnitState>")]
    state: Option<String>,
    /// Put this definition in the place of another one with the same name
    #[serde(default)]
    replace: bool,
}

pub(super) fn routes(api: &Api) -> Vec<Route> {
    let (read, control) = (Scope::Read, Scope::Control);
    vec![
        Route::get("/v1/collections", ("list_collections", "Sets of assets, by name"), read, (list, api.clone()))
            .answers::<Page<CollectionView>>(200, "All of them"),
        Route::post(
            "/v1/collections",
            ("make_collection", "Make a collection from a filter, a list or a run"),
            control,
            (make, api.clone()),
        )
        .body::<NewBody>()
        .answers::<CollectionView>(201, "It is made")
        .fails(&[404, 409]),
        Route::get(
            "/v1/collections/{name}",
            ("show_collection", "What defines a collection, and how much belongs to it now"),
            read,
            (show, api.clone()),
        )
        .answers::<CollectionDetail>(200, "The collection")
        .fails(&[404]),
        Route::delete(
            "/v1/collections/{name}",
            ("delete_collection", "Delete a collection; runs over it keep the members that they froze"),
            control,
            (delete, api.clone()),
        )
        .answers::<CollectionView>(200, "It is deleted")
        .fails(&[404, 409]),
    ]
}

async fn list(State(api): State<Api>) -> Result<Json<Page<CollectionView>>, ApiError> {
    let found = api.read(|read| sql::living(read, "", LISTED_MAX)).await?;
    let items = std::iter::once(CollectionView::of_all()).chain(found.iter().map(CollectionView::new));
    Ok(Json(Page::whole(items.collect())))
}

async fn show(State(api): State<Api>, At(name): At<String>) -> Result<Json<CollectionDetail>, ApiError> {
    let kinds = Arc::clone(api.store().kinds());
    let detail = api.read(move |read| Ok::<_, ApiError>(detail(read, &kinds, &name)?.1));
    Ok(Json(detail.await?))
}

async fn make(
    State(api): State<Api>,
    Body(asked): Body<NewBody>,
) -> Result<(StatusCode, Json<CollectionView>), ApiError> {
    let members = match (asked.filter, asked.assets, asked.run) {
        (Some(filter), None, None) => Members::Dynamic(Filter::parse(filter.as_bytes())?),
        (None, Some(assets), None) => Members::Static(assets),
        (None, None, Some(run)) => Members::Static(of_run(&api, run, asked.state.as_deref()).await?),
        _ => {
            return Err(ApiError::bad("body-invalid", "the body is not understood").at(
                "",
                "body-invalid",
                "exactly one of `filter`, `assets` and `run` says what belongs to the collection",
            ));
        }
    };
    let id = CollectionId(api.options().ids.next_ulid());
    let new = NewCollection { id, name: Some(asked.name), about: asked.about, members, replace: asked.replace };
    let made = define(api.store(), new).await?;
    Ok((StatusCode::CREATED, Json(CollectionView::new(&made))))
}

async fn of_run(api: &Api, run: String, state: Option<&str>) -> Result<Vec<AssetId>, ApiError> {
    let state: UnitState = state.unwrap_or_default().parse().map_err(|reason: String| {
        ApiError::bad("body-invalid", "the body is not understood").at("/state", "body-invalid", reason)
    })?;
    let found = api.read(move |read| {
        let run = find_run(read, &run)?;
        Ok::<_, LookupError>(sql::of_units(read, run.first_unit, run.units_end(), state.code())?)
    });
    Ok(found.await?.into_iter().map(AssetId).collect())
}

async fn delete(State(api): State<Api>, At(name): At<String>) -> Result<Json<CollectionView>, ApiError> {
    Ok(Json(CollectionView::new(&withdraw(api.store(), &name).await?)))
}
