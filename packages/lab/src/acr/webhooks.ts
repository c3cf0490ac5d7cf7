// SPDX-License-Identifier: Apache-2.0
// Webhooks of the registry: `push` and `quarantine` with the payload of Microsoft Learn, "Container registry webhook reference", to a loopback address or a function.
import { randomUUID } from 'node:crypto';
import type { ManifestRecord } from './records.ts';

/** A webhook. Only the headers that are set here are added; the service signs nothing. */
export interface Webhook {
  /** Where it posts: a loopback URL, or a function inside the process. */
  readonly service: string | ((request: Request) => Promise<Response> | Response);
  readonly actions: readonly WebhookAction[];
  /** `repo:*`, `repo:tag`, or `repo`, which means `repo:latest`. Default: everything. */
  readonly scope?: string;
  readonly customHeaders?: Readonly<Record<string, string>>;
}

export type WebhookAction = 'push' | 'quarantine';

/** What a webhook posts. */
export interface WebhookPayload {
  readonly id: string;
  readonly timestamp: string;
  readonly action: WebhookAction;
  readonly target: { readonly mediaType: string; readonly size: number; readonly digest: string; readonly length: number; readonly repository: string; readonly tag?: string };
  readonly request: { readonly id: string; readonly host: string; readonly method: 'PUT'; readonly useragent?: string };
}

/** One delivery that was tried. */
export interface WebhookEvent {
  readonly payload: WebhookPayload;
  /** Status of the answer, or why there was none. */
  readonly outcome: number | string;
}

/** What happened to a manifest. */
export interface Announcement {
  readonly action: WebhookAction;
  readonly repository: string;
  readonly record: ManifestRecord;
  readonly tags: readonly string[];
  readonly host: string;
  readonly userAgent: string | null;
}

/** The deliveries of one registry. */
export interface Webhooks {
  /** Deliveries so far, newest last; the last 1,000. */
  readonly events: readonly WebhookEvent[];
  /** Resolves when no delivery is under way. */
  settled(): Promise<void>;
  announce(announcement: Announcement): void;
}

const mostEvents = 1000;
const patienceMilliseconds = 10_000;
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Delivers to `hooks`, which is read at every event. A delivery never delays or fails the push that caused it. */
export function createWebhooks(hooks: () => readonly Webhook[], now: () => Date): Webhooks {
  const events: WebhookEvent[] = [];
  const pending = new Set<Promise<void>>();
  const deliver = async (hook: Webhook, payload: WebhookPayload): Promise<void> => {
    events.push({ payload, outcome: await post(hook, payload) });
    if (events.length > mostEvents) events.shift();
  };
  return {
    events,
    async settled() {
      while (pending.size > 0) await Promise.all(pending);
    },
    announce(announcement) {
      for (const payload of payloadsOf(announcement, now())) {
        for (const hook of hooks().filter((one) => one.actions.includes(payload.action) && covers(one.scope, payload))) {
          const delivery: Promise<void> = deliver(hook, payload).finally(() => pending.delete(delivery));
          pending.add(delivery);
        }
      }
    },
  };
}

// One event for each tag, or one without a tag for a push by digest.
function payloadsOf({ action, repository, record, tags, host, userAgent }: Announcement, now: Date): WebhookPayload[] {
  const target = { mediaType: record.mediaType, size: record.size, digest: record.digest, length: record.size, repository };
  const request = { id: randomUUID(), host, method: 'PUT', ...(userAgent === null ? {} : { useragent: userAgent }) } as const;
  const payload = (tag: string | undefined): WebhookPayload => ({ id: randomUUID(), timestamp: now.toISOString(), action, target: { ...target, ...(tag === undefined ? {} : { tag }) }, request });
  return tags.length === 0 ? [payload(undefined)] : tags.map(payload);
}

function covers(scope: string | undefined, { target }: WebhookPayload): boolean {
  if (scope === undefined || scope === '') return true;
  const [repository = '', tag = 'latest'] = scope.split(':');
  return repository === target.repository && (tag === '*' || tag === target.tag);
}

async function post({ service, customHeaders }: Webhook, payload: WebhookPayload): Promise<number | string> {
  const url = typeof service === 'string' ? service : 'http://127.0.0.1/';
  if (!URL.canParse(url) || !loopback.has(new URL(url).hostname)) return `${url} is not a loopback address`;
  const request = new Request(url, {
    method: 'POST', body: JSON.stringify(payload), headers: { ...customHeaders, 'content-type': 'application/json' }, redirect: 'error', signal: AbortSignal.timeout(patienceMilliseconds),
  });
  try {
    const reply = await (typeof service === 'string' ? fetch(request) : service(request));
    await reply.body?.cancel();
    return reply.status;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
