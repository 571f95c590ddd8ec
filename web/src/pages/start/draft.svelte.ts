// A run that is about to be started: what the form says, whether it can be sent, and how the address bar keeps it.
import type { NewRun, Pipeline, Policy } from "../../api/types";
import type { Problem } from "../../api/problem";
import type { Query } from "../../lib/routes";
import { fields_of, placed, read, set_of, texts_of, type Field } from "./params";
import { run_command } from "./command";

export class RunDraft {
  pipelines = $state.raw<readonly Pipeline[]>([]);
  name = $state("");
  way = $state<"collection" | "filter">("collection");
  collection = $state("all");
  filter = $state("");
  policy = $state<Policy>("production");
  recompute = $state(false);
  /** What stands in the fields that were touched, by field id. */
  texts = $state<Record<string, string>>({});
  /** Assets that it would go over; null while that is not known. */
  matches = $state<number | null>(null);
  filter_problem = $state.raw<Problem | null>(null);
  /** Why the server refused it. */
  refused = $state.raw<Problem | null>(null);
  private readonly asked_set: string[];

  constructor(query: Query) {
    this.name = query.pipeline ?? "";
    if (query.filter !== undefined) this.way = "filter";
    this.filter = query.filter ?? "";
    this.collection = query.collection ?? "all";
    this.policy = query.policy === "sandbox" ? "sandbox" : "production";
    this.recompute = query.recompute === "yes";
    this.asked_set = (query.set ?? "").split(" ").filter(Boolean).map((one) => one.replace(/%(25|20)/g, decodeURIComponent));
  }

  /** Takes in the pipelines that there are; only now the parameters of the address can be understood. */
  know(pipelines: readonly Pipeline[]): void {
    this.pipelines = pipelines;
    if (!pipelines.some((one) => one.name === this.name)) this.name = pipelines[0]?.name ?? "";
    if (Object.keys(this.texts).length === 0) this.texts = texts_of(this.fields, this.asked_set);
  }

  readonly pipeline: Pipeline | undefined = $derived(this.pipelines.find((one) => one.name === this.name));
  readonly fields: Field[] = $derived(this.pipeline?.steps.flatMap(fields_of) ?? []);
  readonly set: string[] = $derived(set_of(this.fields, this.texts));

  /** What is wrong beside each field: what was typed, else what the server found. */
  readonly errors: Record<string, string> = $derived.by(() => {
    const errors = this.refused ? placed(this.refused, this.pipeline?.steps ?? [], this.set).fields : {};
    for (const field of this.fields) {
      const text = this.texts[field.id];
      const reading = text === undefined ? null : read(field, text);
      if (reading !== null && "error" in reading) errors[field.id] = reading.error;
    }
    return errors;
  });

  /** What the server found that belongs to no field. */
  readonly rest: string[] = $derived.by(() => {
    if (this.refused === null || this.refused.places.some((place) => place.offset != null)) return [];
    const { fields, rest } = placed(this.refused, this.pipeline?.steps ?? [], this.set);
    return rest.length > 0 || Object.keys(fields).length > 0 ? rest : [this.refused.message];
  });

  readonly request: NewRun = $derived({
    pipeline: this.name,
    ...(this.way === "filter" ? { filter: this.filter.trim() } : { collection: this.collection }),
    policy: this.policy,
    ...(this.set.length > 0 ? { set: this.set } : {}),
    ...(this.recompute ? { recompute: true } : {}),
  });

  readonly command: string = $derived(run_command(this.request));

  /** Why it cannot be started as it stands, or null. */
  readonly obstacle: string | null = $derived.by(() => {
    if (this.pipeline === undefined) return "Choose a pipeline.";
    if (this.filter_problem !== null && !this.filter_problem.offline) return "The filter is not understood.";
    if (Object.keys(this.errors).length > 0 && this.refused === null) return "A parameter is not right.";
    if (this.matches === 0) return "There is no asset to go over.";
    return null;
  });

  /** The draft as parts of the address; what is the default is left out. */
  readonly query: Record<string, string | null> = $derived({
    collection: this.way === "collection" && this.collection !== "all" ? this.collection : null,
    filter: this.way === "filter" ? this.filter || null : null,
    policy: this.policy === "sandbox" ? "sandbox" : null,
    set: this.set.map((one) => one.replace(/[% ]/g, encodeURIComponent)).join(" ") || null,
    recompute: this.recompute ? "yes" : null,
  });

  /** Puts a field back to what the pipeline says. */
  reset(id: string): void {
    this.texts = Object.fromEntries(Object.entries(this.texts).filter(([known]) => known !== id));
    this.refused = null;
  }
}
