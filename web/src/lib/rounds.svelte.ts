import { untrack } from "svelte";

/** Calls `reload` each time that a number grows, and not for the number that is there first. Call it while a component is set up. */
export function reload_each(round: () => number, reload: () => void): void {
  let seen: number | undefined;
  $effect(() => {
    const now = round();
    if (seen !== undefined && now !== seen) untrack(reload);
    seen = now;
  });
}
