// Checks an inclusion proof in the browser, from the payload up to the root of the ledger, so that nobody has to take the server's word
// for it. The rules are those of the ledger: RFC 8785 for the bytes, RFC 9162 for the trees.
import type { Explanation, Json } from "../../api/types";

export interface ProofStep {
  name: string;
  /** What was computed here. */
  computed: string;
  /** What the document says it is. */
  stated: string;
  holds: boolean;
}

/** RFC 8785: keys sorted, no spaces; numbers and strings are written by JavaScript as the RFC wants them. */
export function canonical(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`);
  return `{${members.join(",")}}`;
}

export async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export const utf8 = (text: string) => new TextEncoder().encode(text);
export const leaf_of = (document: Json) => sha256(Uint8Array.of(0), utf8(canonical(document)));
const node_of = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right);

/** Root of the tree that a leaf and its path lead to (RFC 9162, 2.1.3.2); null when the path does not fit the tree. */
export async function root_of(leaf: Uint8Array, index: number, size: number, path: string[]): Promise<Uint8Array | null> {
  if (index < 0 || index >= size) return null;
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const text of path) {
    if (last === 0) return null;
    const other = unhex(text);
    if (at % 2 === 1 || at === last) {
      hash = await node_of(other, hash);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else hash = await node_of(hash, other);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}

/** What an artifact claims, as the bytes under its content hash. */
function claim(explanation: Explanation): Json {
  const { artifact } = explanation;
  const spans: { [key: string]: Json } =
    typeof artifact.span_start_ms !== "number" || typeof artifact.span_end_ms !== "number"
      ? {}
      : { span_start_ms: artifact.span_start_ms, span_end_ms: artifact.span_end_ms };
  const blob: { [key: string]: Json } = !artifact.blob ? {} : { blob: artifact.blob.sha256 };
  return {
    ...blob,
    ...spans,
    asset_id: artifact.asset_id,
    kind: artifact.artifact_type,
    schema_version: artifact.schema_version,
    payload: artifact.payload,
  };
}

/** Every step from the payload to the root, each compared with what the document states. */
export async function verify(explanation: Explanation): Promise<ProofStep[]> {
  const { artifact, made, ledger } = explanation;
  const steps: ProofStep[] = [];
  if (!explanation.erased) steps.push(step("What it says", await sha256(utf8(canonical(claim(explanation)))), artifact.content_hash));
  const leaf = (admission: string) =>
    leaf_of({
      admission,
      commitment: artifact.content_hash,
      kind: artifact.artifact_type,
      lineage_hash: made.lineage_hash,
      record_id: artifact.artifact_id,
      run: artifact.run_id,
      schema_version: artifact.schema_version,
    });
  // The envelope does not say whether the record counts or came too late; one of the two has to fit.
  const counted = await leaf("new");
  steps.push(step("Its leaf", hex(counted) === ledger.leaf ? counted : await leaf("stale"), ledger.leaf));
  return [...steps, ...(await ledger_steps(ledger))];
}

/** A step whose outcome was computed here, and what the document says that it is. */
export function step(name: string, computed: Uint8Array | null, stated: string): ProofStep {
  const text = computed === null ? "the path does not fit the tree" : hex(computed);
  return { name, computed: text, stated, holds: text === stated };
}

/** The steps from a leaf to the root of its batch, and from there to the root of the ledger. */
export async function ledger_steps(ledger: Explanation["ledger"]): Promise<ProofStep[]> {
  const batch = step(
    `Batch ${ledger.batch}`,
    await root_of(unhex(ledger.leaf), ledger.seq - ledger.first_seq, ledger.count, ledger.path_in_batch),
    ledger.leaves_root,
  );
  const head = await leaf_of({
    at_us: ledger.at_us,
    batch: ledger.batch,
    count: ledger.count,
    first_seq: ledger.first_seq,
    leaves_root: ledger.leaves_root,
  });
  return [batch, step("The ledger", await root_of(head, ledger.batch - 1, ledger.batches, ledger.path_in_ledger), ledger.root)];
}

/** Browsers lend their hash functions to pages from this machine and to pages over HTTPS alone. */
export function can_verify(): boolean {
  return typeof crypto !== "undefined" && crypto.subtle !== undefined;
}
