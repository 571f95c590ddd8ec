// Files of older versions that were taken over, in words. Pure.
import type { ImportKind, ImportReport, ImportTotals } from "../../api/agents_desk";
import type { IconName } from "../../ui/icons";
import { count } from "../../lib/format";
import { price_usd } from "./prices";
import { runtime, type Tone } from "./words";

export const IMPORT_KINDS: Record<ImportKind, { word: string; example: string }> = {
  v3_json: { word: "File of V3 (JSON)", example: "v3-intelligence.json" },
  v41_sqlite: { word: "Database of V4.1 (SQLite)", example: "helicarrier.db" },
};

/** The last part of a path, whichever way its slashes lean. */
export function file_name(path: string): string {
  return path.split(/[/\\]/).filter(Boolean).at(-1) ?? path;
}

/** What an import came to, in a word. */
export function report_state(report: Pick<ImportReport, "dryRun" | "finishedAt" | "parityOk" | "errors">): { word: string; tone: Tone; icon: IconName; about: string } {
  if (report.dryRun) return { word: "dry run", tone: "plain", icon: "file", about: "Nothing was written." };
  if (report.finishedAt === undefined) return { word: "broken off", tone: "error", icon: "error", about: "It did not come to its end; asking again goes on." };
  if (report.parityOk === false) return { word: "sums differ", tone: "warning", icon: "warning", about: "The sums here are not those of the file; its rows say why." };
  if (report.errors > 0) return { word: "rows refused", tone: "warning", icon: "warning", about: "The sums are those of the file, but some rows were refused." };
  return { word: "equal", tone: "ok", icon: "check", about: "Every row was read, and the sums here are those of the file." };
}

export interface Compared {
  what: string;
  file: string;
  here: string;
  same: boolean;
}

/** The sums of a file beside those of the same sessions here. */
export function compared({ file, stored }: { file: ImportTotals; stored: ImportTotals }): Compared[] {
  const row = (what: string, name: keyof ImportTotals, says: (n: number) => string): Compared => ({ what, file: says(file[name]), here: says(stored[name]), same: file[name] === stored[name] });
  return [
    row("Sessions", "runs", count),
    row("Tokens in", "promptTokens", count),
    row("Tokens out", "completionTokens", count),
    row("Tokens in all", "totalTokens", count),
    row("Runtime", "runtimeMs", (ms) => (ms === 0 ? "0 s" : runtime(ms))),
    row("Cost", "costNano", price_usd),
  ];
}
