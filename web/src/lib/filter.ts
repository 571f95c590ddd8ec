// The filter language as far as the page needs it: where an error is, and which conditions a text is made of. What a filter means
// and whether it is right is for the server alone.
import type { Problem } from "../api/problem";

/** Place in a JavaScript string of a byte of its UTF-8; a byte within a letter counts as its beginning. */
export function index_of_byte(text: string, offset: number): number {
  let bytes = 0;
  let index = 0;
  for (const letter of text) {
    const size = utf8_size(letter.codePointAt(0) ?? 0);
    if (bytes + size > offset) return index;
    bytes += size;
    index += letter.length;
  }
  return index;
}

function utf8_size(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

export interface FilterError {
  message: string;
  hint: string | null;
  /** The text before, at and after the place; all of it before when the place is not known. */
  before: string;
  at: string;
  after: string;
}

/** Cuts the text at the place that the server's problem points at. */
export function filter_error(text: string, problem: Problem): FilterError {
  const place = problem.places.find((one) => one.offset != null);
  const message = place?.message ?? problem.message;
  if (place?.offset == null) return { message, hint: problem.hint, before: text, at: "", after: "" };
  const start = index_of_byte(text, place.offset);
  const end = Math.max(start, index_of_byte(text, place.offset + (place.length ?? 1)));
  return { message, hint: problem.hint, before: text.slice(0, start), at: text.slice(start, end), after: text.slice(end) };
}

export interface Condition {
  /** As it stands in the filter, with `not` and parentheses. */
  text: string;
  start: number;
  end: number;
}

interface Word {
  text: string;
  start: number;
  end: number;
  quoted: boolean;
}

/** Words at the top: parentheses and quotation marks stay whole; null when one is not closed. */
function words_of(text: string): Word[] | null {
  const words: Word[] = [];
  let start = -1;
  let depth = 0;
  let in_quotes = false;
  let quoted = false;
  for (let at = 0; at <= text.length; at += 1) {
    const letter = text[at];
    if (letter === undefined || (letter === " " && depth === 0 && !in_quotes)) {
      if (start !== -1) words.push({ text: text.slice(start, at), start, end: at, quoted });
      start = -1;
      quoted = false;
      continue;
    }
    if (start === -1) start = at;
    if (letter === "\\") {
      at += 1;
    } else if (letter === '"') {
      in_quotes = !in_quotes;
      quoted = true;
    } else if (!in_quotes) {
      if (letter === "(") depth += 1;
      if (letter === ")") depth -= 1;
    }
  }
  return in_quotes || depth !== 0 ? null : words;
}

const OPERATOR_END = /[:=<>]$/;
const OPERATOR_START = /^[:=<>]/;

function keyword(word: Word | undefined): string | null {
  if (word === undefined || word.quoted) return null;
  const small = word.text.toLowerCase();
  return ["and", "or", "not", "sample", "seed"].includes(small) ? small : null;
}

/**
 * The conditions that all have to hold, in order, so that each can be a chip and be taken away alone. A filter with `or` at its top is one
 * condition; so is one that this reading does not understand.
 */
export function conditions(text: string): Condition[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  const whole: Condition[] = [{ text: trimmed, start: text.indexOf(trimmed), end: text.indexOf(trimmed) + trimmed.length }];
  const words = words_of(text);
  if (words === null || words.some((word) => keyword(word) === "or")) return whole;
  const found: Condition[] = [];
  let at = 0;
  while (at < words.length) {
    const first = words[at];
    if (first === undefined) break;
    if (keyword(first) === "and") {
      at += 1;
      continue;
    }
    const last = end_of_condition(words, at);
    const end = words[last]?.end ?? first.end;
    found.push({ text: text.slice(first.start, end), start: first.start, end });
    at = last + 1;
  }
  return found;
}

/** Index of the last word of the condition that begins at `at`. */
function end_of_condition(words: Word[], at: number): number {
  let last = at;
  while (keyword(words[last]) === "not" && last + 1 < words.length) last += 1;
  if (keyword(words[last]) === "sample") return end_of_sample(words, last);
  // Spaces may stand around an operator: `size > 5MB`.
  for (;;) {
    const here = words[last];
    const next = words[last + 1];
    if (here === undefined || next === undefined) return last;
    if (!OPERATOR_START.test(next.text) && !OPERATOR_END.test(here.text)) return last;
    last += 1;
  }
}

function end_of_sample(words: Word[], at: number): number {
  const after = Math.min(words.length - 1, at + 1);
  return keyword(words[after + 1]) === "seed" ? Math.min(words.length - 1, after + 2) : after;
}

/** The filter without one of its conditions. */
export function without(text: string, gone: Condition): string {
  return conditions(text)
    .filter((condition) => condition.start !== gone.start)
    .map((condition) => condition.text)
    .join(" ");
}

/** The filter with one more condition at its end, before a sample. */
export function with_condition(text: string, added: string): string {
  const present = conditions(text).map((condition) => condition.text);
  if (present.includes(added)) return text.trim();
  const only_or = present.length === 1 && (words_of(text) ?? []).some((word) => keyword(word) === "or");
  const kept = only_or ? [`(${text.trim()})`] : present;
  const sample = kept.findIndex((one) => /^sample\s/i.test(one));
  if (sample === -1) return [...kept, added].join(" ");
  return [...kept.slice(0, sample), added, ...kept.slice(sample)].join(" ");
}

/** A value as it can stand after a colon: quoted when it holds a space, parenthesis or quotation mark. */
export function quoted(value: string): string {
  if (value !== "" && !/[\s()"\\]/.test(value) && !/^(and|or|not|sample|seed)$/i.test(value)) return value;
  return `"${value.replace(/(["\\])/g, "\\$1")}"`;
}
