// SPDX-License-Identifier: Apache-2.0
// The lab's ports: opened before the servers behind them exist, because those must know their own addresses.
import { readFileSync, writeFileSync } from 'node:fs';
import { Failure, isJsonObject } from '@pratique/core';
import { serve, type Handler, type Served, type ServeOptions } from './serve.ts';

/** The lab's servers, one port each; `blobs` is where `acr` redirects reads of blobs. */
export const labServices = ['acr', 'blobs', 'mirror', 'github', 'entra', 'sigstore', 'arm', 'monitor'] as const;
/** Name of one of them. */
export type LabService = (typeof labServices)[number];

/** Stands before a server: answers itself, throws `ConnectionReset`, waits, or lets the request pass. `next` is the server, for what shall happen after it has answered. */
export type Interceptor = (request: Request, next: Handler) => Promise<Response | undefined>;

/** Open ports. */
export interface Listeners {
  /** `https://127.0.0.1:PORT`. */
  url(service: LabService): string;
  /** `127.0.0.1:PORT`. */
  host(service: LabService): string;
  readonly ports: Readonly<Record<LabService, number>>;
  /** Puts a server behind its port. */
  mount(service: LabService, handler: Handler): void;
  /** Asks `first` before the server; `undefined` as its answer lets the request pass. Without `first` nobody is asked any more. */
  intercept(service: LabService, first?: Interceptor): void;
  /** Reaches mounted servers without the network (no TLS to trust); everything else by the global fetch. */
  readonly fetch: typeof fetch;
  close(): Promise<void>;
}

/** How to open them. */
export interface ListenOptions {
  readonly tls: NonNullable<ServeOptions['tls']>;
  /** Ports that must be had. */
  readonly ports: Partial<Readonly<Record<LabService, number>>>;
  /** File with the ports of the last time, which are tried again: a restarted lab keeps its addresses. */
  readonly remembered: string;
}

/** Opens all ports. Fails with `LAB_PORT_TAKEN` when one that was asked for is in use. */
export async function listen(options: ListenOptions): Promise<Listeners> {
  const handlers = new Map<string, Handler>();
  const interceptors = new Map<string, Interceptor>();
  const next = (service: LabService): Handler => async (request) => (await handlers.get(service)?.(request)) ?? new Response('starting', { status: 503 });
  const answer = async (service: LabService, request: Request): Promise<Response> => (await interceptors.get(service)?.(request, next(service))) ?? next(service)(request);
  const served = await openAll(options, (service) => (request) => answer(service, request));
  return {
    url: (service) => served[service].url,
    host: (service) => new URL(served[service].url).host,
    ports: portsOf(served),
    mount: (service, handler) => void handlers.set(service, handler),
    intercept: (service, first) => void (first === undefined ? interceptors.delete(service) : interceptors.set(service, first)),
    fetch: (input, init) => {
      const request = new Request(input, init);
      const { origin } = new URL(request.url);
      const service = labServices.find((each) => served[each].url === origin);
      return service === undefined ? fetch(request) : answer(service, request);
    },
    close: async () => void (await Promise.all(Object.values(served).map((each) => each.close()))),
  };
}

/** All or none: what was opened before one failed is closed again. */
async function openAll(options: ListenOptions, handler: (service: LabService) => Handler): Promise<Readonly<Record<LabService, Served>>> {
  const last = readRemembered(options.remembered);
  const results = await Promise.allSettled(labServices.map((service) => openOne(handler(service), { tls: options.tls, asked: options.ports[service], last: last[service] })));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.close()] : [])));
    throw failed.reason;
  }
  const served = Object.fromEntries(results.flatMap((result, index) => (result.status === 'fulfilled' ? [[labServices[index], result.value] as const] : []))) as Record<LabService, Served>;
  writeFileSync(options.remembered, JSON.stringify(portsOf(served)));
  return served;
}

function portsOf(served: Readonly<Record<LabService, Served>>): Record<LabService, number> {
  return Object.fromEntries(labServices.map((service) => [service, served[service].port])) as Record<LabService, number>;
}

async function openOne(handler: Handler, wish: { readonly tls: ListenOptions['tls']; readonly asked: number | undefined; readonly last: unknown }): Promise<Served> {
  const { tls, asked, last } = wish;
  if (asked !== undefined || typeof last !== 'number') return serve(handler, { tls, port: asked ?? 0 });
  try {
    return await serve(handler, { tls, port: last });
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'LAB_PORT_TAKEN') return serve(handler, { tls });
    throw thrown;
  }
}

function readRemembered(path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isJsonObject(value) ? value : {};
  } catch (thrown) {
    // No file, or one that a crash cut short: the lab takes new ports.
    if (thrown instanceof SyntaxError || (isJsonObject(thrown) && thrown['code'] === 'ENOENT')) return {};
    throw thrown;
  }
}
