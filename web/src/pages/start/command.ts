// The command that does in a terminal what a form does here. Pure.
import type { NewCollection, NewRun } from "../../api/types";

/** A word as a POSIX shell takes it: bare where that is safe, else in single quotation marks. */
export function shell_word(text: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `exhibit run basics --collection tiny_sample --set thumbnail.quality=60`; what is the default anyway is left out. */
export function run_command(run: NewRun): string {
  const words = ["exhibit", "run", shell_word(run.pipeline)];
  if (run.filter != null) words.push("--filter", shell_word(run.filter));
  else if (run.collection != null && run.collection !== "all") words.push("--collection", shell_word(run.collection));
  if (run.policy === "sandbox") words.push("--policy", "sandbox");
  for (const one of run.set ?? []) words.push("--set", shell_word(one));
  if (run.recompute) words.push("--recompute");
  return words.join(" ");
}

/** The command that makes the same collection; one of listed assets reads them from standard input. */
export function collection_command(collection: NewCollection): string {
  const words = ["exhibit", "collections", "create", shell_word(collection.name)];
  if (collection.filter != null) words.push("--filter", shell_word(collection.filter));
  else if (collection.run != null) words.push("--from-run", shell_word(collection.run), "--state", collection.state ?? "failed");
  else words.push("--assets", "-");
  if (collection.about) words.push("--about", shell_word(collection.about));
  if (collection.replace) words.push("--replace");
  return words.join(" ");
}
