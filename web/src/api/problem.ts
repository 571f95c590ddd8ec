import type { Noted } from "./agents_desk";
import type { ProblemBody, ProblemPlace } from "./types";

/** What went wrong with a request, as one typed error: an answer of the server (status > 0) or no answer at all (status 0). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly hint: string | null;
  readonly places: ProblemPlace[];
  readonly request_id: string | null;
  /** What the audit holds, when it was an order to an agent that went wrong. */
  readonly noted: Noted | null;

  constructor(status: number, body: ProblemBody & { noted?: Noted }, request_id: string | null) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? (status === 0 ? "offline" : `http-${status}`);
    this.title = body.title ?? "Something went wrong";
    this.hint = body.hint ?? null;
    this.places = body.errors ?? [];
    this.request_id = request_id;
    this.noted = body.noted ?? null;
  }

  /** No answer came: the server is down, restarting or out of reach. */
  get offline(): boolean {
    return this.status === 0;
  }

  get not_logged_in(): boolean {
    return this.status === 401;
  }

  get no_permission(): boolean {
    return this.status === 403;
  }

  get not_found(): boolean {
    return this.status === 404;
  }
}

/** What routes below `/api/` say, in the words of an older contract: `{"error": …}` with a sentence, or with a code and each mistake. */
interface OlderBody extends Partial<Noted> {
  error?: string | { code?: string; message?: string; details?: { field: string; message: string }[] };
  requiredScope?: string;
}

function older(parsed: object): (ProblemBody & { noted?: Noted }) | null {
  const { error, requiredScope, outcome, finalState, auditId } = parsed as OlderBody;
  if (requiredScope !== undefined) return { detail: `The \`${requiredScope}\` permission is missing.` };
  if (typeof error === "string") return { detail: error, ...(outcome && auditId && { noted: { outcome, finalState, auditId } }) };
  if (error === null || typeof error !== "object") return null;
  const places = error.details ?? [];
  const said = places.map(({ field, message }) => `${field}: ${message}`).join("; ");
  return {
    code: error.code,
    detail: [error.message, said].filter(Boolean).join(": "),
    errors: places.map(({ field, message }) => ({ pointer: `/${field}`, code: error.code ?? "invalid", message })),
  };
}

/** The problem that a response with an error status describes; never throws, whatever the body is. */
export async function problem_of(response: Response): Promise<Problem> {
  const request_id = response.headers.get("x-request-id");
  let body: ProblemBody & { noted?: Noted } = { title: response.statusText || `Error ${response.status}` };
  try {
    const parsed: unknown = JSON.parse(await response.text());
    if (parsed !== null && typeof parsed === "object") body = { ...body, ...(older(parsed) ?? (parsed as ProblemBody)) };
  } catch {
    // Something between us and the server answered in another language; the status has to do.
  }
  return new Problem(response.status, body, request_id);
}

export function unreachable(): Problem {
  return new Problem(
    0,
    {
      title: "The server cannot be reached",
      detail: "No answer came. Nothing is lost: what was written stays, and runs go on where the server runs.",
      hint: "exhibit serve",
    },
    null,
  );
}

/** Any thrown value as a Problem; an aborted request stays what it is, see `is_abort`. */
export function as_problem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return unreachable();
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem(-1, { title: "This page failed", detail, code: "page-failed" }, null);
}

export function is_abort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
