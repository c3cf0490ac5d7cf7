// SPDX-License-Identifier: Apache-2.0
// What a child prints: kept up to a bound, and cut into clean lines as it comes.
import { StringDecoder } from 'node:string_decoder';
import { neutralizeCommands, redact } from '@pratique/core';

const longestLine = 8192;

/** Keeps the first and the last bytes of a stream; what is left out in the middle is told. */
export function createCapture(limit: number): { take(chunk: Buffer): void; text(): string } {
  const head: Buffer[] = [];
  const tail: Buffer[] = [];
  let headSize = 0;
  let tailSize = 0;
  let dropped = 0;
  return {
    take(chunk) {
      if (headSize < limit) {
        head.push(chunk);
        headSize += chunk.length;
        return;
      }
      tail.push(chunk);
      tailSize += chunk.length;
      while (tailSize - (tail[0]?.length ?? 0) >= limit) {
        const gone = tail.shift()?.length ?? 0;
        tailSize -= gone;
        dropped += gone;
      }
    },
    text() {
      const middle = dropped === 0 ? [] : [Buffer.from(`\n[${dropped} bytes left out]\n`)];
      return Buffer.concat([...head, ...middle, ...tail]).toString('utf8');
    },
  };
}

/** Cuts a stream into lines, redacts and neutralises each, and hands it on. Carriage returns of progress bars end a line too. */
export function createLineReader(onLine: (line: string) => void): { take(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const emit = (line: string): void => {
    if (line !== '') onLine(neutralizeCommands(redact(line.slice(0, longestLine))));
  };
  return {
    take(chunk) {
      const lines = (rest + decoder.write(chunk)).split(/\r\n|\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) emit(line);
      if (rest.length > longestLine) {
        emit(rest);
        rest = '';
      }
    },
    end() {
      emit(rest + decoder.end());
      rest = '';
    },
  };
}
