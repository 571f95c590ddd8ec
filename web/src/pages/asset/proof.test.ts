import { describe, expect, it } from "vitest";
import type { Explanation } from "../../api/types";
import document from "./testdata/explanation.json";
import { canonical, root_of, verify } from "./proof";

// A thumbnail of the sample archive, as `exhibit explain --json` printed it.
const read = () => structuredClone(document) as unknown as Explanation;

describe("verify", () => {
  it("holds for a real artifact, step by step up to the root", async () => {
    const steps = await verify(read());
    expect(steps.map((step) => [step.name, step.holds])).toEqual([
      ["What it says", true],
      ["Its leaf", true],
      ["Batch 18", true],
      ["The ledger", true],
    ]);
  });

  it.each<[string, (explanation: Explanation) => unknown, string]>([
    ["a payload", (e) => (e.artifact.payload["width"] = 193), "What it says"],
    ["a blob", (e) => (e.artifact.blob!.sha256 = "0".repeat(64)), "What it says"],
    ["a run", (e) => (e.artifact.run_id = "run_00000000000000000000000000"), "Its leaf"],
    ["a lineage", (e) => (e.made.lineage_hash = "0".repeat(64)), "Its leaf"],
    ["a place", (e) => (e.ledger.seq += 1), "Batch 18"],
    ["a time", (e) => (e.ledger.at_us += 1), "The ledger"],
    ["a path", (e) => e.ledger.path_in_ledger.pop(), "The ledger"],
  ])("fails when %s is not what it was", async (_, change, name) => {
    const explanation = read();
    change(explanation);
    const steps = await verify(explanation);
    expect(steps.filter((step) => !step.holds).map((step) => step.name)).toContain(name);
  });

  it("passes the payload by when it was erased", async () => {
    const steps = await verify({ ...read(), erased: true });
    expect(steps).toHaveLength(3);
  });
});

it("a tree of one leaf is its leaf", async () => {
  const leaf = new Uint8Array(32).fill(7);
  expect(await root_of(leaf, 0, 1, [])).toEqual(leaf);
  expect(await root_of(leaf, 0, 1, ["00"])).toBeNull();
  expect(await root_of(leaf, 1, 1, [])).toBeNull();
});

it("canonical form sorts keys and keeps the order of lists", () => {
  expect(canonical({ b: [2, 1, null], a: { d: "\u20ac\n", c: 2.8e-7 } })).toBe('{"a":{"c":2.8e-7,"d":"€\\n"},"b":[2,1,null]}');
});
