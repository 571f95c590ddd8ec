import { expect, it } from "vitest";
import type { SessionProof } from "../../api/agents";
import { verify_session } from "./session_proof";

const bytes = (...parts: (Uint8Array | string)[]) => Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? new TextEncoder().encode(part) : part)]));
const sha = async (...parts: (Uint8Array | string)[]) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(...parts)));
const leaf = (text: string) => sha(Uint8Array.of(0), text);
const node = (left: Uint8Array, right: Uint8Array) => sha(Uint8Array.of(1), left, right);
const hex = (hash: Uint8Array) => [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A proof over a ledger of two batches of two records, its bytes written out by hand as the formats of the ledger have them. */
async function proof(): Promise<SessionProof> {
  const body = '{"document":{"session":{"sessionId":"s1"}},"feed":"http"}';
  const content = await sha(`{"kind":"agents.session","payload":${body},"schema_version":1}`);
  const own = await leaf(`{"admission":"new","commitment":"${hex(content)}","kind":"agents.session","record_id":"ses_1","schema_version":1}`);
  const [other, other_batch] = [await leaf("another record"), await leaf("another batch")];
  const root_of_batch = await node(other, own);
  const head = await leaf(`{"at_us":1700000000000000,"batch":1,"count":2,"first_seq":1,"leaves_root":"${hex(root_of_batch)}"}`);
  return {
    recordId: "ses_1",
    kind: "agents.session",
    schemaVersion: 1,
    admission: "new",
    ledgerSeq: 2,
    body: JSON.parse(body) as never,
    bodyHash: hex(await sha(body)),
    contentHash: hex(content),
    inclusion: {
      seq: 2,
      leaf: hex(own),
      batch: 1,
      first_seq: 1,
      count: 2,
      at_us: 1_700_000_000_000_000,
      leaves_root: hex(root_of_batch),
      path_in_batch: [hex(other)],
      batches: 2,
      path_in_ledger: [hex(other_batch)],
      root: hex(await node(head, other_batch)),
    },
    holds: true,
    problems: [],
    conflicts: [],
    stale: [],
  };
}

it("the proof of a session holds from the document to the root", async () =>
  expect((await verify_session(await proof())).map(({ name, holds }) => [name, holds])).toEqual([
    ["What was told", true],
    ["What it commits to", true],
    ["Its leaf", true],
    ["Batch 1", true],
    ["The ledger", true],
  ]));

it.each<[string, (proof: SessionProof) => unknown, string]>([
  ["a document", (p) => (p.body = { document: {} }), "What was told"],
  ["a kind", (p) => (p.kind = "agents.other"), "What it commits to"],
  ["an id", (p) => (p.recordId = "ses_2"), "Its leaf"],
  ["a place", (p) => (p.inclusion.seq = 1), "Batch 1"],
  ["a time", (p) => (p.inclusion.at_us += 1), "The ledger"],
])("it fails when %s is not what it was", async (_, change, name) => {
  const changed = await proof();
  change(changed);
  expect((await verify_session(changed)).filter((step) => !step.holds).map((step) => step.name)).toContain(name);
});

it("what was erased is passed by", async () => {
  const { body, bodyHash, ...erased } = await proof();
  expect(body !== undefined && bodyHash !== undefined).toBe(true);
  expect((await verify_session(erased)).map(({ holds }) => holds)).toEqual([true, true, true]);
});
