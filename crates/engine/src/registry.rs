//! The extractors that a host knows: those of the binary and the plug-ins of its home, under one view.

use std::path::PathBuf;
use std::sync::Arc;

use exhibit_model::digest::Digest;

use crate::extractor::{BuiltIn, Descriptor};
use crate::plugin::KindFile;

/// One extractor.
#[derive(Debug, Clone)]
pub struct Known {
    /// What a host knows without starting it. The version of a plug-in holds the digest of all its files.
    pub descriptor: &'static Descriptor,
    /// The program, for plug-ins.
    pub plugin: Option<Arc<PluginProgram>>,
}

/// What is started for a plug-in, and what it brings.
#[derive(Debug)]
pub struct PluginProgram {
    /// Program and arguments; files of the plug-in by absolute path.
    pub command: Vec<String>,
    /// The folder of its files.
    pub folder: PathBuf,
    /// The digest of all its files.
    pub digest: Digest,
    /// The version of its manifest, which its process says.
    pub stated_version: String,
    /// The kinds that it brings.
    pub kinds: Vec<KindFile>,
}

impl Known {
    /// A plug-in.
    pub fn plugin(descriptor: &'static Descriptor, program: PluginProgram) -> Self {
        Self { descriptor, plugin: Some(Arc::new(program)) }
    }

    /// The version that its process has to say at the start.
    pub fn stated_version(&self) -> &str {
        self.plugin.as_ref().map_or(self.descriptor.version, |plugin| plugin.stated_version.as_str())
    }
}

/// A plug-in that is there and cannot be used.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

/// All extractors, built-in ones first.
#[derive(Debug, Clone, Default)]
pub struct ExtractorSet {
    known: Vec<Known>,
    broken: Vec<Broken>,
}

impl ExtractorSet {
    /// The extractors of this binary.
    pub fn of(built_in: &[BuiltIn]) -> Self {
        let known = built_in.iter().map(|built_in| Known { descriptor: built_in.descriptor, plugin: None });
        Self { known: known.collect(), broken: Vec::new() }
    }

    /// Adds a plug-in. A name that is taken stays with whom it belongs to.
    pub fn add(&mut self, plugin: Known) {
        let name = plugin.descriptor.name;
        if self.find(name).is_some() {
            self.add_broken(
                name.to_owned(),
                "the name belongs to another extractor; `exhibit extractors remove` removes it".to_owned(),
            );
        } else {
            self.known.push(plugin);
        }
    }

    /// Keeps in mind why a plug-in cannot be used.
    pub fn add_broken(&mut self, name: String, reason: String) {
        self.broken.push(Broken { name, reason });
    }

    /// A plug-in turned out not to be usable.
    pub fn give_up(&mut self, name: &str, reason: String) {
        self.known.retain(|known| known.plugin.is_none() || known.descriptor.name != name);
        self.add_broken(name.to_owned(), reason);
    }

    /// The extractor of that name.
    pub fn find(&self, name: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.descriptor.name == name)
    }

    /// Every extractor that can be used.
    pub fn iter(&self) -> std::slice::Iter<'_, Known> {
        self.known.iter()
    }

    /// Every plug-in that cannot be used.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Says that there is no extractor of that name, or why it cannot be used.
    pub fn explain_missing(&self, name: &str) -> String {
        match self.broken.iter().find(|broken| broken.name == name) {
            Some(broken) => format!("the plug-in {name} cannot be used: {}", broken.reason),
            None => {
                let names: Vec<&str> = self.known.iter().map(|known| known.descriptor.name).collect();
                format!("there is no extractor {name}; there are {}", names.join(", "))
            }
        }
    }
}
