//! What extractors rightly do, and the ways in which they end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use exhibit_engine::redteam::Targets;
use exhibit_engine::supervisor::{ChildContext, SCRATCH_ENTRIES_MAX, tool_command};
use rustix::process::{Resource, getrlimit};

/// A piece of work; what it returns is printed.
pub type Work = fn(&Targets, &ChildContext) -> Result<String, String>;

/// By name.
pub static WORK: &[(&str, Work)] = &[
    ("read the source", read_the_source),
    ("read the secret", |targets, _| {
        assert!(OpenOptions::new().write(true).open(&targets.secret).is_err());
        std::fs::read_to_string(&targets.secret).map_err(text)
    }),
    ("work in scratch", work_in_scratch),
    ("start threads", start_threads),
    ("run ffmpeg on a descriptor", run_ffmpeg),
    ("open without changing the access time", open_without_access_time),
    ("list descriptors", |_, _| list_descriptors()),
    ("list the environment", |_, _| list_environment()),
    ("show privileges", |_, _| std::fs::read_to_string("/proc/self/status").map_err(text)),
    ("show privileges of a tool", show_privileges_of_a_tool),
    ("show limits", |_, context| show_limits(context)),
    ("burn CPU time", |_, context| {
        context.arm_unit_cpu().map_err(text)?;
        loop {
            std::hint::spin_loop();
        }
    }),
    ("run a tool that burns CPU time", run_a_burning_tool),
    ("write a long file", write_a_long_file),
    ("make many files", make_many_files),
    ("hide files in scratch", |_, context| {
        std::fs::DirBuilder::new().mode(0o300).create(context.scratch.join("hidden")).map_err(text)?;
        File::create(context.scratch.join("hidden/file")).map_err(text)?;
        wait_forever()
    }),
    ("make deep folders", |_, context| {
        std::fs::create_dir_all(context.scratch.join("deeper/".repeat(100))).map_err(text)?;
        wait_forever()
    }),
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
            command.args([&*targets.original, &output]);
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

/// Folders within folders, each with some files.
fn make_many_files(_: &Targets, context: &ChildContext) -> Result<String, String> {
    for folder in 0..=SCRATCH_ENTRIES_MAX / 100 {
        let folder = context.scratch.join(format!("{folder}/deep"));
        std::fs::create_dir_all(&folder).map_err(text)?;
        for file in 0..100 {
            File::create(folder.join(file.to_string())).map_err(text)?;
        }
    }
    wait_forever()
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
