// SPDX-License-Identifier: Apache-2.0
// `pratique lab load URL`: bounded traffic at the lab, and what came back.
import process from 'node:process';
import { sendLoad, type LoadReport } from '@pratique/lab';
import { Failure } from '@pratique/core';
import { requireKnown, type Arguments } from './arguments.ts';

const usage = `pratique lab load URL [--rate 20] [--seconds 60] [--concurrency 10] [--host NAME] [--json]
  URL is loopback or in a lab's cluster. Bounds: 1000 requests a second, 3600 seconds, 100 at once. Ctrl-C ends it early.`;

/** Exit status 0 whatever the answers were: it reports, it does not judge. */
export async function labLoad({ words, flags }: Arguments): Promise<number> {
  requireKnown(flags, ['help', 'json', 'rate', 'seconds', 'concurrency', 'host']);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (flags['help']) {
    say(usage);
    return 0;
  }
  const [url] = words;
  if (url === undefined || words.length > 1) throw new Failure({ code: 'INPUT_INVALID', message: 'one URL is needed', hint: usage });
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort()).once('SIGTERM', () => stopped.abort());
  const given = (name: string, otherwise: number): number => (flags[name] === undefined ? otherwise : Number(flags[name]));
  const report = await sendLoad({ url, rate: given('rate', 20), seconds: given('seconds', 60), concurrency: given('concurrency', 10), signal: stopped.signal, ...(flags['host'] ? { host: flags['host'] } : {}) });
  say(flags['json'] ? JSON.stringify(report) : describe(report));
  return 0;
}

function describe({ requests, heldBack, statuses, versions, latency, failures }: LoadReport): string {
  const list = (counts: Readonly<Record<string, number>>): string => Object.entries(counts).map(([key, count]) => `${key}: ${count}`).join(', ');
  const lines = [`requests   ${requests}${heldBack > 0 ? `, ${heldBack} more held back because too many were on their way` : ''}`, `statuses   ${list(statuses)}`];
  if (Object.keys(versions).length > 0) lines.push(`versions   ${list(versions)}`);
  lines.push(`latency    p50 ${latency.p50} ms, p90 ${latency.p90} ms, p95 ${latency.p95} ms, p99 ${latency.p99} ms, max ${latency.max} ms`);
  const failed = Object.entries(failures);
  lines.push(failed.length === 0 ? 'failures   none' : `failures   ${failed.map(([second, count]) => `${count} in second ${second}`).join(', ')}`);
  return lines.join('\n');
}
