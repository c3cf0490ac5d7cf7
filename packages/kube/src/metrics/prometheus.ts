// SPDX-License-Identifier: Apache-2.0
// Reads raw samples by the HTTP API of Prometheus (https://prometheus.io/docs/prometheus/latest/querying/api/), which Azure Monitor workspaces speak as well.
import { Failure, isJsonObject, parseJsonObject, retry, type Context } from '@pratique/core';
import { listOf, textMapOf, textOf } from '../client/object.ts';

/** One series with its samples, oldest first. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since the epoch, as scraped, and the value; NaN and infinities are kept as they are. */
  readonly samples: readonly { readonly at: number; readonly value: number }[];
}

/** A metrics server. Fails with `METRICS_UNAVAILABLE`, `METRICS_REFUSED`, `METRICS_INVALID`. */
export interface MetricsServer {
  /** The samples of the last `seconds` of a selector (`name{label="value"}`), as they were scraped: nothing is interpolated. Empty when there is none. */
  samples(selector: string, seconds: number, signal: AbortSignal): Promise<readonly Series[]>;
}

/** Which server, and how to speak with it. */
export interface MetricsServerOptions {
  readonly ctx: Pick<Context, 'fetch' | 'clock'>;
  /** Base address; `/api/v1/query` is added. */
  readonly url: string;
  /** A bearer token; asked for each request. */
  readonly token?: () => Promise<string>;
  /** What to do about a 401 or 403. */
  readonly refusedHint?: () => Promise<string>;
}

/** Audience of an Entra token for Azure Monitor. */
export const azureMonitorAudience = 'https://prometheus.monitor.azure.com';

const azureMonitorHost = /^[a-z0-9-]+\.[a-z0-9]+\.prometheus\.monitor\.azure\.com$/;
const mostBytes = 32 * 1024 * 1024;

/** Whether an address is a workspace of Azure Monitor: the only hosts that get an Entra token unasked. */
export function isAzureMonitor(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === 'https:' && azureMonitorHost.test(new URL(url).hostname);
}

/** Connects; nothing is sent yet. Fails with `INPUT_INVALID`. */
export function connectMetrics({ ctx, url, token, refusedHint }: MetricsServerOptions): MetricsServer {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).search !== '' || new URL(url).username !== '') {
    throw new Failure({ code: 'INPUT_INVALID', message: 'the address of the metrics is no http(s) address without query and password', hint: 'For example http://prometheus.monitoring:9090, or the query endpoint of the Azure Monitor workspace.' });
  }
  const endpoint = `${url.replace(/\/+$/, '')}/api/v1/query`;
  const { host } = new URL(url);
  return {
    samples: (selector, seconds, signal) => retry(async () => readSeries(await ask({ ctx, endpoint, host, token, refusedHint, query: `${selector}[${Math.ceil(seconds)}s]`, signal }), host), { clock: ctx.clock, signal, attempts: 2, budgetSeconds: 10 }),
  };
}

interface Question {
  readonly ctx: MetricsServerOptions['ctx'];
  readonly endpoint: string;
  readonly host: string;
  readonly token: MetricsServerOptions['token'];
  readonly refusedHint: MetricsServerOptions['refusedHint'];
  readonly query: string;
  readonly signal: AbortSignal;
}

async function ask({ ctx, endpoint, host, token, refusedHint, query, signal }: Question): Promise<string> {
  const response = await reach(host, async () => ctx.fetch(endpoint, {
    method: 'POST', redirect: 'manual', body: new URLSearchParams({ query }), signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...(token === undefined ? {} : { authorization: `Bearer ${await token()}` }) },
  }));
  const bytes = await reach(host, async () => Buffer.from(await response.arrayBuffer()));
  const text = bytes.subarray(0, mostBytes).toString('utf8');
  if (response.ok && bytes.length <= mostBytes) return text;
  const facts = { status: response.status, query };
  if (response.status >= 500 || response.status === 429) throw new Failure({ code: 'METRICS_UNAVAILABLE', message: `${host} answered ${response.status}`, facts: { ...facts, retryAfterSeconds: Number(response.headers.get('retry-after')) || 0 } });
  const said = text.startsWith('{') ? textOf(parseJsonObject(text, `the answer of ${host}`, 'METRICS_INVALID'), 'error') : '';
  const hint = response.status === 401 || response.status === 403 ? await refusedHint?.() : undefined;
  throw new Failure({ code: 'METRICS_REFUSED', message: `${host} answered ${response.status}${said === '' ? '' : `: ${said.slice(0, 300)}`}`, ...(hint === undefined ? {} : { hint }), facts });
}

async function reach<T>(host: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw new Failure({ code: 'METRICS_UNAVAILABLE', message: `${host} did not answer`, cause: thrown });
  }
}

function readSeries(text: string, host: string): readonly Series[] {
  const reply = parseJsonObject(text, `the answer of ${host}`, 'METRICS_INVALID');
  const data = reply['data'];
  if (reply['status'] !== 'success' || !isJsonObject(data) || data['resultType'] !== 'matrix') throw new Failure({ code: 'METRICS_INVALID', message: `${host} answered with no matrix of samples` });
  return listOf(data, 'result').map((series) => ({ labels: textMapOf(series, 'metric'), samples: readSamples(series['values'], host) }));
}

function readSamples(values: unknown, host: string): Series['samples'] {
  if (!Array.isArray(values)) throw new Failure({ code: 'METRICS_INVALID', message: `${host} answered with a series without values` });
  return values.map((pair: unknown) => {
    const [at, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    // Values are texts: a number, NaN, +Inf or -Inf.
    if (typeof at !== 'number' || typeof value !== 'string') throw new Failure({ code: 'METRICS_INVALID', message: `${host} answered with a value that is no sample` });
    return { at, value: value === '+Inf' ? Number.POSITIVE_INFINITY : value === '-Inf' ? Number.NEGATIVE_INFINITY : Number(value === '' ? Number.NaN : value) };
  });
}
