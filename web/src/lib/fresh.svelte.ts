import { untrack } from "svelte";
import { live } from "./live.svelte";

/**
 * Calls `reload` whenever the page may have missed something: after a connection that broke or slept, and when the server says that too
 * much went by. Call it while a component is set up.
 */
export function keep_fresh(reload: () => void): void {
  let seen = live.connects;
  $effect(() => {
    const connects = live.connects;
    if (connects === seen) return;
    // The first connection of the page tells nothing new.
    const missed = seen > 0;
    seen = connects;
    if (missed) untrack(reload);
  });
  $effect(() => live.on("reset", () => reload()));
}
