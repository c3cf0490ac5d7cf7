// SPDX-License-Identifier: Apache-2.0
// A mutant in words: where it stands, and what it changed.
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { checkout } from '../tools/runtime.mjs';

export interface MutantDescription {
  /** From the root of the checkout. */
  readonly file: string;
  /** The source line where it begins. */
  readonly line: string;
  /** `old -> new`, white space collapsed: stays the same when lines move. */
  readonly change: string;
  /** `file:line change`. */
  readonly text: string;
}

export function describeMutant({ fileName, location: { start, end }, replacement }: Pick<MutantResult, 'fileName' | 'location' | 'replacement'>): MutantDescription {
  const file = relative(checkout, resolve(checkout, fileName));
  // Lines and columns are counted from 1 in what Stryker reports, and the end is not part of it.
  const lines = readFileSync(join(checkout, file), 'utf8').split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  const old = lines.map((line, index) => line.slice(index === 0 ? start.column - 1 : 0, index === last ? end.column - 1 : undefined)).join('\n');
  const change = `${oneLine(old)} -> ${oneLine(replacement ?? '')}`;
  return { file, line: lines[0] ?? '', change, text: `${file}:${start.line} ${change}` };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
