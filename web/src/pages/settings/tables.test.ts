import { expect, test } from "vitest";
import { limit_name, limit_text, sections_of, variable_of } from "./tables";

test("a configuration as rows", () => {
  expect(sections_of({ engine: { workers: 2, disk: { reserve: "5GB" } }, server: { hosts: [], behind_proxy: false, sources_allowed: ["/a", "/b"], x: null }, sources: {} })).toEqual([
    {
      section: "engine",
      rows: [
        { name: "engine.workers", value: "2" },
        { name: "engine.disk.reserve", value: "5GB" },
      ],
    },
    {
      section: "server",
      rows: [
        { name: "server.hosts", value: "none" },
        { name: "server.behind_proxy", value: "no" },
        { name: "server.sources_allowed", value: "/a, /b" },
        { name: "server.x", value: "not set" },
      ],
    },
    { section: "sources", rows: [] },
  ]);
});

test("the variable of a setting", () => {
  expect(variable_of("engine.workers")).toBe("EXHIBIT_ENGINE__WORKERS");
});

test.each([
  ["address_space_bytes", 4_294_967_296, "Memory", "4.3 GB"],
  ["file_bytes_max", 1_048_576, "Largest file that it writes", "1.0 MB"],
  ["unit_wall_s", 180, "Time of a unit", "3 min"],
  ["unit_cpu_s", 5, "Processor time of a unit", "5 s"],
  ["open_files_max", 1200, "Open files max", "1,200"],
])("%s of %d", (name, value, name_text, value_text) => {
  expect(limit_name(name)).toBe(name_text);
  expect(limit_text(name, value)).toBe(value_text);
});
