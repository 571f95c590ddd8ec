//! The red team as a whole, on a tree of its own: it passes where extractors are confined, and names what succeeds where they are not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use exhibit_engine::confine::Confinement;
#[cfg(feature = "confinement-switches")]
use exhibit_engine::confine::probe;
use exhibit_engine::redteam::{Attempt, By, On, Outcome, Report, Request, Terms, attacks, redteam};
use exhibit_model::digest::Digest;

use crate::runner::Case;
use crate::world::{exe, look};

pub fn cases() -> Vec<Case> {
    let cases = vec![
        Case::new("ar_14 the red team passes at native", || {
            let report = attack(Terms::NATIVE, some_photos);
            assert!(report.passed(), "{report:#?}");
            assert!(report.notes.is_empty(), "{:?}", report.notes);
            assert!(report.original.is_some_and(|path| path.ends_with("2024/photo.jpg")));
            assert!(report.attempts.iter().any(|attempt| attempt.on == On::Original));
        }),
        Case::new("ar_14 the red team passes at ABI 2, which does not promise to scope signals", || {
            let report = attack(Terms { landlock_abi_max: Some(2), ..Terms::NATIVE }, some_photos);
            assert!(report.passed(), "{report:#?}");
            assert_eq!(report.landlock_abi, Some(2));
            let not_promised = report.attempts.iter().filter(|attempt| attempt.outcome == Outcome::NotPromised);
            let names: Vec<&str> = not_promised.map(|attempt| attempt.name).collect();
            assert_eq!(names, ["signal the host", "signal another extractor"]);
        }),
        Case::new("ar_14 the red team fails with confinement off, and still harms nothing", || {
            let report = attack(Terms { confinement: Confinement::None, landlock_abi_max: None }, some_photos);
            fails(&report, &[By::Landlock, By::Seccomp, By::Either]);
        }),
        Case::new("a tree without files is attacked by way of decoys, and that is said", || {
            for make in
                [|_: &Path| {}, |root: &Path| std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap()]
            {
                let report = attack(Terms::NATIVE, make);
                assert!(report.passed(), "{report:#?}");
                assert_eq!(report.original, None);
                assert_eq!(report.notes, ["there is no file here; what needs one was tried on decoys"]);
                assert!(report.attempts.iter().all(|attempt| attempt.on != On::Original));
                assert!(report.attempts.iter().any(|attempt| attempt.on == On::Folder));
            }
        }),
        Case::new("a tree without files shows a missing confinement as well, and still is not harmed", || {
            let report = attack(Terms { confinement: Confinement::None, landlock_abi_max: None }, |_| {});
            fails(&report, &[By::Landlock, By::Seccomp, By::Either]);
        }),
        Case::new("names that are not text are attacked alike", || {
            let report = attack(Terms::NATIVE, |root| {
                let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff\n.jpg");
                std::fs::write(root.join(name), "photo").unwrap();
            });
            assert!(report.passed(), "{report:#?}");
            assert!(report.original.is_some());
        }),
        Case::new("every attack has a name of its own", || {
            let mut names: Vec<&str> = attacks::all().map(|attack| attack.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
            assert!(count > 150, "{count}");
        }),
    ];
    #[cfg(feature = "confinement-switches")]
    let cases = cases.into_iter().chain(one_mechanism_alone()).collect();
    cases
}

#[cfg(feature = "confinement-switches")]
fn one_mechanism_alone() -> Vec<Case> {
    vec![
        Case::new("ar_14 the red team fails with Landlock alone", || {
            let report = attack(Terms { confinement: Confinement::LandlockOnly, landlock_abi_max: None }, some_photos);
            fails(&report, &[By::Seccomp]);
            refuses(&report, By::Landlock);
        }),
        Case::new("ar_14 the red team fails with seccomp alone", || {
            let report = attack(Terms { confinement: Confinement::SeccompOnly, landlock_abi_max: None }, some_photos);
            fails(&report, &[By::Landlock]);
            refuses(&report, By::Seccomp);
        }),
    ]
}

fn some_photos(root: &Path) {
    std::fs::create_dir(root.join("2024")).unwrap();
    let photo = root.join("2024/photo.jpg");
    std::fs::write(&photo, "a photo").unwrap();
    std::fs::set_permissions(&photo, PermissionsExt::from_mode(0o640)).unwrap();
    rustix::fs::setxattr(&photo, "user.rating", b"5", rustix::fs::XattrFlags::empty()).unwrap();
    std::fs::write(root.join("2024/video.mov"), "a video").unwrap();
}

/// Runs the red team on a tree. The tree must be the same afterwards whatever succeeded, but for times that nobody can put back.
fn attack(terms: Terms, make: impl Fn(&Path)) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("archive");
    std::fs::create_dir(&root).unwrap();
    make(&root);
    let work_folder = folder.path().join("work");
    let request =
        Request { root: root.clone(), exe: exe(), work_folder: work_folder.clone(), id: 7, private: Vec::new(), terms };
    let is_confined = terms.confinement == Confinement::Full;
    let all_before = look(&root, is_confined);
    let mut fingerprint = || Ok(Digest::of(format!("{:?}", look(&root, false)).as_bytes()));
    let mut told = (0, 0);
    let report = redteam(&request, &mut fingerprint, &mut |done, total| told = (done, total)).unwrap();
    assert_eq!(told, (report.attempts.len(), attacks::all().count()));
    assert_eq!(report.before, report.after);
    assert_eq!(look(&root, is_confined), all_before);
    assert_eq!(work_folder.join("scratch").read_dir().unwrap().count(), 0, "the ground is left behind");
    report
}

/// Every attack that only these mechanisms refuse has succeeded and is named.
fn fails(report: &Report, missing: &[By]) {
    assert!(!report.passed());
    let broken: Vec<&str> = report.broken().map(|attempt| attempt.name).collect();
    for attack in attacks::all().filter(|attack| missing.contains(&attack.by)) {
        let unknown_call = Outcome::Refused { errno: libc::ENOSYS };
        assert!(
            broken.contains(&attack.name) || of(report, attack.name).outcome == unknown_call,
            "{} was not named: {:?}",
            attack.name,
            of(report, attack.name)
        );
    }
}

/// The mechanism that is left has refused what is its own.
#[cfg(feature = "confinement-switches")]
fn refuses(report: &Report, by: By) {
    let abi = probe().landlock_abi_used.unwrap();
    for attack in attacks::all().filter(|attack| attack.by == by && attack.abi_min <= abi) {
        assert!(of(report, attack.name).outcome.is_refused(), "{:?}", of(report, attack.name));
    }
}

fn of<'a>(report: &'a Report, name: &str) -> &'a Attempt {
    report.attempts.iter().find(|attempt| attempt.name == name).unwrap()
}
