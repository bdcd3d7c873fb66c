// The only place that talks to the network. Nothing here names the person: no
// cookies, no referrer, no identifier; and every answer is bounded in size and time.

import * as store from "./store";

/** Why a request failed: "offline", "timeout", "oversized", or "http" with the status. */
export class ServerError extends Error {
  constructor(
    readonly code: "offline" | "timeout" | "oversized" | "http",
    readonly status = 0,
    readonly reason = "",
    /** How long the server asks us to stay away, in seconds. */
    readonly wait = 0,
    /** What it wants a proof of work for, and how hard: "hex zeros". */
    readonly challenge = "",
  ) {
    super(code === "http" ? `HTTP ${status}` : code);
  }
}

export interface Answer {
  status: number;
  etag: string;
  /** When it was sent, by the clock of the server, in Unix seconds; 0 where it does not say. */
  date: number;
  body: Uint8Array;
}

/**
 * Fetches a published path of at most limit bytes. With an etag, a status of 304 says that nothing changed.
 * Only buckets are asked for more than once; anything else that came damaged must not stay in the browser's cache.
 */
export function get(path: string, limit: number, etag = "", server?: string): Promise<Answer> {
  const conditional: RequestInit = etag ? { headers: { "If-None-Match": etag } } : {};
  return request(path, limit, { ...conditional, cache: path.startsWith("/v1/bucket/") ? "default" : "no-store" }, 0, server);
}

/** Sends a body, in MessagePack if no other type is named among the headers. */
export function post(path: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, server?: string): Promise<Answer> {
  return request(
    path,
    64 << 10,
    {
      method: "POST",
      cache: "no-store",
      headers: { "Content-Type": "application/msgpack", Accept: "application/msgpack", ...headers },
      body,
    },
    body.length,
    server,
  );
}

/** Asks the server that is in use, or one that is named. */
async function request(path: string, limit: number, init: RequestInit, sent = 0, server?: string): Promise<Answer> {
  const { origin } = new URL(server ?? (await store.home()).server);
  const url = new URL(path, origin);
  if (url.origin !== origin) throw new ServerError("http", 0, "another origin");
  // A slow line gets a second for every 16 kB on top.
  const signal = AbortSignal.timeout(15_000 + (limit + sent) / 16);
  try {
    const response = await fetch(url, { ...init, signal, credentials: "omit", referrerPolicy: "no-referrer", redirect: "error" });
    const etag = response.headers.get("ETag") ?? "";
    const date = Math.floor(Date.parse(response.headers.get("Date") ?? "") / 1000) || 0;
    if (response.status === 304) return { status: 304, etag, date, body: new Uint8Array() };
    const body = await bounded(response, limit);
    if (!response.ok) {
      const { headers } = response;
      const reason = new TextDecoder().decode(body.subarray(0, 500));
      throw new ServerError("http", response.status, reason, Number(headers.get("Retry-After")) || 0, headers.get("Khien-Challenge") ?? "");
    }
    return { status: response.status, etag, date, body };
  } catch (err) {
    if (err instanceof ServerError) throw err;
    throw new ServerError(signal.aborted ? "timeout" : "offline");
  }
}

/** Reads a body and stops as soon as it is longer than it may be, whatever its header said. */
async function bounded(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    size += part.value.length;
    if (size > limit) {
      await reader?.cancel().catch(() => undefined);
      throw new ServerError("oversized");
    }
    parts.push(part.value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}
