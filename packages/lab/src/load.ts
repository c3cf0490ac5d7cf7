// SPDX-License-Identifier: Apache-2.0
// Paced HTTP traffic at the lab's own addresses, with hard bounds, and an account of what came back.
import { Agent, request } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '@pratique/core';

/** What to send. */
export interface LoadOptions {
  /** `http:` at a loopback address or one of a lab's cluster. */
  readonly url: string;
  /** Requests a second, 0.1 to 1000. */
  readonly rate: number;
  /** 1 to 3600. */
  readonly seconds: number;
  /** Requests on their way at once, 1 to 100; those beyond are not sent, but counted as held back. Default 10. */
  readonly concurrency?: number;
  /** `Host` header, by which routes are told apart. Default: that of the URL. */
  readonly host?: string;
  /** Ends it early; what was counted until then is returned. */
  readonly signal?: AbortSignal;
}

/** What came back. */
export interface LoadReport {
  readonly requests: number;
  readonly heldBack: number;
  /** By status code; `error` for connections that broke and answers that took more than ten seconds. */
  readonly statuses: Readonly<Record<string, number>>;
  /** By the header `x-app-version` of answers that have it. */
  readonly versions: Readonly<Record<string, number>>;
  /** Errors and answers of 400 and more by the same header; `''` for those without: nobody's, or the gateway's. */
  readonly failedVersions: Readonly<Record<string, number>>;
  /** Milliseconds, of whole answers. */
  readonly latency: Readonly<Record<'p50' | 'p90' | 'p95' | 'p99' | 'max', number>>;
  /** Errors and answers of 500 and more, by the second in which they were sent; seconds without are left out. */
  readonly failures: Readonly<Record<string, number>>;
}

const bounds = { rate: [0.1, 1000], seconds: [1, 3600], concurrency: [1, 100] } as const;
const patienceMillis = 10_000;

const allowed = new BlockList();
allowed.addSubnet('127.0.0.0', 8);
allowed.addAddress('::1', 'ipv6');
// The links of clusters (link.ts).
allowed.addSubnet('10.203.0.0', 18);

/** Sends it. Fails with `LAB_LOAD_REFUSED` when a bound is exceeded or the address is not the lab's. */
export async function sendLoad(options: LoadOptions): Promise<LoadReport> {
  const target = requireAllowed(options);
  const { rate, seconds, concurrency = 10, signal } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const tally = createTally();
  const pending = new Set<Promise<void>>();
  const start = performance.now();
  const total = Math.ceil(rate * seconds);
  for (let index = 0; index < total; index += 1) {
    if (signal?.aborted) break;
    const due = start + (index * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait, undefined, signal ? { signal } : {}).catch(ended);
    if (pending.size >= concurrency) {
      tally.heldBack += 1;
      continue;
    }
    const sent = once(target, agent, options.host).then((answer) => tally.add(answer, Math.floor((due - start) / 1000)));
    pending.add(sent);
    void sent.finally(() => pending.delete(sent));
  }
  await Promise.all(pending);
  agent.destroy();
  return tally.report();
}

function requireAllowed(options: LoadOptions): URL {
  const refuse = (message: string): Failure => new Failure({ code: 'LAB_LOAD_REFUSED', message });
  for (const name of ['rate', 'seconds', 'concurrency'] as const) {
    const [value, [least, most]] = [options[name] ?? 10, bounds[name]];
    if (!(value >= least && value <= most)) throw refuse(`${name} must be from ${least} to ${most}, and is ${value}`);
  }
  const url = URL.parse(options.url);
  if (url?.protocol !== 'http:') throw refuse(`${options.url} is no URL that starts with http://`);
  const host = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (family === 0 || !allowed.check(host, family === 6 ? 'ipv6' : 'ipv4')) throw refuse(`${url.hostname} is neither a loopback address nor one of the lab (10.203.0.0/18)`);
  return url;
}

function ended(thrown: unknown): void {
  if (!(thrown instanceof Error && thrown.name === 'AbortError')) throw thrown;
}

interface Answer {
  readonly status: string;
  readonly version: string | undefined;
  readonly millis: number;
}

function once(url: URL, agent: Agent, host: string | undefined): Promise<Answer> {
  const begin = performance.now();
  return new Promise((resolve) => {
    const done = (status: string, version?: string): void => resolve({ status, version, millis: performance.now() - begin });
    const sent = request(url, { agent, ...(host === undefined ? {} : { headers: { host } }) }, (reply) => {
      const version = reply.headers['x-app-version'];
      reply.on('error', () => done('error')).on('end', () => done(String(reply.statusCode), typeof version === 'string' ? version : undefined)).resume();
    });
    const late = setTimeout(() => sent.destroy(new Error('late')), patienceMillis);
    sent.on('error', () => done('error')).on('close', () => clearTimeout(late)).end();
  });
}

function createTally() {
  const count = (counts: Record<string, number>, key: string): void => void (counts[key] = (counts[key] ?? 0) + 1);
  const statuses: Record<string, number> = {};
  const versions: Record<string, number> = {};
  const failedVersions: Record<string, number> = {};
  const failures: Record<string, number> = {};
  const times: number[] = [];
  const tally = {
    heldBack: 0,
    add({ status, version, millis }: Answer, second: number): void {
      count(statuses, status);
      if (version !== undefined) count(versions, version);
      if (status === 'error' || status >= '400') count(failedVersions, version ?? '');
      if (status === 'error' || status >= '500') count(failures, String(second));
      if (status !== 'error') times.push(millis);
    },
    report(): LoadReport {
      const sorted = times.sort((a, b) => a - b);
      const at = (share: number): number => Math.round((sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0) * 10) / 10;
      const requests = Object.values(statuses).reduce((sum, one) => sum + one, 0);
      return { requests, heldBack: tally.heldBack, statuses, versions, failedVersions, latency: { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) }, failures };
    },
  };
  return tally;
}
