// SPDX-License-Identifier: Apache-2.0
// What people read while a step runs, as plain text.
import { neutralizeCommands, redact, type Log, type Notice } from '@pratique/core';

/** `text` cut into lines that hold no secret, no control character and no workflow command. */
export function cleanLines(text: string): string[] {
  return redact(text).split(/\r?\n/).map(neutralizeCommands);
}

/** A log of plain lines, handed to `print` one by one; groups are indented. */
export function createTextLog(print: (line: string) => void, colour = false): Log {
  let depth = 0;
  const line = (text: string): void => {
    for (const one of cleanLines(text)) print('  '.repeat(depth) + one);
  };
  return {
    line,
    notice(notice) {
      line(formatNotice(notice, colour));
    },
    async group(title, work) {
      line(colour ? `\u25b8 ${title}` : `> ${title}`);
      depth += 1;
      try {
        return await work();
      } finally {
        depth -= 1;
      }
    },
  };
}

function formatNotice(notice: Notice, colour: boolean): string {
  const place = notice.file === undefined ? '' : ` (${notice.file}${notice.line === undefined ? '' : `:${notice.line}`})`;
  const mark = colour ? { notice: '\u2139', warning: '\u26a0', error: '\u2716' }[notice.level] : notice.level;
  return `${mark} ${notice.title}: ${notice.message}${place}`;
}
