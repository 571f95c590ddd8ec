import { describe, expect, it } from "vitest";
import { columns, date_of, day_s, sentence } from "./series";

const day = (date: string, costUsd: number, runs = 1) => ({ date, costUsd, runs, tokens: 10, runtimeMs: 1000 });

describe("columns", () => {
  it("are nothing of nothing", () => expect(columns([], "cost")).toEqual([[], []]));

  it("have a gap where there was nothing", () => {
    const [at, values] = columns([day("2026-02-27", 1), day("2026-03-02", 2, 3)], "cost");
    expect(at.map(date_of)).toEqual(["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
    expect(values).toEqual([1, null, null, 2]);
  });

  it("do not fill centuries", () => expect(columns([day("1970-01-01", 1), day("2026-01-01", 1)], "runs")[0]).toEqual([0, day_s("2026-01-01")]));
});

it("the sentence names the highest day", () =>
  expect(sentence([day("2026-01-01", 1), day("2026-01-03", 2.5)], "cost")).toBe("Cost by day from 2026-01-01 to 2026-01-03, 2 days with data; the most on 2026-01-03: $2.50"));
