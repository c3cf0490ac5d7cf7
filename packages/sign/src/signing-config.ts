// SPDX-License-Identifier: Apache-2.0
// Sigstore SigningConfig v0.2 (protobuf-specs sigstore_trustroot.proto): which servers sign, log and timestamp now.
import { Failure, isJsonObject, type Context, type JsonObject } from '@pratique/core';
import { readDocument } from './document.ts';
import { readPublicGood } from './public-good.ts';

/** One server of a signing configuration. */
export interface SigningServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly version: number;
}

/** The servers that one signature needs: every one of them is asked. */
export interface SigningServers {
  readonly authority: SigningServer;
  readonly logs: readonly SigningServer[];
  readonly timestampers: readonly SigningServer[];
}

interface Entry extends SigningServer {
  readonly start: number;
  readonly operator: string;
}

const mediaType = 'application/vnd.dev.sigstore.signingconfig.v0.2+json';

/** Loads and selects. `source` undefined = the public good instance. Fails with `SIGN_CONFIG_INVALID` or `SIGN_TRUST_UNAVAILABLE`. */
export async function loadSigningServers(ctx: Context, source: string | undefined): Promise<SigningServers> {
  const config = source === undefined ? await readPublicGood(ctx, 'signing_config.v0.2.json') : await readDocument(ctx, source, 'signing-config');
  return selectServers(config, ctx.clock.now());
}

/** The servers to use at `now`. Fails with `SIGN_CONFIG_INVALID`. */
export function selectServers(config: JsonObject, now: Date): SigningServers {
  if (config['mediaType'] !== mediaType) throw invalid(`its mediaType is not ${mediaType}`);
  const [authority] = usable(config, { key: 'caUrls', newest: 1, now });
  if (authority === undefined) throw invalid('it names no certificate authority (caUrls) that is valid now');
  const logs = pick(usable(config, { key: 'rekorTlogUrls', newest: 2, now }), config['rekorTlogConfig'], 'rekorTlog');
  const timestampers = pick(usable(config, { key: 'tsaUrls', newest: 1, now }), config['tsaConfig'], 'tsa');
  if (logs.length === 0) throw invalid('it names no transparency log (rekorTlogUrls) that is valid now');
  if (timestampers.length === 0 && logs.every((log) => log.version > 1)) throw invalid('a version 2 log gives no time, so it needs a timestamp authority (tsaUrls)');
  return { authority, logs, timestampers };
}

/** Servers of a list that can be used now: newest API first, then newest start; one per operator. */
function usable(config: JsonObject, { key, newest, now }: { key: string; newest: number; now: Date }): Entry[] {
  const list = config[key] ?? [];
  if (!Array.isArray(list)) throw invalid(`${key} is not a list`);
  const entries = list.flatMap((item: unknown) => readEntry(item, key, now) ?? []).filter((entry) => entry.version >= 1 && entry.version <= newest);
  entries.sort((a, b) => b.version - a.version || b.start - a.start);
  return entries.filter((entry, index) => entry.operator === '' || entries.findIndex((other) => other.operator === entry.operator) === index);
}

function readEntry(item: unknown, key: string, now: Date): Entry | undefined {
  if (!isJsonObject(item)) throw invalid(`an entry of ${key} is not an object`);
  const range = isJsonObject(item['validFor']) ? item['validFor'] : {};
  const start = Date.parse(String(range['start'] ?? '1970-01-01T00:00:00Z'));
  const end = Date.parse(String(range['end'] ?? '9999-12-31T00:00:00Z'));
  if (Number.isNaN(start) || Number.isNaN(end)) throw invalid(`validFor of an entry of ${key} is not a time range`);
  const url = readUrl(String(item['url']), key);
  if (start > now.getTime() || end < now.getTime()) return undefined;
  return { url, version: Number(item['majorApiVersion'] ?? 0), start, operator: String(item['operator'] ?? '') };
}

function readUrl(text: string, key: string): string {
  const url = URL.parse(text);
  // The identity token is sent there: never in the clear, except on this machine.
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname));
  if (!safe || url === null) throw invalid(`an entry of ${key} has no https URL`);
  return url.href.replace(/\/+$/, '');
}

function pick(entries: readonly Entry[], config: unknown, key: string): readonly Entry[] {
  const { selector, count } = isJsonObject(config) ? config : { selector: 'ANY' };
  if (selector === 'ALL' || (selector !== 'EXACT' && entries.length === 0)) return entries;
  if (selector === 'ANY') return entries.slice(0, 1);
  const wanted = Number(count);
  if (selector !== 'EXACT' || !Number.isInteger(wanted) || wanted < 1) throw invalid(`${key}Config has no selector ANY, ALL or EXACT with a count`);
  if (entries.length < wanted) throw invalid(`${key}Config wants ${wanted} servers, ${entries.length} can be used`);
  return entries.slice(0, wanted);
}

function invalid(why: string): Failure {
  return new Failure({ code: 'SIGN_CONFIG_INVALID', message: `the signing configuration cannot be used: ${why}`, hint: 'Make it with `cosign signing-config create`, or leave the input signing-config away for the public good instance.' });
}
