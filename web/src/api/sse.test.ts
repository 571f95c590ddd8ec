import { describe, expect, it, vi, afterEach } from "vitest";
import { EventParser, EventStream, retry_delay_ms } from "./sse";

describe("EventParser", () => {
  it("puts events together that come in pieces", () => {
    const parser = new EventParser();
    expect(parser.push("id: 7\nevent: ru")).toEqual([]);
    expect(parser.push('n\ndata: {"a":1}\n')).toEqual([]);
    expect(parser.push("\n")).toEqual([{ event: "run", data: '{"a":1}' }]);
    expect(parser.last_id).toBe("7");
  });

  it("joins lines of data, knows CRLF and passes comments by", () => {
    const parser = new EventParser();
    expect(parser.push(": alive\r\n\r\ndata: a\r\ndata:b\r\n\r\n")).toEqual([{ event: "message", data: "a\nb" }]);
  });

  it("keeps the id but no half event when the connection breaks", () => {
    const parser = new EventParser();
    parser.push("id: 9\ndata: half");
    parser.restart();
    expect(parser.push("data: whole\n\n")).toEqual([{ event: "message", data: "whole" }]);
    parser.push("id: 10\ndata: half");
    expect(parser.last_id).toBe("10");
  });
});

it("waits longer after each failure, up to a bound", () => {
  expect([1, 2, 3, 10].map(retry_delay_ms)).toEqual([500, 1000, 2000, 15000]);
});

describe("EventStream", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("resumes after the last event when the connection ends", async () => {
    vi.useFakeTimers();
    const asked: (string | undefined)[] = [];
    vi.stubGlobal("fetch", async (_: string, init: { headers: Record<string, string> }) => {
      asked.push(init.headers["last-event-id"]);
      return new Response(asked.length === 1 ? "id: 41\nevent: run\ndata: {}\n\n" : "");
    });
    const events: string[] = [];
    const stream = new EventStream("/v1/events", { opened() {}, event: (event) => events.push(event.event), closed() {} });
    stream.start();
    await vi.advanceTimersByTimeAsync(600);
    stream.stop();
    expect(events).toEqual(["run"]);
    expect(asked.slice(0, 2)).toEqual([undefined, "41"]);
  });

  it.each([
    ["data: {}\n\n", [false, true]],
    ["id: 1\ndata: {}\n\n", [false, false]],
  ])("says when events may have been missed (%j)", async (body, expected) => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", async () => new Response(body));
    const gaps: boolean[] = [];
    const stream = new EventStream("/v1/events", { opened: (gap) => gaps.push(gap), event() {}, closed() {} });
    stream.start();
    await vi.advanceTimersByTimeAsync(600);
    stream.stop();
    expect(gaps.slice(0, 2)).toEqual(expected);
  });

  it("does not try again when the login is gone", async () => {
    vi.useFakeTimers();
    let tries = 0;
    vi.stubGlobal("fetch", async () => ((tries += 1), new Response("", { status: 401 })));
    const closed: number[] = [];
    const stream = new EventStream("/v1/events", { opened() {}, event() {}, closed: (status) => closed.push(status) });
    stream.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([tries, closed]).toEqual([1, [401]]);
  });
});
