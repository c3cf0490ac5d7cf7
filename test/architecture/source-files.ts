// SPDX-License-Identifier: Apache-2.0
// The source files of the workspace and what each imports, read as text: TypeScript 7 has no programming interface.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../tools/runtime.mjs';

/** One import or re-export of a file. */
export interface Import {
  readonly from: string;
  /** Known only to the type checker: gone when the file runs. */
  readonly typeOnly: boolean;
  /** By `import()`, when it is needed. */
  readonly lazy: boolean;
}

/** A source file, by its path from the root of the checkout. */
export interface SourceFile {
  readonly path: string;
  /** `packages/core`, `actions/build-scan-push`, `test`. */
  readonly home: string;
  readonly text: string;
  /** Tests, and the stand-ins and worlds that only tests use. */
  readonly forTests: boolean;
  readonly imports: readonly Import[];
}

const statement = /^(?:import|export)\s+(type\s)?(?:[^'"();]*?\sfrom\s+)?'([^']+)'/gm;
const lazy = /(?<!typeof )\bimport\('([^']+)'\)/g;

/** Reads what a file imports. */
export function readImports(text: string): Import[] {
  const direct = [...text.matchAll(statement)].map((match) => ({ from: match[2] ?? '', typeOnly: match[1] !== undefined, lazy: false }));
  const later = [...text.matchAll(lazy)].map((match) => ({ from: match[1] ?? '', typeOnly: false, lazy: true }));
  return [...direct, ...later];
}

function homeOf(path: string): string {
  const [top = '', name = ''] = path.split('/');
  return top === 'packages' || (top === 'actions' && !name.includes('.')) ? `${top}/${name}` : top;
}

/** Every TypeScript and JavaScript file that people write. */
export function readSourceFiles(): readonly SourceFile[] {
  const patterns = ['packages/*/src/**/*.{ts,mts,mjs}', 'actions/*/src/**/*.ts', 'actions/*.ts', 'test/**/*.{ts,mts,mjs}', '*.ts'];
  const paths = patterns.flatMap((pattern) => globSync(pattern, { cwd: checkout })).filter((path) => !/node_modules|test\/fixtures|\/dist\//.test(path)).sort();
  return paths.map((path) => {
    const text = readFileSync(join(checkout, path), 'utf8');
    return { path, home: homeOf(path), text, forTests: /\.(?:test|fixture)\.ts$|\/(?:test-(?:world|trial|disk-writer)|[^/]*-stand-in)\.ts$|^test\//.test(path), imports: readImports(text) };
  });
}
