import { expect, it } from "vitest";
import { connection, model_parts, sentence_of, target_words } from "./order";

it.each([
  ["none", false, false, false, "no controller"],
  ["openclaw", true, true, false, "connected"],
  ["openclaw", true, false, false, "not well"],
  ["openclaw", false, false, true, "stale"],
  ["openclaw", false, false, false, "unavailable"],
])("AG-34: %s, connected %s, healthy %s, stale %s is %s", (controller, connected, healthy, stale, word) =>
  expect(connection({ connected, healthy, stale }, controller).word).toBe(word));

it("AG-35: a gateway that does not let us in says why", () => {
  const problem = "the gateway does not let us in: wrong token";
  expect(connection({ connected: false, healthy: false, stale: true, problem }, "openclaw").says).toContain(problem);
});

it.each([
  ["session=main-0001", "session main-0001"],
  ["agent=writer model=anthropic/claude", "agent writer to anthropic/claude"],
  ["default model=a/b", "later sessions to a/b"],
  ["agent=spare", "agent spare"],
  ["session=-x\\u{a}forged model", "session -x\\u{a}forged model"],
  ["something else", "something else"],
])("%s is %s", (target, words) => expect(target_words(target)).toBe(words));

it("an error of an order is a sentence", () => expect(sentence_of("kill not confirmed: session still running")).toBe("Kill not confirmed: session still running."));

it.each([
  ["anthropic/claude", { provider: "anthropic", model: "claude" }],
  ["openrouter/meta/llama", { provider: "openrouter", model: "meta/llama" }],
  ["claude", null],
  ["/claude", null],
  ["anthropic/", null],
])("%s is %j", (text, parts) => expect(model_parts(text)).toEqual(parts));
