import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { conditions, filter_error, index_of_byte, quoted, with_condition, without } from "./filter";

describe("index_of_byte", () => {
  it.each([
    ["type:image", 5, 5],
    ["ü x", 2, 1],
    ["ü x", 3, 2],
    ["😀 x", 4, 2],
    ["😀 x", 2, 0],
    ["abc", 99, 3],
  ])("%s byte %i is letter %i", (text, offset, index) => {
    expect(index_of_byte(text, offset)).toBe(index);
  });
});

describe("filter_error", () => {
  const problem = (places: object[]) => new Problem(400, { detail: "not understood", errors: places as never }, null);

  it("cuts the text where the server points", () => {
    const error = filter_error(
      "müll widht>100",
      problem([{ pointer: "/filter", code: "unknown_field", message: "there is no field", offset: 6, length: 5 }]),
    );
    expect([error.before, error.at, error.after]).toEqual(["müll ", "widht", ">100"]);
    expect(error.message).toBe("there is no field");
  });

  it("points behind the end when something is missing there", () => {
    const error = filter_error("type:", problem([{ pointer: "/filter", code: "missing_value", message: "m", offset: 5, length: 0 }]));
    expect([error.before, error.at, error.after]).toEqual(["type:", "", ""]);
  });

  it("shows the text whole without a place", () => {
    expect(filter_error("a", problem([])).before).toBe("a");
  });
});

describe("conditions", () => {
  it.each([
    ["", []],
    ["  beach  ", ["beach"]],
    ["type:image taken:2019", ["type:image", "taken:2019"]],
    ["type:image and taken:2019", ["type:image", "taken:2019"]],
    ["not has:image.thumbnail in:all", ["not has:image.thumbnail", "in:all"]],
    ["not not a b", ["not not a", "b"]],
    ['camera:"Canon EOS*" beach', ['camera:"Canon EOS*"', "beach"]],
    ["size > 5MB beach", ["size > 5MB", "beach"]],
    ["size> 5MB", ["size> 5MB"]],
    ["(a or b) c", ["(a or b)", "c"]],
    ["a or b", ["a or b"]],
    ["type:image sample 100 seed 1", ["type:image", "sample 100 seed 1"]],
    ["a\\ b c", ["a\\ b", "c"]],
    ["(a b", ["(a b"]],
    ['"or" a', ['"or"', "a"]],
  ])("%s", (text, expected) => {
    expect(conditions(text).map((condition) => condition.text)).toEqual(expected);
  });

  it("says where each stands", () => {
    const text = " a  not b";
    for (const condition of conditions(text)) expect(text.slice(condition.start, condition.end)).toBe(condition.text);
  });
});

describe("changing a filter", () => {
  it("takes one condition away", () => {
    const text = "a and b c";
    const b = conditions(text)[1];
    expect(b && without(text, b)).toBe("a c");
  });

  it.each([
    ["", "type:image", "type:image"],
    ["a", "a", "a"],
    ["a or b", "c", "(a or b) c"],
    ["a sample 10", "b", "a b sample 10"],
  ])("%s with %s is %s", (text, added, expected) => {
    expect(with_condition(text, added)).toBe(expected);
  });

  it.each([
    ["beach", "beach"],
    ["two words", '"two words"'],
    ['say "hi"', '"say \\"hi\\""'],
    ["or", '"or"'],
    ["", '""'],
  ])("%s is quoted as %s", (value, expected) => {
    expect(quoted(value)).toBe(expected);
  });
});
