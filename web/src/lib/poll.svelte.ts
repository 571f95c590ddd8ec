import { untrack } from "svelte";
import { live } from "./live.svelte";

/** No event tells what a gateway does by itself. The server asks it once a second at most, whoever looks. */
export const STATUS_EVERY_MS = 3_000;

/** Calls `reload` again and again while the page is seen and the server is there: for what no event tells. Call it while a component is set up. */
export function keep_asking(reload: () => void, every_ms: number): void {
  $effect(() => {
    if (live.state === "offline") return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") untrack(reload);
    }, every_ms);
    return () => clearInterval(timer);
  });
}
