import { describe, expect, it } from "vitest";
import { problem_of } from "./problem";

const answer = (status: number, body: unknown) => problem_of(new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "x-request-id": "r1" } }));

describe("problem_of", () => {
  it("takes a problem as it is", async () =>
    expect(await answer(404, { title: "Gone", code: "not-found", detail: "There is none.", errors: [] })).toMatchObject({ status: 404, code: "not-found", message: "There is none.", request_id: "r1" }));

  it("takes a sentence of the older contract", async () =>
    expect(await answer(400, { error: "Invalid sort value" })).toMatchObject({ status: 400, code: "http-400", message: "Invalid sort value", places: [] }));

  it("says which permission is missing", async () => {
    const problem = await answer(403, { error: "Forbidden", requiredScope: "control" });
    expect(problem.no_permission).toBe(true);
    expect(problem.message).toBe("The `control` permission is missing.");
  });

  it("takes each mistake of the older contract", async () => {
    const body = { error: { code: "VALIDATION_ERROR", message: "Invalid ingest payload", details: [{ field: "session.modelId", message: "is required" }] } };
    const problem = await answer(400, body);
    expect(problem).toMatchObject({ code: "VALIDATION_ERROR", message: "Invalid ingest payload: session.modelId: is required" });
    expect(problem.places).toMatchObject([{ pointer: "/session.modelId", message: "is required" }]);
  });

  it("keeps what the audit holds of an order that went wrong", async () => {
    const body = { error: "kill not confirmed: session still running", outcome: "unconfirmed", finalState: "running", auditId: "01K" };
    const problem = await answer(500, body);
    expect(problem.message).toBe("kill not confirmed: session still running");
    expect(problem.noted).toEqual({ outcome: "unconfirmed", finalState: "running", auditId: "01K" });
    expect((await answer(500, { error: "Internal error" })).noted).toBeNull();
  });

  it("never throws", async () => expect(await answer(502, "<html>")).toMatchObject({ status: 502, places: [] }));
});
