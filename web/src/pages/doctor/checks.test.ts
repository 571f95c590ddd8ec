import { expect, test } from "vitest";
import type { Extractors } from "../../api/types";
import { advice_for, groups_of, kernel_facts } from "./checks";

const check = (name: string, says: string, ok = true) => ({ name, ok, says });

test("checks come in groups, and a tool that several use is one line", () => {
  const groups = groups_of([
    check("kernel", "Linux 6.18"),
    check("landlock files", "writing: refused"),
    check("ffprobe", "/usr/bin/ffprobe (for media.metadata)"),
    check("ffprobe", "/usr/bin/ffprobe (for video.keyframe)"),
    check("rsvg-convert", "not found (for image.thumbnail)", false),
    check("noop", "starts confined: version 1"),
    check("space", "40 GiB free"),
    check("something new", "fine"),
  ]);
  expect(groups.map((group) => [group.title, group.checks.map((one) => one.says)])).toEqual([
    ["Confinement", ["Linux 6.18", "writing: refused"]],
    ["Outside tools", ["/usr/bin/ffprobe (for media.metadata, video.keyframe)", "not found (for image.thumbnail)"]],
    ["Extractors", ["starts confined: version 1"]],
    ["Store and machine", ["40 GiB free", "fine"]],
  ]);
});

test("a missing tool is told how to be installed", () => {
  const extractors = { items: [{ tools: [{ name: "heif-convert", install: "libheif-examples" }] }], broken: [] } as unknown as Extractors;
  expect(advice_for(check("heif-convert", "not found", false), extractors).command).toBe("sudo apt install libheif-examples");
  expect(advice_for(check("heif-convert", "not found", false), undefined).command).toBe("exhibit doctor");
  expect(advice_for(check("space", "1 GiB free", false), extractors).command).toBe("exhibit clean");
});

test("facts about the kernel in words", () => {
  expect(kernel_facts({ landlock_abi: 7, seccomp: true, facets: { signals_scoped: false }, verdict: { state: "confined" } })).toEqual([
    { name: "Landlock ABI", value: "7" },
    { name: "Seccomp", value: "yes" },
    { name: "Signals scoped", value: "no" },
    { name: "Verdict state", value: "confined" },
  ]);
});
