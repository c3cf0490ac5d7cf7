// SPDX-License-Identifier: Apache-2.0
// Lists that come in pages joined by Link headers, within bounds.
import { Failure, parseJsonObject, retry, type JsonObject } from '@pratique/core';
import { manifestLimit } from './descriptor.ts';
import type { HttpReply } from './exchange.ts';
import { nextLink, resolveLocation } from './location.ts';
import type { Transport } from './transport.ts';

export interface PagedList<T> {
  readonly transport: Transport;
  readonly path: string;
  readonly scopes: readonly string[];
  readonly accept?: string;
  /** Entries beyond this are refused with `REGISTRY_TOO_LARGE`: nobody may hide the one that counts behind a flood. */
  readonly limit: number;
  /** Entries of one page; `undefined` when the reply is no page of such a list. */
  read(body: JsonObject, reply: HttpReply): readonly T[] | undefined;
  /** Statuses of the first page that mean "there is no such list". */
  readonly absent: readonly number[];
}

const pageLimit = 500;

/** All entries; `undefined` when the registry has no such list. Fails with `REGISTRY_TOO_LARGE`, `REGISTRY_PROTOCOL`. */
export async function readPages<T>(list: PagedList<T>): Promise<T[] | undefined> {
  const entries: T[] = [];
  let next: string | URL | undefined = list.path;
  for (let page = 0; next !== undefined; page += 1) {
    const { reply, found }: Page<T> = await askPage(list, next, page === 0 ? [200, ...list.absent] : [200]);
    if (found === undefined) {
      await reply.discard();
      if (page === 0) return undefined;
      throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `page ${page + 1} of ${list.path} is not one`, facts: { url: reply.url.href } });
    }
    entries.push(...found);
    if (entries.length > list.limit || page >= pageLimit) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `${list.path} has more than ${list.limit} entries` });
    next = nextPage(list.transport, reply);
  }
  return entries;
}

interface Page<T> {
  readonly reply: HttpReply;
  readonly found: readonly T[] | undefined;
}

/** A body that breaks off is asked for again, in the budget of a call that is not answered. */
function askPage<T>(list: PagedList<T>, path: string | URL, accept: readonly number[]): Promise<Page<T>> {
  return retry(async () => {
    const reply = await list.transport.send({ method: 'GET', path, scopes: list.scopes, headers: { accept: list.accept ?? 'application/json' }, accept, attempts: 1 });
    return { reply, found: reply.status === 200 ? await readPage(list, reply) : undefined };
  }, list.transport);
}

async function readPage<T>(list: PagedList<T>, reply: HttpReply): Promise<readonly T[] | undefined> {
  if (!/json/i.test(reply.headers.get('content-type') ?? 'json')) return undefined;
  return list.read(parseJsonObject(await reply.bytes(manifestLimit), `the reply to ${list.path}`, 'REGISTRY_PROTOCOL'), reply);
}

function nextPage(transport: Transport, reply: HttpReply): URL | undefined {
  const link = nextLink(reply.headers.get('link'));
  if (link === undefined) return undefined;
  const url = resolveLocation(link, reply.url, transport.plainHttp);
  if (url.origin === transport.base.origin && url.href !== reply.url.href) return url;
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: 'a list goes on at another host or never ends', facts: { from: reply.url.href, to: url.href } });
}
