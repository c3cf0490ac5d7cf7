// SPDX-License-Identifier: Apache-2.0
// Scopes of tokens.

/** Scope of a repository, actions joined by comma (distribution: docs/content/spec/auth/scope.md). */
export function repositoryScope(name: string, actions: string): string {
  return `repository:${name}:${actions}`;
}
