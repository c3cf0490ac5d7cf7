// SPDX-License-Identifier: Apache-2.0
// The emulator of Azure Container Registry: one handler for the login server, one for the host that blobs are read from.
import { randomUUID } from 'node:crypto';
import type { Clock, Digest } from '@pratique/core';
import { ConnectionReset, type Handler } from '../serve.ts';
import { authorize, everybody } from './authorization.ts';
import { createBlobHost, type BlobHost } from './blobs.ts';
import { createDisk } from './disk.ts';
import { controlFaults, createFaultPlan, type FaultPlan } from './faults.ts';
import { createIdentities, type Account, type EntraIdentity, type Identities } from './identities.ts';
import { createMemory } from './media.ts';
import { exchange, token } from './oauth.ts';
import { defaultQuarantine, type QuarantineSettings } from './quarantine-policy.ts';
import { Refusal } from './refusal.ts';
import type { Assignment, RoleMode } from './roles.ts';
import { createRouter, type FindRoute } from './routes.ts';
import type { Registry } from './registry.ts';
import { createStore, type Store } from './store.ts';
import { createThrottle, type RateLimits, type Throttle } from './throttle.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { createUploads } from './uploads.ts';
import { createWebhooks, type Webhook, type Webhooks } from './webhooks.ts';

/** How the emulated registry is set up. Most can be changed later, on the emulator's `settings`. */
export interface AcrEmulatorOptions {
  /** Login server, `host:port`. Until it is set, the host that a request names. */
  readonly name?: string;
  /** A folder that the emulator owns, or nothing that outlives the process. Default `memory`. */
  readonly storage?: { readonly folder: string } | 'memory';
  /** Default `abac`. */
  readonly mode?: RoleMode;
  /** Pulls without a role, as the registry-wide setting of ACR. Default false. */
  readonly anonymousPull?: boolean;
  /** A plain OCI registry: nobody needs a token for anything. Default false. */
  readonly anonymous?: boolean;
  /** False: as with customer-managed keys, the referrers API answers 404. Default true. */
  readonly referrers?: boolean;
  /** Base URL at which `blobHandler` is served; then a GET of a blob answers 307. */
  readonly blobRedirect?: string;
  /** Admin users, service principals, tokens of scope maps. */
  readonly accounts?: readonly Account[];
  readonly assignments?: readonly Assignment[];
  /** Default: no Entra token is valid. */
  readonly verifyEntraToken?: (token: string) => Promise<EntraIdentity | undefined> | EntraIdentity | undefined;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly rateLimits?: RateLimits;
  /** ACR's quarantine policy. Default: disabled. */
  readonly quarantine?: Partial<QuarantineSettings>;
  readonly webhooks?: readonly Webhook[];
  /** Opens `/_lab/faults`. Default false. */
  readonly faultControl?: boolean;
  /** Page size of lists when the client names none. Default 100. */
  readonly pageSize?: number;
}

/** What may be changed while it runs. */
export interface AcrSettings {
  name: string | undefined;
  anonymousPull: boolean;
  anonymous: boolean;
  referrers: boolean;
  blobRedirect: string | undefined;
  rateLimits: RateLimits | undefined;
  pageSize: number;
  readonly mode: RoleMode;
  readonly assignments: Assignment[];
  readonly accounts: Account[];
  readonly quarantine: QuarantineSettings;
  readonly webhooks: Webhook[];
}

/** A running emulator. */
export interface AcrEmulator {
  /** The login server. */
  readonly handle: Handler;
  /** The host of `blobRedirect`. */
  readonly blobHandler: Handler;
  readonly settings: AcrSettings;
  readonly faults: FaultPlan;
  /** Deliveries of webhooks. */
  readonly webhooks: Pick<Webhooks, 'events' | 'settled'>;
  /** Reads the folder; every request does so first. Fails with `LAB_DATA_INVALID`. */
  open(): Promise<void>;
  /** Waits for writes and gives the folder free. */
  close(): Promise<void>;
  /** Changes the permission mode; every credential issued before is refused from then on, as ACR does. */
  setMode(mode: RoleMode): void;
}

const systemClock: Clock = {
  now: () => new Date(),
  sleep: (seconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      }, { once: true });
    }),
};

/** Makes an emulator; nothing is read or written before the first request or `open()`. */
export function createAcrEmulator(options: AcrEmulatorOptions): AcrEmulator {
  const clock = options.clock ?? systemClock;
  const now = (): Date => clock.now();
  const settings = readSettings(options);
  const store = createStore(typeof options.storage === 'object' ? createDisk(options.storage.folder) : createMemory(), now);
  const blobHost = createBlobHost(store, now);
  const uploads = createUploads(() => now().getTime());
  const faults = createFaultPlan(clock);
  const tokens = createTokens(() => settings.name ?? '', now);
  const identities = createIdentities({ tokens, accounts: settings.accounts, permissions: settings, verifyEntraToken: options.verifyEntraToken ?? (() => undefined) });
  const throttle = createThrottle(() => settings.rateLimits, () => now().getTime());
  const webhooks = createWebhooks(() => settings.webhooks, now);
  const answer = answerRefusals(createLoginServer({ settings, webhooks, store, blobHost, tokens, identities, throttle, findRoute: createRouter(uploads) }));
  return {
    settings,
    faults,
    webhooks,
    async handle(request) {
      await store.open();
      const controls = options.faultControl && new URL(request.url).pathname === '/_lab/faults';
      const reply = controls ? answerRefusals((asked) => controlFaults(asked, faults))(request) : faults.around(request, answer);
      return withHeaders(await reply, request);
    },
    async blobHandler(request) {
      await store.open();
      return faults.around(request, (asked) => blobHost.handle(asked));
    },
    open: () => store.open(),
    close: () => uploads.close().then(() => webhooks.settled()).then(() => store.close()),
    setMode(mode) {
      Object.assign(settings, { mode });
      tokens.revokeAll();
    },
  };
}

interface Parts {
  readonly settings: AcrSettings;
  readonly webhooks: Webhooks;
  readonly store: Store;
  readonly blobHost: BlobHost;
  readonly tokens: Tokens;
  readonly identities: Identities;
  readonly throttle: Throttle;
  readonly findRoute: FindRoute;
}

function createLoginServer({ settings, webhooks, store, blobHost, tokens, identities, throttle, findRoute }: Parts): Handler {
  const blobUrl = (digest: Digest): string => blobHost.url(settings.blobRedirect ?? '', digest);
  return async (request) => {
    const url = new URL(request.url);
    const loginServer = (settings.name ??= url.host);
    if (url.pathname.startsWith('/oauth2/')) {
      throttle('', ['oauth']);
      return answerOAuth(request, url.pathname, { tokens, identities, loginServer, anonymousPull: settings.anonymousPull });
    }
    const { route, need, categories, name, reference } = findRoute(request.method, url.pathname, settings.quarantine.releaseScope);
    const caller = settings.anonymous ? everybody : await authorize(request, need, { identities, loginServer, origin: `${url.protocol}//${loginServer}` });
    throttle(caller.identity, categories);
    const registry: Registry = {
      store, loginServer, pageSize: settings.pageSize, referrers: settings.referrers, blobUrl: settings.blobRedirect === undefined ? undefined : blobUrl, quarantine: settings.quarantine,
      announce: (ask, action, { record, tags }) => webhooks.announce({ action, repository: ask.name, record, tags, host: loginServer, userAgent: ask.request.headers.get('user-agent') }),
    };
    return route(registry, { request, method: request.method, query: url.searchParams, name, reference, caller });
  };
}

function readSettings(options: AcrEmulatorOptions): AcrSettings {
  return {
    name: options.name, mode: options.mode ?? 'abac', anonymousPull: options.anonymousPull ?? false, anonymous: options.anonymous ?? false, referrers: options.referrers ?? true,
    blobRedirect: options.blobRedirect, rateLimits: options.rateLimits, pageSize: options.pageSize ?? 100, assignments: [...(options.assignments ?? [])], accounts: [...(options.accounts ?? [])],
    quarantine: { ...defaultQuarantine, ...options.quarantine }, webhooks: [...(options.webhooks ?? [])],
  };
}

function answerOAuth(request: Request, pathname: string, options: Parameters<typeof token>[1]): Promise<Response> {
  if (pathname === '/oauth2/exchange' && request.method === 'POST') return exchange(request, options);
  if (pathname === '/oauth2/token' && (request.method === 'POST' || request.method === 'GET')) return token(request, options);
  throw new Refusal({ status: pathname === '/oauth2/exchange' || pathname === '/oauth2/token' ? 405 : 404, code: 'UNSUPPORTED', message: 'The operation is unsupported.' });
}

function answerRefusals(handler: Handler): Handler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (error instanceof Refusal) return error.toResponse();
      // A broken connection is not an answer; whatever else is a defect of the emulator, said as a registry would.
      if (error instanceof ConnectionReset || request.signal.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      return new Refusal({ status: 500, code: 'UNKNOWN', message }).toResponse();
    }
  };
}

// The headers that recorded replies of the real service carry.
function withHeaders(response: Response, request: Request): Response {
  const { headers } = response;
  headers.set('docker-distribution-api-version', 'registry/2.0');
  headers.set('x-ms-correlation-request-id', randomUUID());
  headers.set('access-control-expose-headers', 'Docker-Content-Digest, WWW-Authenticate, Link, X-Ms-Correlation-Request-Id');
  headers.set('server', 'openresty');
  headers.set('strict-transport-security', 'max-age=31536000; includeSubDomains');
  headers.set('x-content-type-options', 'nosniff');
  const { pathname } = new URL(request.url);
  if (pathname.startsWith('/v2') || request.method === 'DELETE') headers.set('x-ms-request-id', randomUUID());
  if (request.method === 'DELETE') headers.set('x-ms-ratelimit-remaining-calls-per-second', '8.000000');
  const client = request.headers.get('x-ms-client-request-id');
  if (client !== null) headers.set('x-ms-client-request-id', client);
  return response;
}
