//! Checkpoints: the root of the ledger as a C2SP signed note, and the proof that today's ledger extends an older one.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use exhibit_model::digest::Digest;
use exhibit_model::merkle::{consistency_path_from, verify_consistency};
use exhibit_model::note::{Checkpoint, SignedNote, VerifierKey};

use crate::error::StoreError;
use crate::ledger::proof::unproved;
use crate::session::Read;
use crate::sql::ledger as sql;

/// The Ed25519 key that signs checkpoints, with the name it signs under.
pub struct CheckpointKey {
    signing: SigningKey,
    verifier: VerifierKey,
}

/// A checkpoint could not be made or does not hold.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The key file cannot be used.
    #[error("the key file {path} cannot be used: {reason}")]
    Key {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The note or the key cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The signature is missing or wrong.
    #[error("the checkpoint is not signed by this key; it was changed or made by someone else")]
    BadSignature,
    /// The ledger does not extend the checkpoint.
    #[error("{0}")]
    Rewritten(String),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CheckpointKey {
    /// Reads the key file (32 raw bytes, mode 0600), or makes it from `seed`.
    ///
    /// # Errors
    /// When the file is readable by others, has another size, or cannot be written.
    pub fn load_or_make(path: &Path, name: &str, seed: impl FnOnce() -> [u8; 32]) -> Result<Self, CheckpointError> {
        let wrong = |reason: String| CheckpointError::Key { path: path.display().to_string(), reason };
        if !path.exists() {
            write_secret(path, &seed()).map_err(|error| wrong(error.to_string()))?;
        }
        // Read back in any case: another process may have been first.
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let secret = read_secret(file).map_err(wrong)?;
        let signing = SigningKey::from_bytes(&secret);
        let verifier = VerifierKey::new(name, signing.verifying_key().to_bytes())
            .map_err(|error| CheckpointError::Unreadable(error.to_string()))?;
        Ok(Self { signing, verifier })
    }

    /// The public half, as text for `exhibit verify --key`.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
}

fn read_secret(mut file: File) -> Result<[u8; 32], String> {
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err("others may read it; run chmod 600 on it".to_owned());
    }
    let mut secret = [0; 32];
    if metadata.len() != 32 {
        return Err(format!("it has {} bytes instead of 32", metadata.len()));
    }
    file.read_exact(&mut secret).map_err(|error| error.to_string())?;
    Ok(secret)
}

/// Makes the key file, whole and on the disk before it gets its name. A key that is there already is kept.
fn write_secret(path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // The public half names the file, so that processes do not meet and nothing of the secret is told.
    let public = SigningKey::from_bytes(secret).verifying_key().to_bytes();
    let incoming = folder.join(format!(".key-{}", Digest::of(&public).to_hex()));
    let written = write_whole(&incoming, secret).and_then(|()| match std::fs::hard_link(&incoming, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(_) => std::fs::rename(&incoming, path),
    });
    // Left behind, it would be a second copy of the key.
    match std::fs::remove_file(&incoming) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_whole(path: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(secret)?;
    file.sync_all()
}

/// The ledger as it is now: how many batches, and their root.
///
/// # Errors
/// When the database cannot be read.
pub fn current(read: &Read<'_>, origin: &str) -> Result<Checkpoint, CheckpointError> {
    let state = sql::state(read)?;
    Checkpoint::new(origin, state.frontier.len(), state.frontier.root())
        .map_err(|error| CheckpointError::Unreadable(error.to_string()))
}

/// Signs a checkpoint.
///
/// # Errors
/// When the note cannot be written, which the grammar of names excludes.
pub fn sign(checkpoint: &Checkpoint, key: &CheckpointKey) -> Result<SignedNote, CheckpointError> {
    let text = checkpoint.to_string();
    let signature = key.signing.sign(text.as_bytes()).to_bytes();
    SignedNote::new(text, vec![key.verifier.signature_line(&signature)])
        .map_err(|error| CheckpointError::Unreadable(error.to_string()))
}

/// Opens a signed note: the signature first, then the text.
///
/// # Errors
/// When the note cannot be read or no signature of the key fits.
pub fn open(note: &str, key: &str) -> Result<Checkpoint, CheckpointError> {
    let unreadable = |what: &str, error: &dyn std::fmt::Display| {
        CheckpointError::Unreadable(format!("the {what} cannot be read: {error}"))
    };
    let note: SignedNote = note.parse().map_err(|error| unreadable("checkpoint", &error))?;
    let key: VerifierKey = key.trim().parse().map_err(|error| unreadable("key", &error))?;
    let public = VerifyingKey::from_bytes(key.public_key()).map_err(|error| unreadable("key", &error))?;
    let signed = note.signatures_of(&key).any(|bytes| {
        Signature::from_slice(bytes)
            .is_ok_and(|signature| public.verify_strict(note.text().as_bytes(), &signature).is_ok())
    });
    if !signed {
        return Err(CheckpointError::BadSignature);
    }
    note.text().parse().map_err(|error| unreadable("checkpoint", &error))
}

/// Proves that the ledger of this database extends `older`.
///
/// # Errors
/// [`CheckpointError::Rewritten`] when it does not: something before the checkpoint was changed or removed.
pub fn extends(read: &Read<'_>, older: &Checkpoint) -> Result<Checkpoint, CheckpointError> {
    let now = current(read, older.origin())?;
    if older.size() > now.size() {
        return Err(CheckpointError::Rewritten(format!(
            "the ledger is shorter than the checkpoint: {} batches instead of at least {}",
            now.size(),
            older.size()
        )));
    }
    let mut node = |level, position| sql::node(read, level, position);
    let path = consistency_path_from(older.size(), now.size(), &mut node).map_err(|error| unproved(&error))?;
    if verify_consistency(older.size(), &older.root(), now.size(), &now.root(), &path) {
        return Ok(now);
    }
    Err(CheckpointError::Rewritten(format!(
        "the ledger was rewritten: its first {} batches are not those of the checkpoint",
        older.size()
    )))
}
