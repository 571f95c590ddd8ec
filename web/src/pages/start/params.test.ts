import { describe, expect, test } from "vitest";
import { Problem } from "../../api/problem";
import type { PipelineStep } from "../../api/types";
import { bounds_of, fields_of, placed, read, set_of, text_of, texts_of, type Field } from "./params";

const step: PipelineStep = {
  name: "thumbnail",
  extractor: "image.thumbnail",
  profile: "balanced",
  config_hash: "",
  media: ["image"],
  params: { edges: [256, 1024], quality: 80, tags: true },
  params_schema: {
    type: "object",
    properties: {
      edges: { type: "array", items: { type: "integer", minimum: 16, maximum: 4096 }, minItems: 1, maxItems: 3, description: "Edges." },
      quality: { type: "integer", minimum: 1, maximum: 100, default: 90 },
      speed: { type: "number", minimum: 0, default: 0.5 },
      tags: { type: "boolean" },
      mode: { enum: ["fast", "best"], default: "fast" },
      note: { type: ["string", "null"] },
      other: { type: "object", default: { a: 1 } },
    },
  },
};
const fields = fields_of(step);
const field = (name: string) => fields.find((one) => one.name === name) as Field;

test("fields have the type of the schema and the value of the pipeline", () => {
  expect(fields.map((one) => [one.name, one.type, one.preset])).toEqual([
    ["edges", "integers", [256, 1024]],
    ["quality", "integer", 80],
    ["speed", "number", 0.5],
    ["tags", "boolean", true],
    ["mode", "choice", "fast"],
    ["note", "text", null],
    ["other", "json", { a: 1 }],
  ]);
  expect(fields_of({ ...step, params_schema: {} })).toEqual([]);
  expect(bounds_of(field("edges"))).toBe("16 to 4096");
  expect(bounds_of(field("speed"))).toBe("at least 0");
});

describe("what is typed", () => {
  test.each([
    ["quality", " 60 ", { value: 60 }],
    ["quality", "", { error: "A number is needed." }],
    ["quality", "high", { error: "“high” is no number." }],
    ["quality", "60.5", { error: "Only whole numbers." }],
    ["quality", "0", { error: "At least 1." }],
    ["quality", "101", { error: "At most 100." }],
    ["speed", "0.25", { value: 0.25 }],
    ["edges", "256, 512", { value: [256, 512] }],
    ["edges", "256 8", { error: "8: At least 16." }],
    ["edges", "", { error: "At least 1." }],
    ["edges", "16 17 18 19", { error: "At most 3." }],
    ["tags", "false", { value: false }],
    ["mode", "best", { value: "best" }],
    ["note", " as it is ", { value: " as it is " }],
    ["other", '{"a":2}', { value: { a: 2 } }],
    ["other", "{", { error: "This is no JSON." }],
  ])("%s: %j", (name, text, reading) => {
    expect(read(field(name), text)).toEqual(reading);
  });
});

test("values come back from their text", () => {
  for (const one of fields.filter((known) => known.preset !== null)) expect(read(one, text_of(one, one.preset))).toEqual({ value: one.preset });
});

test("only what was changed is set, and it can be read back", () => {
  const texts = { "thumbnail.quality": "60", "thumbnail.edges": "256,1024", "thumbnail.mode": "best", "thumbnail.speed": "no" };
  const set = set_of(fields, texts);
  expect(set).toEqual(["thumbnail.quality=60", 'thumbnail.mode="best"']);
  expect(texts_of(fields, set)).toEqual({ "thumbnail.quality": "60", "thumbnail.mode": "best" });
  expect(texts_of(fields, ["thumbnail.mode=best", "gone.x=1"])).toEqual({ "thumbnail.mode": "best" });
});

test("findings stand beside their fields", () => {
  const problem = new Problem(
    400,
    {
      errors: [
        { pointer: "/step/0/params/quality", code: "bad_parameter", message: "101 is greater than the maximum of 100" },
        { pointer: "/step/0/params/edges/1", code: "bad_parameter", message: "8 is less than the minimum of 16" },
        { pointer: "/set/1", code: "body-invalid", message: "not of the form" },
        { pointer: "/policy", code: "body-invalid", message: "no such policy" },
      ],
    },
    null,
  );
  expect(placed(problem, [step], ["a.b=1", "thumbnail.mode=best"])).toEqual({
    fields: {
      "thumbnail.quality": "101 is greater than the maximum of 100",
      "thumbnail.edges": "8 is less than the minimum of 16",
      "thumbnail.mode": "not of the form",
    },
    rest: ["no such policy"],
  });
});
