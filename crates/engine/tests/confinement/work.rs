//! What extractors rightly do, and the ways in which they end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use exhibit_engine::supervisor::{ChildContext, tool_command};
use libc::c_long;
use rustix::process::{Resource, getrlimit};

use crate::attacks::{call, signal_the_bystander};
use crate::world::Targets;

/// A piece of work; what it returns is printed.
pub type Work = fn(&Targets, &ChildContext) -> Result<String, String>;

/// By name.
pub static WORK: &[(&str, Work)] = &[
    ("read the source", read_the_source),
    ("work in scratch", work_in_scratch),
    ("start threads", start_threads),
    ("run ffmpeg on a descriptor", run_ffmpeg),
    ("open without changing the access time", open_without_access_time),
    ("list descriptors", |_, _| list_descriptors()),
    ("list the environment", |_, _| list_environment()),
    ("show privileges", |_, _| std::fs::read_to_string("/proc/self/status").map_err(text)),
    ("show privileges of a tool", show_privileges_of_a_tool),
    ("show limits", |_, context| show_limits(context)),
    ("make calls that are refused", |_, _| make_refused_calls()),
    ("make calls that do not exist", |_, _| make_unknown_calls()),
    ("signal another process", |targets, _| match signal_the_bystander(targets) {
        Ok(()) => Ok("succeeded".to_owned()),
        Err(error) => Ok(error.raw_os_error().unwrap_or(0).to_string()),
    }),
    ("call as another architecture", |_, _| call_as_another_architecture()),
    ("burn CPU time", |_, context| {
        context.arm_unit_cpu().map_err(text)?;
        loop {
            std::hint::spin_loop();
        }
    }),
    ("run a tool that burns CPU time", run_a_burning_tool),
    ("write a long file", write_a_long_file),
    ("use much memory", |_, _| use_memory()),
    ("fail with the code for not confined", |_, _| exit(97)),
    ("end with code 5 and leave a process", |_, context| leave_a_process(context)),
    ("abort", |_, _| std::process::abort()),
    ("panic", |_, _| panic!("as asked")),
    ("hold", |_, context| hold(context)),
];

fn text(error: io::Error) -> String {
    error.to_string()
}

fn read_the_source(targets: &Targets, context: &ChildContext) -> Result<String, String> {
    let (id, root) = &context.sources[0];
    let names = root.read_dir().map_err(text)?.count();
    let bytes = std::fs::read(root.join("sound.wav")).map_err(text)?.len();
    let random = File::open("/dev/urandom").and_then(|mut file| file.read(&mut [0; 8])).map_err(text)?;
    std::fs::write("/dev/null", "nothing").map_err(text)?;
    assert!(targets.original.starts_with(root));
    Ok(format!("{id}: {names} names, {bytes} bytes; {random} random"))
}

fn work_in_scratch(_: &Targets, context: &ChildContext) -> Result<String, String> {
    let at = |name: &str| context.scratch.join(name);
    assert_eq!(std::env::current_dir().map_err(text)?, context.scratch);
    std::fs::create_dir_all(at("one/two")).map_err(text)?;
    std::fs::write(at("file"), "first").map_err(text)?;
    std::fs::write(at("file"), "second, which truncates").map_err(text)?;
    OpenOptions::new().append(true).open(at("file")).and_then(|mut file| file.write_all(b".")).map_err(text)?;
    File::options().write(true).open(at("file")).and_then(|file| file.set_len(6)).map_err(text)?;
    std::fs::rename(at("file"), at("one/two/file")).map_err(text)?;
    std::fs::rename(at("one/two"), at("three")).map_err(text)?;
    std::fs::hard_link(at("three/file"), at("again")).map_err(text)?;
    let content = std::fs::read_to_string(at("again")).map_err(text)?;
    io::copy(&mut File::open(at("again")).map_err(text)?, &mut File::create(at("copy")).map_err(text)?)
        .map_err(text)?;
    std::fs::remove_file(at("again")).map_err(text)?;
    std::fs::remove_dir_all(at("three")).map_err(text)?;
    Ok(content)
}

fn start_threads(_: &Targets, _: &ChildContext) -> Result<String, String> {
    let threads: Vec<_> = (0..4_u32).map(|number| std::thread::spawn(move || number)).collect();
    Ok(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>().to_string())
}

fn run_ffmpeg(targets: &Targets, context: &ChildContext) -> Result<String, String> {
    let input = File::open(&targets.original).map_err(text)?;
    let output = context.scratch.join("sound.flac");
    for owner in ["self".to_owned(), std::process::id().to_string()] {
        let mut command =
            tool_command("ffmpeg", &context.limits).map_err(|e| format!("{e}; apt-get install ffmpeg"))?;
        command.args(["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file,pipe", "-i"]);
        if owner == "self" {
            // Read by the tool itself, which has inherited nothing: so the shell opens the file for it.
            command = tool_command("sh", &context.limits).map_err(text)?;
            command.args(["-c", "exec ffmpeg -nostdin -v error -y -i file:/proc/self/fd/9 -f flac \"$1\" 9<\"$0\""]);
            command.args([&targets.original, &output]);
        } else {
            command.arg(format!("file:/proc/{owner}/fd/{}", input.as_raw_fd())).args(["-f", "flac"]).arg(&output);
        }
        let ran = command.output().map_err(text)?;
        if !ran.status.success() || !ran.stderr.is_empty() {
            return Err(format!("{owner}: {}: {}", ran.status, String::from_utf8_lossy(&ran.stderr)));
        }
    }
    let flac = std::fs::read(&output).map_err(text)?;
    Ok(String::from_utf8_lossy(&flac[..4]).into_owned())
}

fn open_without_access_time(targets: &Targets, _: &ChildContext) -> Result<String, String> {
    let open = OpenOptions::new().read(true).custom_flags(libc::O_NOATIME | libc::O_NOFOLLOW).open(&targets.original);
    match open {
        Ok(_) => Ok("opened".to_owned()),
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
            File::open(&targets.original).map_err(text)?;
            Ok("opened at the second try".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn list_descriptors() -> Result<String, String> {
    let listing = Path::read_dir("/proc/self/fd".as_ref()).map_err(text)?;
    let mut numbers: Vec<String> = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    numbers.sort();
    Ok(numbers.join(" "))
}

fn list_environment() -> Result<String, String> {
    let all = std::fs::read_to_string("/proc/self/environ").map_err(text)?;
    let mut all: Vec<&str> = all.split_terminator('\0').collect();
    all.sort_unstable();
    Ok(all.join("\n"))
}

fn show_privileges_of_a_tool(_: &Targets, context: &ChildContext) -> Result<String, String> {
    let output = tool_command("cat", &context.limits).map_err(text)?.arg("/proc/self/status").output().map_err(text)?;
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

fn show_limits(context: &ChildContext) -> Result<String, String> {
    let hard = |resource| getrlimit(resource).maximum.map_or("none".to_owned(), |value| value.to_string());
    let before = getrlimit(Resource::Cpu).current;
    context.arm_unit_cpu().map_err(text)?;
    let armed = getrlimit(Resource::Cpu).current.unwrap_or(0);
    let promised = context.limits.unit_cpu_s;
    assert!((promised..=promised + 2).contains(&armed), "armed {armed}, promised {promised}");
    Ok(format!(
        "core {} files {} file bytes {} address space {} cpu before {before:?}",
        hard(Resource::Core),
        hard(Resource::Nofile),
        hard(Resource::Fsize),
        hard(Resource::As)
    ))
}

/// Calls of the list that are harmless with these arguments should one of them not be refused.
fn make_refused_calls() -> Result<String, String> {
    let new_user = libc::CLONE_NEWUSER as u64;
    let calls: &[(&str, c_long, &[u64])] = &[
        ("socket", libc::SYS_socket, &[]),
        ("connect", libc::SYS_connect, &[]),
        ("bind", libc::SYS_bind, &[]),
        ("listen", libc::SYS_listen, &[]),
        ("unshare", libc::SYS_unshare, &[new_user]),
        ("setns", libc::SYS_setns, &[u64::MAX]),
        ("clone with a namespace", libc::SYS_clone, &[new_user | libc::SIGCHLD as u64]),
        ("io_uring_setup", libc::SYS_io_uring_setup, &[]),
        ("io_uring_enter", libc::SYS_io_uring_enter, &[u64::MAX]),
        ("io_uring_register", libc::SYS_io_uring_register, &[u64::MAX]),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, &[u64::MAX]),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, &[u64::MAX]),
        ("userfaultfd", libc::SYS_userfaultfd, &[u64::MAX]),
        ("keyctl", libc::SYS_keyctl, &[u64::MAX]),
        ("add_key", libc::SYS_add_key, &[]),
        ("request_key", libc::SYS_request_key, &[]),
        ("mount", libc::SYS_mount, &[]),
        ("umount2", libc::SYS_umount2, &[]),
        ("move_mount", libc::SYS_move_mount, &[u64::MAX]),
        ("open_tree", libc::SYS_open_tree, &[u64::MAX]),
        ("open_tree_attr", 467, &[u64::MAX]),
        ("fsopen", libc::SYS_fsopen, &[]),
        ("fsconfig", libc::SYS_fsconfig, &[u64::MAX]),
        ("fsmount", libc::SYS_fsmount, &[u64::MAX]),
        ("fspick", libc::SYS_fspick, &[u64::MAX]),
        ("mount_setattr", libc::SYS_mount_setattr, &[u64::MAX]),
        ("pivot_root", libc::SYS_pivot_root, &[]),
        ("chroot", libc::SYS_chroot, &[]),
        ("bpf", libc::SYS_bpf, &[u64::MAX]),
        ("perf_event_open", libc::SYS_perf_event_open, &[]),
        ("swapon", libc::SYS_swapon, &[]),
        ("swapoff", libc::SYS_swapoff, &[]),
        ("reboot", libc::SYS_reboot, &[]),
        ("init_module", libc::SYS_init_module, &[]),
        ("finit_module", libc::SYS_finit_module, &[u64::MAX]),
        ("delete_module", libc::SYS_delete_module, &[]),
        ("kexec_load", libc::SYS_kexec_load, &[0, u64::MAX]),
        ("kexec_file_load", libc::SYS_kexec_file_load, &[u64::MAX]),
        ("clock_settime", libc::SYS_clock_settime, &[u64::MAX]),
        ("clock_adjtime", libc::SYS_clock_adjtime, &[u64::MAX]),
        ("settimeofday", libc::SYS_settimeofday, &[1, 1]),
        ("shmat", libc::SYS_shmat, &[u64::MAX]),
        ("msgget", libc::SYS_msgget, &[1]),
        ("semget", libc::SYS_semget, &[1]),
        ("mq_open", libc::SYS_mq_open, &[]),
        ("setsid", libc::SYS_setsid, &[]),
        ("setpgid", libc::SYS_setpgid, &[]),
    ];
    expect_all(calls, libc::EPERM)
}

fn make_unknown_calls() -> Result<String, String> {
    let calls: &[(&str, c_long, &[u64])] = &[
        ("clone3", libc::SYS_clone3, &[]),
        ("file_getattr", 468, &[]),
        ("file_setattr", 469, &[]),
        ("the first after Linux 6.18", 470, &[]),
        ("one to come", 700, &[]),
        ("getpid of x32", 0x4000_0000 | 39, &[]),
        ("ptrace of x32", 0x4000_0000 | 521, &[]),
    ];
    expect_all(calls, libc::ENOSYS)
}

fn expect_all(calls: &[(&str, c_long, &[u64])], errno: i32) -> Result<String, String> {
    for (name, number, arguments) in calls {
        match call(*number, arguments) {
            Ok(()) => return Err(format!("{name} succeeded")),
            Err(error) if error.raw_os_error() == Some(errno) => {}
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    Ok(format!("{} refused", calls.len()))
}

/// `getpid` by the gate of 32-bit programs, whose numbers mean other calls.
#[cfg(target_arch = "x86_64")]
fn call_as_another_architecture() -> Result<String, String> {
    let answer: i64;
    // SAFETY: the call takes no arguments and changes no memory; the gate clobbers only the registers that are named.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("rax") 20_i64 => answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    Ok(format!("answered {answer}"))
}

#[cfg(not(target_arch = "x86_64"))]
fn call_as_another_architecture() -> Result<String, String> {
    Err("no other architecture can be called from here".to_owned())
}

fn run_a_burning_tool(_: &Targets, context: &ChildContext) -> Result<String, String> {
    let ran = tool_command("sh", &context.limits).map_err(text)?.args(["-c", "while :; do :; done"]).status();
    Ok(ran.map_err(text)?.to_string())
}

fn write_a_long_file(_: &Targets, context: &ChildContext) -> Result<String, String> {
    let mut file = File::create(context.scratch.join("long")).map_err(text)?;
    let piece = [0_u8; 1 << 16];
    for _ in 0..=context.limits.file_bytes_max / piece.len() as u64 {
        file.write_all(&piece).map_err(text)?;
    }
    Ok("written".to_owned())
}

fn use_memory() -> Result<String, String> {
    let block = vec![1_u8; 256 << 20];
    std::hint::black_box(&block);
    wait_forever()
}

fn exit(code: i32) -> Result<String, String> {
    // SAFETY: ends this process.
    unsafe { libc::_exit(code) }
}

fn leave_a_process(context: &ChildContext) -> Result<String, String> {
    let left =
        Command::new("/usr/bin/sleep").arg("1000").stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(text)?;
    println!("{}", left.id());
    std::fs::write(context.scratch.join("pid"), left.id().to_string()).map_err(text)?;
    exit(5)
}

/// Starts a tool and, as a plug-in might, a process without the signal at the parent's death; names all of them and stays.
fn hold(context: &ChildContext) -> Result<String, String> {
    let tool = tool_command("sleep", &context.limits).map_err(text)?.arg("1000").spawn().map_err(text)?;
    let plain = Command::new("/usr/bin/sleep").arg("1000").spawn().map_err(text)?;
    // SAFETY: asks for a number.
    let supervisor = unsafe { libc::getppid() };
    println!("{supervisor} {} {} {}", std::process::id(), tool.id(), plain.id());
    wait_forever()
}

fn wait_forever() -> ! {
    loop {
        std::thread::park();
    }
}
