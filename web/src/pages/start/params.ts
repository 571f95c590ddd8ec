// Parameters of a pipeline as fields of a form, made from the JSON Schema of each extractor. Pure; the server checks all of it again.
import type { Problem } from "../../api/problem";
import type { Json, ParamsSchema, PipelineStep } from "../../api/types";

export type FieldType = "integer" | "number" | "boolean" | "text" | "choice" | "integers" | "json";

export interface Field {
  /** `thumbnail.quality`: how `--set` names it. */
  id: string;
  step: string;
  name: string;
  type: FieldType;
  about: string;
  /** What the pipeline sets; a field that says the same is not sent. */
  preset: Json;
  minimum: number | null;
  maximum: number | null;
  /** Of a choice. */
  values: Json[];
  /** Of a list: how many. */
  items_min: number;
  items_max: number | null;
}

export type Reading = { value: Json } | { error: string };

/** The fields of a step in the order of its schema; none when the extractor takes no parameters. */
export function fields_of(step: PipelineStep): Field[] {
  return Object.entries(step.params_schema?.properties ?? {}).map(([name, schema]) => {
    const bounds = schema.items ?? schema;
    return {
      id: `${step.name}.${name}`,
      step: step.name,
      name,
      type: type_of(schema),
      about: schema.description ?? "",
      preset: step.params[name] ?? schema.default ?? null,
      minimum: bounds.minimum ?? null,
      maximum: bounds.maximum ?? null,
      values: schema.enum ?? [],
      items_min: number_in(schema, "minItems") ?? 0,
      items_max: number_in(schema, "maxItems"),
    };
  });
}

function number_in(schema: ParamsSchema, name: string): number | null {
  const value = schema[name];
  return typeof value === "number" ? value : null;
}

function type_of(schema: ParamsSchema): FieldType {
  const types = [schema.type ?? []].flat().filter((type) => type !== "null");
  if (schema.enum !== undefined) return "choice";
  if (types.length !== 1) return "json";
  if (types[0] === "integer" || types[0] === "number" || types[0] === "boolean") return types[0];
  if (types[0] === "string") return "text";
  return types[0] === "array" && [schema.items?.type].flat().includes("integer") ? "integers" : "json";
}

/** A value as it stands in its field. */
export function text_of(field: Field, value: Json): string {
  if (value === null) return "";
  if (field.type === "integers" && Array.isArray(value)) return value.join(", ");
  return typeof value === "string" && field.type !== "json" ? value : JSON.stringify(value);
}

/** What a person typed as a value, or what is wrong with it. */
export function read(field: Field, text: string): Reading {
  const trimmed = text.trim();
  switch (field.type) {
    case "integer":
    case "number":
      return number_of(field, trimmed);
    case "integers":
      return list_of(field, trimmed);
    case "boolean":
      return { value: trimmed === "true" };
    case "choice":
      return { value: field.values.find((value) => text_of(field, value) === text) ?? field.preset };
    case "text":
      return { value: text };
    case "json":
      try {
        return { value: JSON.parse(trimmed) as Json };
      } catch {
        return { error: "This is no JSON." };
      }
  }
}

function number_of(field: Field, text: string): Reading {
  const value = Number(text);
  if (text === "") return { error: "A number is needed." };
  if (!Number.isFinite(value)) return { error: `“${text}” is no number.` };
  if (field.type !== "number" && !Number.isInteger(value)) return { error: "Only whole numbers." };
  const wrong = out_of(field, value);
  return wrong === null ? { value } : { error: wrong };
}

function list_of(field: Field, text: string): Reading {
  const value: number[] = [];
  for (const part of text.split(/[\s,;]+/).filter(Boolean)) {
    const one = number_of(field, part);
    if ("error" in one) return { error: `${part}: ${one.error}` };
    value.push(one.value as number);
  }
  if (value.length < field.items_min) return { error: `At least ${field.items_min}.` };
  if (field.items_max !== null && value.length > field.items_max) return { error: `At most ${field.items_max}.` };
  return { value };
}

function out_of(field: Field, value: number): string | null {
  if (field.minimum !== null && value < field.minimum) return `At least ${field.minimum}.`;
  if (field.maximum !== null && value > field.maximum) return `At most ${field.maximum}.`;
  return null;
}

/** `1 to 100`, `at least 0`: what a number may be; "" when anything may be. */
export function bounds_of(field: Field): string {
  const { minimum, maximum } = field;
  if (minimum !== null && maximum !== null) return `${minimum} to ${maximum}`;
  if (minimum !== null) return `at least ${minimum}`;
  return maximum !== null ? `at most ${maximum}` : "";
}

/** `step.param=value` of every field that does not say what the pipeline says; values are JSON. */
export function set_of(fields: readonly Field[], texts: Readonly<Record<string, string>>): string[] {
  return fields.flatMap((field) => {
    const text = texts[field.id];
    const reading = text === undefined ? null : read(field, text);
    if (reading === null || "error" in reading) return [];
    const value = JSON.stringify(reading.value);
    return value === JSON.stringify(field.preset) ? [] : [`${field.id}=${value}`];
  });
}

/** The texts that a list of `step.param=value` stands for; what names no field is left out. */
export function texts_of(fields: readonly Field[], set: readonly string[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const one of set) {
    const at = one.indexOf("=");
    const field = fields.find((known) => known.id === one.slice(0, at));
    if (field === undefined) continue;
    try {
      texts[field.id] = text_of(field, JSON.parse(one.slice(at + 1)) as Json);
    } catch {
      texts[field.id] = one.slice(at + 1);
    }
  }
  return texts;
}

export interface Placed {
  /** By the id of the field. */
  fields: Record<string, string>;
  /** What belongs to no field. */
  rest: string[];
}

/** Puts the findings of a refused run beside the fields that they point at: `/step/1/params/quality` or `/set/0`. */
export function placed(problem: Problem, steps: readonly PipelineStep[], set: readonly string[]): Placed {
  const found: Placed = { fields: {}, rest: [] };
  for (const place of problem.places) {
    const param = /^\/step\/(\d+)\/params\/([^/]+)/.exec(place.pointer);
    const index = /^\/set\/(\d+)$/.exec(place.pointer);
    const id = param ? `${steps[Number(param[1])]?.name}.${param[2]}` : index ? set[Number(index[1])]?.split("=")[0] : undefined;
    if (id === undefined) found.rest.push(place.message);
    else found.fields[id] = place.message;
  }
  return found;
}
