import { describe, expect, it } from "vitest";
import { caps_of, chord_of, chords_of } from "./chords";

const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe("chord_of", () => {
  it.each([
    [press("k", { ctrlKey: true }), "mod+k"],
    [press("k", { metaKey: true }), "mod+k"],
    [press("?", { shiftKey: true }), "?"],
    [press("T", { shiftKey: true }), "Shift+t"],
    [press("ArrowLeft", { shiftKey: true }), "Shift+ArrowLeft"],
    [press(" "), "Space"],
    [press("+", { shiftKey: true }), "+"],
    [press("Shift", { shiftKey: true }), null],
  ])("%o", (event, expected) => expect(chord_of(event)).toBe(expected));
});

it("capital letters in chords are the same keys", () =>
  expect(chords_of(["mod+K", "g L", "ArrowUp", "A"])).toEqual(["mod+k", "g l", "ArrowUp", "a"]));

it("keys are printed as they look", () => {
  expect(caps_of("mod+k", true)).toEqual(["⌘", "K"]);
  expect(caps_of("mod+k", false)).toEqual(["Ctrl", "K"]);
  expect(caps_of("g l", false)).toEqual(["G", "L"]);
  expect(caps_of("+", false)).toEqual(["+"]);
});
