//! `plugin.toml`: what a plug-in says about itself. Unknown keys are errors, and every error names line and column.

use exhibit_model::kind::KindName;
use serde::Deserialize;
use toml::Spanned;

use super::files::Files;
use super::{PluginError, params};
use crate::extractor::{Limits, MediaClass};
use crate::protocol::PROTOCOL_VERSION;

/// Name of the manifest.
pub const MANIFEST: &str = "plugin.toml";

/// Bytes of the manifest.
pub const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a version. With `+sha256.` and 64 digits there is room for the versions of a few tools in a lineage (128 bytes).
pub const VERSION_BYTES_MAX: usize = 20;

/// Bytes of a name, as lineages hold it.
const NAME_BYTES_MAX: usize = 64;

/// Characters of `about`: one sentence.
const ABOUT_CHARS_MAX: usize = 300;

/// Arguments of the command.
const ARGUMENTS_MAX: usize = 32;

/// Bytes of one argument.
const ARGUMENT_BYTES_MAX: usize = 1_000;

/// Kinds that it may emit.
const EMITS_MAX: usize = 32;

/// Programs that it runs.
const TOOLS_MAX: usize = 16;

/// Where programs and interpreters lie.
const PROGRAM_FOLDERS: [&str; 2] = ["/usr/bin/", "/usr/local/bin/"];

/// The most that a plug-in may ask for, the least, and what it gets when it does not ask: key, least, default, most.
const LIMITS: [(&str, u64, u64, u64); 4] = [
    ("unit_cpu_s", 1, 60, 3_600),
    ("unit_wall_s", 1, 120, 4 * 3_600),
    ("file_bytes_max", 0, 64 << 20, 4 << 30),
    // Below 64 MiB no interpreter starts.
    ("address_space_bytes", 64 << 20, 4 << 30, 64 << 30),
];

/// A manifest that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Name of the extractor.
    pub name: String,
    /// Its version, a text of its author.
    pub version: String,
    /// One sentence.
    pub about: String,
    /// The program and its arguments. What begins with `./` is a file of the plug-in.
    pub command: Vec<String>,
    /// Classes of originals it can take.
    pub media: Vec<MediaClass>,
    /// Kinds and versions that it may emit.
    pub emits: Vec<(String, u32)>,
    /// JSON Schema of its parameters.
    pub params_schema: String,
    /// Programs that it runs, by plain name.
    pub tools: Vec<String>,
    /// Whether its facts depend on the modification time of the file.
    pub reads_file_time: bool,
    /// Whether it leaves files for its facts.
    pub writes_files: bool,
    /// Limits that hold for its process.
    pub limits: Limits,
}

/// The manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    version: Spanned<String>,
    about: Spanned<String>,
    protocol: Spanned<u32>,
    command: Spanned<Vec<Spanned<String>>>,
    media: Spanned<Vec<Spanned<String>>>,
    emits: Spanned<Vec<Spanned<EmitsFile>>>,
    params: Option<Spanned<String>>,
    #[serde(default)]
    tools: Vec<Spanned<String>>,
    #[serde(default)]
    reads_file_time: bool,
    #[serde(default)]
    writes_files: bool,
    #[serde(default)]
    limits: LimitsFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitsFile {
    kind: String,
    version: u32,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    unit_cpu_s: Option<Spanned<u64>>,
    unit_wall_s: Option<Spanned<u64>>,
    file_bytes_max: Option<Spanned<u64>>,
    address_space_bytes: Option<Spanned<u64>>,
}

impl Manifest {
    /// Checks the text of a manifest against the other files of the plug-in.
    ///
    /// # Errors
    /// The first problem, with its line and column.
    pub fn parse(text: &str, files: &Files) -> Result<Self, PluginError> {
        let wrong = |reason: String| PluginError::file(MANIFEST, reason);
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(wrong(format!("it has more than {MANIFEST_BYTES_MAX} bytes")));
        }
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        let at = Places { text };
        // The protocol first: a manifest for another one may mean other things by the same words.
        at.require(&file.protocol, *file.protocol.get_ref() == PROTOCOL_VERSION, || {
            format!("`protocol` is {}; this Exhibit speaks {PROTOCOL_VERSION}", file.protocol.get_ref())
        })?;
        at.require(&file.name, is_name(file.name.get_ref()), || {
            "`name` begins with a letter a-z and goes on with a-z, 0-9, `_` and `.`, 64 bytes at most".to_owned()
        })?;
        at.require(&file.version, is_version(file.version.get_ref()), || {
            format!("`version` has 1 to {VERSION_BYTES_MAX} of A-Z, a-z, 0-9, `.`, `_` and `-`")
        })?;
        at.require(&file.about, is_sentence(file.about.get_ref()), || {
            format!("`about` is one sentence of at most {ABOUT_CHARS_MAX} characters")
        })?;
        Ok(Self {
            command: at.command(&file.command, files)?,
            media: at.media(&file.media)?,
            emits: at.emits(&file.emits)?,
            params_schema: at.params(file.params.as_ref(), files)?,
            tools: at.tools(&file.tools)?,
            limits: at.limits(&file.limits)?,
            name: file.name.into_inner(),
            version: file.version.into_inner(),
            about: file.about.into_inner(),
            reads_file_time: file.reads_file_time,
            writes_files: file.writes_files,
        })
    }
}

/// Turns places in the text into lines and columns.
struct Places<'a> {
    text: &'a str,
}

impl Places<'_> {
    fn error<T>(&self, value: &Spanned<T>, reason: String) -> PluginError {
        let before = self.text.get(..value.span().start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        PluginError::file(MANIFEST, format!("line {line}, column {column}: {reason}"))
    }

    fn require<T>(&self, value: &Spanned<T>, holds: bool, reason: impl FnOnce() -> String) -> Result<(), PluginError> {
        if holds { Ok(()) } else { Err(self.error(value, reason())) }
    }

    fn count<T>(&self, list: &Spanned<Vec<T>>, most: usize, what: &str) -> Result<(), PluginError> {
        let holds = (1..=most).contains(&list.get_ref().len());
        self.require(list, holds, || format!("there are 1 to {most} {what}"))
    }

    /// The program is an interpreter of the system or an executable file of the plug-in; other arguments that begin with `./` are files
    /// of the plug-in, too.
    fn command(&self, list: &Spanned<Vec<Spanned<String>>>, files: &Files) -> Result<Vec<String>, PluginError> {
        self.count(list, ARGUMENTS_MAX, "arguments in `command`")?;
        for (place, argument) in list.get_ref().iter().enumerate() {
            let text = argument.get_ref();
            let fits = text.len() <= ARGUMENT_BYTES_MAX && !text.chars().any(char::is_control);
            self.require(argument, fits, || {
                format!("an argument has at most {ARGUMENT_BYTES_MAX} bytes and no control characters")
            })?;
            match (text.strip_prefix("./"), place) {
                (Some(path), _) => {
                    let file = files.get(path);
                    self.require(argument, file.is_some(), || format!("the plug-in has no file {path}"))?;
                    let runs = place > 0 || file.is_some_and(|file| file.executable);
                    self.require(argument, runs, || format!("{path} is not executable: chmod +x {path}"))?;
                }
                (None, 0) => {
                    let program = PROGRAM_FOLDERS.iter().find_map(|folder| text.strip_prefix(folder));
                    self.require(argument, program.is_some_and(is_program), || {
                        "the program is an interpreter in /usr/bin or /usr/local/bin, or `./` and a file of the plug-in"
                            .to_owned()
                    })?;
                }
                (None, _) => {}
            }
        }
        Ok(list.get_ref().iter().map(|argument| argument.get_ref().clone()).collect())
    }

    fn media(&self, list: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<MediaClass>, PluginError> {
        const CLASSES: [MediaClass; 4] = [MediaClass::Image, MediaClass::Video, MediaClass::Audio, MediaClass::Other];
        self.count(list, CLASSES.len(), "classes in `media`")?;
        let mut media = Vec::new();
        for word in list.get_ref() {
            let class = CLASSES.into_iter().find(|class| class.as_str() == word.get_ref());
            let class = class.filter(|class| !media.contains(class));
            self.require(word, class.is_some(), || "a class is image, video, audio or other, each once".to_owned())?;
            media.extend(class);
        }
        Ok(media)
    }

    fn emits(&self, list: &Spanned<Vec<Spanned<EmitsFile>>>) -> Result<Vec<(String, u32)>, PluginError> {
        self.count(list, EMITS_MAX, "kinds in `emits`")?;
        let mut emits: Vec<(String, u32)> = Vec::new();
        for spanned in list.get_ref() {
            let EmitsFile { kind, version } = spanned.get_ref();
            let name = kind.parse::<KindName>();
            self.require(spanned, name.is_ok(), || name.err().map(|error| error.to_string()).unwrap_or_default())?;
            self.require(spanned, *version > 0, || "versions count from 1".to_owned())?;
            let emitted = (kind.clone(), *version);
            self.require(spanned, !emits.contains(&emitted), || format!("{kind} v{version} stands here twice"))?;
            emits.push(emitted);
        }
        Ok(emits)
    }

    fn params(&self, path: Option<&Spanned<String>>, files: &Files) -> Result<String, PluginError> {
        let Some(path) = path else { return Ok(params::NO_PARAMS.to_owned()) };
        let found = files.get(path.get_ref()).is_some();
        self.require(path, found, || format!("the plug-in has no file {}", path.get_ref()))?;
        let schema = files.text(path.get_ref())?;
        params::check(schema).map_err(|reason| PluginError::file(path.get_ref(), reason))?;
        Ok(schema.to_owned())
    }

    fn tools(&self, list: &[Spanned<String>]) -> Result<Vec<String>, PluginError> {
        let mut tools: Vec<String> = Vec::new();
        for tool in list {
            let fits = is_program(tool.get_ref()) && !tools.contains(tool.get_ref()) && tools.len() < TOOLS_MAX;
            self.require(tool, fits, || {
                format!("a tool is the plain name of a program in /usr/bin or /usr/local/bin, each once, {TOOLS_MAX} at most")
            })?;
            tools.push(tool.get_ref().clone());
        }
        tools.sort();
        Ok(tools)
    }

    fn limits(&self, file: &LimitsFile) -> Result<Limits, PluginError> {
        let given = [&file.unit_cpu_s, &file.unit_wall_s, &file.file_bytes_max, &file.address_space_bytes];
        let mut values = LIMITS.map(|(_, _, default, _)| default);
        for ((value, given), (key, least, _, most)) in values.iter_mut().zip(given).zip(LIMITS) {
            let Some(given) = given else { continue };
            let holds = (least..=most).contains(given.get_ref());
            self.require(given, holds, || format!("`{key}` is {least} to {most}"))?;
            *value = *given.get_ref();
        }
        let [unit_cpu_s, unit_wall_s, file_bytes_max, address_space_bytes] = values;
        Ok(Limits { unit_cpu_s, unit_wall_s, file_bytes_max, address_space_bytes })
    }
}

/// `[a-z][a-z0-9_.]*`, at most 64 bytes. It is a name of a folder, too.
pub fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte);
    text.len() <= NAME_BYTES_MAX && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(rest)
}

fn is_version(text: &str) -> bool {
    (1..=VERSION_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_sentence(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= ABOUT_CHARS_MAX && !text.chars().any(char::is_control)
}

/// The plain name of a program.
fn is_program(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
