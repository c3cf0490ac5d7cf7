// SPDX-License-Identifier: Apache-2.0
// A whole file read by a shape: all its problems in one failure; and its JSON Schema.
import { Failure, type JsonObject } from '@pratique/core';
import type { Shape } from './shape.ts';
import { readYaml, type Problem } from './yaml.ts';

/** Reads `source` by `shape`. Fails with `POLICY_INVALID` and `facts.problems`, each with file, line, column, path and problem. */
export function readDocument<T>(shape: Shape<T>, source: string, file: string): T {
  const { root, problems } = readYaml(source, file);
  const value = shape.read(root, '', problems);
  if (value !== undefined && problems.length === 0) return value;
  throw invalid(file, problems);
}

function invalid(file: string, problems: readonly Problem[]): Failure {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.map(({ line, column, path, problem }) => `${file}:${line}:${column} ${path === '' ? '' : `${path} `}${problem}`);
  return new Failure({
    code: 'POLICY_INVALID',
    message: lines.length === 1 ? `${lines[0]}` : `${file} has ${lines.length} problems:\n${lines.map((line) => `- ${line}`).join('\n')}`,
    hint: 'Mend every line named above; nothing of a file with a problem is used. Before you push it, look at it on your machine: pratique policy check',
    facts: { problems: sorted },
  });
}

/** JSON Schema (draft 2020-12) of a file. */
export function documentSchema(shape: Shape<unknown>, title: string, description: string): JsonObject {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, description, ...shape.json };
}
