import { expect, test } from "vitest";
import { collection_command, run_command, shell_word } from "./command";

test.each([
  ["tiny_sample", "tiny_sample"],
  ["taken:2015", "taken:2015"],
  ["type:image not in:a", "'type:image not in:a'"],
  ["it's", `'it'\\''s'`],
  ["size>5MB", "'size>5MB'"],
  ["", "''"],
  ["$HOME", "'$HOME'"],
])("%j as a word of a shell", (text, word) => {
  expect(shell_word(text)).toBe(word);
});

test("a run as a command", () => {
  expect(run_command({ pipeline: "basics", collection: "all", policy: "production" })).toBe("exhibit run basics");
  expect(
    run_command({ pipeline: "basics", filter: "taken:2015 type:image", policy: "sandbox", set: ["thumbnail.edges=[256,512]", "thumbnail.quality=60"], recompute: true }),
  ).toBe("exhibit run basics --filter 'taken:2015 type:image' --policy sandbox --set 'thumbnail.edges=[256,512]' --set thumbnail.quality=60 --recompute");
});

test("a collection as a command", () => {
  expect(collection_command({ name: "a", filter: "sample 100 seed 1", about: "a few" })).toBe(
    "exhibit collections create a --filter 'sample 100 seed 1' --about 'a few'",
  );
  expect(collection_command({ name: "bad", run: "run_1", state: "failed", replace: true })).toBe(
    "exhibit collections create bad --from-run run_1 --state failed --replace",
  );
});
