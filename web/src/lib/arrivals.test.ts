import { expect, it } from "vitest";
import { in_place } from "./arrivals";

const row = (id: string, n: number) => ({ id, n });
const of = (shown: ReturnType<typeof row>[], fresh: ReturnType<typeof row>[]) => in_place(shown, fresh, (one) => one.id);

it("rows change where they stand, whatever order they would have now", () =>
  expect(of([row("a", 1), row("b", 1)], [row("b", 2), row("a", 1)])).toEqual({ rows: [row("a", 1), row("b", 2)], arrived: 0 }));

it("what arrived is counted and moves nothing", () =>
  expect(of([row("a", 1), row("b", 1)], [row("c", 1), row("d", 1), row("a", 2)])).toEqual({ rows: [row("a", 2), row("b", 1)], arrived: 2 }));
