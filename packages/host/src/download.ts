// SPDX-License-Identifier: Apache-2.0
// Downloading a release of a program: nothing runs, and nothing is unpacked, before its SHA-256 is the pinned one.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, retry, type Clock, type Exec, type LocatedTool } from '@pratique/core';
import { addToCache } from './tool-cache.ts';
import { cacheKey, type ReleaseFile, type ToolEntry } from './tool-table.ts';

const largestArchive = 512 * 1024 * 1024;

export interface Download {
  readonly name: string;
  readonly entry: ToolEntry;
  /** `linux-x64` and the like. */
  readonly platform: string;
  readonly cache: string;
  readonly scratch: string;
  readonly fetch: typeof fetch;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Brings the pinned release into the cache; `undefined` when there is none for this platform. Fails with `TOOL_UNVERIFIED`, `TOOL_MISSING`. */
export async function downloadTool(download: Download): Promise<LocatedTool | undefined> {
  const release = download.entry.release;
  const file = release?.files[download.platform];
  if (release === undefined || file === undefined) return undefined;
  download.say(`Downloading ${download.name} ${download.entry.wanted} (${file.name})`);
  const bytes = await fetchVerified(download, new URL(file.name, release.url), file);
  const folder = await mkdtemp(join(download.scratch, 'download-'));
  try {
    const archive = join(folder, file.name);
    await writeFile(archive, bytes);
    const key = cacheKey(download.entry.wanted, [file.sha256]);
    return await addToCache(download.cache, { name: download.name, key, version: download.entry.wanted, origin: 'download' }, async (target) => {
      const result = await download.exec.run({ file: 'tar', args: ['-xzf', archive, '-C', target, '--no-same-owner', release.member], timeoutSeconds: 120 });
      if (result.exitCode !== 0) throw new Failure({ code: 'TOOL_MISSING', message: `${file.name} could not be unpacked: ${result.stderr.trim()}` });
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchVerified(download: Download, url: URL, file: ReleaseFile): Promise<Uint8Array> {
  const bytes = await retry(() => fetchBytes(download, url), { clock: download.clock, signal: download.signal, attempts: 3 });
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found === file.sha256) return bytes;
  throw new Failure({
    code: 'TOOL_UNVERIFIED', message: `${file.name} has the SHA-256 ${found}, pinned is ${file.sha256}`,
    hint: `Nothing of it was run. Find out what answers for ${url.host}, or install ${download.name} yourself and put it on PATH.`, facts: { url: url.href, found, pinned: file.sha256 },
  });
}

async function fetchBytes(download: Download, url: URL): Promise<Uint8Array> {
  const failed = (why: string, cause?: unknown): Failure => new Failure({
    code: 'TOOL_MISSING', message: `${download.name} could not be downloaded from ${url.host}: ${why}`,
    hint: `Install ${download.name} ${download.entry.least} or newer on the runner and put it on PATH.`, cause,
  });
  const response = await download.fetch(url, { signal: AbortSignal.any([download.signal, AbortSignal.timeout(300_000)]) }).catch((cause: unknown) => {
    throw failed('no answer', cause);
  });
  if (!response.ok || response.body === null) throw failed(`status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > largestArchive) throw failed(`more than ${largestArchive} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
