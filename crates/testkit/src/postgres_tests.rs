//! Tests of the PostgreSQL launcher: it serves, keeps databases apart, and leaves nothing behind however the test process ends.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::*;

/// What `psql` prints for a statement.
fn psql(server: &TestPostgres, database: &str, statement: &str) -> String {
    let mut command = program(&server.programs.join("psql"), &server.folder, server.user);
    command.args([
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        "--set=ON_ERROR_STOP=1",
        "--command",
        statement,
        database,
    ]);
    let output = command.stdin(Stdio::null()).output().expect("psql starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("psql prints UTF-8").trim().to_owned()
}

/// The pid of the server, from the first line of its lock file.
fn server_pid(folder: &Path) -> u32 {
    let lock = std::fs::read_to_string(folder.join("data/postmaster.pid")).expect("a running server has a lock file");
    lock.lines().next().and_then(|line| line.parse().ok()).expect("the lock file starts with the pid")
}

/// Waits until a process is gone, whoever its parent is.
fn watch(pid: u32) -> impl FnOnce() {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid is not 0");
    let process = pidfd_open(pid, PidfdFlags::empty()).expect("the process lives");
    move || {
        let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).expect("poll");
        assert_eq!(ended, 1, "process {pid:?} still lives after {} s", limit.tv_sec);
    }
}

#[test]
fn databases_of_the_shared_server_are_apart() {
    let server = TestPostgres::shared();
    let (left, right) = (server.database(), server.database());
    assert_ne!(left, right);
    psql(server, &left, "create table only_left (a int)");
    let count = "select count(*) from pg_tables where tablename = 'only_left'";
    assert_eq!((psql(server, &left, count), psql(server, &right, count)), ("1".to_owned(), "0".to_owned()));
    assert_eq!(psql(server, &left, "show server_encoding"), "UTF8");
    assert_eq!(psql(server, &left, "show fsync"), "on");
    assert_eq!(psql(server, &left, "show listen_addresses"), "");
    assert!(std::ptr::eq(server, TestPostgres::shared()));
}

#[test]
fn a_dropped_server_leaves_nothing_behind() {
    let server = TestPostgres::start(PostgresOptions { fsync: false });
    let database = server.database();
    assert_eq!(psql(&server, &database, "show fsync"), "off");
    assert!(server.log_tail().contains("ready to accept connections"));
    let folder = server.folder().to_owned();
    let gone = watch(server_pid(&folder));
    drop(server);
    gone();
    assert!(!folder.exists());
}

#[test]
fn the_server_dies_with_a_test_process_that_is_killed() {
    let mut child = Command::new(std::env::current_exe().expect("the test program"))
        .args(["--exact", "postgres::tests::holds_a_server_until_it_is_told_to_end", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test program starts again");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let mut told = lines.filter_map(|line| Some(line.split_once("SERVER ")?.1.to_owned()));
    let line = told.next().expect("the child says where its server is");
    let (keeper, folder) = line.split_once(' ').expect("a pid and a folder");
    let folder = PathBuf::from(folder);
    let server_gone = watch(server_pid(&folder));
    let keeper_gone = watch(keeper.parse().expect("a pid"));
    child.kill().expect("kill -9");
    child.wait().expect("the child is gone");
    server_gone();
    keeper_gone();
    assert!(!folder.exists());
}

#[test]
#[ignore = "a part of the test above, which runs it in a process of its own"]
fn holds_a_server_until_it_is_told_to_end() {
    let server = TestPostgres::shared();
    println!("SERVER {} {}", server.keeper_pid().expect("a keeper"), server.folder().display());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("standard input ends");
}

#[test]
fn the_newest_complete_version_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(installed_programs(&folder.path().join("absent")), None);
    assert_eq!(installed_programs(folder.path()), None);
    for version in ["9", "15", "17", "16beta"] {
        let programs = folder.path().join(version).join("bin");
        std::fs::create_dir_all(&programs).expect("a folder");
        for name in ["initdb", "postgres", "createdb"].iter().filter(|name| version != "17" || **name != "initdb") {
            std::fs::write(programs.join(name), "").expect("a file");
        }
    }
    assert_eq!(installed_programs(folder.path()), Some(folder.path().join("15/bin")));
}

#[test]
fn users_are_found_by_name_and_never_root() {
    let accounts = "root:x:0:0::/:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:a,b:/:/bin/sh\nbroken:x:y\n";
    let user = user_named(accounts, "postgres").expect("a user");
    assert_eq!((user.uid, user.gid), (101, 104));
    for absent in ["root", "nobody", "broken", "post"] {
        assert!(user_named(accounts, absent).is_none(), "{absent}");
    }
}
