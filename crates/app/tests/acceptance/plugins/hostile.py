"""A plug-in that does what it is told to do wrong. It behaves while it is being added, as a hostile one would."""

import json
import os
import signal
import socket
import sys
import time

AT_START = "behave"  # the tests write another word here
NAME = "hostile"


def raw(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def say(**message):
    raw(json.dumps(message) + "\n")


def fact(unit, payload, kind="hostile.note", **more):
    say(type="fact", unit=unit["unit"], kind=kind, schema_version=1, payload=payload, **more)


def end(unit, outcome="done", **more):
    say(type="end", unit=unit["unit"], outcome=outcome, **more)


def behave(unit):
    fact(unit, {"text": "well"})
    end(unit)


def for_ever(work):
    while True:
        work()


def fork_and_go(unit):
    """Children of children, which no longer have this process as their parent, and which would go on."""
    for _ in range(10):
        if os.fork() == 0:
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(1000)
            os._exit(0)
    os._exit(0)


def huge_file(unit):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with open("huge", "wb") as file:
        for_ever(lambda: file.write(b"x" * 65536))


def refused(*attempts):
    """The attempts that were not refused."""
    done = []
    for name, attempt in attempts:
        try:
            attempt()
            done.append(name)
        except OSError:
            pass
    return done


def attack_originals(unit):
    real = os.path.realpath(unit["path"])
    root = os.path.dirname(os.path.dirname(real))
    return refused(
        ("open for writing", lambda: open(real, "r+b")),
        ("truncate", lambda: os.truncate(real, 0)),
        ("remove", lambda: os.remove(real)),
        ("rename", lambda: os.rename(real, real + ".gone")),
        ("rename to scratch", lambda: os.rename(real, "taken")),
        ("link", lambda: os.link(real, "linked")),
        ("chmod", lambda: os.chmod(real, 0o777)),
        ("touch", lambda: os.utime(real, (1, 1))),
        ("attribute", lambda: os.setxattr(real, "user.a", b"1")),
        ("new file", lambda: open(os.path.join(root, "new"), "w")),
        ("new folder", lambda: os.mkdir(os.path.join(root, "new folder"))),
    )


def attack_evidence(unit):
    home = os.path.normpath(os.getcwd() + "/../../../..")
    host = int(open(f"/proc/{os.getppid()}/stat").read().rsplit(") ", 1)[1].split()[1])
    return refused(
        ("list the home", lambda: os.listdir(home)),
        ("read the store", lambda: open(home + "/store.sqlite", "rb")),
        ("list the blobs", lambda: os.listdir(home + "/blobs")),
        ("read the log", lambda: open(home + "/logs/exhibit.log")),
        ("write its own program", lambda: open(__file__, "a")),
        ("see the environment of the host", lambda: open(f"/proc/{host}/environ").read()),
        ("see the memory of the host", lambda: open(f"/proc/{host}/mem", "rb").read(1)),
        ("use a descriptor of the host", lambda: open(f"/proc/{host}/fd/1")),
        ("signal the host", lambda: os.kill(host, 0)),
        ("reach the network", lambda: socket.socket(socket.AF_INET)),
        ("reach a local socket", lambda: socket.socket(socket.AF_UNIX).connect("/run/x")),
        ("leave the group", lambda: os.setsid()),
        ("make a link", lambda: os.symlink("/etc/passwd", "a-link")),
    )


def attack(unit, attempts):
    succeeded = attempts(unit)
    detail = "succeeded: " + ", ".join(succeeded) if succeeded else "everything was refused"
    end(unit, "failed", reason="attacked", detail=detail)


WRONG = {
    "other_kind": lambda unit: (fact(unit, {"width": 1}, kind="media.metadata"), end(unit)),
    "other_unit": lambda unit: say(type="end", unit=unit["unit"] + 1000, outcome="done"),
    "fact_of_other_unit": lambda unit: fact({"unit": unit["unit"] + 1000}, {"text": "x"}),
    "no_blob": lambda unit: fact(unit, {"text": "x"}, blob={"file": "nothing", "media_type": "text/plain"}),
    "blob_is_link": lambda unit: fact(
        unit, {"text": "x"}, blob={"file": os.path.basename(unit["path"]), "media_type": "text/plain"}
    ),
    "blob_elsewhere": lambda unit: fact(unit, {"text": "x"}, blob={"file": "../../x", "media_type": "text/plain"}),
    "bad_payload": lambda unit: (fact(unit, {"text": 7, "more": 1}), end(unit)),
    "no_json": lambda unit: raw("what is JSON?\n"),
    "unknown_field": lambda unit: end(unit, trust_me=True),
    "ready_again": lambda unit: say(type="ready", protocol=1, extractor=NAME, version="1", tools={}),
    "twice": lambda unit: (behave(unit), end(unit)),
    "own_failure": lambda unit: end(unit, "failed", reason="A Bad Word!", detail="its reason is no word"),
    "endless_line": lambda unit: for_ever(lambda: raw("x" * 65536)),
    "endless_facts": lambda unit: for_ever(lambda: fact(unit, {"text": "x"})),
    "large_facts": lambda unit: for_ever(lambda: fact(unit, {"text": "x" * 500_000})),
    "endless_log": lambda unit: for_ever(lambda: os.write(2, b"noise " * 10_000)),
    "hang": lambda unit: time.sleep(1000),
    "burn": lambda unit: for_ever(lambda: None),
    "huge_file": huge_file,
    "abort": lambda unit: os.abort(),
    "exit": lambda unit: os._exit(3),
    "fork_and_go": fork_and_go,
    "close_stdout": lambda unit: (os.close(1), time.sleep(1000)),
    "attack_originals": lambda unit: attack(unit, attack_originals),
    "attack_evidence": lambda unit: attack(unit, attack_evidence),
}


def start():
    word = "behave" if "/trial-" in os.getcwd() else AT_START
    ready = {"type": "ready", "protocol": 1, "extractor": NAME, "version": "1", "tools": {}}
    if word == "crash":
        raise RuntimeError("not today")
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        time.sleep(1000)
    if word == "leave":
        os._exit(0)
    if word == "close":
        os.close(1)
        time.sleep(1000)
    if word == "unable":
        ready = {"type": "unable", "detail": "the stars are not right"}
    if word == "newer":
        ready["protocol"] = 2
    if word == "other_name":
        ready["extractor"] = "media.metadata"
    if word == "other_version":
        ready["version"] = "99"
    if word == "more_tools":
        ready["tools"] = {"ffmpeg": "1"}
    say(**ready)
    if word == "ready_and_gone":
        os._exit(0)


def main():
    start()
    params = {}
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "step":
            params = message["params"]
        elif message["media_type"] == "text/plain" and params["mode"] != "behave":
            WRONG[params["mode"]](message)
        else:
            behave(message)


main()
