import * as routes from "../../api/routes";
import { as_problem } from "../../api/problem";
import { live } from "../../lib/live.svelte";
import { router } from "../../lib/router.svelte";
import { toasts } from "../../lib/toasts.svelte";
import type { RunDraft } from "./draft.svelte";

/** Starts the run of a draft and shows it; a refusal stays in the draft, beside the fields that it is about. */
export async function start(draft: RunDraft): Promise<void> {
  draft.refused = null;
  try {
    const run = await routes.start_run(draft.request);
    live.know(run);
    router.go(`/runs/${run.run}`);
  } catch (error) {
    const problem = as_problem(error);
    if (problem.places.some((place) => place.offset != null)) draft.filter_problem = problem;
    draft.refused = problem;
    if (problem.offline) toasts.show("The run was not started: the server cannot be reached.", "error");
  }
}
