import { expect, test } from "vitest";
import type { RunEvent, RunStatus } from "../../api/types";
import { merged, unlisted } from "./merge";

const run = (id: string, created: string) => ({ run: id, created, state: "running", units: { pending: 2 }, reasons: [] }) as unknown as RunStatus;
const event = (id: string, created: string) => ({ run: id, created, state: "completed", units: { done: 2 }, rate_per_s: 3 }) as unknown as RunEvent;

test("an event wins over what was loaded, and the reasons stay", () => {
  const one = merged(run("a", "2026-01-01"), event("a", "2026-01-01"));
  expect(one).toMatchObject({ state: "completed", units: { done: 2 }, rate_per_s: 3, reasons: [] });
  expect(merged(run("a", "2026-01-01"), undefined).rate_per_s).toBe(null);
});

test("only newer runs that are not listed are new", () => {
  const listed = [run("b", "2026-01-02"), run("a", "2026-01-01")];
  const heard = [event("c", "2026-01-03"), event("b", "2026-01-02"), event("old", "2025-01-01")];
  expect(unlisted(listed, heard).map((one) => one.run)).toEqual(["c"]);
  expect(unlisted([], heard)).toHaveLength(3);
});
