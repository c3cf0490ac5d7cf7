// SPDX-License-Identifier: Apache-2.0
// Commands that a hint shows and a person pastes, or that a shell elsewhere is given.

/** `text` as one word of a POSIX shell, whatever it holds. */
export function quoteWord(text: string): string {
  return /^[A-Za-z0-9_./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
