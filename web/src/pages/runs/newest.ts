// The newest pictures of a run in a fixed number of places. Pure.
import type { ArtifactNews, Fact } from "../../api/types";

/** Kinds that can be seen as a small picture. */
export const PICTURE_KINDS = ["image.thumbnail", "video.keyframe"];

/** Whether a run with these steps makes any. */
export function makes_pictures(steps: readonly { extractor: string }[]): boolean {
  return steps.some((step) => PICTURE_KINDS.includes(step.extractor));
}

export interface Shown {
  asset_id: string;
  /** The run's own picture of it: that of the asset may be another run's. */
  artifact_id: string;
  /** Grows with each picture that comes; 0 for those that were there at first. */
  round: number;
}

/** The first pictures of a run, one of each asset, the smallest of those that there are of it. */
export function first_shown(facts: readonly Fact[], places: number): Shown[] {
  const smallest = new Map<string, Fact>();
  for (const fact of facts) {
    const known = smallest.get(fact.asset_id);
    if (known === undefined || (fact.blob_bytes ?? 0) < (known.blob_bytes ?? 0)) smallest.set(fact.asset_id, fact);
  }
  return [...smallest.values()].slice(0, places).map(({ asset_id, artifact_id }) => ({ asset_id, artifact_id, round: 0 }));
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
    const one = { asset_id: item.asset_id, artifact_id: item.artifact_id, round: ++round };
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
