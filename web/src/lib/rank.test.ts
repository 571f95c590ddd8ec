import { expect, it } from "vitest";
import { rank } from "./rank";

const commands = ["Go to Library", "Go to Runs", "Log out", "Larger pictures", "Select everything shown"];

it.each([
  ["", commands],
  ["runs", ["Go to Runs"]],
  ["l", ["Log out", "Larger pictures", "Go to Library", "Select everything shown"]],
  ["go lib", ["Go to Library"]],
  ["nothing", []],
])("%s", (text, expected) => expect(rank(text, commands, (one) => one)).toEqual(expected));
