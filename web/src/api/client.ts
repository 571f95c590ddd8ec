import { Problem, problem_of, unreachable, is_abort } from "./problem";

export type Query = Record<string, string | number | boolean | null | undefined>;

/** `/v1/assets` and `{ filter: "a b" }` make `/v1/assets?filter=a%20b`; empty values are left out. */
export function with_query(path: string, query: Query = {}): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

type Listener = (problem: Problem) => void;
const listeners = new Set<Listener>();

/** Hears of each problem before the caller does; the session learns of 401 this way. */
export function on_problem(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function send(method: string, url: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  const headers: Record<string, string> = { accept: "application/json" };
  // A mutation always carries JSON, also when it has nothing to say: the server refuses forms of other sites by it.
  if (method !== "GET") headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
      credentials: "same-origin",
      signal,
    });
  } catch (error) {
    if (is_abort(error)) throw error;
    return fail(unreachable());
  }
  if (!response.ok) return fail(await problem_of(response));
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (is_abort(error)) throw error;
    return fail(
      new Problem(response.status, { title: "The answer is not understood", code: "no-json" }, response.headers.get("x-request-id")),
    );
  }
}

function fail(problem: Problem): never {
  for (const listener of listeners) listener(problem);
  throw problem;
}

export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return send("GET", with_query(path, query), undefined, signal) as Promise<T>;
}

export function post<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return send("POST", path, body, signal) as Promise<T>;
}

export function patch<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return send("PATCH", path, body, signal) as Promise<T>;
}

export function remove<T>(path: string, signal?: AbortSignal): Promise<T> {
  return send("DELETE", path, undefined, signal) as Promise<T>;
}
