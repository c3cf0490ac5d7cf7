// SPDX-License-Identifier: Apache-2.0
// The log of a GitHub run: groups, annotations within GitHub's limits, and how an end is printed.
import process from 'node:process';
import { type Log, type Notice } from '@pratique/core';
import { explanationOf, type Ending } from './ending.ts';
import { cleanLines } from './log.ts';
import { issueCommand } from './workflow-command.ts';

// GitHub shows ten annotations per level and step, and cuts each at 4096 characters (actions/runner, ExecutionContext.cs).
const annotationsPerLevel = 10;
const annotationLength = 4000;
// The end of a step that refuses or fails is its worst annotation, and comes last.
const reserved = { notice: 0, warning: 0, error: 1 } as const;

const clean = (text: string): string => cleanLines(text).join('\n');
const print = (text: string): void => cleanLines(text).forEach((line) => process.stdout.write(`${line}\n`));

/** The log port on GitHub. Annotations over the limit are printed as lines. */
export function createGitHubLog(): Log {
  const used = { notice: 0, warning: 0, error: 0 };
  return {
    line: print,
    notice(notice) {
      used[notice.level] += 1;
      if (used[notice.level] > annotationsPerLevel - reserved[notice.level]) print(`${notice.level}: ${notice.title}: ${notice.message}`);
      else annotate(notice);
    },
    group: printGroup,
  };
}

async function printGroup<T>(title: string, work: () => Promise<T>): Promise<T> {
  issueCommand('group', clean(title));
  try {
    return await work();
  } finally {
    issueCommand('endgroup');
  }
}

function annotate(notice: Notice): void {
  issueCommand(notice.level, cut(clean(notice.message), annotationLength), { title: clean(notice.title), file: notice.file, line: notice.file && notice.line?.toString() });
}

const leftOut = '\n… the rest stands in the summary';
const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - leftOut.length).toWellFormed()}${leftOut}`);

/** One annotation titled with the code, the hint in it; facts and causes in a folded group; a link to the explanation. */
export async function printEnding(ending: Ending, site: string | undefined): Promise<void> {
  const after = [...(ending.hint ? [ending.hint] : []), explanationOf(ending.code, site)].join('\n');
  // What to do is never what is cut.
  annotate({ level: 'error', title: ending.code, message: `${cut(clean(ending.message), Math.max(annotationLength / 2, annotationLength - after.length - 1))}\n${after}` });
  if (ending.details.length === 0) return;
  await printGroup(`${ending.code}: details`, () => {
    for (const line of ending.details) print(line);
    return Promise.resolve();
  });
}
