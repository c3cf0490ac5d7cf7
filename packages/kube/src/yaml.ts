// SPDX-License-Identifier: Apache-2.0
// YAML as Kubernetes' own programs read it (sigs.k8s.io/yaml): `0644` is octal, `yes` and `on` are booleans, a date stays text.
import { CORE_SCHEMA, defineScalarTag, loadAll, mergeTag, NOT_RESOLVED, YAMLException } from 'js-yaml';
import { Failure, type FailureCode } from '@pratique/core';

const booleans = new Map([...['true', 'yes', 'on'].map((word) => [word, true] as const), ...['false', 'no', 'off'].map((word) => [word, false] as const)]);

const bool = defineScalarTag('tag:yaml.org,2002:bool', {
  implicit: true,
  // Only whole lower case, capitalised, or upper case words count: `yEs` is text.
  resolve: (source) => (/^(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)$/.test(source) ? (booleans.get(source.toLowerCase()) ?? NOT_RESOLVED) : NOT_RESOLVED),
  identify: (value) => typeof value === 'boolean',
});

const integer = defineScalarTag('tag:yaml.org,2002:int', {
  implicit: true,
  resolve: (source) => {
    const [, sign = '', digits = ''] = /^([-+]?)((?:0|[1-9][0-9_]*|0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+))$/.exec(source) ?? [];
    if (digits === '') return NOT_RESOLVED;
    const plain = digits.replaceAll('_', '');
    const value = Number(/^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain);
    return sign === '-' ? -value : value;
  },
  identify: (value) => Number.isInteger(value),
});

const schema = CORE_SCHEMA.withTags(mergeTag, bool, integer);
const mostCharacters = 16 * 1024 * 1024;

/** What is read, for the failure. */
export interface YamlSource {
  /** Names the text in the failure. */
  readonly what: string;
  readonly code: FailureCode;
}

/** All documents of `text`, empty ones left out. A key that stands twice, or more than 1,000 aliases, fails with `code`. */
export function readYamlDocuments(text: string, { what, code }: YamlSource): unknown[] {
  if (text.length > mostCharacters) throw new Failure({ code, message: `${what} is larger than ${mostCharacters} characters` });
  try {
    return loadAll(text, { schema, maxDepth: 64, maxAliases: 1000 }).filter((document) => document !== null && document !== undefined);
  } catch (thrown) {
    if (!(thrown instanceof YAMLException)) throw thrown;
    // The excerpt that the library adds to its message could hold a secret; reason and line do not.
    throw new Failure({ code, message: `${what} is not YAML: ${thrown.reason} (line ${(thrown.mark?.line ?? 0) + 1})` });
  }
}
