// SPDX-License-Identifier: Apache-2.0
// Where a registry may send us: redirects, upload locations, next pages, token endpoints.
import { Failure } from '@pratique/core';

// Link-local addresses and Azure's wire server answer with credentials of the machine; no registry lives there.
const forbiddenHosts = [/^169\.254\./, /^168\.63\.129\.16$/, /^\[fe[89ab][0-9a-f]:/, /^\[::ffff:a9fe:/, /^\[::ffff:a83f:8110\]$/, /^\[fd00:ec2::254\]$/, /^metadata\.google\.internal\.?$/];

/**
 * `target` against `base`, if it may be called at all: https (http only where the registry itself is http), no user-info,
 * never link-local. Fails with `REGISTRY_PROTOCOL`.
 */
export function resolveLocation(target: string | null, base: URL, plainHttp: boolean): URL {
  const url = target !== null && URL.canParse(target, base.href) ? new URL(target, base.href) : undefined;
  const problem = url === undefined ? 'no usable address' : problemOf(url, plainHttp);
  if (url !== undefined && problem === undefined) return url;
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${base.origin} points to ${url?.origin ?? 'nowhere'}: ${problem}`, facts: { location: target?.slice(0, 2000), from: base.href } });
}

function problemOf(url: URL, plainHttp: boolean): string | undefined {
  if (url.protocol !== 'https:' && !(plainHttp && url.protocol === 'http:')) return 'it is not https';
  if (url.username !== '' || url.password !== '') return 'it holds credentials';
  return forbiddenHosts.some((pattern) => pattern.test(url.hostname)) ? 'a registry never lives there' : undefined;
}

/** The target of `rel="next"` in a Link header (RFC 8288), or `undefined`. */
export function nextLink(header: string | null): string | undefined {
  for (const match of (header ?? '').matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (/;\s*rel\s*=\s*"?next"?\s*(?:[;,]|$)/i.test(match[2] ?? '')) return match[1];
  }
  return undefined;
}
