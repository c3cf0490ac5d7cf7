// SPDX-License-Identifier: Apache-2.0
// The permitted arrows between packages, and who may touch the world (docs/architecture.md).
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkout } from '../tools/runtime.mjs';
import { readImports, readSourceFiles, type SourceFile } from './source-files.ts';

const step = ['core', 'step', 'oci', 'azure', 'acr', 'scan', 'sign', 'policy', 'evidence'];
const arrows: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [], 'packages/step': ['core'], 'packages/host': ['core', 'step'],
  'packages/oci': ['core'], 'packages/azure': ['core', 'oci'], 'packages/acr': ['core', 'oci', 'azure'], 'packages/scan': ['core', 'oci'], 'packages/sign': ['core', 'oci'], 'packages/policy': ['core'], 'packages/kube': ['core'], 'packages/evidence': ['core', 'sign', 'policy', 'oci'],
  'packages/lab': ['core', 'oci'],
  'actions/build-scan-push': step, 'actions/sign-and-attest': step, 'actions/quarantine-gate': step, 'actions/helm-deploy-canary': [...step, 'kube'],
};
/** Modules of Node that compute and touch nothing. */
const pure = new Set(['node:crypto', 'node:path', 'node:path/posix', 'node:stream', 'node:stream/web', 'node:buffer', 'node:util', 'node:zlib', 'node:async_hooks', 'node:querystring', 'node:url']);
/** Homes that stand at the edge and may use Node freely. */
const edges = new Set(['packages/host', 'packages/lab', 'packages/cli', 'test', 'vitest.config.ts']);
/** Uses of the world in inner code that a reader should know of. */
const permitted: Readonly<Record<string, string>> = {
  'packages/oci/src/deadline.ts': 'setTimeout(', // what it waits for is the network, in real time
  'packages/oci/src/referrers.ts': 'Math.random(', // jitter between writers that do not know of each other
};
const heavy = /^(?:@azure\/(?:identity|container-registry)|@sigstore\/(?:sign|verify|tuf)|@actions\/(?:github|artifact|cache))/;

const files = readSourceFiles();
const product = files.filter((file) => !file.forTests && file.home !== 'test' && /^(?:packages|actions)\//.test(file.path));
const inner = product.filter((file) => !edges.has(file.home));
const offences = (among: readonly SourceFile[], find: (file: SourceFile) => readonly string[]): string[] => among.flatMap((file) => find(file).map((what) => `${file.path}: ${what}`));

test('imports are read in all their forms', () => {
  expect(readImports("import type { A } from 'a';\nimport {\n  b,\n} from 'b';\nimport 'c';\nexport { d } from './d.ts';\nconst e = await import('e');\ntype F = typeof import('f');\n")).toEqual([
    { from: 'a', typeOnly: true, lazy: false }, { from: 'b', typeOnly: false, lazy: false }, { from: 'c', typeOnly: false, lazy: false }, { from: './d.ts', typeOnly: false, lazy: false }, { from: 'e', typeOnly: false, lazy: true },
  ]);
});

test('there is something to look at', () => {
  expect(product.length).toBeGreaterThan(100);
});

describe('arrows', () => {
  test('packages import only what the architecture permits', () => {
    expect(offences(product.filter((file) => file.home !== 'packages/cli'), (file) => file.imports.flatMap(({ from }) => {
      const name = /^@pratique\/([^/]+)/.exec(from)?.[1];
      if (name === undefined || arrows[file.home]?.includes(name)) return [];
      const isMain = /^actions\/[^/]+\/src\/main\.ts$/.test(file.path) && name === 'host';
      return isMain || (file.path === 'actions/main.ts' && from.endsWith('/main')) ? [] : [from];
    }))).toEqual([]);
  });

  test('nothing reaches behind the index of another package', () => {
    expect(offences(files, (file) => file.imports.filter(({ from }) => (/^@pratique\/[^/]+\//.test(from) && file.path !== 'actions/main.ts') || leavesHome(file, from)).map(({ from }) => from))).toEqual([]);
  });

  test('what a package imports, its package.json names', () => {
    expect(offences(product, (file) => {
      const manifest = join(checkout, file.home, 'package.json');
      if (!existsSync(manifest)) return [];
      const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: Record<string, string> };
      const names = file.imports.map(({ from }) => /^(@[^/]+\/[^/]+|[^./@][^/]*)/.exec(from)?.[1] ?? '').filter((name) => name !== '' && !name.startsWith('node:'));
      return names.filter((name) => !Object.hasOwn(dependencies, name));
    })).toEqual([]);
  });

  test('there is no cycle, not even of types', () => {
    expect(findCycles(product)).toEqual([]);
  });
});

describe('the world', () => {
  test('only host imports @actions, process and child_process; lab reads workflows with GitHub\'s own parser', () => {
    expect(offences(product.filter((file) => !['packages/host', 'packages/lab', 'packages/cli'].includes(file.home)), (file) => file.imports.map(({ from }) => from).filter((from) => /^@actions\/|^(?:node:)?(?:process|child_process)$/.test(from)))).toEqual([]);
    expect(offences(product.filter((file) => ['packages/lab', 'packages/cli'].includes(file.home)), (file) => file.imports.map(({ from }) => from).filter((from) => /^@actions\/(?!workflow-parser|expressions)/.test(from)))).toEqual([]);
  });

  test('steps and domain import of Node only what touches nothing', () => {
    expect(offences(inner, (file) => file.imports.filter(({ from, typeOnly }) => from.startsWith('node:') && !typeOnly && !pure.has(from)).map(({ from }) => from))).toEqual([]);
  });

  test('steps and domain use no global that touches the world', () => {
    const globals = /\bprocess\.(?:env|exit|cwd|stdout|stderr|argv)|\bglobalThis\.fetch\b|\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<![.\w])setTimeout\(|\bconsole\./g;
    expect(offences(inner, (file) => [...withoutComments(file.text).matchAll(globals)].map(([use]) => use).filter((use) => permitted[file.path] !== use))).toEqual([]);
  });

  test('heavy libraries are loaded when they are needed', () => {
    expect(offences(product.filter((file) => file.home !== 'packages/lab'), (file) => file.imports.filter(({ from, typeOnly, lazy }) => heavy.test(from) && !typeOnly && !lazy).map(({ from }) => from))).toEqual([]);
  });
});

function leavesHome(file: SourceFile, from: string): boolean {
  if (!from.startsWith('.') || !/^(?:packages|actions)\//.test(file.path) || file.path === 'actions/main.ts') return false;
  return !normalize(join(dirname(file.path), from)).startsWith(`${file.home}/`) && !file.forTests;
}

// `random = Math.random` as a default of an injected port is a reference, not a use; a use is a call.
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function findCycles(among: readonly SourceFile[]): string[] {
  const edgesOf = new Map(among.map((file) => [file.path, file.imports.filter(({ from, lazy }) => from.startsWith('.') && !lazy).map(({ from }) => normalize(join(dirname(file.path), from)))]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    else if (!done.has(path)) {
      for (const next of edgesOf.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of edgesOf.keys()) visit(path, []);
  return cycles;
}
