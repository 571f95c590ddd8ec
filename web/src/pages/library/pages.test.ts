import { expect, it } from "vitest";
import { lay_out } from "./layout";
import { pages_for } from "./pages";

const layout = lay_out(
  [
    { bucket: "2019-07", count: 1200, ratios: Array.from({ length: 1200 }, () => 150) },
    { bucket: "2019-06", count: 3, ratios: [150, 150, 150] },
    { bucket: "2019-05", count: 600, ratios: Array.from({ length: 600 }, () => 150) },
  ],
  { width: 1000, row_height: 200, gap: 4, head: 40 },
);
const keys = (first: number, end: number) => pages_for(layout, first, end).map((page) => page.key);

it.each<[number, number, string[]]>([
  [0, 1, ["2019-07/0"]],
  [499, 501, ["2019-07/0", "2019-07/500"]],
  [1199, 1204, ["2019-07/1000", "2019-06/0", "2019-05/0"]],
  [1803, 1803, []],
  [1802, 9999, ["2019-05/500"]],
])("items %i to %i lie in %j", (first, end, expected) => expect(keys(first, end)).toEqual(expected));

it("pages know their first item", () =>
  expect(pages_for(layout, 1203, 1204)[0]).toEqual({ key: "2019-05/0", bucket: "2019-05", from: 0, first: 1203 }));
