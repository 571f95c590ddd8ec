import { describe, expect, it } from "vitest";
import { link, place_of, query_of, search_of } from "./routes";

describe("place_of", () => {
  it.each([
    ["/", "library", {}],
    ["/library/", "library", {}],
    ["/assets/ast_00", "asset", { asset: "ast_00" }],
    ["/runs/run_1", "run", { run: "run_1" }],
    ["/runs/run_1/compare/run_2", "compare", { run: "run_1", other: "run_2" }],
    ["/collections/a%20b", "collection", { collection: "a b" }],
    ["/collections/%zz", "collection", { collection: "%zz" }],
    ["/agents", "agents-overview", {}],
    ["/agents/ledger", "agents-ledger", {}],
    ["/agents/sessions/agent%3Amain%2F1", "agents-session", { session: "agent:main/1" }],
    ["/agents/nothing", "nowhere", {}],
    ["/api/v3/ledger/s1", "nowhere", {}],
    ["/runs/run_1/nothing", "nowhere", {}],
    ["/v1/runs", "nowhere", {}],
  ])("%s", (path, page, params) => expect(place_of(path)).toEqual({ page, params }));
});

describe("queries", () => {
  it("come back as they went", () => {
    const query = { filter: 'type:image camera:"Canon EOS*" size>5MB a+b', at: "2019-07" };
    expect(query_of(search_of(query))).toEqual(query);
  });

  it("leave out what is empty", () => expect(link("/library", { filter: "", at: null, tab: undefined })).toBe("/library"));
  it("stay readable", () => expect(link("/library", { filter: "type:image taken:2019" })).toBe("/library?filter=type:image+taken:2019"));
});
