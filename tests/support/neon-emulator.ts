import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Neon's API v2 on 127.0.0.1, as far as harness speaks to it. A call is a row of `routes`; what it
 * changes, it changes in `projects`, which tests may also read and change.
 */
export interface NeonEmulator {
  /** For NEON_API_HOST. */
  apiHost: string;
  apiKey: string;
  projects: EmulatedProject[];
  /** Every request that came in, faulty ones included. */
  requests: EmulatedRequest[];
  /** The next matching requests get this instead of their answer. */
  fail(fault: Fault): void;
  close(): Promise<void>;
}

export interface EmulatedProject {
  id: string;
  /** The most recently changed first. */
  branches: EmulatedBranch[];
}

export interface EmulatedBranch {
  id: string;
  name: string;
  databases: string[];
  /** Passwords by role. */
  roles: Record<string, string>;
  /** Host (and port) of its read-write compute; null if it has none. */
  compute: string | null;
  /** The query of its connection URIs; a compute without TLS wants it empty. */
  parameters: string;
}

export interface EmulatedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  authorization: string | undefined;
}

export interface Fault {
  /** 1 if not given. */
  times?: number;
  /** Only requests whose path ends like this. */
  path?: string;
  /** An answer with this status, of the form that Neon gives errors; or the body. */
  status?: number;
  headers?: Record<string, string>;
  message?: string;
  body?: string;
  /** No answer: the connection breaks, nothing comes until it is closed, or only half of the body comes. */
  instead?: "hang-up" | "silence" | "half";
}

interface Options {
  apiKey?: string;
  projects?: EmulatedProject[];
  /** The most entries in a page, whatever is asked for. */
  pageSize?: number;
  /** Whether every page has a cursor, also the last one and the empty ones behind it. */
  trailingCursor?: boolean;
}

type State = Required<Options>;
type Reply = { status: number; body: unknown };
type Handler = (state: State, ids: string[], query: URLSearchParams) => Reply;

const routes: [method: string, path: RegExp, handler: Handler][] = [
  ["GET", /^\/projects\/([^/]+)\/branches$/, listBranches],
  ["GET", /^\/projects\/([^/]+)\/connection_uri$/, connectionUri],
];

export function emulatedBranch(name: string, more: Partial<EmulatedBranch> = {}): EmulatedBranch {
  return {
    id: `br-${name.replace(/[^a-z0-9]+/g, "-")}-a1b2c3d4`,
    name,
    databases: ["neondb"],
    roles: { neondb_owner: "npg_AbC1dEf2GhI3" },
    compute: "ep-cool-darkness-a1b2c3d4.eu-central-1.aws.neon.tech",
    parameters: "sslmode=require&channel_binding=require",
    ...more,
  };
}

export async function startNeonEmulator(options: Options = {}): Promise<NeonEmulator> {
  const state: State = {
    apiKey: "napi_emulated0key0emulated",
    projects: [{ id: "cool-forest-12345678", branches: [emulatedBranch("main")] }],
    pageSize: 100,
    trailingCursor: false,
    ...options,
  };
  const requests: EmulatedRequest[] = [];
  const faults: (Fault & { times: number })[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://emulator");
    const path = url.pathname.replace(/^\/api\/v2/, "");
    requests.push({
      method: request.method ?? "",
      path,
      query: Object.fromEntries(url.searchParams),
      authorization: request.headers.authorization,
    });
    const fault = faults.find((f) => f.times > 0 && path.endsWith(f.path ?? ""));
    if (fault) {
      fault.times--;
      return spoil(fault, response);
    }
    if (!url.pathname.startsWith("/api/v2/")) return plainNotFound(response);
    const { status, body } = answer(state, request, path, url.searchParams);
    send(response, status, JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    apiHost: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2`,
    apiKey: state.apiKey,
    projects: state.projects,
    requests,
    fail: (fault) => void faults.push({ times: 1, ...fault }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(state: State, request: IncomingMessage, path: string, query: URLSearchParams): Reply {
  if (request.headers.authorization !== `Bearer ${state.apiKey}`)
    return problem(401, "these credentials open nothing");
  for (const [method, pattern, handler] of routes) {
    const match = method === request.method && pattern.exec(path);
    if (match) return handler(state, match.slice(1).map(decodeURIComponent), query);
  }
  return problem(404, "there is no such call");
}

function listBranches(state: State, [projectId]: string[], query: URLSearchParams): Reply {
  const project = state.projects.find(({ id }) => id === projectId);
  if (!project) return problem(404, "project not found");
  const limit = Number(query.get("limit") ?? state.pageSize);
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) return problem(400, "limit is out of range");
  const search = query.get("search") ?? "";
  const matching = project.branches.filter(({ id, name }) => `${id}\n${name}`.includes(search));
  const start = Number(Buffer.from(query.get("cursor") ?? "", "base64url").toString() || 0);
  const end = start + Math.min(limit, state.pageSize);
  const page = matching.slice(start, end);
  const next = end < matching.length || state.trailingCursor;
  return {
    status: 200,
    body: {
      branches: page.map(({ id, name }) => ({ id, name, project_id: projectId, current_state: "ready" })),
      annotations: {},
      pagination: {
        ...(next ? { next: Buffer.from(String(end)).toString("base64url") } : {}),
        sort_by: "updated_at",
        sort_order: "desc",
      },
    },
  };
}

function connectionUri(state: State, [projectId]: string[], query: URLSearchParams): Reply {
  const project = state.projects.find(({ id }) => id === projectId);
  if (!project) return problem(404, "project not found");
  const database = query.get("database_name");
  const role = query.get("role_name");
  if (!database || !role) return problem(400, "database_name and role_name are required");
  const branch = project.branches.find(({ id }) => id === query.get("branch_id"));
  if (!branch) return problem(404, "branch not found");
  if (!branch.compute) return problem(404, "the branch has no endpoint");
  if (!branch.databases.includes(database)) return problem(404, "database not found");
  const password = branch.roles[role];
  if (password === undefined) return problem(404, "role not found");
  const host =
    query.get("pooled") === "true" ? branch.compute.replace(/^[^.]+/, "$&-pooler") : branch.compute;
  const uri = new URL(`postgresql://${host}/${database}`);
  uri.search = branch.parameters;
  uri.username = role;
  uri.password = encodeURIComponent(password);
  return { status: 200, body: { uri: uri.href } };
}

function problem(status: number, message: string): Reply {
  return { status, body: { request_id: "emulated-request-1", code: "", message } };
}

function spoil(fault: Fault, response: ServerResponse): void {
  const status = fault.status ?? 200;
  const body =
    fault.body ?? JSON.stringify(problem(status, fault.message ?? "this failure was asked for").body);
  if (fault.instead === "silence") return;
  if (fault.instead === "hang-up") return void response.socket?.destroy();
  if (fault.instead === "half") {
    response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
    return void response.write(body.slice(0, body.length / 2));
  }
  send(response, status, body, fault.headers);
}

function plainNotFound(response: ServerResponse): void {
  send(response, 404, "<html>Not Found</html>", { "content-type": "text/html" });
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
}
