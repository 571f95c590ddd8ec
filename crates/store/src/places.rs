//! Where paths lead, and whether two of them lie in each other: nothing of ours may lie in a source, nor a source in it.

use std::path::{Path, PathBuf};

/// Links without a target that are followed one after the other; the kernel follows as many.
const LINKS_MAX: u32 = 40;

/// Where a path leads, also when its end does not exist yet: links and `..` are resolved as the kernel will.
pub fn resolve_future(path: &Path) -> PathBuf {
    // Relative paths lead from where the program stands; without that they are taken as they are.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    resolve(&absolute, LINKS_MAX)
}

/// Whether one of two places is the other or lies in it, links resolved.
pub fn overlap(one: &Path, other: &Path) -> bool {
    let (one, other) = (resolve_future(one), resolve_future(other));
    one.starts_with(&other) || other.starts_with(&one)
}

fn resolve(path: &Path, links_left: u32) -> PathBuf {
    if let Ok(resolved) = path.canonicalize() {
        return resolved;
    }
    let Some(parent) = path.parent() else { return path.to_owned() };
    match (path.read_link(), path.file_name()) {
        // A link to what does not exist yet: whoever creates it creates the target.
        (Ok(target), _) if links_left > 0 => resolve(&parent.join(target), links_left - 1),
        (_, Some(name)) => resolve(parent, links_left).join(name),
        (_, None) => {
            let mut above = resolve(parent, links_left);
            above.pop();
            above
        }
    }
}
