import { untrack } from "svelte";
import { live } from "./live.svelte";

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
