//! Plug-ins: extractors in any language, each a folder with a manifest, read whole, named by the digest of all its files.
//!
//! A plug-in speaks [`crate::protocol`] on its standard input and output and runs below the same supervisor as the built-in extractors, so
//! nothing here trusts it. Read in this order: [`files`] (the folder as bytes, and its digest), [`manifest`] (what `plugin.toml` may say),
//! [`installed`] (where plug-ins lie in a home).

pub mod files;
pub mod installed;
pub mod manifest;
mod params;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use exhibit_model::digest::Digest;
use exhibit_model::kind::KindDeclaration;

use crate::extractor::{Descriptor, Tool};
use crate::registry::{Known, PluginProgram};
use files::Files;
use manifest::{MANIFEST, Manifest};

/// Kind files of one plug-in.
pub const KINDS_MAX: usize = 32;

/// The folder of the kind files.
const KINDS_FOLDER: &str = "kinds/";

/// Something is wrong with a plug-in.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// A file cannot be used; the place is part of the reason where there is one.
    #[error("{file}: {reason}")]
    File {
        /// Path below the folder of the plug-in, or of the folder itself.
        file: String,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// Where plug-ins are kept cannot be read or written.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    NotPossible(String),
}

impl PluginError {
    pub(crate) fn file(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::File { file: file.into(), reason: reason.into() }
    }
}

/// A kind that a plug-in brings.
#[derive(Debug, Clone)]
pub struct KindFile {
    /// Path of the file below the folder.
    pub path: String,
    /// What it declares.
    pub declaration: KindDeclaration,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A plug-in that was read and checked as far as that is possible without starting it.
#[derive(Debug, Clone)]
pub struct PluginFolder {
    /// What its manifest says.
    pub manifest: Manifest,
    /// Its own kinds.
    pub kinds: Vec<KindFile>,
    /// All its files.
    pub files: Files,
    /// The digest of all its files.
    pub digest: Digest,
}

impl PluginFolder {
    /// Reads a folder.
    ///
    /// # Errors
    /// When a file is missing, too large, a link, or says something that cannot be; the message names file and place.
    pub fn read(folder: &Path) -> Result<Self, PluginError> {
        Self::parse(Files::read(folder)?)
    }

    /// Checks the files of a folder.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub fn parse(files: Files) -> Result<Self, PluginError> {
        let kinds = read_kinds(&files)?;
        let manifest = Manifest::parse(files.text(MANIFEST)?, &files)?;
        for KindFile { path, declaration, .. } in &kinds {
            let (name, version) = (declaration.kind.as_str(), declaration.version);
            if !manifest.emits.iter().any(|(kind, emitted)| kind == name && *emitted == version) {
                let reason = format!("{name} v{version} is not among what {MANIFEST} says it emits");
                return Err(PluginError::file(path, reason));
            }
        }
        let digest = files.digest();
        Ok(Self { manifest, kinds, files, digest })
    }

    /// The version that lineages name: that of the manifest with the digest of all files, `1+sha256.<64 hexadecimal digits>`.
    pub fn version(&self) -> String {
        format!("{}+sha256.{}", self.manifest.version, self.digest.to_hex())
    }

    /// The view that hosts have of it, for a copy of its files that lies in `folder`.
    pub fn known(&self, folder: PathBuf) -> Known {
        let command = self.manifest.command.iter().map(|argument| match argument.strip_prefix("./") {
            Some(file) => folder.join(file).to_string_lossy().into_owned(),
            None => argument.clone(),
        });
        let program = PluginProgram {
            command: command.collect(),
            folder,
            digest: self.digest,
            stated_version: self.manifest.version.clone(),
            kinds: self.kinds.clone(),
        };
        Known::plugin(self.descriptor(), program)
    }

    /// Descriptors live as long as the process, like those of built-in extractors. Each set of files is kept once, so reading the same
    /// plug-in again and again costs nothing.
    fn descriptor(&self) -> &'static Descriptor {
        static KEPT: Mutex<BTreeMap<Digest, &'static Descriptor>> = Mutex::new(BTreeMap::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.entry(self.digest).or_insert_with(|| Box::leak(Box::new(self.make_descriptor())))
    }

    fn make_descriptor(&self) -> Descriptor {
        let manifest = &self.manifest;
        let text = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        Descriptor {
            name: text(&manifest.name),
            version: text(&self.version()),
            about: text(&manifest.about),
            media: manifest.media.clone().leak(),
            emits: manifest.emits.iter().map(|(kind, version)| (text(kind), *version)).collect::<Vec<_>>().leak(),
            params_schema: text(&manifest.params_schema),
            tools: manifest.tools.iter().map(|tool| needed_tool(text(tool))).collect::<Vec<_>>().leak(),
            reads: &[],
            reads_file_time: manifest.reads_file_time,
            writes_files: manifest.writes_files,
            limits: manifest.limits,
        }
    }
}

fn read_kinds(files: &Files) -> Result<Vec<KindFile>, PluginError> {
    let mut kinds: Vec<KindFile> = Vec::new();
    let found = files.iter().filter(|(path, _)| path.starts_with(KINDS_FOLDER) && path.ends_with(".json"));
    for (path, file) in found {
        if kinds.len() == KINDS_MAX {
            return Err(PluginError::file(path, format!("a plug-in has at most {KINDS_MAX} kinds")));
        }
        let kind =
            KindDeclaration::parse(&file.bytes).map_err(|findings| PluginError::file(path, findings.to_string()))?;
        if kind.subject != exhibit_model::kind::Subject::Artifact {
            return Err(PluginError::file(path, "what an extractor emits is about an asset: `subject` is `artifact`"));
        }
        let same = |known: &KindFile| known.declaration.kind == kind.kind && known.declaration.version == kind.version;
        if kinds.iter().any(same) {
            return Err(PluginError::file(path, format!("{} v{} has another file already", kind.kind, kind.version)));
        }
        kinds.push(KindFile { path: path.to_owned(), declaration: kind, bytes: file.bytes.clone() });
    }
    Ok(kinds)
}

/// A tool that a manifest names: it is needed for every original, and its package most likely has its name.
fn needed_tool(name: &'static str) -> Tool {
    Tool { name, media_types: &[], required: true, install: name }
}
