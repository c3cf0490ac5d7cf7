// SPDX-License-Identifier: Apache-2.0
// Patterns of refs and identities, always matched against the whole text.

const longest = 1024;

/** A ref pattern: `*` is any run without `/`, `**` any run; everything else is itself. */
export function matchesRef(pattern: string, ref: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('**', '\u0000').replaceAll('*', '[^/]*').replaceAll('\u0000', '.*');
  return ref.length <= longest && new RegExp(`^${source}$`, 'u').test(ref);
}

/** Whether `text` is a regular expression by itself. `a)|(b` is not, though it would be one between parentheses, and escape the anchors. */
export function isExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}

/** Whether the whole of `identity` matches the regular expression. */
export function matchesIdentity(expression: string, identity: string): boolean {
  return identity.length <= longest && new RegExp(`^(?:${expression})$`, 'u').test(identity);
}
