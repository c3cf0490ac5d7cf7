// SPDX-License-Identifier: Apache-2.0
// Loads GitHub's own workflow parser and expression engine.
// They import JSON without an import attribute, which Node refuses (ERR_IMPORT_ATTRIBUTE_MISSING); a hook adds it while they load.
// https://github.com/actions/languageservices (0.3.61)
import { registerHooks } from 'node:module';

type Parser = typeof import('@actions/workflow-parser');
type Expressions = typeof import('@actions/expressions');

let loaded: Promise<{ parser: Parser; expressions: Expressions }> | undefined;

/** The two libraries; loaded once. */
export function workflowLibraries(): Promise<{ parser: Parser; expressions: Expressions }> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<{ parser: Parser; expressions: Expressions }> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      return resolved.url.endsWith('.json') ? { ...resolved, importAttributes: { type: 'json' } } : resolved;
    },
  });
  try {
    return { parser: await import('@actions/workflow-parser'), expressions: await import('@actions/expressions') };
  } finally {
    hooks.deregister();
  }
}
