import { expect, test } from "vitest";
import { limit_name, limit_text, sections_of } from "./tables";

test("a configuration as rows", () => {
  const config = { engine: { workers: 2, disk: { reserve: "5GB" } }, server: { hosts: [], behind_proxy: false, allowed: ["/a", "/b"], x: null }, sources: {} };
  expect(sections_of(config)).toEqual([
    {
      section: "engine",
      rows: [
        { name: "workers", variable: "EXHIBIT_ENGINE__WORKERS", value: "2" },
        { name: "disk.reserve", variable: "EXHIBIT_ENGINE__DISK__RESERVE", value: "5GB" },
      ],
    },
    {
      section: "server",
      rows: [
        { name: "hosts", variable: "EXHIBIT_SERVER__HOSTS", value: "none" },
        { name: "behind_proxy", variable: "EXHIBIT_SERVER__BEHIND_PROXY", value: "no" },
        { name: "allowed", variable: "EXHIBIT_SERVER__ALLOWED", value: "/a, /b" },
        { name: "x", variable: "EXHIBIT_SERVER__X", value: "not set" },
      ],
    },
    { section: "sources", rows: [] },
  ]);
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
