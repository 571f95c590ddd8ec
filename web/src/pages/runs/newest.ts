// The newest pictures of a run in a fixed number of places. Pure.
import type { ArtifactNews } from "../../api/types";

/** Kinds that can be seen as a small picture. */
export const PICTURE_KINDS = ["image.thumbnail", "video.keyframe"];

export interface Shown {
  asset_id: string;
  /** Grows with each picture that comes; 0 for those that were there at first. */
  round: number;
}

/**
 * Puts new pictures where the oldest ones are, so that nothing moves; an asset that is shown already stays where it is.
 * `round` is the highest so far; each picture gets the next. While the pictures are `held`, free places are filled and nothing is replaced.
 */
export function with_news(shown: readonly Shown[], news: readonly ArtifactNews[], run: string, places: number, held = false): Shown[] {
  const next = [...shown];
  let round = next.reduce((high, one) => Math.max(high, one.round), 0);
  for (const item of news) {
    if (item.run !== run || !PICTURE_KINDS.includes(item.kind) || next.some((one) => one.asset_id === item.asset_id)) continue;
    const one = { asset_id: item.asset_id, round: ++round };
    if (next.length < places) next.push(one);
    else if (!held) next[oldest(next)] = one;
  }
  return next;
}

/** Those that were there at first came newest first, so the last of them is the oldest. */
function oldest(shown: readonly Shown[]): number {
  const lowest = Math.min(...shown.map((one) => one.round));
  return shown.findLastIndex((one) => one.round === lowest);
}
