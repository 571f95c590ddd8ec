// Which page an address shows. Pure, so that it can be tested as a table.

export type PageName =
  | "library"
  | "asset"
  | "runs"
  | "run"
  | "compare"
  | "collections"
  | "collection"
  | "pipelines"
  | "pipeline"
  | "agents-overview"
  | "agents-ledger"
  | "agents-session"
  | "agents-usage"
  | "agents-models"
  | "agents-alerts"
  | "agents-control"
  | "agents-prices"
  | "agents-import"
  | "doctor"
  | "settings"
  | "nowhere";

export interface Place {
  page: PageName;
  /** The parts of the path that vary, decoded. */
  params: Record<string, string>;
}

const PATTERNS: [string, PageName][] = [
  ["/", "library"],
  ["/library", "library"],
  ["/assets/:asset", "asset"],
  ["/runs", "runs"],
  ["/runs/:run", "run"],
  ["/runs/:run/compare/:other", "compare"],
  ["/collections", "collections"],
  ["/collections/:collection", "collection"],
  ["/pipelines", "pipelines"],
  ["/pipelines/:pipeline", "pipeline"],
  ["/agents", "agents-overview"],
  ["/agents/ledger", "agents-ledger"],
  ["/agents/sessions/:session", "agents-session"],
  ["/agents/usage", "agents-usage"],
  ["/agents/models", "agents-models"],
  ["/agents/alerts", "agents-alerts"],
  ["/agents/control", "agents-control"],
  ["/agents/prices", "agents-prices"],
  ["/agents/import", "agents-import"],
  ["/doctor", "doctor"],
  ["/settings", "settings"],
];

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function fit(pattern: string[], path: string[]): Record<string, string> | null {
  if (pattern.length !== path.length) return null;
  const params: Record<string, string> = {};
  for (const [at, want] of pattern.entries()) {
    const have = path[at] ?? "";
    if (want.startsWith(":") && have !== "") params[want.slice(1)] = decode(have);
    else if (want !== have) return null;
  }
  return params;
}

/** The page at a path; a slash at the end makes no difference. */
export function place_of(pathname: string): Place {
  const path = pathname.replace(/\/+$/, "").split("/").slice(1);
  for (const [pattern, page] of PATTERNS) {
    const params = fit(pattern.replace(/\/+$/, "").split("/").slice(1), path);
    if (params !== null) return { page, params };
  }
  return { page: "nowhere", params: {} };
}

export type Query = Record<string, string>;

/** Query pairs of a search text; of a name that comes twice the last counts. */
export function query_of(search: string): Query {
  return Object.fromEntries(new URLSearchParams(search));
}

/** The opposite of `query_of`: readable in the address bar, empty values left out, `?` only when something follows. */
export function search_of(query: Record<string, string | null | undefined>): string {
  const pairs = Object.entries(query)
    .filter((pair): pair is [string, string] => pair[1] !== null && pair[1] !== undefined && pair[1] !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encode_value(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** Colons, commas, slashes and stars mean nothing in a query and are kept, so that filters stay readable. */
function encode_value(value: string): string {
  return encodeURIComponent(value)
    .replace(/%20/g, "+")
    .replace(/%(3A|2C|2F)/g, (escaped) => decodeURIComponent(escaped));
}

/** An address inside the app: `link("/runs", { state: "failed" })`. */
export function link(path: string, query: Record<string, string | null | undefined> = {}): string {
  return path + search_of(query);
}
