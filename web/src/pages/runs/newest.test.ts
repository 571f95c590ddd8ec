import { expect, test } from "vitest";
import type { ArtifactNews, Fact } from "../../api/types";
import { first_shown, makes_pictures, with_news, type Shown } from "./newest";

const news = (...ids: string[]): ArtifactNews[] => ids.map((asset_id) => ({ artifact_id: `art_${asset_id}`, asset_id, kind: "image.thumbnail", run: "r" }));
const ids = (shown: Shown[]) => shown.map((one) => one.asset_id).join("");

test("places are filled first, then the oldest picture gives way", () => {
  let shown: Shown[] = [
    { asset_id: "b", artifact_id: "art_b", round: 0 },
    { asset_id: "a", artifact_id: "art_a", round: 0 },
  ];
  shown = with_news(shown, news("c"), "r", 3);
  expect(ids(shown)).toBe("bac");
  shown = with_news(shown, news("d"), "r", 3);
  expect(ids(shown)).toBe("bdc");
  shown = with_news(shown, news("e", "f"), "r", 3);
  expect(ids(shown)).toBe("edf");
});

test("free places are filled also while somebody points at the pictures, and none is replaced", () => {
  const shown: Shown[] = [{ asset_id: "a", artifact_id: "a-1", round: 0 }];
  expect(ids(with_news(shown, news("b", "c", "d"), "r", 3, true))).toBe("abc");
});

test("what is shown stays where it is; other runs and kinds do not count", () => {
  const shown: Shown[] = [{ asset_id: "a", artifact_id: "art_a", round: 4 }];
  expect(with_news(shown, news("a"), "r", 3)).toEqual(shown);
  expect(with_news(shown, news("b"), "other", 3)).toEqual(shown);
  expect(with_news(shown, [{ artifact_id: "x", asset_id: "b", kind: "media.metadata", run: "r" }], "r", 3)).toEqual(shown);
});

test("places are kept only where pictures will come", () => {
  expect(makes_pictures([{ extractor: "media.metadata" }, { extractor: "video.keyframe" }])).toBe(true);
  expect(makes_pictures([{ extractor: "noop" }])).toBe(false);
});

test("of several pictures of an asset the smallest is shown, in the order in which assets came", () => {
  const fact = (asset_id: string, artifact_id: string, blob_bytes: number) => ({ asset_id, artifact_id, blob_bytes }) as Fact;
  const facts = [fact("b", "b.1", 900), fact("b", "b.0", 100), fact("a", "a.0", 50), fact("c", "c.0", 60)];
  expect(first_shown(facts, 2).map((one) => one.artifact_id)).toEqual(["b.0", "a.0"]);
});
