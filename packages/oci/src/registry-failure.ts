// SPDX-License-Identifier: Apache-2.0
// What a registry refused, and what the network broke, as failures.
import { causeChain, Failure, stripControl, type FailureCode } from '@pratique/core';
import type { Challenge } from './challenge.ts';

/** A reply that was not accepted. */
export interface RefusedReply {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  /** Capped. */
  readonly body: string;
  readonly challenge?: Challenge;
  readonly now: Date;
  /** Says which role would allow it. */
  readonly forbiddenHint?: () => string;
  /** Whether another host than the registry answered (a redirect was followed). */
  readonly foreign: boolean;
}

interface RegistryError {
  readonly code: string;
  readonly message: string;
}

/** Error entries of a body (distribution-spec 1.1, error-codes); at most 10. */
export function readErrors(body: string): readonly RegistryError[] {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Proxies and storage answer HTML or XML: then there are no codes to read.
    return [];
  }
  const list: unknown = typeof value === 'object' && value !== null && 'errors' in value ? value.errors : undefined;
  const entries: unknown[] = Array.isArray(list) ? list.slice(0, 10) : [];
  const text = (entry: object, key: string): string => {
    const found: unknown = key in entry ? (entry as Record<string, unknown>)[key] : undefined;
    return typeof found === 'string' ? stripControl(found).slice(0, 300) : '';
  };
  return entries.filter((entry) => typeof entry === 'object' && entry !== null).map((entry) => ({ code: text(entry, 'code'), message: text(entry, 'message') }));
}

/** The failure that a refused reply is. */
export function registryFailure(reply: RefusedReply): Failure {
  const errors = readErrors(reply.body);
  const codes = errors.map((error) => error.code);
  const code = codeOf(reply, codes);
  const said = errors.map((error) => [error.code, error.message].filter(Boolean).join(': ')).join('; ');
  const retryAfterSeconds = readRetryAfter(reply.headers.get('retry-after'), reply.now);
  const hint = hintOf(reply, code, codes);
  return new Failure({
    code,
    message: `${reply.method} ${reply.url.split('?')[0]} was answered ${reply.status}${said === '' ? '' : ` ${said}`}`,
    ...(hint === undefined ? {} : { hint }),
    facts: {
      method: reply.method, url: reply.url, status: reply.status, errors: codes,
      ...(errors.length === 0 && reply.body !== '' ? { body: stripControl(reply.body).slice(0, 500) } : {}),
      ...(reply.challenge?.error === undefined ? {} : { challengeError: reply.challenge.error }),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(reply.headers.has('x-ms-correlation-request-id') ? { correlation: reply.headers.get('x-ms-correlation-request-id') } : {}),
    },
  });
}

const byErrorCode: Readonly<Record<string, FailureCode>> = {
  DIGEST_INVALID: 'REGISTRY_DIGEST_MISMATCH',
  SIZE_INVALID: 'REGISTRY_DIGEST_MISMATCH',
  REGISTRY_DISALLOWED_OPERATION: 'REGISTRY_LOCKED',
  IMAGE_QUARANTINED: 'ACR_QUARANTINED',
  TOOMANYREQUESTS: 'REGISTRY_THROTTLED',
};

function codeOf(reply: RefusedReply, codes: readonly string[]): FailureCode {
  const { status } = reply;
  if (status === 401) return reply.challenge?.error === 'insufficient_scope' ? 'REGISTRY_FORBIDDEN' : 'REGISTRY_UNAUTHORIZED';
  for (const code of codes) {
    const known = byErrorCode[code];
    if (known !== undefined && status >= 400 && status < 500) return known;
  }
  if (status === 403) return 'REGISTRY_FORBIDDEN';
  if (status === 404) return 'REGISTRY_NOT_FOUND';
  if (status === 413) return 'REGISTRY_TOO_LARGE';
  if (status === 429) return 'REGISTRY_THROTTLED';
  return status === 408 || status === 425 || status >= 500 ? 'REGISTRY_UNAVAILABLE' : 'REGISTRY_PROTOCOL';
}

function hintOf(reply: RefusedReply, code: FailureCode, codes: readonly string[]): string | undefined {
  if (codes.includes('IMAGE_QUARANTINED')) return 'The image is in quarantine. Only an identity with the role AcrQuarantineReader or AcrQuarantineWriter may read it, by digest, until the gate releases it.';
  if (code === 'REGISTRY_FORBIDDEN' && reply.foreign) return `The registry redirected to ${new URL(reply.url).host}; allow that host in firewall and proxy as well.`;
  if (code === 'REGISTRY_FORBIDDEN' && /client with IP/i.test(reply.body)) return 'The network rules of the registry do not let this machine in: allow its address, or use a runner inside the network.';
  return code === 'REGISTRY_FORBIDDEN' || code === 'REGISTRY_UNAUTHORIZED' ? reply.forbiddenHint?.() : undefined;
}

/** Seconds of a Retry-After header, number or date (RFC 9110 section 10.2.3); capped at an hour. */
export function readRetryAfter(header: string | null, now: Date): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - now.getTime()) / 1000;
  return Number.isFinite(seconds) ? Math.min(3600, Math.max(0, seconds)) : undefined;
}

const unreachable = /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/;
const certificateProblem = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/;

/** What a call or a stream threw: our own failures as they are, a cancelled run, certificates, and everything else as `REGISTRY_UNAVAILABLE`. */
export function networkFailure(thrown: unknown, call: { readonly method: string; readonly url: string; readonly signal: AbortSignal }): Failure {
  let code = '';
  for (let error = thrown, depth = 0; error instanceof Error && depth < 10; error = error.cause, depth += 1) {
    if (error instanceof Failure) return error;
    if ('code' in error && typeof error.code === 'string') code = error.code;
  }
  const where = `${call.method} ${call.url.split('?')[0]}`;
  if (call.signal.aborted) return new Failure({ code: 'CANCELLED', message: `${where} was cancelled`, cause: thrown });
  const facts = { method: call.method, url: call.url, ...(code === '' ? {} : { network: code }) };
  if (certificateProblem.test(code)) {
    return new Failure({ code: 'REGISTRY_PROTOCOL', message: `${where}: the certificate of the server is not trusted (${code})`, hint: 'Give the certificate authority to Node by NODE_EXTRA_CA_CERTS.', facts, cause: thrown });
  }
  // Waiting does not help where there is nobody.
  const hint = unreachable.test(code) ? { hint: `Nothing answers at ${new URL(call.url).host}: check the name of the registry, and that this machine may reach it (DNS, firewall, private endpoint).` } : {};
  return new Failure({ ...hint, code: 'REGISTRY_UNAVAILABLE', message: `${where} broke off: ${code || causeChain(thrown).at(-1) || 'no reason given'}`, facts, cause: thrown });
}
