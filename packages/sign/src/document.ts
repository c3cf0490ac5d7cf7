// SPDX-License-Identifier: Apache-2.0
// Reads a JSON document that an input names: a file, an https URL, or the JSON itself.
import { Failure, parseJsonObject, retry, type Context, type JsonObject } from '@pratique/core';

const sizeLimit = 4 * 1024 * 1024;
const timeoutSeconds = 30;
const redirectLimit = 3;

/** Fails with `SIGN_CONFIG_INVALID` (nothing there, not JSON, over 4 MiB) or `SIGN_TRUST_UNAVAILABLE` (the URL did not answer). `what` names it in messages. */
export async function readDocument(ctx: Context, source: string, what: string): Promise<JsonObject> {
  const text = source.trim();
  if (text.startsWith('{')) return parseJsonObject(text, what, 'SIGN_CONFIG_INVALID');
  const bytes = /^https:\/\//i.test(text) ? await retry(() => download(ctx, text, what), ctx) : await readFile(ctx, text, what);
  return parseJsonObject(bytes, `${what} ${text}`, 'SIGN_CONFIG_INVALID');
}

async function readFile(ctx: Context, path: string, what: string): Promise<Uint8Array> {
  const opened = await ctx.files.open(path);
  if (opened?.kind !== 'file') throw new Failure({ code: 'SIGN_CONFIG_INVALID', message: `${what}: there is no file ${path}`, hint: `Give a file, an https URL or the JSON itself.` });
  if (opened.size > sizeLimit) throw tooLarge(path, what);
  return opened.bytes();
}

async function download(ctx: Context, url: string, what: string): Promise<Uint8Array> {
  const response = await follow(ctx, url, what);
  if (response.ok) return readBounded(response, sizeLimit, () => tooLarge(url, what));
  await response.body?.cancel();
  const code = response.status >= 500 || response.status === 429 ? 'SIGN_TRUST_UNAVAILABLE' : 'SIGN_CONFIG_INVALID';
  throw new Failure({ code, message: `${what}: ${url} answered ${response.status}`, facts: { status: response.status } });
}

/** Redirects by hand: fetch would also follow one to http, where anybody on the way could give another trusted root. */
async function follow(ctx: Context, start: string, what: string): Promise<Response> {
  let url = start;
  for (let hop = 0; hop <= redirectLimit; hop += 1) {
    const response = await ask(ctx, url, what);
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url);
    if (next?.protocol !== 'https:') throw new Failure({ code: 'SIGN_CONFIG_INVALID', message: `${what}: ${url} redirects to an address that is not https` });
    url = next.href;
  }
  throw new Failure({ code: 'SIGN_CONFIG_INVALID', message: `${what}: ${start} redirects more than ${redirectLimit} times` });
}

async function ask(ctx: Context, url: string, what: string): Promise<Response> {
  try {
    return await ctx.fetch(url, { redirect: 'manual', signal: AbortSignal.any([ctx.signal, AbortSignal.timeout(timeoutSeconds * 1000)]) });
  } catch (cause) {
    throw new Failure({ code: 'SIGN_TRUST_UNAVAILABLE', message: `${what}: ${url} did not answer`, cause });
  }
}

function tooLarge(source: string, what: string): Failure {
  return new Failure({ code: 'SIGN_CONFIG_INVALID', message: `${what}: ${source} is larger than ${sizeLimit} bytes` });
}

/** The whole body of a response; throws what `tooLarge` makes when it has more than `limit` bytes. */
export async function readBounded(response: Response, limit: number, refuse: () => Failure): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw refuse();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
