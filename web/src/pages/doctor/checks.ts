// What the doctor found, in groups that a person can read, and what to do about what is wrong. Pure.
import type { Doctor, Extractors } from "../../api/types";

export interface Check {
  name: string;
  ok: boolean;
  says: string;
}

export interface Group {
  title: string;
  /** Why it matters, in one sentence. */
  about: string;
  checks: Check[];
}

const GROUPS: { title: string; about: string; holds: (check: Check) => boolean }[] = [
  {
    title: "Confinement",
    about: "Extractors read media and can change nothing: the kernel refuses it.",
    holds: ({ name }) => /^(kernel|confinement|landlock|seccomp|capabilities)\b/.test(name),
  },
  { title: "Outside tools", about: "Programs that extractors run for some formats.", holds: ({ says, name }) => /\(for [^)]*\)/.test(says) || /^(ff|heif|rsvg)/.test(name) },
  { title: "Extractors", about: "Each was started once, confined.", holds: ({ says }) => /\bstarts?\b/.test(says) },
  { title: "Store and machine", about: "Where everything is kept, and what it is worked off with.", holds: () => true },
];

/** The checks in groups, each in the order of the doctor; a tool that several extractors use is one line. */
export function groups_of(checks: Doctor["checks"]): Group[] {
  const groups: Group[] = GROUPS.map(({ title, about }) => ({ title, about, checks: [] }));
  for (const check of checks) {
    const at = GROUPS.findIndex((group) => group.holds(check));
    const into = groups[at]?.checks ?? [];
    const same = into.find((known) => known.name === check.name && known.ok === check.ok && base(known.says) === base(check.says));
    if (same && users(check.says) !== null) same.says = `${base(same.says)} (for ${[users(same.says), users(check.says)].join(", ")})`;
    else into.push({ ...check });
  }
  return groups.filter((group) => group.checks.length > 0);
}

function users(says: string): string | null {
  return /\(for ([^)]*)\)/.exec(says)?.[1] ?? null;
}

function base(says: string): string {
  return says.replace(/\s*\(for [^)]*\)/, "");
}

export interface Advice {
  text: string;
  command: string | null;
}

/** What to do about a check that failed. */
export function advice_for(check: Check, extractors: Extractors | undefined): Advice {
  const install = extractors?.items.flatMap((one) => one.tools).find((tool) => tool.name === check.name)?.install;
  if (install) return { text: "Install it; then retry what failed. Until then the formats that need it are skipped, all others work.", command: `sudo apt install ${install}` };
  if (/^(kernel|confinement|landlock|seccomp)\b/.test(check.name)) {
    return { text: "Without it a broken or hostile file could do harm, so runs are refused. A newer kernel (Linux 6.7 or later) brings all of it.", command: "exhibit doctor" };
  }
  if (check.name === "space") return { text: "Make room, or let what has had its time go. Units that are blocked go on by themselves.", command: "exhibit clean" };
  if (check.name === "database") return { text: "Nothing is written while the database is not right. Stop the server and ask for details.", command: "exhibit doctor" };
  if (check.name === "sources") return { text: "Move the home out of the source, or the other way round: originals and results never share a folder.", command: "exhibit sources" };
  return { text: "The same check in a terminal says more.", command: "exhibit doctor" };
}

/** Facts about the kernel in one line each: `landlock_abi: 7` is `Landlock abi`, `7`. */
export function kernel_facts(kernel: Doctor["kernel"]): { name: string; value: string }[] {
  return Object.entries(kernel).flatMap(([name, value]) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      return Object.entries(value).map(([inner, deep]) => ({ name: spaced(name === "facets" ? inner : `${name} ${inner}`), value: said(deep) }));
    }
    return [{ name: spaced(name), value: said(value) }];
  });
}

function spaced(name: string): string {
  const text = name.replaceAll("_", " ").replace(/\babi\b/g, "ABI");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function said(value: unknown): string {
  if (value === true) return "yes";
  if (value === false) return "no";
  return typeof value === "string" ? value : JSON.stringify(value);
}
