//! Small file systems of a test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Mounts a small file system in memory; undone when dropped.
pub struct Mount(PathBuf);

impl Mount {
    /// `None` where this user may not mount.
    pub fn new(at: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output().expect("mount");
        output.status.success().then(|| Self(at.to_owned()))
    }

    /// Mounts it again with other options.
    pub fn again(&self, options: &str) {
        let output =
            Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).output().expect("mount");
        assert!(output.status.success(), "{output:#?}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A failure shows as a folder that cannot be removed.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// Runs a test of this program again where it may mount: as root of a user namespace. It fails where there is neither root nor that.
pub fn again_with_own_mounts(test: &str) {
    assert!(!rustix::process::geteuid().is_root(), "root may not mount here; this test needs a small disk to fill");
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "--"]).arg(program).args(["--exact", test]);
    let output = command.output().expect("unshare (Debian: package util-linux)");
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "this test needs root or user namespaces: {output:#?}");
}
