// SPDX-License-Identifier: Apache-2.0
// An append-only file, one entry a line. A line that a crash cut short is dropped when the file is opened again.
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure, isJsonObject } from '@pratique/core';

/** One logged entry. */
export interface JournalEntry {
  /** Canonical body, the bytes of the Merkle leaf. */
  readonly body: Buffer;
  /** Seconds since 1970. */
  readonly time: number;
}

/** Appending is synchronous: an index is given out only after its line is written. */
export interface Journal {
  readonly entries: readonly JournalEntry[];
  append(entry: JournalEntry): void;
  close(): void;
}

/** Opens or begins the journal at `path`. Fails with `LAB_DATA_INVALID` when a whole line makes no sense. */
export function openJournal(path: string): Journal {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a+');
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) ftruncateSync(file, Buffer.byteLength(whole));
  const entries = whole.split('\n').filter((line) => line !== '').map((line, index) => readLine(line, `${path}:${index + 1}`));
  return {
    entries,
    append(entry) {
      writeSync(file, `${JSON.stringify({ time: entry.time, body: entry.body.toString('base64') })}\n`);
      entries.push(entry);
    },
    close: () => closeSync(file),
  };
}

function readLine(line: string, where: string): JournalEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new Failure({ code: 'LAB_DATA_INVALID', message: `${where} is not an entry of the log`, hint: 'Remove the data folder to begin a new log.', cause });
  }
  if (isJsonObject(value) && typeof value['body'] === 'string' && typeof value['time'] === 'number') return { body: Buffer.from(value['body'], 'base64'), time: value['time'] };
  throw new Failure({ code: 'LAB_DATA_INVALID', message: `${where} is not an entry of the log`, hint: 'Remove the data folder to begin a new log.' });
}
