//! The plug-ins of a home: all extractors under one view, the kinds that plug-ins bring, and what a person is shown before one runs.

use std::collections::BTreeMap;
use std::path::Path;

use exhibit_engine::plugin::installed::PluginHome;
use exhibit_engine::plugin::{KindFile, PluginFolder};
use exhibit_engine::registry::ExtractorSet;
use exhibit_store::{Store, StoreError};

use crate::error::CliError;
use crate::home::App;
use crate::output::bytes;

/// Where plug-ins lie in a home.
pub fn plugin_home(home: &Path) -> PluginHome {
    PluginHome::new(home.join("plugins"))
}

/// Every extractor: those of this binary and the plug-ins of the home.
pub fn extractors(home: &Path) -> Result<ExtractorSet, CliError> {
    let mut set = ExtractorSet::of(exhibit_extractors::built_in());
    plugin_home(home).add_to(&mut set)?;
    Ok(set)
}

/// Digests of the versions that are kept and not used, by plug-in.
pub fn older_versions(home: &Path) -> Result<BTreeMap<String, Vec<String>>, CliError> {
    let plugins = plugin_home(home);
    let older = |name: String| plugins.older(&name).map(|older| (name, older));
    Ok(plugins.names()?.into_iter().map(older).collect::<Result<_, _>>()?)
}

/// Every extractor, with the kinds of the plug-ins known to the store. A plug-in whose kinds belong to another cannot be used; that is so
/// when plug-ins and database did not come together.
pub async fn usable_extractors(app: &App) -> Result<ExtractorSet, CliError> {
    let mut set = extractors(&app.home)?;
    let plugins: Vec<_> = set.iter().filter_map(|known| Some((known.descriptor.name, known.plugin.clone()?))).collect();
    for (name, plugin) in plugins {
        match own_kinds(&app.store, name, &plugin.kinds).await {
            Ok(()) => {}
            Err(StoreError::Refused(reason)) => set.give_up(name, reason),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(set)
}

/// Registers the kinds of a plug-in that the store does not know yet.
pub async fn own_kinds(store: &Store, plugin: &str, kinds: &[KindFile]) -> Result<(), StoreError> {
    for KindFile { declaration, bytes, .. } in kinds {
        let known = store.kinds().get(declaration.kind.as_str(), declaration.version);
        let owner = owner(plugin);
        if known.is_none_or(|known| known.room != owner || known.declaration.digest != declaration.digest) {
            store.add_owned_kind(owner, bytes.clone()).await?;
        }
    }
    Ok(())
}

fn owner(plugin: &str) -> String {
    format!("plugin:{plugin}")
}

/// A plug-in never stands in for an extractor of this binary.
pub fn refuse_built_in_name(plugin: &PluginFolder) -> Result<(), CliError> {
    let name = &plugin.manifest.name;
    if ExtractorSet::of(exhibit_extractors::built_in()).find(name).is_some() {
        return Err(CliError::usage(format!(
            "the name {name} belongs to a built-in extractor; take another in plugin.toml"
        )));
    }
    Ok(())
}

/// Each kind that it emits is its own, or known already; and none of its own belongs to another.
pub fn check_kinds(app: &App, plugin: &PluginFolder) -> Result<(), CliError> {
    let name = &plugin.manifest.name;
    let own = |kind: &str, version: u32| {
        plugin.kinds.iter().any(|own| own.declaration.kind.as_str() == kind && own.declaration.version == version)
    };
    for (kind, version) in &plugin.manifest.emits {
        if !own(kind, *version) && app.store.kinds().get(kind, *version).is_none() {
            return Err(CliError::usage(format!(
                "{name} emits {kind} v{version}, which nobody declares; add a kind file, such as kinds/{kind}.v{version}.json"
            )));
        }
    }
    for kind in app.store.kinds().every() {
        if let Some(own) = plugin.kinds.iter().find(|own| own.declaration.kind.as_str() == kind.name())
            && kind.room != owner(name)
        {
            let belongs = if kind.room.is_empty() { "the user" } else { &kind.room };
            return Err(CliError::usage(format!(
                "{}: the kind {} belongs to {belongs}; take another name",
                own.path,
                kind.name()
            )));
        }
    }
    Ok(())
}

/// What a person should know before anything of a plug-in runs.
pub fn what_it_may_do(plugin: &PluginFolder) -> Vec<String> {
    let manifest = &plugin.manifest;
    let list = |words: Vec<String>| if words.is_empty() { "nothing else".to_owned() } else { words.join(", ") };
    let own = |kind: &str| plugin.kinds.iter().any(|own| own.declaration.kind.as_str() == kind);
    let emits = manifest.emits.iter().map(|(kind, version)| {
        format!("{kind} v{version} ({})", if own(kind) { "its own kind" } else { "a kind that is there already" })
    });
    let media = manifest.media.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(", ");
    let limits = manifest.limits;
    let size = |count: u64| bytes(i64::try_from(count).unwrap_or(i64::MAX));
    vec![
        format!("the plug-in {} version {} ({})", manifest.name, manifest.version, plugin.digest.to_hex()),
        format!("  says    {}", manifest.about),
        format!("  starts  {}", manifest.command.join(" ")),
        format!("  runs    {}", list(manifest.tools.clone())),
        format!(
            "  may     read every source of this home (it is asked about {media}), its own files and the system's programs"
        ),
        "  may     write its scratch folder; not the originals, not the evidence, nothing to the network".to_owned(),
        format!("  finds   {}", list(emits.collect())),
        format!(
            "  limits  {} s CPU and {} s in all for each unit, files of {}, {} of memory",
            limits.unit_cpu_s,
            limits.unit_wall_s,
            size(limits.file_bytes_max),
            size(limits.address_space_bytes)
        ),
    ]
}
