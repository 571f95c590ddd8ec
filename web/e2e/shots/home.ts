// Two servers for the pictures, each with a home in a temporary folder: one with a sample archive and runs over it, one with nothing.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sessions } from "./sessions";

export interface Place {
  url: string;
  /** May do everything. */
  token: string;
  /** May only look. */
  reader: string;
}

/** What the worker processes are told through their environment. */
export function place(name: "full" | "empty"): Place {
  return JSON.parse(process.env[`SHOTS_${name}`] ?? "null") as Place;
}

/** EXHIBIT_BINARY, else the program that was built last. */
function program(): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, "../../../target");
  const built = ["debug", "release"].map((profile) => join(target, profile, "exhibit")).filter((path) => existsSync(path));
  const newest = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  const found = process.env.EXHIBIT_BINARY ?? newest;
  if (!found) throw new Error("there is no program yet: scripts/web build, then cargo build, or set EXHIBIT_BINARY");
  return found;
}

/** Starts something that says in its first line where it listens. */
async function started(binary: string, args: string[], variables: Record<string, string> = {}): Promise<[ChildProcess, string]> {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...variables } });
  const line = await new Promise<string>((done, failed) => {
    child.stdout.once("data", (bytes: Buffer) => done(bytes.toString()));
    child.once("exit", (code) => failed(new Error(`${args.join(" ")} ended with ${code}`)));
  });
  return [child, (JSON.parse(line) as { listen: string }).listen];
}

class Home {
  private server: ChildProcess | undefined;

  constructor(
    private readonly home: string,
    private readonly binary: string,
    private readonly variables: Record<string, string> = {},
  ) {}

  /** Runs a command and returns its document; a run that ends in part (3) is as good as one that ends whole. */
  run(...args: string[]): unknown {
    try {
      return JSON.parse(execFileSync(this.binary, ["--home", this.home, "--json", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
    } catch (error) {
      const { status, stdout } = error as { status?: number; stdout?: string };
      if (status === 3 && stdout) return JSON.parse(stdout);
      throw error;
    }
  }

  async serve(): Promise<Place> {
    const token = (scopes: string) => (this.run("tokens", "create", "the pictures", "--scopes", scopes) as { token: string }).token;
    const [all, reader] = [token("read,control,admin"), token("read")];
    const [server, listen] = await started(this.binary, ["--home", this.home, "serve", "--listen", "127.0.0.1:0", "--no-login-link", "--json"], this.variables);
    this.server = server;
    return { url: `http://${listen}`, token: all, reader };
  }

  stop(): void {
    this.server?.removeAllListeners("exit");
    this.server?.kill("SIGKILL");
  }
}

/** A run that still works while its pictures are made: the noop extractor can be told to take its time. */
async function start_slow_run({ url, token }: Place): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ pipeline: "noop", set: ["noop.sleep_ms=20000"], recompute: true });
  const answer = await fetch(`${url}/v1/runs`, { method: "POST", headers, body });
  if (answer.status !== 201) throw new Error(`the slow run was not started: ${await answer.text()}`);
}

export default async function start(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "exhibit-shots-"));
  const binary = program();
  // Agents that are only played: pictures of orders need somebody who takes them.
  const [gateway, at] = await started(binary, ["agents", "fake-gateway", "--port", "0", "--json"]);
  const token = join(folder, "gateway-token");
  writeFileSync(token, "drill\n");
  const control = "EXHIBIT_AGENTS__CONTROL__";
  const variables = { [`${control}CONTROLLER`]: "openclaw", [`${control}URL`]: at, [`${control}TOKEN_FILE`]: token, [`${control}ALLOWED_MODELS`]: '["anthropic/claude-sonnet-4-5"]' };
  const [full, empty] = [new Home(join(folder, "full"), binary, variables), new Home(join(folder, "empty"), binary)];
  const stop = () => {
    full.stop();
    empty.stop();
    gateway.removeAllListeners("exit");
    gateway.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", stop);
  process.once("SIGTERM", () => process.exit(1));
  const archive = join(folder, "archive");
  full.run("sample", archive, "--photos", "90", "--videos", "4");
  full.run("scan", archive);
  full.run("run", "basics");
  full.run("run", "basics", "--policy", "sandbox", "--set", "thumbnail.quality=40", "--recompute");
  full.run("collections", "create", "films", "--filter", "type:video", "--about", "Everything that moves");
  full.run("collections", "create", "a_few", "--filter", "sample 12 seed 1");
  full.run("run", "similar", "--collection", "a_few");
  const told = join(folder, "sessions.ndjson");
  writeFileSync(told, sessions(new Date()));
  full.run("agents", "ingest", told);
  const places = { full: await full.serve(), empty: await empty.serve() };
  for (const [name, value] of Object.entries(places)) process.env[`SHOTS_${name}`] = JSON.stringify(value);
  await start_slow_run(places.full);
  return stop;
}
